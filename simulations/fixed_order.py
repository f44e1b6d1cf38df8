"""Systematic sampling in a fixed order with inverse inclusion weights, in a few passes over the batch.

The estimate of `amss_min` (Systematic(random_order=False), HorvitzThompson, an importance or none), for batches of
many small rows on a CPU: no sort, no integers, and the type of the gradient. What it keeps is the argument for
unbiasedness. Cumulative inclusion probabilities C_0 = 0 <= C_1 <= ... <= C_n are multiples of 2^-b, and the start u is
a multiple of 2^-b below 1, with (k + 1) 2^b at most the integers that the type represents: then C_j + u and
C_j - C_{j-1} are exact, unit j is drawn floor(C_j + u) - floor(C_{j-1} + u) times, with mean C_j - C_{j-1} exactly, and
is divided by that. (A certain unit may be rounded to 1 + 2^-b and be counted twice with probability 2^-b: the mean is
the same.)

Equal sizes: M changes only at the starts, at most n of them, where some C_j + u is an integer. Where the table of all
rows M is small, rows are copied from it.
Sizes by importance: A + C_j is held, where A = 2^(digits - 1 - b) is an integer and neighbours in [A, 2 A) are 2^-b
apart. So the addition that makes A + C_j rounds it to the grid, in increasing order, and A drops out of differences.

In float64 b is 40 and with equal sizes the law is that of the production design, bit for bit; otherwise inclusion
probabilities differ from production's in the last of 40 bits, since there they are rounded unit by unit. In float32 b
is 24 less the bits of k, 23 less them for sizes by importance. A unit whose probability rounds to 0 is left out: with a
share of the uniform distribution in the sizes there is none unless n / (mix k) exceeds 2^b; without one its part of the
sum of norms is below 2^-b / k.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from amss_min.designs import Systematic
from amss_min.importance import GradientNorm, Importance, SquaredGradient
from amss_min.weightings import HorvitzThompson
from simulations.methods import Method

_DIGITS = {torch.float64: 53, torch.float32: 24}
Reals = NDArray[np.float32] | NDArray[np.float64]
_TABLE = 2**15  # numbers of a table of multipliers that stays in the cache


def applies(method: Method, dtype: torch.dtype, device: torch.device) -> bool:
    """Whether this file has the estimate of this method."""
    ordered = isinstance(method.design, Systematic) and not method.design.random_order
    known = method.importance is None or type(method.importance) in (GradientNorm, SquaredGradient)
    plain = isinstance(method.weighting, HorvitzThompson) and not method.lagged
    return ordered and known and plain and dtype in _DIGITS and device.type == "cpu"


class FixedOrder:
    """The estimate M * x for batches x (R, d) of this type, with one start for each row and modality."""

    def __init__(
        self,
        method: Method,
        units: Sequence[int],
        drawn: Sequence[int],
        dtype: torch.dtype,
        *,
        most_bits: int = 40,
    ) -> None:
        """units: coordinates of each modality, in order; drawn: how many of them are drawn; most_bits: bounds b."""
        self._parts: list[_Equal | _Sized] = []
        for n, count in zip(units, drawn, strict=True):
            k, importance = min(count, n), method.importance
            self._parts.append(
                _Equal(n, k, dtype, most_bits) if importance is None else _Sized(importance, n, k, dtype, most_bits)
            )
        self._units = list(units)
        bits = torch.tensor([part.bits for part in self._parts])
        self._shifts, self._steps = 62 - bits, torch.ldexp(torch.ones(len(bits), dtype=dtype), -bits)

    def starts(self, words: Tensor) -> Tensor:
        """The starts (..., modalities) of fresh words uniform on [0, 2^62), of the same shape."""
        return (words >> self._shifts).to(self._steps.dtype).mul_(self._steps)

    def multipliers(self, x: Tensor, starts: Tensor) -> Tensor:
        """M, from starts (R, modalities); the next call may overwrite it."""
        if len(self._parts) == 1:
            return self._parts[0].multipliers(x, starts)
        pairs = zip(self._parts, x.split(self._units, -1), strict=True)
        return torch.cat([part.multipliers(mine, starts[:, m : m + 1]) for m, (part, mine) in enumerate(pairs)], -1)

    def __call__(self, x: Tensor, starts: Tensor) -> Tensor:
        """M * x."""
        return self.multipliers(x, starts) * x


class _Equal:
    """One modality of n units of the same size."""

    def __init__(self, n: int, k: int, dtype: torch.dtype, most_bits: int) -> None:
        self.bits = _bits(dtype, k, most_bits)
        unit, sums = 2.0**-self.bits, Systematic(random_order=False).inclusion(torch.ones(n), k).cumsum(-1).to(dtype)
        ends = (sums * (k / sums[-1] / unit)).round_().mul_(unit)
        ends[-1] = k
        self.ends = torch.cat([ends.new_zeros(1), ends])
        self.inverse = 1 / self.ends.diff()
        crossed = (1 - self.ends.frac()).unique()
        self.crossed = crossed[crossed < 1]
        firsts = torch.cat([ends.new_zeros(1), self.crossed]).unsqueeze(-1)
        self.table = self._rows(firsts) if len(firsts) * n <= _TABLE else None

    def multipliers(self, x: Tensor, start: Tensor) -> Tensor:
        """The multipliers of this modality."""
        if self.table is None:
            return self._rows(start)
        return self.table.index_select(0, torch.bucketize(start[:, 0].contiguous(), self.crossed, right=True))

    def _rows(self, start: Tensor) -> Tensor:
        return (self.ends + start).floor_().diff().mul_(self.inverse)


class _Sized:
    """One modality of n units with sizes by importance."""

    def __init__(self, importance: Importance, n: int, k: int, dtype: torch.dtype, most_bits: int) -> None:
        self.importance, self.n, self.k, self.dtype = importance, n, k, dtype
        self.bits = _bits(dtype, 2 * k + 1, most_bits)
        self.unit, self.anchor = 2.0**-self.bits, 2.0 ** (_DIGITS[dtype] - 1 - self.bits)
        self.share, self.least = k * (1 - importance.mix), k * importance.mix / n
        self.spread = (torch.arange(1, n, dtype=torch.float64) * self.least + self.anchor).to(dtype)
        self.room = self._room(0)

    def _room(self, rows: int) -> "_Room":
        return _Room(rows, self.n, self.dtype, self.anchor, self.anchor + self.k)

    def multipliers(self, x: Tensor, start: Tensor) -> Tensor:
        """The multipliers of this modality; the next call overwrites them."""
        if len(self.room.ends) != len(x):
            self.room = self._room(len(x))
        room, tiny = self.room, torch.finfo(self.dtype).tiny
        raw = torch.abs(x, out=room.raw)
        torch.amax(raw, -1, keepdim=True, out=room.top)
        if not math.isfinite(room.tops.max()):  # a row that has overflowed counts as 0 where it is not finite
            raw.nan_to_num_(0.0, 0.0, 0.0)
            torch.amax(raw, -1, keepdim=True, out=room.top)
        if type(self.importance) is SquaredGradient:
            raw.div_(room.top.clamp_min_(tiny)).square_()
            torch.amax(raw, -1, keepdim=True, out=room.top)
        # A rounding of a number up to k is at most half a step of the grid, and n sizes are added up: a C_j is within
        # n / 2 + 7 steps of its value, so that every unit keeps one where the least share is n / 2 + 10.
        if self.least < (self.n / 2 + 10) * self.unit or not raw.amin().item() >= tiny:
            return self._any(raw, start)
        return self._regular(start)

    def _regular(self, start: Tensor) -> Tensor:
        """The multipliers for sizes in the room that are normal numbers, the largest of each row among them."""
        room = self.room
        torch.sum(room.raw, -1, keepdim=True, out=room.total)
        np.divide(self.share, room.totals, out=room.factors)
        over = np.flatnonzero(room.tops * room.factors > 1 - self.least)
        if len(over):
            factors = room.factors[over]
            pi = _capped(room.raws[over] * factors + self.least, self.k)
            room.raws[over] = (pi - self.least) / factors
        torch.cumsum(room.raw, -1, out=room.sums)
        torch.addcmul(self.spread, room.partial, room.factor, out=room.inner)
        return room.multipliers(start)

    def _any(self, raw: Tensor, start: Tensor) -> Tensor:
        """The multipliers for any sizes.

        The last C_j is k, or the number of units whose size is not 0 where that is smaller.
        """
        present = raw.sign()
        total = raw.sum(-1, keepdim=True).clamp_min_(self.n * torch.finfo(self.dtype).tiny)
        pi = raw.mul_(total.reciprocal_().mul_(self.share))
        pi += present.mul_(self.k * self.importance.mix / present.sum(-1, keepdim=True).clamp_min_(1))
        over = np.flatnonzero(pi.amax(-1).numpy() > 1)
        if len(over):
            sizes = pi.numpy()[over]
            pi.numpy()[over] = _capped(sizes, np.minimum(np.count_nonzero(sizes, axis=-1, keepdims=True), self.k))
        room, sums = self._room(len(raw)), pi.cumsum(-1)
        last = sums[:, -1:].round()
        inner = sums.mul_(last / sums[:, -1:].clamp_min(self.unit)).add_(self.anchor)[:, :-1]
        room.ends[:, -1:] = last.add_(self.anchor)
        torch.minimum(inner, last, out=room.inner)
        return room.multipliers(start, self.unit)


def _capped(sizes: Reals, count: NDArray[np.int64] | int) -> Reals:
    """min(1, c size) with sum `count`, for rows of sizes that, cut off at 1, have at most this sum: Newton's method.

    The sum is concave and piecewise linear in c. With m units capped and s the sum of the sizes of the others, the next
    c is (count - m) / s; where no unit joins the capped ones, that was the solution. c never falls, so no unit leaves
    them, and a row that has ended stays as it is while others go on. The sizes are overwritten. On so few rows numpy's
    calls cost less than torch's.
    """
    n, least = sizes.shape[1], sizes.shape[1] * float(np.finfo(sizes.dtype).tiny)
    pi, c = np.minimum(sizes, 1, out=sizes), np.ones_like(sizes[:, :1])
    free = pi < 1
    capped = n - np.add.reduce(free, -1, keepdims=True)
    while True:
        rest = np.add.reduce(sizes, -1, keepdims=True, where=free)
        np.maximum(c, (count - capped) / np.maximum(rest, least), out=c, casting="same_kind")
        pi = sizes * c
        np.less(pi, 1, out=free)
        before, capped = capped, n - np.add.reduce(free, -1, keepdims=True)
        if (capped == before).all():
            return np.minimum(pi, 1, out=pi)


class _Room:
    """Memory of a modality, kept from step to step so that it stays in the cache, with the views that a step needs.

    ends: A + C_j, j = 0, ..., n, in rows (R, n + 1), whose first and last column are given; inner: the columns between
    these. raw, sums: (R, n), overwritten by `multipliers`; partial: all columns of sums but the last. top, total,
    factor: (R, 1). Names in the plural are the same memory as numpy arrays.
    """

    def __init__(self, rows: int, n: int, dtype: torch.dtype, first: float, last: float) -> None:
        self.ends, self._passed, self._drawn = (torch.zeros(rows, n + 1, dtype=dtype) for _ in range(3))
        self.ends[:, 0], self.ends[:, -1], self.inner = first, last, self.ends[:, 1:-1]
        self.raw, self.sums = (held.view(-1)[: rows * n].view(rows, n) for held in (self._passed, self._drawn))
        self.partial, self._multipliers = self.sums[:, :-1], self._drawn[:, :-1]
        self.top, self.factor, self.total = (torch.zeros(rows, 1, dtype=dtype) for _ in range(3))
        parts = (self.raw, self.top, self.total, self.factor)
        self.raws, self.tops, self.totals, self.factors = (part.numpy() for part in parts)
        # Differences of neighbours along rows, in one pass over all; the last column means nothing.
        flat = [held.view(-1) for held in (self._passed, self._drawn, self.ends)]
        self._times = flat[0][1:], flat[0][:-1], flat[1][:-1]
        self._shares = flat[2][1:], flat[2][:-1], flat[0][:-1]

    def multipliers(self, start: Tensor, least: float = 0.0) -> Tensor:
        """Times drawn over inclusion probability, which is taken as `least` at least."""
        torch.add(self.ends, start, out=self._passed).floor_()
        after, before, out = self._times
        torch.sub(after, before, out=out)
        after, before, out = self._shares
        torch.sub(after, before, out=out)
        self._drawn.div_(self._passed.clamp_min_(least) if least else self._passed)
        return self._multipliers


def _bits(dtype: torch.dtype, most: int, bound: int) -> int:
    """b such that (most + 1) 2^b is at most the integers of the type, and b <= bound."""
    return min(bound, _DIGITS[dtype] - math.ceil(math.log2(most + 1)))
