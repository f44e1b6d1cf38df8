"""Laws of finite gradients against sums written out, and the masked mean against cases that are known."""

from fractions import Fraction

import pytest

from amss_min.designs import Systematic, TopK
from amss_min.importance import SquaredGradient
from amss_min.weightings import HorvitzThompson, Indicator
from theory.gradient_law import GradientLaw, masked, mean_field, mean_square, random_laws, symmetric_law

HALF, THIRD = Fraction(1, 2), Fraction(1, 3)
COIN = GradientLaw("coin", ((THIRD, (Fraction(3), Fraction(-1))), (2 * THIRD, (Fraction(0), Fraction(2)))))


def test_moments_of_a_coin() -> None:
    assert list(COIN.mean) == [1, 1]
    assert list(COIN.mean_absolute) == [1, THIRD + 4 * THIRD]
    assert COIN.variances == (THIRD * 4 + 2 * THIRD * 1, THIRD * 4 + 2 * THIRD * 1)
    assert COIN.sigma2 == 4


def test_probabilities_that_do_not_sum_to_one_are_refused() -> None:
    with pytest.raises(ValueError, match="must sum to 1, found 1/2"):
        GradientLaw("half", ((HALF, (Fraction(1),)),))


def test_random_laws_are_floats_without_zeros_and_differ() -> None:
    laws = random_laws(1, 20, most_units=5, points=3)
    values = [x for law in laws for _, value in law.values for x in value]
    assert all(Fraction(float(x)) == x != 0 for x in values)
    assert {law.n for law in laws} == {2, 3, 4, 5}
    assert len({law.values for law in laws}) == len(laws)


def test_symmetric_laws_are_symmetric_given_the_other_coordinates() -> None:
    point = (Fraction(2), Fraction(-1), Fraction(0))
    sizes = [[Fraction(1), Fraction(3), Fraction(2)], [Fraction(4), Fraction(1), Fraction(5)]]
    law = symmetric_law("a law", point, sizes)
    assert law.mean == point
    table: dict[tuple[Fraction, ...], Fraction] = {}
    for probability, value in law.values:
        table[value] = table.get(value, Fraction(0)) + probability
    for value, probability in table.items():
        for unit, at in enumerate(point):
            mirrored = (*value[:unit], 2 * at - value[unit], *value[unit + 1 :])
            assert table[mirrored] == probability


def test_drawing_everything_leaves_the_gradient() -> None:
    found = masked(COIN, TopK(), Indicator(), SquaredGradient(), 2)
    assert mean_field(found) == list(COIN.mean)
    assert mean_square(found) == COIN.sigma2 + 2


def test_the_largest_unit_alone() -> None:
    found = masked(COIN, TopK(), Indicator(), SquaredGradient(), 1)
    assert mean_field(found) == [1, 2 * THIRD * 2]
    assert mean_square(found) == THIRD * 9 + 2 * THIRD * 4


def test_all_orders_count_alike() -> None:
    law = GradientLaw("certain", ((Fraction(1), (Fraction(1), Fraction(1), Fraction(1), Fraction(1))),))
    found = masked(law, Systematic(), HorvitzThompson(), SquaredGradient(), 2)
    assert len(found) == 24
    assert mean_field(found) == [1, 1, 1, 1]
    assert mean_square(found) == 8
