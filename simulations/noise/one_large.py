"""Noise that is symmetric jointly, and not coordinate by coordinate: one coordinate large, all signs alike."""

from dataclasses import dataclass

import torch
from torch import Tensor

from simulations.noise.base import AdditiveNoise
from simulations.objectives.base import Objective
from simulations.streams import Stream


@dataclass(frozen=True)
class OneLarge(AdditiveNoise):
    """xi = s (small, ..., small, 1, small, ..., small), with a fair sign s and a uniform place of the 1.

    E xi = 0 by the sign, and |xi|^2 = 1 + (d - 1) small^2 = sigma2 always. xi and -xi have the same law. Given the
    other coordinates, all small and of one sign, the sign of the last one is known: no coordinate is symmetric given
    the others.

    dimension: d. small in [0, 1). Raises ValueError otherwise.

    >>> round(OneLarge(101).sigma2, 12)
    2.0
    """

    dimension: int
    small: float = 0.1

    def __post_init__(self) -> None:
        if self.dimension < 1 or not 0 <= self.small < 1:
            raise ValueError(f"noise needs a coordinate and small in [0, 1), found {self}")

    @property
    def name(self) -> str:
        """One large, with the size of the others and sigma2."""
        return f"one large, others {self.small:g}, sigma2={self.sigma2:g}"

    @property
    def d(self) -> int:
        """Number of coordinates."""
        return self.dimension

    @property
    def sigma2(self) -> float:
        """1 + (d - 1) small^2."""
        return 1 + (self.dimension - 1) * self.small**2

    @property
    def width(self) -> int:
        """One number: the place and the sign."""
        return 1

    def numbers(self, stream: Stream, steps: int, rows: int) -> Tensor:
        """2 place + (1 for the sign +), int64."""
        return stream.integers(2 * self.dimension, steps, rows, 1)

    def gradient(self, objective: Objective, w: Tensor, exact: Tensor, numbers: Tensor) -> Tensor:
        """grad F(w) + xi."""
        sign = (2 * (numbers % 2) - 1).to(exact.dtype)
        places = torch.arange(self.dimension, device=exact.device) == numbers // 2
        return exact + sign * torch.where(places, 1.0, self.small)
