"""Successive sampling: unit after unit without replacement, with probability proportional to size."""

import itertools
from collections.abc import Sequence
from fractions import Fraction

import torch
from torch import Tensor

from amss_min.designs.base import Design, Draw, prepared
from amss_min.designs.order_quadrature import by_distinct_rows, inclusion_by_rows, joint_inclusion_by_rows
from amss_min.designs.order_ranks import ExponentialRanks

EXACT_BELOW = 9
"""Inclusion probabilities are rational (subset dynamic programming) for fewer units than this."""

_LATEST = 1 - 2.0**-53


class Successive(Design):
    """What `torch.multinomial(q, k, replacement=False)` does; also Plackett-Luce or Gumbel top-k sampling.

    Unit j gets an exponential clock T_j with rate q_j; the k smallest clocks are drawn. Inclusion
    probabilities are not k q_j and have no closed form: `inclusion` and `joint_inclusion` sum over subsets in
    rationals for n < 9 and integrate numerically beyond, at a cost of O(n) and O(n^2) at each of some 80 nodes.
    The RankConditioned weighting is exactly unbiased without them.

    Cost of a draw: one sort. Source: Rosen 1972; Efraimidis and Spirakis 2006.

    >>> Successive().inclusion(torch.tensor([0.5, 0.25, 0.25], dtype=torch.float64), 2)
    tensor([0.8333, 0.5833, 0.5833], dtype=torch.float64)
    """

    fixed_size = True
    positive = True

    def slots(self, n: int) -> int:
        """One word a unit, for its clock."""
        return n

    def inclusion(self, p: Tensor, k: int | Tensor) -> Tensor:
        """Rational for fewer than 9 units, by quadrature beyond; float64 (..., n)."""
        q, _, count = prepared(p, k)
        if q.shape[-1] >= EXACT_BELOW:
            return inclusion_by_rows(ExponentialRanks, q, count)
        return by_distinct_rows(q, count, 1, _inclusion)

    def joint_inclusion(self, p: Tensor, k: int | Tensor) -> Tensor:
        """Rational for fewer than 9 units, by quadrature beyond; ValueError for more than 4096 units."""
        q, _, count = prepared(p, k)
        if q.shape[-1] >= EXACT_BELOW:
            return joint_inclusion_by_rows(ExponentialRanks, q, count)
        return by_distinct_rows(q, count, 2, _joint_inclusion)

    def select(self, p: Tensor, k: int | Tensor, bits: Tensor) -> Draw:
        """The k smallest clocks T_j = -log(u_j) / q_j, u_j = ((bits_j >> 9) + 1/2) 2^-53, kept as logarithms."""
        q, _, count = prepared(p, k)
        u = (((bits >> 9).to(torch.float64) + 0.5) * 2.0**-53).clamp_max_(_LATEST)  # the last one rounds to 1
        log_clock = (-u.log()).log() - q.log()  # +inf where q is 0: never drawn before a positive unit
        clocks, order = log_clock.sort(dim=-1, stable=True)
        among = torch.arange(q.shape[-1], device=q.device) < count.unsqueeze(-1)
        drawn = torch.zeros_like(among).scatter(-1, order, among)
        never = torch.full_like(clocks[..., :1], torch.inf)
        threshold = torch.cat([clocks, never], -1).gather(-1, count.unsqueeze(-1)).squeeze(-1)
        return Draw(drawn=drawn, q=q, k=count, design=self, log_threshold=threshold)


def _inclusion(row: Tensor, k: int) -> Tensor:
    return _once_rounded(row, subset_inclusion(_fractions(row), k))


def _joint_inclusion(row: Tensor, k: int) -> Tensor:
    return _once_rounded(row, subset_joint_inclusion(_fractions(row), k)).reshape(len(row), len(row))


def _fractions(row: Tensor) -> list[Fraction]:
    return [Fraction(size) for size in row.tolist()]


def _once_rounded(row: Tensor, values: Sequence[Fraction]) -> Tensor:
    return torch.tensor([float(value) for value in values], dtype=torch.float64, device=row.device)


def subset_law(weights: Sequence[Fraction], k: int) -> dict[frozenset[int], Fraction]:
    """Exact probabilities of the sets that successive sampling draws, by dynamic programming over subsets.

    P(S + j) += P(S) w_j / (w(all) - w(S)), over subsets S of growing size up to k. Weights of zero are
    never drawn; k must be at most the number of positive ones. Cost: O(n 2^n) rational operations.
    """
    total = sum(weights, Fraction(0))
    law = {frozenset[int](): Fraction(1)}
    for _ in range(k):
        grown: dict[frozenset[int], Fraction] = {}
        for subset, probability in law.items():
            left = total - sum(weights[unit] for unit in subset)
            for unit, weight in enumerate(weights):
                if weight > 0 and unit not in subset:
                    larger = subset | {unit}
                    grown[larger] = grown.get(larger, Fraction(0)) + probability * weight / left
        law = grown
    return law


def subset_inclusion(weights: Sequence[Fraction], k: int) -> list[Fraction]:
    """Exact inclusion probabilities of successive sampling, from `subset_law`.

    >>> subset_inclusion([Fraction(1, 2), Fraction(1, 4), Fraction(1, 4)], 2)
    [Fraction(5, 6), Fraction(7, 12), Fraction(7, 12)]
    """
    law = subset_law(weights, k).items()
    return [sum((value for subset, value in law if unit in subset), Fraction(0)) for unit in range(len(weights))]


def subset_joint_inclusion(weights: Sequence[Fraction], k: int) -> list[Fraction]:
    """Exact joint inclusion probabilities of successive sampling, row after row, from `subset_law`.

    >>> subset_joint_inclusion([Fraction(1, 2), Fraction(1, 4), Fraction(1, 4)], 2)[:3]
    [Fraction(5, 6), Fraction(5, 12), Fraction(5, 12)]
    """
    law = subset_law(weights, k).items()
    pairs = itertools.product(range(len(weights)), repeat=2)
    return [sum((value for subset, value in law if subset >= {*pair}), Fraction(0)) for pair in pairs]
