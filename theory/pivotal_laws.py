"""The exact law of pivotal sampling, duel by duel, from the definition of Deville and Tille.

A vector of values starts at pi. Two units with values strictly between 0 and 1 duel: both get new values with the
same sum, of which one is 0 or 1, and with the same means. A unit whose value has become 0 or 1 is settled and
plays no more; in the end every unit is settled, and those at 1 are drawn. Only who meets whom differs between the
orders, and is given here by seats: the unit that goes on from a duel takes the first of the two seats.
"""

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

from theory import enumeration
from theory.enumeration import Law, Mask
from theory.pieces import Piece

WORD = 2**62
"""The number of words that decide a duel, equally likely."""

Seats = Sequence[tuple[int, int]]
"""The duels in their order, each between the units on two seats."""


class Path(NamedTuple):
    """One course of events: for every duel the chance of the first unit to go on, and whether it did; the mask."""

    turns: tuple[tuple[Fraction, bool], ...]
    mask: Mask

    @property
    def probability(self) -> Fraction:
        """Duels are decided independently."""
        return math.prod((chance if first else 1 - chance for chance, first in self.turns), start=Fraction(1))


def row(n: int) -> Seats:
    """The unit left over meets the next one.

    >>> row(4)
    [(0, 1), (0, 2), (0, 3)]
    """
    return [(0, seat) for seat in range(1, n)]


def tree(n: int) -> Seats:
    """Round by round: neighbours meet, and an odd one goes through to the next round.

    >>> tree(5)
    [(0, 1), (2, 3), (0, 2), (0, 4)]
    """
    duels: list[tuple[int, int]] = []
    left = list(range(n))
    while len(left) > 1:
        duels += zip(left[0::2], left[1::2], strict=False)
        left = left[0::2]
    return duels


def duel(a: Fraction, b: Fraction) -> tuple[Fraction, tuple[Fraction, Fraction], tuple[Fraction, Fraction]]:
    """The chance of the first to go on, the values of both if it does, and if it does not.

    >>> duel(Fraction(1, 2), Fraction(1, 4))
    (Fraction(2, 3), (Fraction(3, 4), Fraction(0, 1)), (Fraction(0, 1), Fraction(3, 4)))
    """
    if not 0 < a < 1:
        return Fraction(0), (a, b), (a, b)
    if not 0 < b < 1:
        return Fraction(1), (a, b), (a, b)
    if a + b <= 1:
        return a / (a + b), (a + b, Fraction(0)), (Fraction(0), a + b)
    return (1 - a) / (2 - a - b), (a + b - 1, Fraction(1)), (Fraction(1), a + b - 1)


def paths(pi: Sequence[Fraction], seats: Seats) -> Iterator[Path]:
    """Every course of events of positive probability, at most 2^(n-1) of them. pi: a whole sum."""
    return _onward(list(pi), list(range(len(pi))), seats, ())


def pivotal_law(pi: Sequence[Fraction], seats: Seats, order: Sequence[int] | None = None) -> Law:
    """The law with these seats, for units in this order (None: as numbered), for pi with a whole sum.

    >>> half = Fraction(1, 2)
    >>> sorted(pivotal_law([half, half, half, half], row(4)).values()) == [Fraction(1, 4)] * 4
    True
    """
    law: dict[Mask, Fraction] = {}
    for path in paths(_seated(pi, order), seats):
        mask = _standing(path.mask, order)
        law[mask] = law.get(mask, Fraction(0)) + path.probability
    return law


def random_order_pivotal_law(pi: Sequence[Fraction]) -> Law:
    """The mean over all orders, up to five units."""
    return enumeration.mixture([pivotal_law(pi, row(len(pi)), order) for order in enumeration.orders(len(pi))])


def pivotal_pieces(pi: Sequence[Fraction], seats: Seats, order: Sequence[int] | None = None) -> list[Piece]:
    """The pieces of production: a piece for every mask, with words at both ends of every duel's range on every path.

    A duel whose first unit goes on with chance c is decided so by the words below ceil(2^62 c), and otherwise by the
    rest. The probabilities of the pieces are counts of words, so they differ from those of `pivotal_law` as far as
    these words do; see `inclusion_error`. pi: multiples of 1 / GRID, so that no chance other than 1 is within 2^-62 of
    1. order: given, words begin with one key a unit, its place.
    """
    keys = () if order is None else tuple(sorted(range(len(pi)), key=lambda unit: order[unit]))
    found: dict[Mask, tuple[int, list[tuple[int, ...]]]] = {}
    for path in paths(_seated(pi, order), seats):
        ends = [math.ceil(WORD * chance) for chance, _ in path.turns]
        firsts = [first for _, first in path.turns]
        count = math.prod(end if first else WORD - end for end, first in zip(ends, firsts, strict=True))
        near = tuple(end - 1 if first else end for end, first in zip(ends, firsts, strict=True))
        far = tuple(0 if first else WORD - 1 for first in firsts)
        mask = _standing(path.mask, order)
        words, probes = found.get(mask, (0, []))
        found[mask] = words + count, [*probes, (*keys, *near), (*keys, *far)]
    return [Piece(mask, Fraction(words, WORD ** len(seats)), probes) for mask, (words, probes) in found.items()]


def inclusion_error(seats: Seats, n: int) -> Fraction:
    """How far P(unit j drawn) of production may lie from pi_j: 2^-62 for every duel that one unit can take part in.

    The words realise each chance with an error in [0, 2^-62), and with it the mean of a unit's value in that duel,
    whose outcomes lie in [0, 1]. All other steps keep the mean.

    >>> inclusion_error(row(5), 5) == 4 * Fraction(1, 2**62), inclusion_error(tree(5), 5) == 3 * Fraction(1, 2**62)
    (True, True)
    """
    taken = [0] * n  # the most duels of any unit on this seat
    for first, second in seats:
        taken[first] = max(taken[first], taken[second]) + 1
    return max(taken) * Fraction(1, WORD)


def _onward(
    values: list[Fraction], seated: list[int], duels: Seats, turns: tuple[tuple[Fraction, bool], ...]
) -> Iterator[Path]:
    if not duels:
        yield Path(turns, tuple(value == 1 for value in values))
        return
    (one, other), *later = duels
    a, b = seated[one], seated[other]
    chance, first, second = duel(values[a], values[b])
    for goes_on, probability, (new_a, new_b) in ((True, chance, first), (False, 1 - chance, second)):
        if probability > 0:
            after, seats = values.copy(), seated.copy()
            after[a], after[b] = new_a, new_b
            seats[one] = a if goes_on else b
            yield from _onward(after, seats, later, (*turns, (chance, goes_on)))


def _seated(pi: Sequence[Fraction], order: Sequence[int] | None) -> list[Fraction]:
    return list(pi) if order is None else [pi[unit] for unit in order]


def _standing(mask: Mask, order: Sequence[int] | None) -> Mask:
    if order is None:
        return mask
    drawn = [False] * len(mask)
    for place, unit in enumerate(order):
        drawn[unit] = mask[place]
    return tuple(drawn)
