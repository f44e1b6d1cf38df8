"""The non-convex bound, and the second-moment factor that it takes."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from amss_min.designs import Poisson, Systematic, TopK
from amss_min.importance import GradientNorm, SquaredGradient
from amss_min.weightings import HorvitzThompson, Indicator
from simulations.methods import METHODS, Method
from theory import oracles
from theory.bounds import (
    largest_stepsize,
    nonconvex_bound,
    second_moment_factor,
    sharp_bound,
    tuned_bound,
    tuned_stepsize,
)
from theory.measurement import Array

SHARES = st.floats(0.01, 1.0)
NUMBERS = st.just(0.0) | st.floats(1e-100, 5)  # where products underflow, relative bounds say nothing
NORMS = st.lists(st.just(0.0) | st.floats(1e-6, 1e6), min_size=1, max_size=8)


@given(st.floats(0.1, 10), st.floats(1, 10), SHARES, NUMBERS, NUMBERS, st.integers(1, 200))
def test_the_bracket_only_improves_the_textbook_bound(
    L: float, factor: float, share: float, gap: float, sigma2: float, T: int
) -> None:
    stepsize = share / (L * factor) * (1 - 2.0**-50)
    found = float(nonconvex_bound(np.array([T]), L=L, gap=gap, stepsize=stepsize, factor=factor, sigma2=sigma2)[0])
    textbook = 2 * gap / (stepsize * T) + L * stepsize * factor * sigma2
    # A handful of roundings on each side.
    assert found <= textbook * (1 + 2.0**-45)
    direct = 2 * gap * (1 - (1 - stepsize * L) ** T) / (stepsize * T) + L * stepsize * factor * sigma2
    assert found == pytest.approx(direct, rel=1e-11)  # 1 - (1 - x)^T cancels at a cost of 2^-52 / x, x >= 1e-3


@given(st.floats(0.1, 10), st.integers(1, 8), SHARES, st.floats(0.01, 5), NUMBERS, st.integers(1, 200))
def test_the_quadratic_stays_below_the_bound_and_attains_it_without_noise(
    L: float, quotient: int, share: float, start: float, sigma2: float, T: int
) -> None:
    # On (L/2) |w|^2 the average is known exactly, and gap = |grad F(w_0)|^2 / (2 L).
    limit = largest_stepsize(L, quotient)
    for noise, stepsize, attained in ((sigma2, share * limit * (1 - 2.0**-50), False), (0.0, limit, True)):
        constants = {"L": L, "stepsize": stepsize, "factor": float(quotient), "sigma2": noise}
        bound = float(nonconvex_bound(np.array([T]), gap=start / (2 * L), **constants)[0])
        exact = float(oracles.average_energy(np.array([T]), start=start, **constants)[0])
        # 1 - rho^T cancels, at a relative cost of 2^-53 over 1 - rho >= 0.01 / 8.
        assert exact <= bound * (1 + 1e-11)
        if attained:
            assert exact == pytest.approx(bound, rel=1e-11)


@given(st.floats(0.1, 10), st.integers(1, 8), SHARES, st.floats(0.01, 5), NUMBERS, st.integers(1, 200))
def test_the_sharp_bound_is_the_oracle_but_for_a_term_of_order_one_over_t(
    L: float, quotient: int, share: float, start: float, sigma2: float, T: int
) -> None:
    stepsize = 1.9 * share * largest_stepsize(L, quotient)  # also beyond the limit of the plain bound
    constants = {"L": L, "stepsize": stepsize, "factor": float(quotient), "sigma2": sigma2}
    found = float(sharp_bound(np.array([T]), gap=start / (2 * L), **constants)[0])
    exact = float(oracles.average_energy(np.array([T]), start=start, **constants)[0])
    rho = oracles.contraction(L=L, stepsize=stepsize, factor=float(quotient))
    missing = oracles.settled(**constants) * (1 - rho**T) / (T * (1 - rho))
    # 1 - rho^T cancels, at a relative cost of 2^-53 over 1 - rho >= 1.9 (0.1) (0.01) / 8.
    assert found - missing == pytest.approx(exact, rel=1e-10, abs=1e-10 * found)


@given(st.floats(0.1, 10), st.floats(1, 10), SHARES, NUMBERS, NUMBERS, st.integers(1, 200))
def test_the_sharp_bound_lies_between_the_plain_one_and_its_half(
    L: float, factor: float, share: float, gap: float, sigma2: float, T: int
) -> None:
    stepsize = share * largest_stepsize(L, factor) * (1 - 2.0**-50)
    constants = {"L": L, "gap": gap, "stepsize": stepsize, "factor": factor, "sigma2": sigma2}
    plain, sharp = (float(bound(np.array([T]), **constants)[0]) for bound in (nonconvex_bound, sharp_bound))
    # 1 - x cancels at a cost of 2^-53 over x >= 0.001.
    assert plain / (2 - stepsize * L * factor) * (1 - 1e-11) <= sharp <= plain * (1 + 1e-11)


@given(st.floats(0.1, 10), st.floats(1, 10), st.floats(0.01, 5), NUMBERS, st.integers(1, 10**6))
def test_the_tuned_step_keeps_the_tuned_bound(L: float, factor: float, gap: float, sigma2: float, T: int) -> None:
    horizon, constants = np.array([T]), {"L": L, "gap": gap, "factor": factor, "sigma2": sigma2}
    stepsize = float(tuned_stepsize(horizon, **constants)[0])
    tuned = float(tuned_bound(horizon, **constants)[0])
    assert nonconvex_bound(horizon, stepsize=stepsize, **constants)[0] <= tuned * (1 + 2.0**-45)
    if stepsize < largest_stepsize(L, factor):  # no more is given away than the term in 1 / T
        assert 2 * gap / (stepsize * T) + L * stepsize * factor * sigma2 == pytest.approx(
            tuned - 2 * gap * L * factor / T, rel=1e-9
        )


@pytest.mark.parametrize(
    ("refused", "rule"),
    [
        (
            lambda T: sharp_bound(T, L=2.0, gap=1.0, stepsize=0.25, factor=4.0, sigma2=1.0),
            r"\(0, 2/\(L \(1 \+ omega\)\)\)",
        ),
        (lambda T: sharp_bound(T, L=2.0, gap=1.0, stepsize=0.1, factor=0.5, sigma2=1.0), "at least 1, found 0.5"),
        (
            lambda T: sharp_bound(0 * T, L=2.0, gap=1.0, stepsize=0.1, factor=4.0, sigma2=1.0),
            "horizon must be at least 1",
        ),
        (lambda T: tuned_stepsize(T, L=2.0, gap=0.0, factor=4.0, sigma2=1.0), "gap must be positive"),
    ],
)
def test_what_is_outside_the_hypotheses_is_refused(refused: Callable[[Array], object], rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        refused(np.array([1.0]))


@pytest.mark.parametrize("stepsize", [0.0, -0.1, 0.1251])
def test_a_stepsize_outside_the_hypothesis_is_refused(stepsize: float) -> None:
    with pytest.raises(ValueError, match=r"the stepsize must be in \(0, 1/\(L \(1 \+ omega\)\)\]"):
        nonconvex_bound(np.array([1.0]), L=2.0, gap=1.0, stepsize=stepsize, factor=4.0, sigma2=1.0)


def test_a_full_step_leaves_no_contraction_to_take_the_logarithm_of() -> None:
    assert nonconvex_bound(np.array([2.0]), L=1.0, gap=1.0, stepsize=1.0, factor=1.0, sigma2=0.0)[0] == 1.0


@given(NORMS, st.integers(1, 8), st.floats(0.01, 1.0), st.sampled_from([Systematic(), Poisson()]))
@example([1.0, 1e-6, 1e-6, 1e-6], 2, 0.5, Systematic())  # one dominant unit, capped
@example([1.0, 1.0, 1.0, 0.0], 3, 0.01, Systematic())  # fewer positive units than slots allow
@example([1.0], 1, 0.5, Systematic())
def test_mixed_masks_keep_the_factor_that_is_proved(norms: list[float], k: int, mix: float, design: Systematic) -> None:
    n = len(norms)
    k = min(k, n)
    method = Method("mixed", SquaredGradient(mix), design, HorvitzThompson())
    g = torch.tensor(norms, dtype=torch.float64)
    pi = design.inclusion(SquaredGradient(mix)(g), k)
    energies = [Fraction(value) ** 2 for value in norms]
    spent = sum(e / Fraction(p) for e, p in zip(energies, pi.tolist(), strict=True) if e > 0)
    # Exact but for the sizes themselves, which carry 16 roundings of 2^-53 at most.
    assert spent <= Fraction(second_moment_factor(method, n, k)) * (1 + Fraction(16, 2**53)) * sum(energies)


def test_the_factor_is_attained_by_equal_gradients() -> None:
    method = METHODS["amss+"]
    assert second_moment_factor(method, 8, 2) == pytest.approx(4.0, rel=1e-9)  # the rounding of pi is 2^-40 64
    assert second_moment_factor(METHODS["uniform-ht"], 8, 2) == 4.0
    assert second_moment_factor(METHODS["sgd"], 8, 2) == 1.0


@pytest.mark.parametrize(
    "method",
    [
        METHODS["amss"],
        METHODS["released"],
        Method("top", SquaredGradient(), TopK(), HorvitzThompson()),
        Method("unmixed", SquaredGradient(), Systematic(), HorvitzThompson()),
        Method("norm", GradientNorm(0.5), Systematic(), HorvitzThompson()),
        Method("biased", SquaredGradient(0.5), Systematic(), Indicator()),
    ],
)
def test_a_method_without_a_proved_factor_is_refused(method: Method) -> None:
    with pytest.raises(ValueError, match=f"known here for method '{method.name}'"):
        second_moment_factor(method, 8, 2)
