"""Bounds under ABC and PL, against exact recursions on the isotropic quadratic, where masked descent is known."""

from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory import abc_bounds, bounds
from theory.abc_bounds import ABC

POSITIVE = st.fractions(Fraction(1, 10), Fraction(4), max_denominator=20)
SMALL = st.fractions(Fraction(0), Fraction(3), max_denominator=20)
SHARES = st.fractions(Fraction(1, 20), Fraction(19, 20), max_denominator=20)
SLACK = 1 + 2.0**-40
"""At most 40 steps of a few roundings, and quotients that cost a factor 20."""


def gaps(L: Fraction, gap: Fraction, abc: tuple[Fraction, ...], steps: Iterator[Fraction]) -> Iterator[Fraction]:
    """F(w_t) - F* on (L/2) |w|^2 in the mean, for an unbiased estimator whose second moment is its limit under ABC."""
    A, B, C = abc
    delta = gap
    for eta in steps:
        yield delta
        delta += -eta * 2 * L * delta + L * eta**2 / 2 * (2 * A * delta + B * 2 * L * delta + C)


def constants(L: Fraction, gap: Fraction, abc: tuple[Fraction, ...]) -> dict[str, object]:
    A, B, C = (float(value) for value in abc)
    return {"L": float(L), "gap": float(gap), "abc": (A, B, C)}


@given(POSITIVE, SMALL, SMALL, POSITIVE, SMALL, SHARES)
def test_the_quadratic_keeps_the_weighted_bound(
    L: Fraction, gap: Fraction, A: Fraction, B: Fraction, C: Fraction, share: Fraction
) -> None:
    B += 1
    eta, total, weights = share * 2 / (L * B), Fraction(0), Fraction(0)
    for t, delta in enumerate(gaps(L, gap, (A, B, C), iter([eta] * 12))):
        p = 1 / (1 + L * A * eta**2) ** (t + 1)
        total, weights = total + p * 2 * L * delta, weights + p
        settings = constants(L, gap, (A, B, C))
        bound = abc_bounds.abc_bound(np.array([t + 1]), stepsize=float(eta), **settings)
        assert float(total / weights) <= float(bound[0]) * SLACK
        found = abc_bounds.abc_weights(np.array([t]), L=float(L), A=float(A), stepsize=float(eta))
        assert float(found[0]) == pytest.approx(float(p), rel=1e-13)


def test_without_growth_the_weights_are_equal_and_the_bound_is_the_plain_one() -> None:
    horizon = np.array([1.0, 5.0, 400.0])
    found = abc_bounds.abc_bound(horizon, L=2.0, gap=3.0, stepsize=0.125, abc=abc_bounds.masked((0.0, 1.0, 0.5), 4.0))
    # At eta = 1 / (L (1 + omega)) the bracket is all that the special bound has more.
    special = bounds.nonconvex_bound(horizon, L=2.0, gap=3.0, stepsize=0.125, factor=4.0, sigma2=0.5)
    bracket = 2 * 3.0 * 0.75**horizon / (0.125 * horizon)
    assert found == pytest.approx(special + bracket, rel=1e-14)
    assert abc_bounds.abc_weights(np.arange(4.0), L=2.0, A=0.0, stepsize=0.1).tolist() == [1.0] * 4


@given(POSITIVE, SMALL, SMALL, SMALL, SHARES)
def test_the_quadratic_attains_the_linear_rate(
    L: Fraction, gap: Fraction, B: Fraction, C: Fraction, share: Fraction
) -> None:
    # mu = L on the isotropic quadratic, and A / mu adds to B: equality at every step.
    for abc in ((Fraction(0), B + 1, C), (Fraction(1, 2), B + 1, C)):
        eta = share * 2 / (L * (abc[1] + abc[0] / L))
        for t, delta in enumerate(gaps(L, gap, abc, iter([eta] * 12))):
            settings = constants(L, gap, abc)
            bound = abc_bounds.pl_bound(np.array([t]), mu=float(L), stepsize=float(eta), **settings)
            assert float(bound[0]) == pytest.approx(float(delta), rel=SLACK - 1, abs=2.0**-40 * float(gap))


