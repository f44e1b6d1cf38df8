"""The coefficients of the expansion, against exact differences of the mean field, and the known values."""

from fractions import Fraction

import pytest

from theory.joint_settling import Settling
from theory.joint_symmetry import drift

STEP = Fraction(1, 10**6)


def mean_entry(w: list[Fraction], small: Fraction) -> Fraction:
    """(1 / n) sum_j h_j(w), over both signs and all places of the large value."""
    n, total = len(w), Fraction(0)
    for sign in (1, -1):
        for place in range(n):
            g = [x + sign * (1 if j == place else small) for j, x in enumerate(w)]
            total += sum((x**3 for x in g), Fraction(0)) / sum((x**2 for x in g), Fraction(0))
    return total / (2 * n) / n


def test_the_second_derivative_along_the_diagonal() -> None:
    found = Settling()
    t = found._place
    second = (drift(t + STEP) - 2 * drift(t) + drift(t - STEP)) / STEP**2
    assert float(found._second) == pytest.approx(float(second), rel=1e-6)


def test_the_trace_of_the_second_derivative() -> None:
    small = Settling(n=5, small=Fraction(1, 10))
    t = small._place
    total = Fraction(0)
    for unit in range(5):
        values = [mean_entry([t + (by if j == unit else 0) for j in range(5)], small.small) for by in (-STEP, 0, STEP)]
        total += (values[0] - 2 * values[1] + values[2]) / STEP**2
    assert float(small._trace) == pytest.approx(float(total), rel=1e-6)


def test_the_known_values() -> None:
    found = Settling()
    assert (round(found.place, 4), round(found.floor, 2), round(found.slope(), 2)) == (0.1755, 3.11, -9.17)


def test_it_starts_at_the_floor_and_settles() -> None:
    found = Settling()
    assert found.slope(0.0) == pytest.approx(0.0, abs=1e-12)
    assert found.slope(2000.0) == pytest.approx(found.slope(), rel=1e-9)


def test_the_spread_grows_at_first_as_without_forces() -> None:
    # E |w|^2 gains eta^2 v n in a step, which is eta v n a unit of time.
    found = Settling()
    assert found.slope(1e-6) / 1e-6 == pytest.approx(float(found._moment) * found.n, rel=1e-3)
