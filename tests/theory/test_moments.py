"""Moments by summation against closed forms, and the known values of one instance."""

from fractions import Fraction
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import gradients, inclusion_of_whole_sum, positive_sizes
from theory import enumeration, moments
from theory.enumeration import Law

TARGET = [Fraction(tenths, 10) for tenths in (1, 2, 3, 4, 4, 6)]
GRADIENT = [Fraction(tenths, 10) for tenths in (3, -5, 9, 12, -10, 20)]


def inverse(law: Law) -> list[moments.Outcome]:
    """Horvitz-Thompson outcomes of a law."""
    pi = moments.inclusion(law)
    return moments.weighted(
        law, lambda mask: [1 / p if drawn else Fraction(0) for p, drawn in zip(pi, mask, strict=True)]
    )


@given(inclusion_of_whole_sum(), st.data())
def test_horvitz_thompson_moments_have_their_closed_forms(pi: list[Fraction], data: st.DataObject) -> None:
    gradient = [g * (p > 0) for g, p in zip(data.draw(gradients(len(pi))), pi, strict=True)]
    law = enumeration.systematic_law(pi)
    outcomes = inverse(law)
    assert moments.mean_multipliers(outcomes) == [Fraction(p > 0) for p in pi]
    assert moments.mean_square_multipliers(outcomes) == [1 / p if p > 0 else 0 for p in pi]
    assert moments.second_moment(outcomes, gradient) == moments.horvitz_thompson_second_moment(pi, gradient)
    joint = moments.joint_inclusion(law)
    variance = moments.linear_form_variance(outcomes, gradient)
    assert variance == moments.horvitz_thompson_variance(joint, gradient)
    assert variance == moments.sen_yates_grundy_variance(joint, gradient)


@given(positive_sizes(5), st.integers(1, 5), st.data())
def test_the_pair_formula_holds_for_successive_sampling(sizes: list[Fraction], k: int, data: st.DataObject) -> None:
    gradient = data.draw(gradients(len(sizes)))
    law = enumeration.successive_law(sizes, k)
    joint = moments.joint_inclusion(law)
    variance = moments.linear_form_variance(inverse(law), gradient)
    assert variance == moments.sen_yates_grundy_variance(joint, gradient)


@pytest.mark.parametrize(
    ("law", "variance"),
    [
        (enumeration.systematic_law(TARGET), "20.71"),
        (enumeration.mixture([enumeration.systematic_law(TARGET, order) for order in permutations(range(6))]), "10.06"),
        (enumeration.poisson_law(TARGET), "10.03"),
    ],
    ids=["systematic, fixed order", "systematic, random order", "Poisson"],
)
def test_known_variances(law: Law, variance: str) -> None:
    energy = sum((g * g for g in GRADIENT), Fraction(0))
    total = moments.second_moment(inverse(law), GRADIENT) - energy
    assert total == Fraction(752, 75)  # 10.0267
    assert f"{float(moments.linear_form_variance(inverse(law), GRADIENT)):.2f}" == variance


def test_a_sum_without_fixed_size_is_not_covered_by_the_pair_formula() -> None:
    joint = moments.joint_inclusion(enumeration.poisson_law(TARGET))
    assert moments.sen_yates_grundy_variance(joint, GRADIENT) != moments.horvitz_thompson_variance(joint, GRADIENT)


def test_a_multiplier_that_is_not_finite_shows_in_every_moment() -> None:
    half = Fraction(1, 2)
    outcomes: list[moments.Outcome] = [(half, [Fraction(2), float("nan")]), (half, [Fraction(0)] * 2)]
    mean = moments.mean_multipliers(outcomes)
    assert mean[0] == 1 and mean[1] != mean[1]
    moment = moments.second_moment(outcomes, [Fraction(1), Fraction(1)])
    assert moment != moment
