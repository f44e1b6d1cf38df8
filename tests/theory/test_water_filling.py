"""Water-filling in rationals: the conditions that define it, and its agreement with production."""

from fractions import Fraction

import torch
from hypothesis import given
from hypothesis import strategies as st

from amss_min.designs import Systematic
from tests.strategies import sizes_and_count
from theory import rounding
from theory.water_filling import mixed_sizes, norm_sizes, square_sizes, water_filled


@given(sizes_and_count())
def test_every_unit_is_at_the_cap_or_at_one_common_scale(case: tuple[list[Fraction], int]) -> None:
    sizes, k = case
    pi = water_filled(sizes, k)
    assert sum(pi) == min(k, sum(size > 0 for size in sizes))
    scales = {p / size for p, size in zip(pi, sizes, strict=True) if 0 < p < 1}
    assert len(scales) <= 1
    for p, size in zip(pi, sizes, strict=True):
        assert (p > 0) == (size > 0) and p <= 1
        assert p < 1 or all(scale * size >= 1 for scale in scales)


@given(sizes_and_count(), st.integers(1, 1000))
def test_scale_does_not_matter(case: tuple[list[Fraction], int], factor: int) -> None:
    sizes, k = case
    assert water_filled(sizes, k) == water_filled([size * factor for size in sizes], k)


@given(sizes_and_count())
def test_filling_twice_changes_nothing(case: tuple[list[Fraction], int]) -> None:
    sizes, k = case
    pi = water_filled(sizes, k)
    assert water_filled(pi, k) == pi


@given(sizes_and_count())
def test_more_drawn_is_more_for_everybody(case: tuple[list[Fraction], int]) -> None:
    sizes, k = case
    fewer, more = water_filled(sizes, k), water_filled(sizes, k + 1)
    assert all(one <= other for one, other in zip(fewer, more, strict=True))


@given(sizes_and_count())
def test_the_production_grid_lies_within_its_derived_error(case: tuple[list[Fraction], int]) -> None:
    sizes, k = case
    p = torch.tensor([float(size) for size in sizes], dtype=torch.float64)
    for r, wanted in zip(Systematic().fixed_point(p, k).tolist(), water_filled(sizes, k), strict=True):
        assert abs(Fraction(r, 2**40) - wanted) <= rounding.grid(len(sizes))


def test_sizes_from_a_gradient() -> None:
    gradient = [Fraction(1), Fraction(-3), Fraction(0)]
    assert square_sizes(gradient) == [Fraction(1, 10), Fraction(9, 10), 0]
    assert norm_sizes(gradient) == [Fraction(1, 4), Fraction(3, 4), 0]
    assert mixed_sizes(square_sizes(gradient), Fraction(1, 2)) == [Fraction(3, 10), Fraction(7, 10), 0]
