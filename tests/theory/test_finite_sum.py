"""The components' gradients, smoothness and infima, proved wrong by any pair of points that contradicts them."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory.finite_sum import Component, RationalSum

POINTS = st.tuples(st.fractions(-5, 5, max_denominator=9), st.fractions(-5, 5, max_denominator=9))
SMALL = st.tuples(st.fractions(-1, 1, max_denominator=999), st.fractions(-1, 1, max_denominator=999))
COMPONENTS = st.builds(Component, st.fractions(Fraction(1, 4), 4, max_denominator=8), POINTS, st.booleans())


@given(COMPONENTS, POINTS, SMALL)
def test_gradient_and_smoothness_bound_every_step(
    component: Component, w: tuple[Fraction, Fraction], step: tuple[Fraction, Fraction]
) -> None:
    moved = tuple(x + d for x, d in zip(w, step, strict=True))
    slope = sum((g * d for g, d in zip(component.gradient(w), step, strict=True)), Fraction(0))
    square = sum((d * d for d in step), Fraction(0))
    rest = component.value(moved) - component.value(w) - slope
    assert abs(rest) <= component.smoothness / 2 * square


@given(COMPONENTS, POINTS)
def test_the_gradient_is_bounded_by_the_height(component: Component, w: tuple[Fraction, Fraction]) -> None:
    square = sum((g * g for g in component.gradient(w)), Fraction(0))
    bound = 2 * component.smoothness * component.value(w)
    assert square == bound if component.convex else square <= bound


@given(st.lists(st.builds(Component, st.integers(1, 4).map(Fraction), POINTS, st.just(True)), min_size=1, max_size=4))
def test_the_infimum_of_quadratics_is_at_the_weighted_mean(components: list[Component]) -> None:
    objective = RationalSum(tuple(components))
    total = sum(c.scale for c in components)
    mean = [sum((c.scale * c.centre[j] for c in components), Fraction(0)) / total for j in range(2)]
    assert objective.value(mean) == objective.f_star
    assert all(value == 0 for value in objective.law(mean).mean)
    assert objective.second_moment(mean) <= objective.abc[2]


def test_the_infimum_of_others_is_not_guessed() -> None:
    centre = (Fraction(0), Fraction(0))
    objective = RationalSum((Component(Fraction(1), centre, False), Component(Fraction(1), centre, True)))
    with pytest.raises(ValueError, match="all components are quadratics"):
        _ = objective.f_star
