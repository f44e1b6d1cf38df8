"""The constant of PLSine, by the grid that its docstring refers to, and its sharpness."""

import numpy as np

from simulations.objectives.pl_sine import POLYAK_LOJASIEWICZ

SPACING = 2.0**-15


def least_margin(mu: float) -> float:
    """The smallest phi = f'^2 - 2 mu f on a grid over [1/2, 4]."""
    x = np.arange(0.5, 4 + SPACING, SPACING)
    return float(((2 * x + 3 * np.sin(2 * x)) ** 2 - 2 * mu * (x * x + 3 * np.sin(x) ** 2)).min())


def test_the_constant_holds_between_the_points_of_the_grid() -> None:
    # phi moves by at most 180 SPACING / 2 to the nearest point. Terms are below 2^7 in size, with fewer than 16
    # operations (sines to one unit in the last place): 2^-40 covers rounding.
    assert least_margin(POLYAK_LOJASIEWICZ) > 90 * SPACING + 2.0**-40


def test_the_constant_is_nearly_the_best() -> None:
    assert least_margin(0.1756) < -(2.0**-40)
