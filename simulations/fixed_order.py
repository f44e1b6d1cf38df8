"""Systematic sampling in a fixed order with inverse inclusion weights, in a few passes over the batch.

The estimate of `amss_min` (Systematic(random_order=False), HorvitzThompson, an importance or none), for batches of
many small rows on a CPU: no sort, no integers, and the type of the gradient. What it keeps is the argument for
unbiasedness. Cumulative inclusion probabilities are rounded to multiples of 2^-b with k 2^b at most the integers that
the type represents, and the start u is a multiple of 2^-b below 1: then C_j + u and C_j - C_{j-1} are exact, unit j is
drawn floor(C_j + u) - floor(C_{j-1} + u) times, with mean C_j - C_{j-1} exactly, and is divided by that. (A certain
unit may be rounded to 1 + 2^-b and be counted twice with probability 2^-b: the mean is the same.)

In float64 b is 40 and with equal sizes the law is that of the production design, bit for bit; otherwise inclusion
probabilities differ from production's in the last of 40 bits, since there they are rounded unit by unit. In float32 b
is 24 less the bits of k. A unit whose probability rounds to 0 is left out: with a share of the uniform distribution in
the sizes there is none unless n / (mix k) exceeds 2^b; without one its part of the sum of norms is below 2^-b / k.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from amss_min.designs import Systematic
from amss_min.importance import GradientNorm, Importance, SquaredGradient
from amss_min.weightings import HorvitzThompson
from simulations.methods import Method

_DIGITS = {torch.float64: 53, torch.float32: 24}
_MOST_ROUNDS = 64


def applies(method: Method, dtype: torch.dtype, device: torch.device) -> bool:
    """Whether this file has the estimate of this method."""
    ordered = isinstance(method.design, Systematic) and not method.design.random_order
    known = method.importance is None or type(method.importance) in (GradientNorm, SquaredGradient)
    plain = isinstance(method.weighting, HorvitzThompson) and not method.lagged
    return ordered and known and plain and dtype in _DIGITS and device.type == "cpu"


class FixedOrder:
    """The estimate M * x for batches x (R, d) of this type; words (R, modalities), one start each."""

    def __init__(self, method: Method, units: Sequence[int], drawn: Sequence[int], dtype: torch.dtype) -> None:
        """units: coordinates of each modality, in order; drawn: how many of them are drawn."""
        self._parts = [_Modality(method.importance, n, min(k, n), dtype) for n, k in zip(units, drawn, strict=True)]
        self._units = list(units)

    def multipliers(self, x: Tensor, words: Tensor) -> Tensor:
        """M, with fresh words uniform on [0, 2^62)."""
        if len(self._parts) == 1:
            return self._parts[0].multipliers(x, words)
        pairs = zip(self._parts, x.split(self._units, -1), strict=True)
        return torch.cat([part.multipliers(mine, words[..., m : m + 1]) for m, (part, mine) in enumerate(pairs)], -1)

    def __call__(self, x: Tensor, words: Tensor) -> Tensor:
        """M * x."""
        return self.multipliers(x, words).mul_(x)


class _Modality:
    def __init__(self, importance: Importance | None, n: int, k: int, dtype: torch.dtype) -> None:
        self.importance, self.n, self.k, self.dtype = importance, n, k, dtype
        self.bits = min(40, _DIGITS[dtype] - math.ceil(math.log2(k + 1)))
        self.unit = 2.0**-self.bits
        if importance is None:
            pi = Systematic(random_order=False).inclusion(torch.ones(n), k)
            self.ends = self._ends(pi.cumsum(-1).to(dtype))
            self.inverse = torch.cat([1 / self.ends.diff(), self.ends[:1]])

    def multipliers(self, x: Tensor, words: Tensor) -> Tensor:
        """The multipliers of this modality."""
        start = (words >> (62 - self.bits)).to(self.dtype).mul_(self.unit)
        if self.importance is None:
            return _strides((self.ends + start).floor_()).mul_(self.inverse)[:, :-1]
        ends = self._ends(self._probabilities(x, self.importance).cumsum(-1))
        return _strides((ends + start).floor_()).div_(_strides(ends).clamp_min_(self.unit))[:, :-1]

    def _ends(self, sums: Tensor) -> Tensor:
        """0 and the cumulative sums as multiples of the unit, the last of them k (or what there is, of fewer units)."""
        last = sums[..., -1:].round()
        ends = sums.new_empty(*sums.shape[:-1], self.n + 1)
        ends[..., 0] = 0.0
        torch.mul(sums, last / sums[..., -1:].clamp_min(self.unit) / self.unit, out=ends[..., 1:])
        ends.round_().mul_(self.unit)
        ends[..., -1:] = last
        return ends

    def _probabilities(self, x: Tensor, importance: Importance) -> Tensor:
        """min(1, c size) with sum k, for rows (R, n); a row that has overflowed counts as 0 where it is not finite."""
        raw, tiny, mix = x.abs(), torch.finfo(self.dtype).tiny, importance.mix
        total = raw.sum(-1, keepdim=True)
        if not bool(total.isfinite().all()):
            raw.nan_to_num_(0.0, 0.0, 0.0)
            total = raw.sum(-1, keepdim=True)
        if type(importance) is SquaredGradient:
            raw = (raw / raw.amax(-1, keepdim=True).clamp_min_(tiny)).square_()
            total = raw.sum(-1, keepdim=True)
        present = raw.sign() if mix and not bool(raw.amin() > 0) else None
        pi = raw.mul_(self.k * (1 - mix) / total.clamp_min_(tiny))
        if present is not None:
            pi.add_(present.mul_(self.k * mix / present.sum(-1, keepdim=True).clamp_min(1)))
        elif mix:
            pi.add_(self.k * mix / self.n)
        (over,) = (pi.amax(-1) > 1).nonzero(as_tuple=True)
        if len(over):
            pi.index_copy_(0, over, self._capped(pi[over]))
        return pi

    def _capped(self, sizes: Tensor) -> Tensor:
        """min(1, c size) with sum k for rows of sum k of which a size is above 1: Newton's method for c, from below.

        The sum is concave and piecewise linear in c. With m units capped and s the sum, the next c is
        c (k - m) / (s - m); it ends, after finitely many rounds, when this factor is 1 up to the rounding of the sum.
        """
        pi, whole, scale = sizes.clamp_max(1.0), torch.empty_like(sizes), torch.ones_like(sizes[..., :1])
        close = 4 * self.n * torch.finfo(self.dtype).eps
        for _ in range(_MOST_ROUNDS):
            capped = torch.floor(pi, out=whole).sum(-1, keepdim=True)
            factor = (self.k - capped).div_((pi.sum(-1, keepdim=True) - capped).clamp_min_(self.unit))
            settled = ((factor - 1).abs_() <= close).logical_or_(factor == 0)
            if bool(settled.all()):
                break
            scale.mul_(factor.masked_fill_(settled, 1.0))  # a row does not move on because others do
            torch.mul(sizes, scale, out=pi).clamp_max_(1.0)
        return pi


def _strides(ends: Tensor) -> Tensor:
    """Differences of neighbours along rows (R, n + 1), in one pass over all; the last column means nothing."""
    strides, flat = torch.empty_like(ends), ends.view(-1)
    torch.sub(flat[1:], flat[:-1], out=strides.view(-1)[:-1])
    strides[-1, -1] = 0.0
    return strides
