"""A piece: a part of the space of random words on which the mask of a design is constant."""

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from theory.enumeration import Mask


class Piece(NamedTuple):
    """A part of the space of words on which the mask is constant.

    mask: the mask that the definition gives; probability: of the part; probes: words in it, at its ends.
    """

    mask: Mask
    probability: Fraction
    probes: Sequence[tuple[int, ...]]
