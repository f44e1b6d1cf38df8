"""How large each unit is: from gradient norms to the sizes that a design samples by."""

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from amss_min.sorting import ascending

_SMALLEST = torch.finfo(torch.float64).tiny


@dataclass(frozen=True)
class Importance:
    """Sizes p from unit norms |g_j|: p = (1 - mix) s / sum(s) + mix / n_plus.

    s: the raw size, a power of |g_j|; n_plus: the number of units with s > 0.
    mix: in [0, 1], the share of the uniform distribution. With mix > 0 Horvitz-Thompson weights are at most
    n / (mix k).

    norms (..., n) finite and >= 0, any float dtype; returns float64 (..., n), zero exactly where the norm
    is zero, otherwise summing to 1. Raises ValueError for mix outside [0, 1].
    """

    mix: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.mix <= 1:
            raise ValueError(f"mix must be in [0, 1], found mix={self.mix}")

    def raw(self, scaled: Tensor) -> Tensor:
        """The raw size s of units with these norms (scaled so that the largest is 1)."""
        raise NotImplementedError

    def __call__(self, norms: Tensor) -> Tensor:
        """Sizes from norms; see the class."""
        norms = norms.to(torch.float64)
        positive = norms.sign()  # 1 where positive, else 0
        scaled = norms / norms.amax(-1, keepdim=True).clamp_min_(_SMALLEST)
        # A square that underflows beside the largest unit stays positive: the unit has a gradient.
        sizes = self.raw(scaled).clamp_min(_SMALLEST).mul_(positive)
        total = sizes.sum(-1, keepdim=True).clamp_min_(_SMALLEST)
        if self.mix == 0:
            return sizes.div_(total)
        units = positive.sum(-1, keepdim=True).clamp_min_(1)
        return sizes.mul_(1 - self.mix).div_(total).addcdiv_(positive, units, value=self.mix)


class SquaredGradient(Importance):
    """Sizes by energy, s_j = |g_j|^2: the empirical Fisher information of AMSS (arXiv 2404.08347).

    >>> SquaredGradient()(torch.tensor([1.0, 3.0, 0.0]))
    tensor([0.1000, 0.9000, 0.0000], dtype=torch.float64)
    >>> SquaredGradient(mix=0.5)(torch.tensor([1.0, 3.0, 0.0]))
    tensor([0.3000, 0.7000, 0.0000], dtype=torch.float64)
    """

    def raw(self, scaled: Tensor) -> Tensor:
        """Squared norms."""
        return scaled.square()


class GradientNorm(Importance):
    """Sizes by norm, s_j = |g_j|: the least second moment at a given k (Wangni et al., NeurIPS 2018).

    >>> GradientNorm()(torch.tensor([1.0, 3.0, 0.0]))
    tensor([0.2500, 0.7500, 0.0000], dtype=torch.float64)
    """

    def raw(self, scaled: Tensor) -> Tensor:
        """Norms as they are."""
        return scaled


_ROUNDS = 4


@lru_cache(64)
def _up_to_zero(n: int, device: torch.device) -> Tensor:
    return torch.arange(1 - n, 1, dtype=torch.float64, device=device)


def water_filling(sizes: Tensor, k: Tensor) -> Tensor:
    """Inclusion probabilities pi_j = min(1, c a_j) with sum k: proportional to size, capped at 1.

    On a CPU: with none capped, c = k / sum(a); units above 1 are capped and the others share what is left, until
    none is above 1. That can take n rounds, and four take as long as a sort. Where 4 are not enough, and on a device
    that would have to be waited for, sizes are sorted. With
    a_(1) <= ... <= a_(n) and S_u = a_(1) + ... + a_(u), the u smallest are not capped, u the largest with
    (k - n + u) a_(u) <= S_u, and c = (k - n + u) / S_u. The difference S_u - (k - n + u) a_(u) decreases in u, so u is
    the number of entries that satisfy it.

    sizes (..., n) float64 >= 0; k int64 (...), at most the number of positive sizes; returns float64
    (..., n), which may exceed 1 by rounding only. A row of zeros gives zeros. Cost: some passes, or one sort more.
    Source: Hajek 1964; Tille 2006.

    >>> water_filling(torch.tensor([6.0, 1.0, 1.0], dtype=torch.float64), torch.tensor(2))
    tensor([1.0000, 0.5000, 0.5000], dtype=torch.float64)
    """
    k = k.unsqueeze(-1).to(sizes.dtype)  # counts are whole numbers below 2^53
    if sizes.device.type == "cpu" and sizes.numel():
        pi = sizes * (k / sizes.sum(-1, keepdim=True).clamp_min_(_SMALLEST))
        for _ in range(_ROUNDS):
            if float(pi.max()) <= 1:
                return pi
            pi = _shared(sizes, k, pi >= 1)
    least_first = ascending(sizes)
    wanted = _up_to_zero(sizes.shape[-1], sizes.device) + k  # k - n + u
    last = (wanted.mul_(least_first) <= least_first.cumsum(-1)).sum(-1, keepdim=True).sub_(1)
    return _shared(sizes, k, sizes > least_first.gather(-1, last))


def _shared(sizes: Tensor, k: Tensor, capped: Tensor) -> Tensor:
    """1 for the capped units; what is left of k (..., 1) in proportion to size for the others.

    Their sizes are summed anew: unlike cumsum, sum adds in pairs, and its error does not grow with n.
    """
    rest = sizes.masked_fill(capped, 0.0).sum(-1, keepdim=True).clamp_min_(_SMALLEST)
    scale = (k - capped.sum(-1, keepdim=True)).div_(rest)
    return (sizes * scale).masked_fill_(capped, 1.0)
