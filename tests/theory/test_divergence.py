"""The interpolating instances, by direct summation and by linear algebra."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory.divergence import PUBLISHED, STEEP, Interpolating

ENTRIES = st.integers(-9, 9).map(Fraction)


@given(ENTRIES, ENTRIES, ENTRIES, ENTRIES, ENTRIES, ENTRIES)
def test_the_gradient_is_that_of_the_component(
    a: Fraction, b: Fraction, c: Fraction, x: Fraction, y: Fraction, z: Fraction
) -> None:
    instance, point = Interpolating((a, b, c), Fraction(1, 2)), (x, y, z)

    def value(index: int, at: tuple[Fraction, ...]) -> Fraction:
        inner = sum(p * q for p, q in zip(instance.rows[index], at, strict=True))
        return Fraction(inner**2 + sum(q * q for q in at) / 4)

    for index in range(3):
        for unit in range(3):
            shift = [Fraction(unit == j) for j in range(3)]
            ahead, back = (tuple(p + s * q for p, q in zip(point, shift, strict=True)) for s in (1, -1))
            # Central differences are exact for a quadratic.
            assert instance.gradient(index, point)[unit] == (value(index, ahead) - value(index, back)) / 2


@given(ENTRIES, ENTRIES, ENTRIES, st.fractions(0, 1, max_denominator=4))
def test_slopes_are_means_over_components(a: Fraction, b: Fraction, c: Fraction, mix: Fraction) -> None:
    instance = Interpolating((a, b, c), Fraction(1))
    gradients = [instance.gradient(index, (Fraction(1),) * 3) for index in range(3)]
    energy = [sum(g * g for g in gradient) for gradient in gradients]
    if not all(energy):
        return
    for unit in range(3):
        assert sum(gradient[unit] for gradient in gradients) / 3 == instance.slope
        drawn = [
            ((1 - mix) * gradient[unit] ** 2 / total + mix / 3) * gradient[unit]
            for gradient, total in zip(gradients, energy, strict=True)
        ]
        assert sum(drawn) / 3 == instance.mixed_slope(mix)


@pytest.mark.parametrize("instance", [STEEP, PUBLISHED])
def test_curvatures_and_contraction_against_linear_algebra(instance: Interpolating) -> None:
    rows = np.array([[float(x) for x in row] for row in instance.rows])
    S = rows.T @ rows / 3
    on, off = map(float, instance.curvatures)
    # Symmetric eigenvalues of a 3 x 3 matrix err by a few units of 2^-52 of its norm.
    assert np.linalg.eigvalsh(S) == pytest.approx(sorted([on, off, off]), abs=1e-12)
    eta, factor, ridge = 0.001, 3.0, float(instance.ridge)
    second = sum(G @ G for G in (2 * np.outer(row, row) + ridge * np.eye(3) for row in rows)) / 3
    step = np.eye(3) - 2 * eta * (2 * S + ridge * np.eye(3)) + eta**2 * factor * second
    found = float(instance.contraction(Fraction(1, 1000), Fraction(3)))
    assert np.linalg.eigvalsh(step).max() == pytest.approx(found, abs=1e-12)


def test_values_that_are_known() -> None:
    assert float(STEEP.squared_slope) == pytest.approx(-2.038, abs=5e-4)
    assert float(STEEP.mixed_slope(Fraction(1, 2))) == pytest.approx(-0.408, abs=5e-4)
    assert float(PUBLISHED.squared_slope) == pytest.approx(0.075, abs=5e-4)
    assert PUBLISHED.largest_slope == Fraction(-11, 6)
    # r = 1 where AMSS+ stops contracting in mean square.
    assert STEEP.contraction(Fraction(682, 233229), Fraction(3)) == 1
