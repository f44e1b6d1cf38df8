"""Pivotal sampling: units meet in duels, each of which decides about one of the two."""

import difflib

import torch
from torch import Tensor

from amss_min.designs.all_orders import mean_over_orders
from amss_min.designs.base import Draw, prepared
from amss_min.designs.duel_joint import Duel, duel_joint_inclusion
from amss_min.designs.duels import below, chances, values
from amss_min.designs.fixed_point import UNIT, FixedPointDesign, rounded
from amss_min.sorting import order as sorting_order

ORDERS = ("random", "ordered", "tree")


class Pivotal(FixedPointDesign):
    """Fixed-size sampling in which units fight for their inclusion probabilities.

    Two units with values v and w duel. If v + w <= 1, one goes on with v + w, the first with probability
    v / (v + w), and the other is not drawn. If v + w > 1, one is drawn, the second with probability
    (1 - v) / (2 - v - w), and the other goes on with v + w - 1. Every duel keeps the mean of either value, so
    P(j drawn) = pi_j = r_j / 2^40. Draws of two units are never positively correlated: pi_ij <= pi_i pi_j.

    order: who meets whom.
      "random" (default): the survivor of the units so far meets the next one, in a random order of the units.
      "ordered": the same in the order of the units; the law is that of Deville's systematic sampling (one point
        drawn in each interval of length 1), so that of two units within such an interval at most one is drawn.
      "tree": neighbours in pairs, then the survivors in pairs, and so on; an odd one passes through.

    Each duel takes one word and realises its probability with an error in [0, 2^-62) (`duels.below`). That moves
    the mean of a unit's value in that duel by less than 2^-62, since values lie in [0, 1]. So the realised P(j drawn)
    differs from pi_j by at most d 2^-62, where d is the number of duels that a unit can take part in: n - 1, or
    ceil(log2 n) in a tree; relative to the smallest pi_j, 2^-40, that is d 2^-22. The law over subsets is at most
    (n - 1) 2^-62 away in total variation.

    Cost: one sort for pi; O(n) for the duels, without a loop over units ("tree": log2 n rounds), and for a random
    order one more sort. Raises ValueError for another order. Source: Deville and Tille, Biometrika 85, 1998;
    the tree: Srinivasan, FOCS 2001; the ordered one as Deville's systematic sampling: Chauvet, Bernoulli 18, 2012.

    >>> p = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64)
    >>> Pivotal().inclusion(p, 2)
    tensor([0.2000, 0.4000, 0.6000, 0.8000], dtype=torch.float64)
    >>> int(Pivotal().sample(p, 2, generator=torch.Generator().manual_seed(0)).drawn.sum())
    2
    """

    fixed_size = True

    def __init__(self, order: str = "random") -> None:
        if order not in ORDERS:
            close = difflib.get_close_matches(str(order), ORDERS) or ORDERS
            told = " or ".join(map(repr, close))
            raise ValueError(f"the order of pivotal sampling must be one of {ORDERS}, found {order!r}: is it {told}?")
        self.order = order

    def __repr__(self) -> str:
        return "Pivotal()" if self.order == "random" else f"Pivotal(order={self.order!r})"

    def slots(self, n: int) -> int:
        """One word a duel, after one key a unit where the order is random."""
        return 2 * n - 1 if self.order == "random" else n - 1

    def select(self, p: Tensor, k: int | Tensor, bits: Tensor) -> Draw:
        """The duels are decided by the last n - 1 words, in the order of the duels; the order by the keys before.

        The first of two goes on iff floor(word m / 2^62) < a, with a / m its probability (`duels.chances`).
        In a random order the keys are bits[..., :n], and the units meet by ascending key (amss_min.sorting.order). The
        duels of a tree are counted round by round.
        """
        q, positive, count = prepared(p, k)
        r = rounded(q, positive, count)
        n = r.shape[-1]
        if self.order == "tree":
            drawn = _tree(r, bits)
        elif self.order == "ordered":
            drawn = _row(r, bits)
        else:
            places = sorting_order(bits[..., :n])
            met = _row(r.gather(-1, places), bits[..., n:])
            drawn = torch.zeros_like(met).scatter_(-1, places, met)
        return Draw(drawn=drawn, q=q, k=count, design=self, pi=r.to(torch.float64) * UNIT)

    def joint_inclusion(self, p: Tensor, k: int | Tensor) -> Tensor:
        """Exact but for rounding, in n - 1 steps of O(n^2) in all; a random order as the mean of all n! orders.

        Raises NotImplementedError for a random order of more than 6 units.
        """
        r = self.fixed_point(p, k)
        duels = _tree_duels(r.shape[-1]) if self.order == "tree" else _row_duels(r.shape[-1])
        if self.order == "random":
            return mean_over_orders(lambda permuted: duel_joint_inclusion(permuted, duels), r, self)
        return duel_joint_inclusion(r, duels)


def _row(r: Tensor, words: Tensor) -> Tensor:
    """The champion of the units so far meets the next unit: r (..., n), words (..., n-1)."""
    n = r.shape[-1]
    total = r.cumsum(-1)
    a, m, drawn = chances(values(total[..., :-1]), r[..., 1:])
    stays = below(words, a, m)
    # A champion is decided about in the next duel in which it is replaced; the last one is drawn.
    duel = torch.arange(n - 1, device=r.device).expand_as(stays)
    never = torch.full_like(total[..., :1], n - 1)
    replaced = torch.cat([torch.where(stays, n - 1, duel), never], -1).flip(-1).cummin(-1).values.flip(-1)
    as_champion = torch.cat([drawn, total[..., -1:] > 0], -1).gather(-1, replaced)
    as_newcomer = torch.where(stays, drawn, as_champion[..., 1:])
    return torch.cat([as_champion[..., :1], as_newcomer], -1)


def _tree(r: Tensor, words: Tensor) -> Tensor:
    """Rounds of pairs: r (..., n), words (..., n-1), the words of a round before those of the next."""
    drawn = torch.zeros_like(r, dtype=torch.bool)
    worth = r
    unit = torch.arange(r.shape[-1], device=r.device).expand_as(r)
    used = 0
    while worth.shape[-1] > 1:
        pairs = worth.shape[-1] // 2
        (v, w), (first, second) = _split(worth, pairs), _split(unit, pairs)
        a, m, other_drawn = chances(v, w)
        stays = below(words[..., used : used + pairs], a, m)
        drawn = drawn.scatter(-1, torch.where(stays, second, first), other_drawn)
        unit = torch.cat([torch.where(stays, first, second), unit[..., 2 * pairs :]], -1)
        worth = torch.cat([values(v + w), worth[..., 2 * pairs :]], -1)
        used += pairs
    return drawn.scatter(-1, unit, worth > 0)


def _split(values: Tensor, pairs: int) -> tuple[Tensor, Tensor]:
    return values[..., 0 : 2 * pairs : 2], values[..., 1 : 2 * pairs : 2]


def _row_duels(n: int) -> list[Duel]:
    return [(0, place, place + 1) for place in range(1, n)]


def _tree_duels(n: int) -> list[Duel]:
    duels = []
    ends = list(range(n + 1))  # the groups of neighbours that each have one survivor
    while len(ends) > 2:
        duels += list(zip(ends[:-2:2], ends[1:-1:2], ends[2::2], strict=True))
        ends = ends[::2] if len(ends) % 2 else [*ends[:-1:2], ends[-1]]
    return duels
