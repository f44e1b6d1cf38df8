"""The constants behind the place of the released weights hold, exactly or on a grid."""

from fractions import Fraction

import numpy as np

from theory.released_field import root
from theory.released_settling import LIPSCHITZ_SQUARED, drift, least_energy, location

P = Fraction(1, 10)


def test_the_lipschitz_constant_by_its_polynomial() -> None:
    for i in range(21):
        u = Fraction(i, 20)
        gap = LIPSCHITZ_SQUARED * (1 + 2 * u) ** 4 - (36 * u**2 + 16 * u**3 - 16 * u**4)
        assert gap == (u - Fraction(1, 2)) ** 2 * (26 * u**2 + 30 * u + Fraction(5, 2))


def test_gradient_and_curvature_stay_below_their_bounds() -> None:
    angle = np.linspace(0, np.pi, 20001)
    c, s = np.cos(angle), np.sin(angle)
    f = 2 * c**3 / (1 + 2 * c**2)
    slope = -s * (6 * c**2 + 4 * c**4) / (1 + 2 * c**2) ** 2
    assert (f**2 + slope**2).max() <= float(LIPSCHITZ_SQUARED) + 1e-12
    curvature = 12 * c * (1 - 2 * c**2) / (1 + 2 * c**2) ** 3
    assert np.abs(curvature).max() <= 2
    # f + f'' from its closed form, against differences of f'.
    assert np.allclose(np.gradient(slope, angle)[1:-1] + f[1:-1], curvature[1:-1], atol=1e-6)


def test_the_place_lies_in_its_interval_and_zero_beyond() -> None:
    low, high = location(0.02, P)
    assert low < float(root(P)[0]) < high < 0
    assert abs(drift(low, P) + 0.02) < 1e-12 and abs(drift(high, P) - 0.02) < 1e-12


def test_no_floor_is_left_where_the_residual_is_the_drift() -> None:
    assert least_energy(1 / 7, P) < 1e-30
    assert least_energy(1.0, P) == 0
