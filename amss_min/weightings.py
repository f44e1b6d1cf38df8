"""Weightings: from a draw to the multipliers of the gradient, zero on the units not drawn."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from amss_min.designs import Draw


class Weighting(ABC):
    """Multipliers M_j for the units of a draw: float64 (..., n), zero where not drawn."""

    unbiased: ClassVar[bool]
    """Whether E[M_j] = 1 for every unit of positive inclusion probability."""

    ignores_padding: ClassVar[bool] = False
    """Whether units of size zero beside the others change none of their multipliers. A subclass has to say so again."""

    @abstractmethod
    def __call__(self, draw: Draw) -> Tensor:
        """The multipliers of this draw."""

    @abstractmethod
    def second_moment(self, draw: Draw) -> Tensor | None:
        """E[M_j^2] for every unit (zero-size units count 0), or None where it has no closed form."""


@dataclass(frozen=True)
class Indicator(Weighting):
    """M_j = B_j: the 0/1 mask of AMSS. E[M_j] = pi_j, so it is biased wherever pi_j < 1."""

    unbiased: ClassVar[bool] = False
    ignores_padding: ClassVar[bool] = True

    def __call__(self, draw: Draw) -> Tensor:
        """1 on the units drawn."""
        return draw.drawn.to(torch.float64)

    def second_moment(self, draw: Draw) -> Tensor:
        """pi_j."""
        return draw.inclusion


@dataclass(frozen=True)
class HorvitzThompson(Weighting):
    """M_j = B_j / pi_j with the realised inclusion probabilities: E[M_j] = 1, E[M_j^2] = 1 / pi_j.

    Source: Horvitz and Thompson, Journal of the American Statistical Association 47, 1952.
    """

    unbiased: ClassVar[bool] = True
    ignores_padding: ClassVar[bool] = True

    def __call__(self, draw: Draw) -> Tensor:
        """1 / pi_j on the units drawn."""
        return (1.0 / draw.inclusion).masked_fill_(~draw.drawn, 0.0)

    def second_moment(self, draw: Draw) -> Tensor:
        """1 / pi_j."""
        pi = draw.inclusion
        return (1.0 / pi).masked_fill_(pi == 0, 0.0)


@dataclass(frozen=True)
class RankConditioned(Weighting):
    """M_j = B_j / (1 - exp(-q_j tau)), tau the (k+1)-th smallest clock of successive sampling.

    Exactly unbiased with the sampling law left as it is. Fix the clocks of the others and let tau' be the
    k-th smallest of them: unit j is drawn iff T_j < tau', which has probability 1 - exp(-q_j tau'), and on
    that event tau = tau'. So E[M_j | other clocks] = 1, hence E[M_j] = 1. For k = n, tau is infinite and the
    weight is 1. At k = 1 < n the second moment is infinite, since E[1 / (q_j tau)] diverges: AMSSPlus refuses.

    Source: Duffield, Lund and Thorup, Journal of the ACM 54(6), 2007; Cohen and Kaplan, PODC 2007.
    """

    unbiased: ClassVar[bool] = True
    ignores_padding: ClassVar[bool] = True

    def __call__(self, draw: Draw) -> Tensor:
        """1 / (1 - exp(-q_j tau)) on the units drawn; raises TypeError unless the design is Successive."""
        if draw.log_threshold is None:
            raise TypeError(f"RankConditioned needs the clocks of Successive sampling, found a draw by {draw.design!r}")
        ringing = (draw.q.log() + draw.log_threshold.unsqueeze(-1)).exp()
        return (1.0 / -torch.expm1(-ringing)).masked_fill(~draw.drawn, 0.0)

    def second_moment(self, draw: Draw) -> None:
        """No closed form."""
        return None


@dataclass(frozen=True)
class ShiftedInverse(Weighting):
    """M_j = B_j / (q_j + 1/n): the weight of the released AMSS+ code. Biased, and its mean is about k/2.

    shift: replaces 1/n (the image-text script uses 0.2). Only behind the `released` switch of AMSSPlus.
    Source: released code of AMSS at commit 3161ecc, AMSS/train_test.py lines 270 and 303.
    """

    shift: float | None = None
    unbiased: ClassVar[bool] = False

    def __call__(self, draw: Draw) -> Tensor:
        """1 / (q_j + 1/n) on the units drawn."""
        return self._weight(draw).masked_fill(~draw.drawn, 0.0)

    def second_moment(self, draw: Draw) -> Tensor:
        """pi_j / (q_j + 1/n)^2."""
        return draw.inclusion * self._weight(draw).square()

    def _weight(self, draw: Draw) -> Tensor:
        return 1.0 / (draw.q + (1.0 / draw.q.shape[-1] if self.shift is None else self.shift))
