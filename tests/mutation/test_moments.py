"""Moments worked out by hand, in rationals."""

import math
from fractions import Fraction

import pytest

from theory import moments
from theory.enumeration import Law

HALF, QUARTER, EIGHTH = Fraction(1, 2), Fraction(1, 4), Fraction(1, 8)
# Inclusion 3/4, 5/8, 1/2; pairs 01: 1/2, 02: 1/4, 12: 1/8.
LAW: Law = {
    (True, True, False): HALF,
    (True, False, True): QUARTER,
    (False, True, True): EIGHTH,
    (False, False, True): EIGHTH,
}
JOINT = [[3 * QUARTER, HALF, QUARTER], [HALF, 5 * EIGHTH, EIGHTH], [QUARTER, EIGHTH, HALF]]
# Two outcomes with multipliers other than 0 and 1.
OUTCOMES: list[moments.Outcome] = [(QUARTER, [Fraction(2), Fraction(0)]), (3 * QUARTER, [Fraction(1), Fraction(-4)])]


def test_inclusion_and_joint_inclusion() -> None:
    assert moments.inclusion(LAW) == [3 * QUARTER, 5 * EIGHTH, HALF]
    assert moments.joint_inclusion(LAW) == JOINT


def test_a_unit_that_is_never_drawn_has_an_exact_zero() -> None:
    found = moments.inclusion({(True, False): Fraction(1)})
    assert found == [1, 0] and {type(value) for value in found} == {Fraction}


def test_lengths_must_agree() -> None:
    one = [Fraction(1)]
    for moment in (moments.second_moment, moments.linear_form_variance):
        with pytest.raises(ValueError, match="shorter"):
            moment(OUTCOMES, one)
    with pytest.raises(ValueError, match="shorter"):
        moments.horvitz_thompson_second_moment([HALF, HALF], one)


def test_a_sum_stays_exact_beside_a_float_zero() -> None:
    third = Fraction(1, 3)
    outcomes: list[moments.Outcome] = [(HALF, [0.0, third]), (HALF, [Fraction(0), Fraction(0)])]
    assert moments.linear_form_variance(outcomes, [Fraction(1), Fraction(1)]) == third * third / 4


def test_weighted_outcomes_keep_their_probability() -> None:
    found = moments.weighted(LAW, lambda mask: [Fraction(3) * drawn for drawn in mask])
    assert found == [(p, [Fraction(3) * drawn for drawn in mask]) for mask, p in LAW.items()]


def test_means_and_mean_squares() -> None:
    assert moments.mean_multipliers(OUTCOMES) == [Fraction(5, 4), Fraction(-3)]
    assert moments.mean_square_multipliers(OUTCOMES) == [Fraction(7, 4), Fraction(12)]


def test_second_moment_and_variance() -> None:
    # (2, 0) with 1/4: (2 * 3)^2 = 36; (1, -4) with 3/4: 9 + 64 = 73. Forms 6 and -5: variance 121 * 3/16.
    assert moments.second_moment(OUTCOMES, [Fraction(3), Fraction(2)]) == 9 + Fraction(219, 4)
    assert moments.linear_form_variance(OUTCOMES, [Fraction(3), Fraction(2)]) == 121 * Fraction(3, 16)


def test_horvitz_thompson_second_moment() -> None:
    g = [Fraction(3), Fraction(0), Fraction(-2)]
    assert moments.horvitz_thompson_second_moment([HALF, Fraction(0), QUARTER], g) == 18 + 16
    assert moments.horvitz_thompson_second_moment([HALF, Fraction(1), Fraction(0)], g) == math.inf
    assert moments.horvitz_thompson_second_moment([HALF, HALF], [Fraction(0), Fraction(0)]) == 0


def test_horvitz_thompson_variance() -> None:
    a = [Fraction(3), Fraction(5), Fraction(-1)]
    # The forms sum of a_j / pi_j over the masks: 4 + 8, 4 - 2, 8 - 2, -2; mean 3 + 5 - 1 = 7.
    variance = HALF * 25 + QUARTER * 25 + EIGHTH * 1 + EIGHTH * 81
    assert moments.horvitz_thompson_variance(JOINT, a) == variance
    # A unit that is never drawn is left out.
    grown = [[*row, Fraction(0)] for row in JOINT] + [[Fraction(0)] * 4]
    assert moments.horvitz_thompson_variance(grown, [*a, Fraction(9)]) == variance


def test_sen_yates_grundy_variance() -> None:
    # Masks 110, 101, 011 with 1/2, 1/4, 1/4: inclusion 3/4, 3/4, 1/2. Forms of (3, 6, 2): 12, 8, 12; mean 11.
    joint = [[3 * QUARTER, HALF, QUARTER], [HALF, 3 * QUARTER, QUARTER], [QUARTER, QUARTER, HALF]]
    a = [Fraction(3), Fraction(6), Fraction(2)]
    assert moments.sen_yates_grundy_variance(joint, a) == Fraction(3)
    assert moments.horvitz_thompson_variance(joint, a) == Fraction(3)
    grown = [[*row, Fraction(0)] for row in joint] + [[Fraction(0)] * 4]
    assert moments.sen_yates_grundy_variance(grown, [*a, Fraction(9)]) == Fraction(3)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_multipliers_that_are_not_finite_show(bad: float) -> None:
    outcomes: list[moments.Outcome] = [(HALF, [bad, Fraction(1)]), (HALF, [Fraction(2), Fraction(0)])]
    for found in (moments.mean_multipliers(outcomes), moments.mean_square_multipliers(outcomes)):
        assert not math.isfinite(found[0])
        assert found[1] == HALF
    assert not math.isfinite(moments.second_moment(outcomes, [Fraction(1), Fraction(1)]))
    assert moments.second_moment(outcomes, [Fraction(0), Fraction(1)]) != HALF  # 0 * inf and 0 * nan are nan
