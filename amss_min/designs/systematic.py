"""Systematic sampling: one random start, equal strides through the cumulative sizes."""

import torch
from torch import Tensor

from amss_min.designs.all_orders import mean_over_orders
from amss_min.designs.base import Design, Draw, prepared, random_words
from amss_min.designs.fixed_point import BITS, ONE, UNIT, FixedPointDesign, rounded
from amss_min.sorting import order

_START_SHIFT = 62 - BITS  # a word is uniform on [0, 2^62); its upper 40 bits are the start


class Systematic(FixedPointDesign):
    """Fixed-size sampling with probability proportional to size, exact by construction.

    Unit i of the order is drawn iff floor((C_i + u) / 2^40) > floor((C_{i-1} + u) / 2^40), where C are the
    cumulative sums of the integers r = 2^40 pi and u is uniform on the integers [0, 2^40). Each unit covers
    r_i of the 2^40 starts, so its inclusion probability is r_i / 2^40 for every order: a random order
    (random_order=True) changes joint inclusion only, and spreads the draw over neighbours.

    Cost: one sort for pi, one for the order. Source: Madow 1949; random order: Goodman and Kish 1950.

    >>> p = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64)
    >>> Systematic().inclusion(p, 2)
    tensor([0.2000, 0.4000, 0.6000, 0.8000], dtype=torch.float64)
    >>> int(Systematic().sample(p, 2, generator=torch.Generator().manual_seed(0)).drawn.sum())
    2
    """

    fixed_size = True

    def __init__(self, random_order: bool = True) -> None:
        self.random_order = random_order

    def __repr__(self) -> str:
        return "Systematic()" if self.random_order else "Systematic(random_order=False)"

    def slots(self, n: int) -> int:
        """One key a unit for the order, and the start."""
        return n + 1

    def joint_inclusion(self, p: Tensor, k: int | Tensor) -> Tensor:
        """The share of starts on which both units are drawn, rounded at most once; pi_i where i = j.

        Many are 0 in a fixed order, and pi_ij > pi_i pi_j is possible. A random order is the mean of all n! orders.
        Cost: O(n^3) for an order, in integers. Raises NotImplementedError for a random order of more than 6 units.
        """
        r = self.fixed_point(p, k)
        return mean_over_orders(_joint, r, self) if self.random_order else _joint(r)

    def select(self, p: Tensor, k: int | Tensor, bits: Tensor) -> Draw:
        """The draw at the start bits[..., n] >> 22, in the order of the keys bits[..., :n] (amss_min.sorting.order)."""
        return self._drawn(*prepared(p, k), *bits.split([bits.shape[-1] - 1, 1], -1))

    def sample_step(self, p: Tensor, k: Tensor, *, generator: torch.Generator) -> Draw:
        """As `sample`, with one random order for all draws and a start for each of them.

        Inclusion probabilities are the same in every order, and given the order draws are independent. So
        E[B_i B_j] = pi_i pi_j for units i and j of two draws, as if each had an order of its own: they are
        uncorrelated, though not independent (claim shared-order-uncorrelated). Cost: one sort of n keys for all draws.
        """
        own = type(self)
        if own.sample is not Design.sample or own.select is not Systematic.select:  # a subclass that draws otherwise
            return self.sample(p, k, generator=generator)
        return self.select_step(p, k, random_words((sum(p.shape),), generator, p.device))

    def select_step(self, p: Tensor, k: Tensor, words: Tensor) -> Draw:
        """The draws that these words give: sizes p (draws, n) that sum to 1 or are zero, counts k (draws,).

        words: int64 (n + draws,), n keys of the order and a start (>> 22) for every draw.
        """
        draws, n = p.shape
        keys, starts = words.split([n, draws])
        positive = p.sign()
        count = torch.minimum(k, positive.sum(-1).to(k.dtype))
        return self._drawn(p, positive, count, keys, starts.unsqueeze(-1))

    def _drawn(self, q: Tensor, positive: Tensor, count: Tensor, keys: Tensor, words: Tensor) -> Draw:
        r = rounded(q, positive, count)
        start = words >> _START_SHIFT
        if self.random_order:
            places = order(keys).expand_as(r)
            strides = _crossed(r.gather(-1, places), start)
            drawn = torch.empty_like(strides).scatter_(-1, places, strides)
        else:
            drawn = _crossed(r, start)
        return Draw(drawn=drawn, q=q, k=count, design=self, pi=r.to(torch.float64).mul_(UNIT))


def _crossed(r: Tensor, start: Tensor) -> Tensor:
    after = r.cumsum(-1) + start
    return after.bitwise_and_(ONE - 1) < r  # a stride r <= ONE crosses a multiple of ONE iff it ends less than r above


def _joint(r: Tensor) -> Tensor:
    """In the order of the units. The draw changes only where the start passes -C_i modulo ONE for some i."""
    cuts = torch.cat([torch.zeros_like(r[..., :1]), -r.cumsum(-1) % ONE], -1).sort(-1).values
    starts = torch.diff(cuts, append=torch.full_like(cuts[..., :1], ONE)).to(torch.float64)
    drawn = _crossed(r.unsqueeze(-2), cuts.unsqueeze(-1)).to(torch.float64)  # (..., n + 1 cuts, n units)
    return (drawn * starts.unsqueeze(-1)).mT @ drawn * UNIT  # whole numbers of at most 2^40: no sum is rounded
