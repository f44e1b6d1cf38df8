"""Joint inclusion probabilities of designs by duels, over any binary tree of neighbouring groups."""

from collections.abc import Sequence

import torch
from torch import Tensor

from amss_min.designs.duels import chances, values
from amss_min.designs.fixed_point import UNIT

Duel = tuple[int, int, int]
"""The survivor of the units start..middle-1 meets that of middle..stop-1: (start, middle, stop)."""


def duel_joint_inclusion(r: Tensor, duels: Sequence[Duel]) -> Tensor:
    """pi_ij of the duels in this order, for integers r (..., n) with a whole sum: float64 (..., n, n), pi_i if i = j.

    The two groups of a duel are independent until they meet. Let unit i of the first, with value v, be drawn by
    then with probability d_i and survive with probability s_i, likewise unit j of the second, with value w, with
    d_j and s_j. A survivor is drawn in the end with probability equal to its value, whatever came before, and both
    survivors with probability max(0, v + w - 1): one of them in this duel, the other with the value that it keeps. So

        pi_ij = d_i d_j + w d_i s_j + v s_i d_j + max(0, v + w - 1) s_i s_j,

    for the first and only duel between the groups of i and j. No term is negative, so that relative errors add up
    only: s takes two roundings a duel, d three, in two groups of at most n units together, and the formula six. The
    relative error is below 4 (n + 2) 2^-53.

    Cost: n - 1 steps and O(n^2) operations a row. Source: for a row of duels, Chauvet, Bernoulli 18, 2012.
    """
    pi = r.to(torch.float64) * UNIT
    joint = torch.diag_embed(pi)
    total = torch.cat([torch.zeros_like(r[..., :1]), r.cumsum(-1)], -1)
    drawn, survives = torch.zeros_like(pi), torch.ones_like(pi)
    for start, middle, stop in duels:
        v, w = values(total[..., middle] - total[..., start]), values(total[..., stop] - total[..., middle])
        block = _block(drawn, survives, v, w, (start, middle, stop))
        joint[..., start:middle, middle:stop] = block
        joint[..., middle:stop, start:middle] = block.mT
        a, m, other_drawn = chances(v, w)
        m = m.clamp_min(1)  # where m = 0 the second goes on
        first_goes_on, second_goes_on = a / m.to(torch.float64), (m - a) / m.to(torch.float64)
        for group, goes_on, loses in (
            (slice(start, middle), first_goes_on, second_goes_on),
            (slice(middle, stop), second_goes_on, first_goes_on),
        ):
            drawn[..., group] += survives[..., group] * (loses * other_drawn).unsqueeze(-1)
            survives[..., group] *= goes_on.unsqueeze(-1)
    return joint


def _block(drawn: Tensor, survives: Tensor, v: Tensor, w: Tensor, duel: Duel) -> Tensor:
    start, middle, stop = duel
    d_i, s_i = drawn[..., start:middle, None], survives[..., start:middle, None]
    d_j, s_j = drawn[..., None, middle:stop], survives[..., None, middle:stop]
    one, other = (value.to(torch.float64)[..., None, None] * UNIT for value in (v, w))
    return d_i * d_j + other * d_i * s_j + one * s_i * d_j + (one + other - 1).clamp_min(0) * s_i * s_j
