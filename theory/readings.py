"""What production designs and weightings do, read off exactly.

The mask of a design is a piecewise constant function of its random words. `enumeration`, `pivotal_laws` and
`product_pieces` say where the pieces end and how much probability each holds; here the production `select` is
called with words at both ends of every piece, and the production weighting with the draw that comes back. So it is
the code that is integrated, not only the algorithm: a comparison that is off by one, a wrong shift or a stale order
shows as a mask other than expected, a wrong weight as a moment other than expected.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any

import torch
from torch import Tensor

from amss_min.designs import Design, Draw, Poisson, SimpleRandom, Successive, Systematic, TopK
from amss_min.designs.conditional_poisson import ConditionalPoisson
from amss_min.designs.fixed_point import FixedPointDesign
from amss_min.designs.pivotal import Pivotal
from amss_min.designs.sampford import Sampford
from amss_min.weightings import Weighting
from theory import enumeration, moments, pivotal_laws
from theory.enumeration import Law, Mask
from theory.moments import Number, Outcome
from theory.pieces import Piece
from theory.product_pieces import product_pieces, share_error

GRID = 2**40
"""Inclusion probabilities of designs in fixed point are multiples of 1 / GRID."""

_LOW = 22  # words have 62 bits; starts and thresholds are their upper 40
_ALL_LOW = 2**_LOW - 1
_WORD = 2**62


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One design on one instance (for a design in random order: in one order).

    inputs: sizes, count, design, weighting and order in JSON types, for a witness.
    law: the exact law, from the definition. outcomes: its probabilities with the production multipliers.
    probes: how many words were tried. wrong: words, expected and drawn mask, wherever production drew another
    mask than the definition, or other multipliers at the two ends of one piece.
    """

    inputs: dict[str, Any]
    law: Law
    outcomes: list[Outcome]
    probes: int
    wrong: list[dict[str, Any]]

    @cached_property
    def pi(self) -> list[Fraction]:
        """The exact inclusion probabilities under the law."""
        return moments.inclusion(self.law)


@lru_cache(2**16)
def _number(value: float) -> Number:
    return Fraction(value) if math.isfinite(value) else value


def exact(values: Tensor) -> list[Number]:
    """A row of floats as fractions, without rounding; what is not finite stays a float."""
    return [_number(value) for value in values.tolist()]


def fractions(values: Tensor) -> list[Fraction]:
    """A row of finite floats as fractions, without rounding; raises ValueError or OverflowError otherwise."""
    return [Fraction(value) for value in values.tolist()]


def grid_inclusion(design: FixedPointDesign, p: Tensor, k: int) -> list[Fraction]:
    """The realised inclusion probabilities r / 2^40 of a design that works in fixed point."""
    return [Fraction(r, GRID) for r in design.fixed_point(p, k).tolist()]


def readings(
    design: Design, weighting: Weighting, p: Tensor, k: int, orders: Sequence[Sequence[int]] | None = None
) -> list[Reading]:
    """All readings of a design with a weighting, for sizes p (n,) and count k.

    Designs in random order are read order by order: in all n! orders up to n = 5, beyond in `orders`.
    Raises TypeError for a design that is not known here.
    """
    inputs = {"sizes": p.tolist(), "k": k, "design": repr(design), "weighting": repr(weighting)}
    if not is_in_random_order(design):
        return _read(design, weighting, p, k, [(inputs, pieces(design, p, k))])
    chosen = list(enumeration.orders(len(p)) if orders is None else orders)
    found = pieces_of_orders(design, p, k, chosen)
    cases = [({**inputs, "order": order}, one) for order, one in zip(chosen, found, strict=True)]
    return _read(design, weighting, p, k, cases)


def pieces_of_orders(design: Design, p: Tensor, k: int, orders: Sequence[Sequence[int]]) -> list[list[Piece]]:
    """The pieces of a design in random order, for sizes p (n,) and count k, given each of these orders."""
    assert isinstance(design, Systematic | Pivotal)
    pi, seats = grid_inclusion(design, p, k), pivotal_laws.row(len(p))
    if isinstance(design, Systematic):
        return [systematic_words(pi, order) for order in orders]
    return [pivotal_laws.pivotal_pieces(pi, seats, order) for order in orders]