@given(POSITIVE, SMALL, SMALL, SMALL, SHARES, st.fractions(1, 3, max_denominator=5))
def test_the_quadratic_keeps_the_decreasing_bound(
    L: Fraction, gap: Fraction, B: Fraction, C: Fraction, share: Fraction, slack: Fraction
) -> None:
    mu, abc = share * L, (Fraction(1, 4), B + 1, C)
    least = max(Fraction(2), 2 * L * (abc[1] + abc[0] / mu) / mu)
    settings = constants(L, gap, abc)
    shift = abc_bounds.pl_decreasing_shift(L=float(L), mu=float(mu), abc=settings["abc"])
    assert shift == pytest.approx(float(least), rel=1e-14)
    gamma = slack * least * (1 + Fraction(1, 2**45))
    for t, delta in enumerate(gaps(L, gap, abc, (2 / (mu * (gamma + s)) for s in range(40)))):
        bound = abc_bounds.pl_decreasing_bound(np.array([t]), mu=float(mu), shift=float(gamma), **settings)
        assert float(delta) <= float(bound[0]) * SLACK


@given(POSITIVE, SMALL, SMALL, SMALL, SHARES, st.fractions(1, 4, max_denominator=4))
def test_the_quadratic_keeps_the_bound_with_the_logarithm(
    L: Fraction, gap: Fraction, B: Fraction, C: Fraction, share: Fraction, factor: Fraction
) -> None:
    B += 1
    first = share * 2 / (L * B * factor)
    # Rational lower and upper approximations of the steps would do; floats are close enough for 40 of them.
    steps = abc_bounds.decreasing_stepsizes(np.arange(40.0), first=float(first)).tolist()
    total = weights = 0.0
    found = gaps(L, gap, (Fraction(0), B * factor, C * factor), map(Fraction, steps))
    for t, (eta, delta) in enumerate(zip(steps, map(float, found), strict=True)):
        total, weights = total + eta * 2 * float(L) * delta, weights + eta
        bound = abc_bounds.nonconvex_decreasing_bound(
            np.array([t + 1]),
            L=float(L),
            gap=float(gap),
            first=float(first),
            B=float(B),
            C=float(C),
            factor=float(factor),
        )
        assert total / weights <= float(bound[0]) * SLACK


ONE = np.array([1.0])
UNIT: ABC = (0.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("refused", "rule"),
    [
        (lambda: abc_bounds.abc_bound(ONE, L=2.0, gap=1.0, stepsize=1.0, abc=UNIT), r"2/\(L B\)"),
        (lambda: abc_bounds.abc_bound(ONE, L=2.0, gap=1.0, stepsize=0.0, abc=UNIT), "the stepsize must be in"),
        (lambda: abc_bounds.abc_bound(ONE, L=2.0, gap=1.0, stepsize=0.5, abc=(-1.0, 1.0, 1.0)), "must not be negative"),
        (lambda: abc_bounds.abc_bound(0 * ONE, L=2.0, gap=1.0, stepsize=0.5, abc=UNIT), "horizon must be at least 1"),
        (lambda: abc_bounds.pl_bound(ONE, L=2.0, mu=0.0, gap=1.0, stepsize=0.5, abc=UNIT), r"mu must be in \(0, L\]"),
        (lambda: abc_bounds.pl_bound(ONE, L=2.0, mu=2.1, gap=1.0, stepsize=0.5, abc=UNIT), r"mu must be in \(0, L\]"),
        (
            lambda: abc_bounds.pl_bound(ONE, L=2.0, mu=1.0, gap=1.0, stepsize=0.5, abc=(1.0, 1.0, 0.0)),
            r"2/\(L \(B \+ A/mu\)\)",
        ),
        (
            lambda: abc_bounds.pl_decreasing_bound(ONE, L=2.0, mu=1.0, gap=1.0, shift=3.9, abc=UNIT),
            "gamma must be at least",
        ),
        (
            lambda: abc_bounds.nonconvex_decreasing_bound(ONE, L=2.0, gap=1.0, first=0.5, B=1.0, C=1.0, factor=2.0),
            r"2/\(L B\)",
        ),
    ],
)
def test_what_is_outside_the_hypotheses_is_refused(refused: Callable[[], object], rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        refused()


def test_without_a_limit_any_step_makes_progress() -> None:
    assert abc_bounds.abc_bound(ONE, L=1.0, gap=1.0, stepsize=50.0, abc=(1.0, 0.0, 0.0))[0] > 0
