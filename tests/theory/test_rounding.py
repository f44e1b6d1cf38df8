"""The derived errors hold on production arithmetic, and are not so wide that nothing could exceed them."""

from fractions import Fraction

import torch
from hypothesis import given
from hypothesis import strategies as st

from amss_min.designs import Draw, SimpleRandom, Successive, Systematic
from amss_min.importance import GradientNorm, SquaredGradient
from tests.strategies import sizes_and_count
from theory import enumeration, moments, rounding
from theory.readings import exact, fractions
from theory.water_filling import mixed_sizes, norm_sizes, square_sizes


@given(sizes_and_count(), st.sampled_from([Fraction(0), Fraction(1, 10), Fraction(1, 2)]))
def test_production_sizes_lie_within_their_error(case: tuple[list[Fraction], int], mix: Fraction) -> None:
    norms, _ = case
    tensor = torch.tensor([float(norm) for norm in norms], dtype=torch.float64)
    share = Fraction(float(mix))
    pairs = ((SquaredGradient(mix=float(mix)), square_sizes(norms)), (GradientNorm(mix=float(mix)), norm_sizes(norms)))
    for importance, plain in pairs:
        for produced, wanted in zip(exact(importance(tensor)), mixed_sizes(plain, share), strict=True):
            assert abs(produced - wanted) <= rounding.sizes(len(norms)) * wanted


@given(sizes_and_count())
def test_inverse_inclusion_lies_within_the_weight_error(case: tuple[list[Fraction], int]) -> None:
    sizes, k = case
    p = torch.tensor([float(size) for size in sizes], dtype=torch.float64)
    for design in (SimpleRandom(), Successive(), Systematic()):
        draw = design.select(p, k, torch.zeros(design.slots(len(sizes)), dtype=torch.int64))
        for pi, weight in zip(moments.inclusion(law_of(draw)), exact(1.0 / draw.inclusion), strict=True):
            if pi > 0:
                assert abs(weight * pi - 1) <= rounding.WEIGHT


def law_of(draw: Draw) -> enumeration.Law:
    q, k = fractions(draw.q), int(draw.k)
    if isinstance(draw.design, Systematic):
        return enumeration.systematic_law(fractions(draw.inclusion))
    return (enumeration.successive_law if isinstance(draw.design, Successive) else enumeration.simple_random_law)(q, k)


def test_the_tolerances_are_those_stated_and_small() -> None:
    assert Fraction(1, 2**50) == rounding.WEIGHT
    assert rounding.squared(Fraction(1, 10)) == Fraction(21, 100)
    assert rounding.grid(8) < Fraction(1, 10**11)
    assert rounding.sizes(8) < Fraction(1, 10**14)


def test_inverse_moment_covers_a_shift_of_every_probability() -> None:
    gradient, exactly = [Fraction(1), Fraction(2)], [Fraction(1, 2), Fraction(1, 4)]
    error = rounding.grid(2)
    shifted = [pi - error for pi in exactly]
    moved = moments.horvitz_thompson_second_moment(shifted, gradient)
    moved -= moments.horvitz_thompson_second_moment(exactly, gradient)
    assert 0 < moved <= rounding.inverse_moment(gradient, shifted, exactly)
