"""The facts about the mean field of AMSS that the counterexample rests on, each tried on points of its own."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from theory import mean_field

P = Fraction(1, 10)
REALS = st.floats(-20, 20)
SKEWS = st.sampled_from([Fraction(1, 10), Fraction(1, 2), Fraction(1, 5), Fraction(9, 10), Fraction(4, 13)])


def phi(x: float, y: float) -> float:
    return x**3 / (x * x + y * y) if x or y else 0.0


def gradient(x: float, y: float) -> tuple[float, float]:
    u = x * x / (x * x + y * y)
    return u * (3 - 2 * u), -2 * u * x * y / (x * x + y * y)


@given(SKEWS)
def test_the_support_has_mean_zero_and_variance_one(p: Fraction) -> None:
    support = mean_field.two_point(p)
    assert sum(v * c for v, c in support) == 0
    assert sum(v * v * c for v, c in support) == 1


def test_an_irrational_support_is_refused() -> None:
    with pytest.raises(ValueError, match="must be rational, found p=1/3"):
        mean_field.two_point(Fraction(1, 3))


@given(SKEWS.filter(lambda p: p < Fraction(1, 2)))
def test_the_root_is_bracketed_left_of_the_optimum(p: Fraction) -> None:
    low, high = mean_field.root(p)
    assert high - low <= Fraction(1, 2**40)
    assert mean_field.drift(low, p) < 0 <= mean_field.drift(high, p)
    assert high < 0 < mean_field.drift(Fraction(0), p)


def test_the_known_values_come_out() -> None:
    low, high = mean_field.root(P)
    assert mean_field.drift(Fraction(0), P) == Fraction(6, 25)
    assert Fraction(-39482, 100000) < low < high < Fraction(-39480, 100000)
    assert mean_field.least_energy(0.0, P) == pytest.approx(64 / 1875, rel=2.0**-48)


@given(st.fractions(-5, 5, max_denominator=99), st.fractions(Fraction(1, 99), 5, max_denominator=99), SKEWS)
def test_the_drift_increases_and_is_no_steeper_than_stated(w: Fraction, step: Fraction, p: Fraction) -> None:
    rise = mean_field.drift(w + step, p) - mean_field.drift(w, p)
    assert 0 < rise <= mean_field.SLOPE * step


@given(st.floats(0, math.pi), st.floats(0.01, 100))
def test_the_gradient_of_phi_has_the_stated_length(theta: float, r: float) -> None:
    u = math.cos(theta) ** 2
    length = math.hypot(*gradient(r * math.cos(theta), r * math.sin(theta))) ** 2
    assert length == pytest.approx(u * u * (9 - 8 * u), rel=1e-9, abs=1e-12)  # u is rounded before and after r
    assert length <= float(mean_field.LIPSCHITZ_SQUARED) * (1 + 1e-12)


def test_the_lipschitz_constant_is_attained() -> None:
    assert math.hypot(*gradient(math.sqrt(0.75), 0.5)) ** 2 == pytest.approx(27 / 16, rel=1e-15)


@given(REALS, st.sampled_from([-1.0, 1.0]), REALS, REALS)
def test_the_remainder_is_within_the_stated_curvature(x: float, y: float, dx: float, dy: float) -> None:
    slope = gradient(x, y)
    remainder = phi(x + dx, y + dy) - phi(x, y) - slope[0] * dx - slope[1] * dy
    # Terms of size at most 100, a few roundings each.
    assert abs(remainder) <= mean_field.CURVATURE * (dx * dx + dy * dy) + 1e-12


@given(st.floats(0.0, 0.2))
def test_the_location_is_the_set_of_small_drifts(slack: float) -> None:
    low, high = mean_field.location(slack, P)
    root = float(mean_field.root(P)[0])
    assert low <= root + 1e-9
    assert high >= root - 1e-9
    # 60 halvings of a range of a few units, then one evaluation in floats.
    assert mean_field.drift(low, P) == pytest.approx(-slack, abs=1e-13)
    assert mean_field.drift(high, P) == pytest.approx(slack, abs=1e-13)


def test_no_floor_is_promised_where_the_residual_eats_it() -> None:
    assert mean_field.least_energy(0.24, P) == 0.0
    assert mean_field.least_energy(0.3, P) == 0.0


@pytest.mark.parametrize("radius", [0.05, 0.7, 2.0, 5.0])
@pytest.mark.parametrize("angle", [0.0, 0.4, math.pi / 4])
def test_gaussian_noise_leaves_half_the_pull(radius: float, angle: float) -> None:
    # E <w, phi(g)> in polar coordinates of g, where the integrand is analytic: the trapezoid rule in the angle and
    # Gauss-Legendre in the radius (up to 12 beyond w, the rest is below exp(-72)) reach the last digits.
    nodes, weights = np.polynomial.legendre.leggauss(200)
    end = radius + 12
    r, theta = end / 2 * (nodes[:, None] + 1), 2 * math.pi * np.arange(256) / 256
    w = radius * math.cos(angle), radius * math.sin(angle)
    x, y = r * np.cos(theta), r * np.sin(theta)
    density = np.exp(-((x - w[0]) ** 2 + (y - w[1]) ** 2) / 2) / 256 * r * end / 2 * weights[:, None]
    pull = float((density * r * (w[0] * np.cos(theta) ** 3 + w[1] * np.sin(theta) ** 3)).sum())
    psi = radius**3 / 6 * float(special.hyp1f1(1, 4, -(radius**2) / 2))
    formula = 0.75 * radius**2 + radius / 4 * psi * math.cos(4 * angle)
    assert pull == pytest.approx(formula, rel=1e-11)
    assert 0 < psi <= radius
    assert formula >= radius**2 / 2


@given(st.floats(1e-4, 0.9), st.integers(1, 500), st.floats(0.1, 4))
def test_the_gaussian_average_is_that_of_its_recursion(stepsize: float, horizon: int, sigma2: float) -> None:
    a = total = 0.0
    for _ in range(horizon):
        total += a
        a = (1 - stepsize + stepsize**2) * a + stepsize**2 * sigma2
    ceiling = stepsize * sigma2 / (1 - stepsize)
    found = mean_field.gaussian_average(horizon, stepsize, sigma2)
    # The closed form subtracts two numbers of size `ceiling`; 1 - rho^T costs 2^-53 T / (T (1 - rho)).
    assert found == pytest.approx(total / horizon, rel=1e-9, abs=ceiling * 2.0**-50 / (stepsize * (1 - stepsize)))
    assert found <= ceiling


@pytest.mark.parametrize("stepsize", [0.0, 1.0])
def test_the_gaussian_bound_needs_a_small_step(stepsize: float) -> None:
    with pytest.raises(ValueError, match=r"stepsize in \(0, 1\)"):
        mean_field.gaussian_average(10, stepsize, 2.0)
