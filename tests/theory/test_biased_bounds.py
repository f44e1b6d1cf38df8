"""Bounds for masks without reweighting, against exact recursions and against all paths of a small instance."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory import biased_bounds as biased
from theory import mean_field
from theory.measurement import Array

POSITIVE = st.fractions(Fraction(1, 10), Fraction(4), max_denominator=20)
SMALL = st.fractions(Fraction(0), Fraction(3), max_denominator=20)
SHARES = st.fractions(Fraction(1, 10), Fraction(1), max_denominator=10)
STEPS = st.fractions(Fraction(1, 10), Fraction(19, 10), max_denominator=10)
ROUNDED = 2.0**-40
"""At most 12 steps of a few roundings, and quotients that cost a factor 1000."""


@given(POSITIVE, STEPS, SHARES, SMALL, SMALL)
def test_uniform_masks_on_the_quadratic(
    L: Fraction, x: Fraction, share: Fraction, start: Fraction, sigma2: Fraction
) -> None:
    # E |w'|^2 = (1 - share) |w|^2 + share ((1 - x)^2 |w|^2 + eta^2 sigma^2), a = L^2 |w|^2, gap = a / (2 L).
    eta = x / L
    for noise in (Fraction(0), sigma2):
        a, total = start, Fraction(0)
        common = {"L": float(L), "gap": float(start / (2 * L)), "stepsize": float(eta)}
        for T in range(1, 13):
            total += a
            horizon, mean = np.array([T]), float(total / T)
            settings = {**common, "sigma2": float(noise), "noise_share": float(share)}
            plain = biased.independent_mask_bound(horizon, least_inclusion=float(share), **settings)[0]
            assert mean <= plain * (1 + ROUNDED)
            weighted = biased.independent_mask_bound(horizon, **settings)[0]
            assert float(share) * mean <= weighted * (1 + ROUNDED)
            if noise == 0:
                assert plain == pytest.approx(mean, rel=ROUNDED)
                full = biased.full_gradient_bound(horizon, share=float(share), **common)[0]
                assert full == pytest.approx(mean, rel=ROUNDED)
            a = (1 - share * x * (2 - x)) * a + share * x**2 * noise


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=6), st.integers(1, 6), STEPS)
def test_top_k_descent_on_the_quadratic(w: list[int], k: int, x: Fraction) -> None:
    point, k = [Fraction(value) for value in w], min(k, len(w))
    gap, total = sum(value**2 for value in point) / Fraction(2), Fraction(0)
    common = {"L": 1.0, "stepsize": float(x), "share": k / len(w)}
    for T in range(1, 9):
        last = biased.full_gradient_pl_bound(np.array([T - 1]), mu=1.0, gap=float(gap), **common)[0]
        now = sum(value**2 for value in point)
        assert float(now / 2) <= last * (1 + ROUNDED) + ROUNDED * float(gap)
        total += now
        assert float(total / T) <= biased.full_gradient_bound(np.array([T]), gap=float(gap), **common)[0] * (
            1 + ROUNDED
        )
        largest = sorted(range(len(w)), key=lambda j: -abs(point[j]))[:k]
        point = [value * (1 - x) if j in largest else value for j, value in enumerate(point)]


def test_top_k_attains_its_contraction_where_all_coordinates_are_equal() -> None:
    found = biased.full_gradient_pl_bound(np.array([1.0]), L=2.0, mu=2.0, gap=3.0, stepsize=0.5, share=0.25)
    assert found.tolist() == [2.25]  # one of four equal coordinates becomes 0


Paths = tuple[Array, Array, Array]


def all_paths(eta: float, mix: float, steps: int) -> list[tuple[Array, Array, Array]]:
    """AMSS on |w|^2 / 2 in R^2 with k = 1: points (P, 2), probabilities (P,), and D at the points (P, 2), step by step.

    Noise: 3 with probability 1/10 or -1/3 in the first coordinate, +-1 in the second; sizes mix / 2 + (1 - mix) q.
    """
    noise = [(Fraction(value), sign, p / 2) for value, p in mean_field.two_point(Fraction(1, 10)) for sign in (-1, 1)]
    w, probability, found = np.array([[2.0, -1.0]]), np.ones(1), []
    for _ in range(steps):
        points, chances, inclusion = [], [], np.zeros_like(w)
        for first, second, p in noise:
            g = w + np.array([float(first), float(second)])
            pi = mix / 2 + (1 - mix) * g**2 / (g**2).sum(1, keepdims=True)
            inclusion += float(p) * pi
            for unit in (0, 1):
                points.append(w - eta * g * (np.arange(2) == unit))
                chances.append(probability * float(p) * pi[:, unit])
        found.append((w, probability, inclusion))
        w, probability = np.concatenate(points), np.concatenate(chances)
    return found


@pytest.mark.parametrize("eta", [0.2, 0.1, 0.01])
def test_self_importance_on_all_paths(eta: float) -> None:
    # sigma^2 = 2, L = mu = 1, sizes at least 1/4.
    common = {"L": 1.0, "gap": 2.5, "stepsize": eta, "sigma2": 2.0, "least_inclusion": 0.25}
    weighted = plain = 0.0
    for t, (w, probability, inclusion) in enumerate(all_paths(eta, 0.5, 5)):
        last = biased.pl_self_importance_bound(np.array([t]), mu=1.0, **common)[0]
        assert probability @ (w**2).sum(1) / 2 <= last * (1 + ROUNDED)
        weighted += probability @ (inclusion * w**2).sum(1)
        plain += probability @ (w**2).sum(1)
        horizon = np.array([t + 1])
        assert weighted / (t + 1) <= biased.self_importance_bound(horizon, **common)[0]
        assert plain / (t + 1) <= biased.self_importance_bound(horizon, plain=True, **common)[0]
        looser = biased.biased_abc_bound(
            horizon, L=1.0, gap=2.5, stepsize=eta, abc=(0.0, 1.0, 2.0), alignment=0.125, misalignment=1.0
        )
        assert plain / (t + 1) <= looser[0]


def test_the_floor_of_self_importance_is_where_the_mean_field_stands_still() -> None:
    low, _ = mean_field.root(Fraction(1, 10))
    pairs = [(Fraction(low) + value, p) for value, p in mean_field.two_point(Fraction(1, 10))]
    d = sum(p * x**2 / (x**2 + 1) for x, p in pairs)
    kappa = float(d * low**2)  # c = -d w there
    found = biased.self_importance_bound(
        np.array([1e12]), L=1.0, gap=1.0, stepsize=1e-6, sigma2=2.0, least_inclusion=0.25, bias=kappa
    )[0]
    # 2 gap / (p T) = 2e-6, L eta sigma^2 = 2e-6, and the quotient by 1 - 4e-6.
    assert kappa < found <= (kappa + 4e-6) * (1 + 5e-6)


@given(POSITIVE, SHARES, st.fractions(0, Fraction(9, 10), max_denominator=10), SMALL, SMALL, SMALL)
def test_a_relative_bias_on_the_quadratic(
    L: Fraction, share: Fraction, part: Fraction, growth: Fraction, sigma2: Fraction, start: Fraction
) -> None:
    # b = -part grad F, so m = part^2; the noise has all that is allowed.
    eta = share / (L * (1 + growth)) * (1 - Fraction(1, 2**50))
    a, total, gap = start, Fraction(0), start / (2 * L)
    common = {
        "L": float(L),
        "gap": float(gap),
        "stepsize": float(eta),
        "relative": float(part**2),
        "offset": 0.0,
        "noise_growth": float(growth),
        "sigma2": float(sigma2),
    }
    for T in range(1, 9):
        last = biased.pl_biased_bound(np.array([T - 1]), mu=float(L), **common)[0]
        assert float(a / (2 * L)) <= last * (1 + ROUNDED) + ROUNDED * float(gap)
        total += a
        assert float(total / T) <= biased.biased_bound(np.array([T]), **common)[0] * (1 + ROUNDED)
        a = (1 - eta * L * (1 - part)) ** 2 * a + L**2 * eta**2 * (growth * (1 - part) ** 2 * a + sigma2)


def test_a_relative_bias_attains_its_bound_at_the_full_step() -> None:
    constants = {"relative": 0.25, "offset": 0.0, "noise_growth": 0.0, "sigma2": 0.0}
    found = biased.biased_bound(np.array([2.0, 4.0]), L=1.0, gap=1.0, stepsize=1.0, **constants)
    assert found == pytest.approx([1.25, 0.6640625], rel=1e-14)  # a_t = 2 / 4^t


@given(st.fractions(-3, 3, max_denominator=10), st.fractions(-3, 3, max_denominator=10), SHARES)
def test_a_constant_bias_in_one_dimension(start: Fraction, offset: Fraction, share: Fraction) -> None:
    w, total = start, Fraction(0)
    constants = {"relative": 0.0, "offset": float(offset**2), "noise_growth": 0.0, "sigma2": 0.0}
    for T in range(1, 9):
        total += w**2
        found = biased.biased_bound(np.array([T]), L=1.0, gap=float(start**2 / 2), stepsize=float(share), **constants)
        assert float(total / T) <= found[0] * (1 + ROUNDED) + ROUNDED * float(offset**2)
        w -= share * (w + offset)


@given(POSITIVE, SHARES, SHARES, SMALL, SMALL, SMALL)
def test_the_biased_abc_bound_on_the_quadratic(
    b: Fraction, share: Fraction, start: Fraction, A: Fraction, growth: Fraction, C: Fraction
) -> None:
    # L = 1: E g = b grad F and E |g|^2 is all that is allowed, with B = b^2 + growth.
    B = b**2 + growth
    eta, gap = share * 2 * b / B * Fraction(99, 100), start / 2
    a, total, weights = start, Fraction(0), Fraction(0)
    for t in range(8):
        p = 1 / (1 + A * eta**2) ** (t + 1)
        total, weights = total + p * a, weights + p
        bound = biased.biased_abc_bound(
            np.array([t + 1]),
            L=1.0,
            gap=float(gap),
            stepsize=float(eta),
            abc=(float(A), float(B), float(C)),
            alignment=float(b),
            misalignment=0.0,
        )
        assert float(total / weights) <= bound[0] * (1 + ROUNDED)
        a += -2 * eta * b * a + eta**2 * (A * a + B * a + C)


ONE = np.array([1.0])
BIASED = {"L": 2.0, "gap": 1.0, "offset": 0.0, "sigma2": 1.0}


@pytest.mark.parametrize(
    ("refused", "rule"),
    [
        (lambda: biased.full_gradient_bound(ONE, L=2.0, gap=1.0, stepsize=1.0, share=0.5), r"\(0, 2/L\)"),
        (
            lambda: biased.full_gradient_bound(ONE, L=2.0, gap=1.0, stepsize=0.5, share=0.0),
            r"k / n must be in \(0, 1\]",
        ),
        (lambda: biased.full_gradient_pl_bound(ONE, L=2.0, mu=1.0, gap=1.0, stepsize=1.0, share=0.5), r"\(0, 2/L\)"),
        (lambda: biased.independent_mask_bound(ONE, L=2.0, gap=1.0, stepsize=1.0, sigma2=1.0), r"\(0, 2/L\)"),
        (
            lambda: biased.independent_mask_bound(ONE, L=2.0, gap=1.0, stepsize=0.5, sigma2=1.0, least_inclusion=0.0),
            r"d_min must be in \(0, 1\]",
        ),
        (
            lambda: biased.independent_mask_bound(ONE, L=2.0, gap=1.0, stepsize=0.5, sigma2=1.0, noise_share=1.5),
            r"share must be in \(0, 1\]",
        ),
        (
            lambda: biased.self_importance_bound(ONE, L=2.0, gap=1.0, stepsize=0.25, sigma2=1.0, least_inclusion=0.5),
            r"\(0, d_min/L\)",
        ),
        (
            lambda: biased.biased_bound(ONE, stepsize=0.3, relative=0.5, noise_growth=1.0, **BIASED),
            r"\(0, 1/\(\(M \+ 1\) L\)\]",
        ),
        (
            lambda: biased.biased_bound(ONE, stepsize=0.1, relative=1.0, noise_growth=0.0, **BIASED),
            r"m must be in \[0, 1",
        ),
        (
            lambda: biased.biased_abc_bound(
                ONE, L=2.0, gap=1.0, stepsize=0.5, abc=(0.0, 1.0, 1.0), alignment=0.5, misalignment=0.0
            ),
            r"2 b/\(L B\)",
        ),
        (
            lambda: biased.biased_abc_bound(
                ONE, L=2.0, gap=1.0, stepsize=0.5, abc=(0.0, 1.0, 1.0), alignment=0.0, misalignment=0.0
            ),
            "b must be positive",
        ),
    ],
)
def test_what_is_outside_the_hypotheses_is_refused(refused: Callable[[], object], rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        refused()


def test_the_universal_bias_holds_and_is_the_default() -> None:
    settings = {"L": 1.0, "gap": 1.0, "stepsize": 0.1, "sigma2": 2.0, "least_inclusion": 0.25}
    stated = biased.self_importance_bound(ONE, bias=biased.universal_bias(2.0) / 0.25, **settings)
    assert biased.self_importance_bound(ONE, **settings) == stated
