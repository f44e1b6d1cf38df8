"""The coefficients of the expansion, against differences of the mean masked gradient itself."""

from fractions import Fraction

import pytest

from theory.divergence import PUBLISHED, STEEP, Interpolating
from theory.growth import Exponent, across, bend, masked, unbiased

STEP = Fraction(1, 10**6)


def mean_field(instance: Interpolating, x: list[Fraction]) -> list[Fraction]:
    """E of the 0/1 mask of one unit by squared gradients, from its definition."""
    total = [Fraction(0)] * 3
    for i in range(3):
        g = instance.gradient(i, x)
        squares = sum(value * value for value in g)
        total = [t + value * value / squares * value / 3 for t, value in zip(total, g, strict=True)]
    return total


def moved(direction: tuple[int, int, int], by: Fraction) -> list[Fraction]:
    return [1 + by * d for d in direction]


@pytest.mark.parametrize("instance", [STEEP, PUBLISHED])
def test_the_derivative_across_the_diagonal(instance: Interpolating) -> None:
    direction = (1, -1, 0)
    ahead, behind = (mean_field(instance, moved(direction, sign * STEP)) for sign in (1, -1))
    found = (ahead[0] - behind[0]) / (2 * STEP)
    # The error is a third derivative times STEP^2 / 6, and the derivatives here are below 10^6.
    assert abs(found - across(instance)) < Fraction(1, 10**6)


@pytest.mark.parametrize("instance", [STEEP, PUBLISHED])
def test_the_second_derivative_of_the_mean_entry(instance: Interpolating) -> None:
    found = Fraction(0)
    for direction, squares in (((1, -1, 0), 2), ((1, 1, -2), 6)):
        values = [sum(mean_field(instance, moved(direction, by)), Fraction(0)) / 3 for by in (-STEP, 0 * STEP, STEP)]
        found += (values[0] - 2 * values[1] + values[2]) / STEP**2 / squares
    assert abs(found - bend(instance)) < Fraction(1, 10**4)


def test_the_limits_are_the_slopes() -> None:
    assert masked(STEEP).limit == Fraction(11269, 5529)
    assert unbiased(STEEP, Fraction(1, 2)).limit == Fraction(-11, 3)
    assert masked(PUBLISHED).limit < 0


def test_a_uniform_mask_has_the_second_moment_of_its_weights() -> None:
    # pi = 1/3: E m^2 = (3 |g|^2) / 9, so the change is -|g|^2 / 6.
    assert unbiased(STEEP, Fraction(1)).change == -Fraction(31**2 + 2 * 21**2, 6)


def test_the_value_at_a_step() -> None:
    assert Exponent(Fraction(1), Fraction(2)).at(Fraction(1, 2)) == 2
