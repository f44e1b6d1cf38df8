"""Inclusion probabilities as integers: multiples of 2^-40 whose sum is exactly k.

In floating point a cumulative sum realises other probabilities than it was given: at n = 10^5 and skewed
sizes some are off by factors of a thousand. In integers nothing is rounded after this file: the realised
inclusion probability of unit j is r_j / 2^40, on every machine and device.
"""

import torch
from torch import Tensor

from amss_min.designs.base import Design, prepared
from amss_min.importance import water_filling

BITS = 40
ONE = 2**BITS
UNIT = 2.0**-BITS
MOST_UNITS = 2**20
_LARGEST = 2**63 - 1


class FixedPointDesign(Design):
    """A design whose inclusion probabilities are r_j / 2^40, with the integers r of `rounded`.

    All such designs share their inclusion probabilities, to the last bit.
    """

    positive = True

    def fixed_point(self, p: Tensor, k: int | Tensor) -> Tensor:
        """Integers r = 2^40 pi, int64 (..., n), with sum k 2^40; ValueError for n > 2^20."""
        return rounded(*prepared(p, k))

    def inclusion(self, p: Tensor, k: int | Tensor) -> Tensor:
        """r / 2^40, without rounding."""
        return self.fixed_point(p, k).to(torch.float64) * UNIT


def rounded(q: Tensor, positive: Tensor, count: Tensor) -> Tensor:
    """Integers r nearest to the water-filled sizes, from prepared sizes: q and positive (..., n), count (...).

    positive says whether q > 0, as bool or as 0 and 1.

    pi_j = min(1, c q_j) is rounded to a multiple of 2^-40, at least 2^-40 where q_j > 0. What the rounding
    leaves missing is given to one unit, so that sum(r) = count 2^40 exactly: a deficit to the least likely
    unit, a surplus off the likeliest that is not certain. The u uncapped units have a whole number of ONE
    between them, so the one chosen has room for ONE / u >= n units of the last place, for n <= 2^20; each
    other rounding moves a unit by half a unit of the last place (by one, where it is raised from 0).
    """
    if q.shape[-1] > MOST_UNITS:
        raise ValueError(f"a draw takes at most 2^20 units, found {q.shape[-1]}: its rounding would not be exact")
    # Rounded and cut as float64, which holds these whole numbers and is faster.
    r: Tensor = water_filling(q, count).mul_(ONE).round_().clamp_(1, ONE).mul_(positive).to(torch.int64)
    missing = (count * ONE - r.sum(-1)).unsqueeze(-1)
    # In integers, since a masked_fill takes four times as long. A unit that is never drawn counts as 2^63 - 1, and one
    # that is certain as n: it gives way only where no uncertain unit has room.
    least = (r - 1).bitwise_and_(_LARGEST).argmin(-1, keepdim=True)
    likeliest = torch.add(r, r >> BITS, alpha=q.shape[-1] - ONE).argmax(-1, keepdim=True)
    r.scatter_add_(-1, torch.where(missing > 0, least, likeliest), missing)
    return r
