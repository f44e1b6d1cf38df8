"""The law of pivotal sampling: what its definition promises, and the words that stand for it."""

import itertools
import math
from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.assertions import assert_is_law
from tests.strategies import inclusion_of_whole_sum
from theory import enumeration, moments, pivotal_laws
from theory.pivotal_laws import WORD, Seats, pivotal_law, row, tree
from theory.readings import GRID

TARGET = [Fraction(tenths, 10) for tenths in (1, 2, 3, 4, 4, 6)]
GRADIENT = [Fraction(tenths, 10) for tenths in (3, -5, 9, 12, -10, 20)]
VALUES = st.fractions(0, 1, max_denominator=24)
Schedule = Callable[[int], Seats]


def on_the_grid(pi: list[Fraction]) -> list[Fraction]:
    """The nearest multiples of 1 / GRID with the same whole sum, zeros and ones kept."""
    near = [Fraction(round(value * GRID), GRID) for value in pi]
    last = next((unit for unit, value in enumerate(near) if 0 < value < 1), 0)
    near[last] += round(sum(pi)) - sum(near)
    return near


@given(VALUES, VALUES)
@example(Fraction(1), Fraction(1))
@example(Fraction(0), Fraction(0))
@example(Fraction(1, 2), Fraction(1, 2))
def test_a_duel_keeps_sum_and_means_and_settles_one(a: Fraction, b: Fraction) -> None:
    chance, first, second = pivotal_laws.duel(a, b)
    for outcome in (first, second):
        assert sum(outcome) == a + b
        assert not all(0 < value < 1 for value in outcome)
        assert all(0 <= value <= 1 for value in outcome)
    assert tuple(chance * x + (1 - chance) * y for x, y in zip(first, second, strict=True)) == (a, b)
    # The one that goes on is the one not settled.
    if 0 < a < 1 and 0 < b < 1 and a + b != 1:
        assert 0 < first[0] < 1 and 0 < second[1] < 1


@pytest.mark.parametrize("seats", [row, tree])
@given(pi=inclusion_of_whole_sum())
def test_the_law_has_the_probabilities_given_and_a_fixed_size(seats: Schedule, pi: list[Fraction]) -> None:
    law = pivotal_law(pi, seats(len(pi)))
    assert_is_law(law, len(pi))
    assert moments.inclusion(law) == pi
    assert {sum(mask) for mask in law} == {sum(pi)}


@pytest.mark.parametrize("seats", [row, tree])
@given(pi=inclusion_of_whole_sum())
def test_the_units_left_out_are_drawn_by_the_complements(seats: Schedule, pi: list[Fraction]) -> None:
    """Duels with v + w > 1 are duels with v + w <= 1 of the complements: neither case can be wrong alone."""
    law = pivotal_law(pi, seats(len(pi)))
    complement = pivotal_law([1 - value for value in pi], seats(len(pi)))
    assert complement == {tuple(not drawn for drawn in mask): p for mask, p in law.items()}


@pytest.mark.parametrize("seats", [row, tree])
@given(pi=inclusion_of_whole_sum())
def test_no_two_units_are_positively_correlated(seats: Schedule, pi: list[Fraction]) -> None:
    joint = moments.joint_inclusion(pivotal_law(pi, seats(len(pi))))
    for i, j in itertools.combinations(range(len(pi)), 2):
        assert joint[i][j] <= pi[i] * pi[j]


@given(st.data())
def test_the_order_renames_the_units(data: st.DataObject) -> None:
    pi = data.draw(inclusion_of_whole_sum(5))
    order = data.draw(st.permutations(range(len(pi))))
    plain = pivotal_law([pi[unit] for unit in order], row(len(pi)))
    named = pivotal_law(pi, row(len(pi)), order)
    assert {tuple(mask[unit] for unit in order): p for mask, p in named.items()} == plain


@pytest.mark.parametrize(("seats", "variance"), [(row, 13.0067), (tree, 13.0067)])
def test_the_known_variances_in_a_given_order(seats: Schedule, variance: float) -> None:
    joint = moments.joint_inclusion(pivotal_law(TARGET, seats(6)))
    assert round(float(moments.horvitz_thompson_variance(joint, GRADIENT)), 4) == variance
    assert min(joint[i][j] for i in range(6) for j in range(6)) == 0


