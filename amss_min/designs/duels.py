"""Duels: two groups of units meet, each with one unit that is undecided, and one of these two is decided about.

A group whose integers r = 2^40 pi have the total t > 0 has drawn (t - v) / 2^40 units for certain, and its undecided
unit, the survivor, is worth v, the number in 1..2^40 that equals t modulo 2^40. So all values are known before any
duel takes place, and with them the chances.
"""

import torch
from torch import Tensor

from amss_min.designs.fixed_point import ONE

_LOW = 21
_MASK = 2**_LOW - 1
_REST = 62 - 2 * _LOW


def values(total: Tensor) -> Tensor:
    """What the survivor of groups with these totals of r is worth: int64, 0 only where the total is."""
    worth: Tensor = (((total - 1) & (ONE - 1)) + 1) * (total > 0)
    return worth


def chances(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Integers a and m with P(the first goes on) = a / m, and whether the other is drawn, for values in [0, ONE].

    Where v + w <= ONE, the one who goes on keeps v + w, the other is not drawn, and a / m = v / (v + w). Where
    v + w > ONE, the one who goes on keeps v + w - ONE, the other is drawn, and it is the second who is drawn with
    probability a / m = (ONE - v) / (2 ONE - v - w). m is at most ONE; it is 0 where both values are 0 or both are
    ONE, so that either may go on.
    """
    both = first + second
    drawn = both > ONE
    return torch.where(drawn, ONE - first, first), torch.where(drawn, 2 * ONE - both, both), drawn


def below(words: Tensor, a: Tensor, m: Tensor) -> Tensor:
    """Whether floor(word m / 2^62) < a, exactly in int64: words in [0, 2^62), 0 <= a <= m <= 2^41.

    True for ceil(2^62 a / m) of the 2^62 words, so with a probability of a / m to which less than 2^-62 is added:
    never for a = 0, always for a = m > 0. The product has up to 103 bits and is formed from limbs of 21, 21 and 20
    bits, each of which leaves room for a carry: the floor of a floor is the floor of the whole.
    """
    carried = (words & _MASK) * m >> _LOW
    carried = ((words >> _LOW & _MASK) * m + carried) >> _LOW
    least: Tensor = ((words >> 2 * _LOW) * m + carried) >> _REST < a
    return least
