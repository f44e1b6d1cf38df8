"""Gaussian noise, the same on every coordinate."""

import math
from dataclasses import dataclass

from torch import Tensor

from simulations.noise.base import AdditiveNoise
from simulations.streams import Stream


@dataclass(frozen=True)
class Gaussian(AdditiveNoise):
    """xi ~ N(0, (total / d) I): symmetric in every coordinate given the others.

    dimension: d. total: sigma2 = E |xi|^2, since d coordinates have variance total / d each.

    Raises ValueError for total < 0 or no coordinates.

    >>> Gaussian(4, total=2.0).sigma2
    2.0
    """

    dimension: int
    total: float = 1.0

    def __post_init__(self) -> None:
        if self.dimension < 1 or not self.total >= 0:
            raise ValueError(f"noise needs a coordinate and total >= 0, found {self}")

    @property
    def name(self) -> str:
        """Gaussian, with sigma2."""
        return f"Gaussian, sigma2={self.sigma2:g}"

    @property
    def d(self) -> int:
        """Number of coordinates."""
        return self.dimension

    @property
    def sigma2(self) -> float:
        """The total second moment."""
        return self.total

    def numbers(self, stream: Stream, steps: int, rows: int) -> Tensor:
        """Normal values, scaled."""
        return stream.normal(steps, rows, self.dimension, scale=math.sqrt(self.total / self.dimension))
