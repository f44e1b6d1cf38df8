"""The exact law of a sampling design over subsets, in rationals.

This is a second implementation, written from the definitions of the designs and not from their code: it never
asks a design for its inclusion probabilities. A law maps masks to probabilities that sum to 1; a mask is a
tuple with one bool a unit. Units of size zero are never drawn, and k is cut to the number of positive sizes.
"""

import itertools
import math
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

Mask = tuple[bool, ...]
Law = Mapping[Mask, Fraction]

MOST_ORDERED_UNITS = 5
"""Random-order systematic sampling is averaged over all n! orders up to this many units."""


def systematic_pieces(
    pi: Sequence[Fraction], order: Sequence[int] | None = None
) -> list[tuple[Fraction, Fraction, Mask]]:
    """Systematic sampling in one order: the intervals [left, right) of the start on which the mask is constant.

    The units stand in a row, unit i on (C_{i-1}, C_i]; the start u in [0, 1) selects the units that hold one of the
    points 1 - u, 2 - u, ... A point crosses a boundary C_i at u = -C_i mod 1 only, so there are at most n + 1
    intervals. pi: any probabilities; order: which unit stands where (None: as numbered). Any n, O(n^2 log n).
    Source: Madow, Annals of Mathematical Statistics 20, 1949.

    >>> half = Fraction(1, 2)
    >>> [mask for _, _, mask in systematic_pieces([half, half, half, half])]
    [(False, True, False, True), (True, False, True, False)]
    """
    units = list(range(len(pi))) if order is None else list(order)
    one = math.lcm(*(p.denominator for p in pi))  # integers from here on, in units of 1 / one
    ends = list(itertools.accumulate(pi[unit].numerator * (one // pi[unit].denominator) for unit in units))
    cuts = sorted({0} | {-end % one for end in ends})
    pieces = []
    for left, right in itertools.pairwise([*cuts, one]):
        drawn = [False] * len(pi)
        for point in range(one - left, ends[-1] + 1, one):
            drawn[units[bisect_left(ends, point)]] = True
        pieces.append((Fraction(left, one), Fraction(right, one), tuple(drawn)))
    return pieces


def systematic_law(pi: Sequence[Fraction], order: Sequence[int] | None = None) -> Law:
    """Systematic sampling in one order: every mask with the length of its intervals."""
    law: dict[Mask, Fraction] = {}
    for left, right, mask in systematic_pieces(pi, order):
        law[mask] = law.get(mask, Fraction(0)) + right - left
    return law


def orders(n: int) -> Iterator[tuple[int, ...]]:
    """All n! orders of n units; raises ValueError beyond five units, where a check goes order by order."""
    if n > MOST_ORDERED_UNITS:
        raise ValueError(f"all orders are enumerated up to n = {MOST_ORDERED_UNITS}, found n = {n}: go one by one")
    return itertools.permutations(range(n))


def random_order_systematic_law(pi: Sequence[Fraction]) -> Law:
    """Systematic sampling averaged over all orders, up to five units.

    Source: Goodman and Kish, Journal of the American Statistical Association 45, 1950.
    """
    return mixture([systematic_law(pi, order) for order in orders(len(pi))])


def mixture(laws: Sequence[Law]) -> Law:
    """The law that picks one of these laws, each equally likely."""
    mixed: dict[Mask, Fraction] = {}
    for law in laws:
        for mask, probability in law.items():
            mixed[mask] = mixed.get(mask, Fraction(0)) + probability / len(laws)
    return mixed


def successive_law(sizes: Sequence[Fraction], k: int) -> Law:
    """Successive sampling by dynamic programming over subsets, kept as bit sets.

    P(S + j) += P(S) w_j / w(not S), for subsets of growing size up to k. Sizes need not sum to 1.
    Cost: O(n 2^n) rational operations. Source: Rosen, Annals of Mathematical Statistics 43, 1972.

    >>> law = successive_law([Fraction(2), Fraction(1), Fraction(1)], 2)
    >>> law[(True, True, False)]
    Fraction(5, 12)
    """
    positive = [unit for unit, size in enumerate(sizes) if size > 0]
    level = {0: Fraction(1)}
    for _ in range(min(k, len(positive))):
        grown: dict[int, Fraction] = {}
        for subset, probability in level.items():
            outside = [unit for unit in positive if not subset >> unit & 1]
            share = probability / sum((sizes[unit] for unit in outside), Fraction(0))
            for unit in outside:
                larger = subset | 1 << unit
                grown[larger] = grown.get(larger, Fraction(0)) + share * sizes[unit]
        level = grown
    return {tuple(bool(subset >> unit & 1) for unit in range(len(sizes))): p for subset, p in level.items()}


def simple_random_law(sizes: Sequence[Fraction], k: int) -> Law:
    """Every subset of k of the positive units, equally likely."""
    positive = [unit for unit, size in enumerate(sizes) if size > 0]
    subsets = list(itertools.combinations(positive, min(k, len(positive))))
    return {_mask(subset, len(sizes)): Fraction(1, len(subsets)) for subset in subsets}


def poisson_law(pi: Sequence[Fraction]) -> Law:
    """Independent units: the product law, over the 2^n masks of positive probability."""
    law: dict[Mask, Fraction] = {}
    for mask in itertools.product((False, True), repeat=len(pi)):
        probability = math.prod((p if drawn else 1 - p for p, drawn in zip(pi, mask, strict=True)), start=Fraction(1))
        if probability > 0:
            law[mask] = probability
    return law


def top_k_law(sizes: Sequence[Fraction], k: int) -> Law:
    """The k largest positive units with certainty, ties to the lower index."""
    ranked = sorted((unit for unit, size in enumerate(sizes) if size > 0), key=lambda unit: (-sizes[unit], unit))
    return {_mask(ranked[:k], len(sizes)): Fraction(1)}


def _mask(drawn: Sequence[int], n: int) -> Mask:
    return tuple(unit in drawn for unit in range(n))
