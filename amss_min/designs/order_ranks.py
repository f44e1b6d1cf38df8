"""The ranks of order sampling, R_j = Y_j / a_j: three distributions of Y, and nodes that suit each.

| class | F(y) | order sampling |
|---|---|---|
| ExponentialRanks | 1 - exp(-y) | successive |
| ParetoRanks | y / (1 + y) | Pareto, with a_j = pi_j / (1 - pi_j) |
| UniformRanks | min(1, y) | sequential Poisson, with a_j = pi_j |
"""

import math
from abc import ABC, abstractmethod

import numpy
import torch
from torch import Tensor

_COARSEST = 0.5  # F and the generating function are analytic for |Im x| < pi / 2 at least


class Ranks(ABC):
    """n independent ranks R_j = Y_j / a_j with rates a (n,), positive float64.

    Times are given by their logarithm x. Before the time exp(low) and after exp(high) a rank has a probability of
    at most exp(-50), relative to F_j(exp(high)) = 1.
    """

    def __init__(self, rates: Tensor) -> None:
        self.rates = rates
        self.n = len(rates)
        self.low = -math.log(float(rates.max())) - 50.0
        self.high = -math.log(float(rates.min())) + self._after()

    @staticmethod
    @abstractmethod
    def _after() -> float:
        """log y beyond which F(y) = 1 but for exp(-50)."""

    @abstractmethod
    def at(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """F_j, 1 - F_j and dF_j / dx at the times exp(x): x (m,), three tensors (m, n)."""

    def scaled(self, factor: float) -> "Ranks":
        """The same law with the time in other units: rates times this factor."""
        return type(self)(self.rates * factor)

    def mesh(self, left: float, right: float, width: float, level: int) -> tuple[Tensor, Tensor, float]:
        """Nodes x and weights of a rule on [left, right], and the share of the previous level that is kept.

        width: over which the integrand varies, in x. Here: the trapezoid rule, whose step is halved at every level,
        so that only the new nodes are given. It converges like exp(-2 pi d / h) for a strip of half width d.
        """
        step = 0.9 * min(_COARSEST, width)
        last_place = 2.0 ** (math.frexp(step)[1] - 8)
        step = math.floor(step / last_place) * last_place  # of 8 bits: no node is rounded
        first, last = math.floor(left / step), math.ceil(right / step)
        nodes = step * torch.arange(first, last + 1, dtype=torch.float64, device=self.rates.device)
        if level:
            step /= 2**level
            shifts = step * torch.arange(1, 2**level, 2, dtype=torch.float64, device=self.rates.device)
            nodes = (nodes.unsqueeze(-1) + shifts).flatten()
        return nodes, torch.full_like(nodes, step), 0.5 if level else 0.0

    def _times(self, x: Tensor) -> Tensor:
        return x.exp().unsqueeze(-1) * self.rates


class ExponentialRanks(Ranks):
    """F(y) = 1 - exp(-y)."""

    @staticmethod
    def _after() -> float:
        return math.log(50.0)

    def at(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """See the base class."""
        y = self._times(x)
        late = (-y).exp()
        return -torch.expm1(-y), late, y * late


class ParetoRanks(Ranks):
    """F(y) = y / (1 + y)."""

    @staticmethod
    def _after() -> float:
        return 50.0

    def at(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """See the base class."""
        y = self._times(x)
        late = 1 / (1 + y)
        early = y * late
        return early, late, early * late


class UniformRanks(Ranks):
    """F(y) = min(1, y): the integrand is a polynomial of degree below n in t between the kinks t = 1 / a_j."""

    @staticmethod
    def _after() -> float:
        return 0.0

    def at(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """See the base class."""
        y = self._times(x)
        return y.clamp_max(1), (1 - y).clamp_min(0), torch.where(y < 1, y, 0.0)

    def mesh(self, left: float, right: float, width: float, level: int) -> tuple[Tensor, Tensor, float]:
        """Gauss-Legendre panels in t between the kinks, each with the nodes it needs, twice as many at every level.

        Panels are a width long before t = 1, and a width of log t after. m nodes on a panel of h widths of a normal
        curve err by about (h / 4)^(2 m) / (2^m m!): below 1e-9 at level 0.
        """
        width = min(2 * _COARSEST, width)
        before = torch.linspace(math.exp(left), 1, math.ceil(1 / width) + 1, dtype=torch.float64)
        after = torch.linspace(0, right, math.ceil(right / width) + 1, dtype=torch.float64).exp()
        kinks = 1 / self.rates
        inside = kinks[(kinks > before[0].item()) & (kinks < after[-1].item())]
        ends = torch.cat([torch.cat([before, after]).to(kinks), inside]).unique()
        half = (ends.diff() / 2).unsqueeze(-1)
        middle, panels = ends[:-1].unsqueeze(-1) + half, 2 * half.squeeze(-1) / (ends[1:].clamp_min(1) * width)
        found = []
        for shortest, longest, count in ((0, 1 / 50, 2), (1 / 50, 1 / 8, 3), (1 / 8, math.inf, 5)):
            points, weights = map(torch.from_numpy, numpy.polynomial.legendre.leggauss(count * 2**level))
            here = (panels > shortest) & (panels <= longest)
            t = middle[here] + half[here] * points.to(half)
            found.append((t.log().flatten(), (half[here] * weights.to(half) / t).flatten()))
        nodes, shares = zip(*found, strict=True)
        return torch.cat(nodes), torch.cat(shares), 0.0