def pieces(design: Design, p: Tensor, k: int) -> list[Piece]:
    """The pieces of a design that is not in random order, for sizes p (n,) and count k.

    Their probabilities are whole numbers of words for systematic, Poisson, top-k and pivotal sampling. Keys and clocks
    are taken as continuous; so are the words of conditional Poisson and Sampford sampling (`inclusion_error`).
    Raises TypeError for a design that is not known here.
    """
    if isinstance(design, Systematic):
        return systematic_words(grid_inclusion(design, p, k), None)
    if isinstance(design, Pivotal):
        return pivotal_laws.pivotal_pieces(grid_inclusion(design, p, k), _seats(design, len(p)))
    if isinstance(design, ConditionalPoisson | Sampford):
        return product_pieces(design, p, k)
    if isinstance(design, Poisson):
        return _poisson_pieces(grid_inclusion(design, p, k))
    if isinstance(design, SimpleRandom):
        law = enumeration.simple_random_law(fractions(p), k)
        # Words at the ends of their range, and neighbours in the middle, where they differ in their lowest bits only.
        ends, middle = _ranked_pieces(law, 0, _WORD - len(p)), _ranked_pieces(law, _WORD // 2, _WORD // 2 + len(p))
        return [one._replace(probes=[*one.probes, *other.probes]) for one, other in zip(ends, middle, strict=True)]
    if isinstance(design, Successive):
        # The clock is a decreasing function of the word. These words put the clocks of the units drawn a factor
        # 2^35 before the others, so every mask is reached where the sizes lie within that factor.
        q = design.select(p, k, torch.zeros(len(p), dtype=torch.int64)).q
        return _ranked_pieces(enumeration.successive_law(fractions(q), k), _WORD - 2**30, 0)
    if isinstance(design, TopK):
        return [Piece(mask, certain, [()]) for mask, certain in enumeration.top_k_law(fractions(p), k).items()]
    raise TypeError(f"exact readings are known for the designs of amss_min with a finite law, found {design!r}")


def is_in_random_order(design: Design) -> bool:
    """Whether a design is read order by order."""
    return (isinstance(design, Systematic) and design.random_order) or (
        isinstance(design, Pivotal) and design.order == "random"
    )


def has_rounded_thresholds(design: Design) -> bool:
    """Whether the probabilities of single decisions are rounded, so that pi_j is realised up to `inclusion_error`."""
    return isinstance(design, Pivotal | ConditionalPoisson | Sampford)


@lru_cache(2**12)
def inclusion_error(design: Design, n: int, pi: Fraction) -> Fraction:
    """How far P(unit j drawn) over the words may lie from the pi_j that `inclusion` gives, for n units.

    Pivotal: 2^-62 for every duel that a unit can take part in (`pivotal_laws.inclusion_error`). Conditional Poisson and
    Sampford: with e = `share_error`, each of n decisions errs by e of the smaller share, whatever becomes of a mask of
    probability P is within P ((1 + e)^n - 1), and by less than one word, which can divert n 2^-62 of all words; in
    conditional Poisson sampling `inclusion` itself is computed from such tables, so it adds e pi_j. Others: 0, but for
    roundings of the weights (`theory.rounding`).
    """
    if isinstance(design, Pivotal):
        return pivotal_laws.inclusion_error(_seats(design, n), n)
    if isinstance(design, ConditionalPoisson | Sampford):
        error = share_error(n)
        own = error * pi if isinstance(design, ConditionalPoisson) else Fraction(0)
        return pi * ((1 + error) ** n - 1) + Fraction(n, _WORD) + own
    return Fraction(0)


def systematic_words(pi: Sequence[Fraction], order: Sequence[int] | None) -> list[Piece]:
    """The pieces of systematic sampling in one order, each with the words of its first and its last start.

    pi: multiples of 1 / GRID.
    """
    keys = [0] * len(pi)
    for place, unit in enumerate(order or ()):
        keys[unit] = place
    found = []
    for left, right, mask in enumeration.systematic_pieces(pi, order):
        first, last = int(left * GRID) << _LOW, (int(right * GRID) - 1) << _LOW | _ALL_LOW
        found.append(Piece(mask, right - left, [(*keys, first), (*keys, last)]))
    return found


def _seats(design: Pivotal, n: int) -> pivotal_laws.Seats:
    return pivotal_laws.tree(n) if design.order == "tree" else pivotal_laws.row(n)


def _poisson_pieces(pi: Sequence[Fraction]) -> list[Piece]:
    # Words stay words even where a probability is none: the comparison with the law must still be made.
    threshold = [min(max(int(value * GRID) << _LOW, 0), _WORD) for value in pi]
    found = []
    for mask, probability in enumeration.poisson_law(pi).items():
        first = tuple(0 if drawn else min(at, _WORD - 1) for drawn, at in zip(mask, threshold, strict=True))
        last = tuple(max(at, 1) - 1 if drawn else _WORD - 1 for drawn, at in zip(mask, threshold, strict=True))
        found.append(Piece(mask, probability, [first, last]))
    return found


def _ranked_pieces(law: Law, early: int, late: int) -> list[Piece]:
    """Designs whose mask depends on the rank of the words: the drawn units get words near `early`."""
    found = []
    for mask, probability in law.items():
        words = tuple((early if drawn else late) + unit for unit, drawn in enumerate(mask))
        back = tuple((early if drawn else late) + len(mask) - 1 - unit for unit, drawn in enumerate(mask))
        found.append(Piece(mask, probability, [words, back]))
    return found


def _read(
    design: Design, weighting: Weighting, p: Tensor, k: int, cases: Sequence[tuple[dict[str, Any], Sequence[Piece]]]
) -> list[Reading]:
    """Call production once, on every probe of every piece; the first probe's multipliers stand for the piece."""
    words = [words for _, pieces in cases for piece in pieces for words in piece.probes]
    bits = torch.tensor(words, dtype=torch.int64).reshape(len(words), design.slots(len(p)))
    draw = _shared_inclusion(design.select(p.expand(len(words), -1), k, bits))
    answers = zip(words, map(tuple, draw.drawn.tolist()), weighting(draw).tolist(), strict=True)
    return [_reading(inputs, pieces, answers) for inputs, pieces in cases]


def _reading(
    inputs: dict[str, Any], pieces: Sequence[Piece], answers: Iterator[tuple[tuple[int, ...], Mask, list[float]]]
) -> Reading:
    law: dict[Mask, Fraction] = {}
    outcomes: list[Outcome] = []
    wrong = []
    for piece in pieces:
        answered = list(itertools.islice(answers, len(piece.probes)))
        stands = answered[0][2]
        law[piece.mask] = law.get(piece.mask, Fraction(0)) + piece.probability
        outcomes.append((piece.probability, [_number(value) for value in stands]))
        wrong += [
            {"words": list(words), "expected mask": _text(piece.mask), "drawn mask": _text(drawn)}
            for words, drawn, multipliers in answered
            if drawn != piece.mask or multipliers != stands
        ]
    probes = sum(len(piece.probes) for piece in pieces)
    return Reading(inputs=inputs, law=law, outcomes=outcomes, probes=probes, wrong=wrong)


def _shared_inclusion(draw: Draw) -> Draw:
    """All rows hold the same sizes: the inclusion probabilities are asked for once, from the first row."""
    if draw.pi is not None:
        return draw
    first = replace(draw, drawn=draw.drawn[0], q=draw.q[0], k=draw.k[0], log_threshold=None)
    return replace(draw, pi=first.inclusion.expand_as(draw.q))


def _text(mask: Sequence[bool]) -> str:
    return "".join("1" if drawn else "0" for drawn in mask)
