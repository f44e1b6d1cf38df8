"""What production designs and weightings do, read off exactly.

The mask of a design is a piecewise constant function of its random words. `enumeration` says where the pieces
end and how much probability each holds; here the production `select` is called with words at both ends of
every piece, and the production weighting with the draw that comes back. So it is the code that is integrated,
not only the algorithm: a comparison that is off by one, a wrong shift or a stale order shows as a mask other
than expected, a wrong weight as a moment other than expected.
"""

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from amss_min.designs import Design, Draw, Poisson, SimpleRandom, Successive, Systematic, TopK
from amss_min.weightings import Weighting
from theory import enumeration
from theory.enumeration import Law, Mask
from theory.moments import Number, Outcome

GRID = 2**40
"""Systematic and Poisson inclusion probabilities are multiples of 1 / GRID."""


class Piece(NamedTuple):
    """A part of the space of words on which the mask is constant.

    mask: the mask that the definition gives; probability: of the part; probes: words in it, at its ends.
    """

    mask: Mask
    probability: Fraction
    probes: Sequence[tuple[int, ...]]


_LOW = 22  # words have 62 bits; starts and thresholds are their upper 40
_ALL_LOW = 2**_LOW - 1
_WORD = 2**62


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One design on one instance (for random-order systematic sampling: in one order).

    inputs: sizes, count, design, weighting and order in JSON types, for a witness.
    law: the exact law, from `enumeration`. outcomes: its probabilities with the production multipliers.
    probes: how many words were tried. wrong: words, expected and drawn mask, wherever production drew another
    mask than the definition, or other multipliers at the two ends of one piece.
    """

    inputs: dict[str, Any]
    law: Law
    outcomes: list[Outcome]
    probes: int
    wrong: list[dict[str, Any]]


@lru_cache(2**16)
def _number(value: float) -> Number:
    return Fraction(value) if math.isfinite(value) else value


def exact(values: Tensor) -> list[Number]:
    """A row of floats as fractions, without rounding; what is not finite stays a float."""
    return [_number(value) for value in values.tolist()]


def fractions(values: Tensor) -> list[Fraction]:
    """A row of finite floats as fractions, without rounding; raises ValueError or OverflowError otherwise."""
    return [Fraction(value) for value in values.tolist()]


def grid_inclusion(design: Systematic | Poisson, p: Tensor, k: int) -> list[Fraction]:
    """The realised inclusion probabilities r / 2^40 of a design that works in fixed point."""
    return [Fraction(r, GRID) for r in design.fixed_point(p, k).tolist()]


def readings(
    design: Design, weighting: Weighting, p: Tensor, k: int, orders: Sequence[Sequence[int]] | None = None
) -> list[Reading]:
    """All readings of a design with a weighting, for sizes p (n,) and count k.

    Random-order systematic sampling is read order by order: in all n! orders up to n = 5, beyond in `orders`.
    Raises TypeError for a design that is not known here.
    """
    inputs = {"sizes": p.tolist(), "k": k, "design": repr(design), "weighting": repr(weighting)}
    if isinstance(design, Systematic):
        chosen: Iterable[Sequence[int] | None] = [None]
        if design.random_order:
            chosen = orders if orders is not None else enumeration.orders(len(p))
        pi = grid_inclusion(design, p, k)
        cases = [({**inputs, "order": order}, systematic_words(pi, order)) for order in chosen]
    elif isinstance(design, Poisson):
        cases = [(inputs, _poisson_pieces(grid_inclusion(design, p, k)))]
    elif isinstance(design, SimpleRandom):
        law = enumeration.simple_random_law(fractions(p), k)
        # Words at the ends of their range, and neighbours in the middle, where they differ in their lowest bits only.
        ends, middle = _ranked_pieces(law, 0, _WORD - len(p)), _ranked_pieces(law, _WORD // 2, _WORD // 2 + len(p))
        pieces = [one._replace(probes=[*one.probes, *other.probes]) for one, other in zip(ends, middle, strict=True)]
        cases = [(inputs, pieces)]
    elif isinstance(design, Successive):
        # The clock is a decreasing function of the word. These words put the clocks of the units drawn a factor
        # 2^35 before the others, so every mask is reached where the sizes lie within that factor.
        q = design.select(p, k, torch.zeros(len(p), dtype=torch.int64)).q
        law = enumeration.successive_law(fractions(q), k)
        cases = [(inputs, _ranked_pieces(law, _WORD - 2**30, 0))]
    elif isinstance(design, TopK):
        cases = [(inputs, [Piece(mask, p, [()]) for mask, p in enumeration.top_k_law(fractions(p), k).items()])]
    else:
        raise TypeError(f"exact readings are known for the designs of amss_min, found {design!r}")
    return _read(design, weighting, p, k, cases)


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


def _poisson_pieces(pi: Sequence[Fraction]) -> list[Piece]:
    # Words stay words even where a probability is none: the comparison with the law must still be made.
    threshold = [min(max(int(value * GRID) << _LOW, 0), _WORD) for value in pi]
    pieces = []
    for mask, probability in enumeration.poisson_law(pi).items():
        first = tuple(0 if drawn else min(at, _WORD - 1) for drawn, at in zip(mask, threshold, strict=True))
        last = tuple(max(at, 1) - 1 if drawn else _WORD - 1 for drawn, at in zip(mask, threshold, strict=True))
        pieces.append(Piece(mask, probability, [first, last]))
    return pieces


def _ranked_pieces(law: Law, early: int, late: int) -> list[Piece]:
    """Designs whose mask depends on the rank of the words: the drawn units get words near `early`."""
    pieces = []
    for mask, probability in law.items():
        words = tuple((early if drawn else late) + unit for unit, drawn in enumerate(mask))
        back = tuple((early if drawn else late) + len(mask) - 1 - unit for unit, drawn in enumerate(mask))
        pieces.append(Piece(mask, probability, [words, back]))
    return pieces


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