def test_at_most_one_unit_is_drawn_within_an_interval_of_length_one() -> None:
    """Deville's systematic sampling: .1 .2 .3 .4 fill the first interval, .4 .6 the second, one unit from each."""
    law = pivotal_law(TARGET, row(6))
    assert {(sum(mask[:4]), sum(mask[4:])) for mask in law} == {(1, 1)}
    assert all(p == _alone(mask[:4], TARGET[:4]) * _alone(mask[4:], TARGET[4:]) for mask, p in law.items())


def _alone(mask: tuple[bool, ...], pi: list[Fraction]) -> Fraction:
    return pi[mask.index(True)]


def test_random_order_is_the_mean_of_all_orders() -> None:
    pi = [*TARGET[1:5], Fraction(7, 10)]
    law = pivotal_laws.random_order_pivotal_law(pi)
    assert_is_law(law, 5)
    assert moments.inclusion(law) == pi
    mask = next(iter(law))
    each = [pivotal_law(pi, row(5), order).get(mask, Fraction(0)) for order in itertools.permutations(range(5))]
    assert law[mask] == sum(each, Fraction(0)) / 120
    with pytest.raises(ValueError, match="up to n = 5, found n = 6"):
        pivotal_laws.random_order_pivotal_law(TARGET)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6, 7, 8, 13])
def test_a_tree_has_as_many_duels_and_no_unit_more_than_its_depth(n: int) -> None:
    assert len(tree(n)) == len(row(n)) == n - 1
    assert pivotal_laws.inclusion_error(tree(n), n) == Fraction(math.ceil(math.log2(n)), WORD)
    assert pivotal_laws.inclusion_error(row(n), n) == Fraction(n - 1, WORD)


@pytest.mark.parametrize("seats", [row, tree])
@given(pi=inclusion_of_whole_sum(), data=st.data())
def test_the_pieces_hold_all_words_and_realise_the_law(
    seats: Schedule, pi: list[Fraction], data: st.DataObject
) -> None:
    pi, n = on_the_grid(pi), len(pi)
    order = data.draw(st.none() | st.permutations(range(n)))
    pieces = pivotal_laws.pivotal_pieces(pi, seats(n), order)
    realised = {piece.mask: piece.probability for piece in pieces}
    assert_is_law(realised, n)
    law = pivotal_law(pi, seats(n), order)
    assert realised.keys() == law.keys()
    # One word is off by less than 2^-62, and every one of the n - 1 duels has its own.
    distance = sum((abs(realised[mask] - law[mask]) for mask in law), Fraction(0)) / 2
    assert distance <= Fraction(n - 1, WORD)
    for wanted, got in zip(pi, moments.inclusion(realised), strict=True):
        assert abs(got - wanted) <= pivotal_laws.inclusion_error(seats(n), n)
    for piece in pieces:
        for words in piece.probes:
            assert len(words) == n - 1 + (0 if order is None else n)
            assert all(0 <= word < WORD for word in words)
            if order is not None:
                assert sorted(range(n), key=lambda unit: words[unit]) == list(order)


def test_the_probes_stand_on_both_sides_of_the_threshold() -> None:
    """1/3 and 2/3: the first unit is drawn by the words below ceil(2^62 / 3)."""
    third = Fraction(round(GRID / 3), GRID)
    end = math.ceil(WORD * third)
    pieces = {piece.mask: piece for piece in pivotal_laws.pivotal_pieces([third, 1 - third], row(2))}
    assert pieces[(True, False)].probes == [(end - 1,), (0,)]
    assert pieces[(False, True)].probes == [(end,), (WORD - 1,)]
    assert pieces[(True, False)].probability == Fraction(end, WORD)


def test_the_law_of_one_draw_is_pi_in_every_order() -> None:
    pi = [Fraction(parts, 20) for parts in (1, 2, 3, 4, 4, 6)]
    for law in (pivotal_law(pi, row(6)), pivotal_law(pi, tree(6))):
        assert law == enumeration.systematic_law(pi)
