"""The recursion of averaged masked gradients against plain descent, its fixed point, and its small-step limit."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory import momentum, oracles

POSITIVE = st.fractions(Fraction(1, 10), Fraction(4), max_denominator=20)
BETAS = st.fractions(Fraction(0), Fraction(19, 20), max_denominator=20)
PLACES = st.sampled_from([momentum.before, momentum.after])


@given(PLACES, POSITIVE, POSITIVE, POSITIVE, st.integers(1, 8))
def test_without_an_average_both_places_are_plain_masked_descent(
    place: Callable[..., momentum.Averaged[Fraction]], L: Fraction, x: Fraction, sigma2: Fraction, factor: int
) -> None:
    stepsize = x / (4 * L * factor)
    rule = place(L=L, stepsize=stepsize, beta=Fraction(0), factor=Fraction(factor), sigma2=sigma2)
    W, _, _ = rule.after_step((Fraction(3), Fraction(7), Fraction(-5)))  # what was averaged before does not matter
    settings = {"L": float(L), "stepsize": float(stepsize), "factor": float(factor), "sigma2": float(sigma2)}
    expected = oracles.energy(np.array(1.0), start=float(3 * L**2), **settings)
    assert float(L**2 * W) == pytest.approx(float(expected), rel=1e-13)
    assert float(rule.settled()) == pytest.approx(oracles.settled(**settings), rel=1e-13)


@given(PLACES, POSITIVE, POSITIVE, BETAS, POSITIVE, st.integers(1, 8))
def test_the_settled_value_is_a_fixed_point(
    place: Callable[..., momentum.Averaged[Fraction]],
    L: Fraction,
    x: Fraction,
    beta: Fraction,
    sigma2: Fraction,
    factor: int,
) -> None:
    stepsize = x * (1 - beta) / (8 * L * factor)
    rule = place(L=L, stepsize=stepsize, beta=beta, factor=Fraction(factor), sigma2=sigma2)
    W = rule.settled() / L**2
    # W' = W and X' = X fix V and X, as the docstring says.
    V = L * W / (stepsize * (rule.step_factor / 2 + beta / (1 - beta)))
    X = stepsize * V * (rule.step_factor / 2 - 1)
    assert rule.after_step((W, X, V)) == (W, X, V)


def test_stationary_values_that_are_known() -> None:
    common = {"L": 1.0, "stepsize": 0.02, "beta": 0.9, "sigma2": 1.0}
    # Half a unit of the last printed place.
    assert momentum.before(factor=1.0, **common).settled() == pytest.approx(0.01001, abs=5e-6)
    assert momentum.before(factor=4.0, **common).settled() == pytest.approx(0.04126, abs=5e-6)
    assert momentum.after(factor=4.0, **common).settled() == pytest.approx(0.01194, abs=5e-6)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"beta": 1.0}, r"beta must be in \[0, 1\)"),
        ({"stepsize": 0.0}, "must be positive"),
        ({"factor": 0.5}, "at least 1"),
        ({"stepsize": 50.0}, "must leave a stationary state"),
    ],
)
def test_what_is_outside_the_hypotheses_is_refused(change: dict[str, float], rule: str) -> None:
    settings = {"L": 1.0, "stepsize": 0.02, "beta": 0.9, "factor": 4.0, "sigma2": 1.0, **change}
    with pytest.raises(ValueError, match=rule):
        momentum.before(**settings).settled()
