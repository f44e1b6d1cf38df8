"""Convex and strongly convex rates, and the lower bound for fixed steps, against the exact oracle."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory import bounds, convex_bounds, lower_bounds, oracles

POSITIVE = st.fractions(Fraction(1, 10), Fraction(4), max_denominator=20)
SMALL = st.fractions(Fraction(0), Fraction(3), max_denominator=20)
SHARES = st.fractions(Fraction(1, 20), Fraction(19, 20), max_denominator=20)
ROUNDED = 2.0**-40
"""At most 40 steps of a few roundings, and quotients that cost a factor 40."""


@given(POSITIVE, SHARES, SHARES, SMALL, SMALL, SMALL, st.fractions(1, 8, max_denominator=2))
def test_a_quadratic_of_two_curvatures_keeps_both_rates(
    L: Fraction, part: Fraction, share: Fraction, x: Fraction, y: Fraction, sigma2: Fraction, factor: Fraction
) -> None:
    # F = (m x^2 + L y^2) / 2 with uniform masks: every coordinate has its own factor, the noise is all in one of them.
    m, eta = part * L, 2 * share / (L * factor)
    rho = [1 - 2 * eta * c + eta**2 * factor * c**2 for c in (m, L)]
    start = x**2 + y**2
    settings = {"L": float(L), "distance2": float(start), "stepsize": float(eta), "factor": float(factor)}
    strong = {**settings, "sigma2": float(sigma2), "convexity": float(m)}
    squares, values = [x**2, y**2], Fraction(0)
    for t in range(12):
        bound = convex_bounds.strongly_convex_bound(np.array([t]), **strong)[0]
        assert float(sum(squares)) <= bound * (1 + ROUNDED) + ROUNDED * float(start)
        values += (m * squares[0] + L * squares[1]) / 2
        if share <= Fraction(19, 40):
            convex = convex_bounds.convex_bound(np.array([t + 1]), sigma2=float(sigma2), **settings)[0]
            assert float(values / (t + 1)) <= convex * (1 + ROUNDED)
        squares = [rho[0] * squares[0] + eta**2 * factor * sigma2, rho[1] * squares[1]]


@given(POSITIVE, SHARES, SMALL, SMALL, st.fractions(1, 8, max_denominator=2))
def test_the_isotropic_quadratic_attains_the_strongly_convex_rate(
    L: Fraction, share: Fraction, start: Fraction, sigma2: Fraction, factor: Fraction
) -> None:
    eta, distance = 2 * share / (L * factor), start
    rate = 1 - 2 * eta * L + eta**2 * factor * L**2
    for t in range(12):
        bound = convex_bounds.strongly_convex_bound(
            np.array([t]),
            L=float(L),
            convexity=float(L),
            distance2=float(start),
            stepsize=float(eta),
            factor=float(factor),
            sigma2=float(sigma2),
        )[0]
        assert bound == pytest.approx(float(distance), rel=ROUNDED, abs=ROUNDED * float(start))
        distance = rate * distance + eta**2 * factor * sigma2


@given(POSITIVE, st.integers(1, 8), st.fractions(Fraction(1, 50), 3, max_denominator=50), POSITIVE, POSITIVE)
def test_no_fixed_step_beats_the_lower_bound(
    L: Fraction, factor: int, x: Fraction, gap: Fraction, sigma2: Fraction
) -> None:
    # Every step, also those beyond 2 / (L (1 + omega)), where the energy does not decrease.
    eta = x / (L * factor)
    rho, a, total = 1 - 2 * eta * L + eta**2 * L**2 * factor, 2 * L * gap, Fraction(0)
    for T in range(1, 31):
        total += a
        a = rho * a + L**2 * eta**2 * factor * sigma2
        bound = lower_bounds.fixed_step_lower_bound(
            np.array([T]), L=float(L), gap=float(gap), factor=float(factor), sigma2=float(sigma2)
        )[0]
        assert float(total / T) >= bound * (1 - ROUNDED)


@given(POSITIVE, st.integers(1, 8), POSITIVE, POSITIVE, st.sampled_from([1, 10, 1000, 10**6]))
def test_the_lower_bound_in_its_two_forms(L: Fraction, factor: int, gap: Fraction, sigma2: Fraction, T: int) -> None:
    settings = {"L": float(L), "gap": float(gap), "factor": float(factor), "sigma2": float(sigma2)}
    found = lower_bounds.fixed_step_lower_bound(np.array([T]), **settings)[0]
    best = lower_bounds.best_fixed_value(np.array([T]), **settings)[0]
    share = factor * float(sigma2) / T
    assert min(2 * float(L * gap), best - share / 2) * (1 - ROUNDED) <= found <= best
    direct = min(2 * float(L * gap), (np.sqrt(share**2 + 8 * float(L * gap) * share) - share) / 2)
    assert found == pytest.approx(direct, rel=1e-8)  # the difference of the direct form cancels


def test_upper_and_lower_bound_meet() -> None:
    settings = {"L": 2.0, "gap": 3.0, "factor": 4.0, "sigma2": 0.5}
    for T in (1e4, 1e6, 1e8):
        horizon = np.array([T])
        best = lower_bounds.best_fixed_value(horizon, **settings)[0]
        stepsize = float(bounds.tuned_stepsize(horizon, **settings)[0])
        x = stepsize * 2.0 * 4.0
        upper = bounds.sharp_bound(horizon, stepsize=stepsize, **settings)[0]
        attained = oracles.average_energy(horizon, start=12.0, stepsize=stepsize, L=2.0, factor=4.0, sigma2=0.5)[0]
        lower = lower_bounds.fixed_step_lower_bound(horizon, **settings)[0]
        assert lower <= attained <= upper <= best / (1 - x / 2) * (1 + 1e-12)
        assert lower >= best - 1 / T
        assert bounds.tuned_bound(horizon, **settings)[0] >= 2 * best


def test_without_noise_nothing_is_lost() -> None:
    assert lower_bounds.fixed_step_lower_bound(np.array([3.0]), L=1.0, gap=1.0, factor=2.0, sigma2=0.0)[0] == 0.0


ONE = np.array([1.0])


@pytest.mark.parametrize(
    ("refused", "rule"),
    [
        (
            lambda: convex_bounds.convex_bound(ONE, L=2.0, distance2=1.0, stepsize=0.26, factor=2.0, sigma2=0.0),
            r"1/\(L \(1 \+ omega\)\)\]",
        ),
        (
            lambda: convex_bounds.strongly_convex_rate(L=2.0, convexity=2.1, stepsize=0.1, factor=1.0),
            r"m must be in \(0, L",
        ),
        (
            lambda: convex_bounds.strongly_convex_rate(L=2.0, convexity=0.0, stepsize=0.1, factor=1.0),
            r"m must be in \(0, L",
        ),
        (
            lambda: convex_bounds.strongly_convex_rate(L=2.0, convexity=1.0, stepsize=0.5, factor=2.0),
            r"2/\(L \(1 \+ omega\)\)\)",
        ),
        (
            lambda: lower_bounds.fixed_step_lower_bound(0 * ONE, L=1.0, gap=1.0, factor=1.0, sigma2=1.0),
            "horizon must be at least 1",
        ),
    ],
)
def test_what_is_outside_the_hypotheses_is_refused(refused: Callable[[], object], rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        refused()
