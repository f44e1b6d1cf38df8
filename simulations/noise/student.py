"""Student noise: a finite variance and heavy tails."""

import math
from dataclasses import dataclass

from torch import Tensor

from simulations.noise.base import AdditiveNoise
from simulations.streams import Stream


@dataclass(frozen=True)
class Student(AdditiveNoise):
    """Independent coordinates xi_j = s t_j, t_j Student with `freedom` degrees of freedom nu.

    t = z / sqrt(chi2_nu / nu) has variance nu / (nu - 2); s^2 = (total / d) (nu - 2) / nu, so sigma2 = total. Moments
    of order nu and above are infinite.

    Raises ValueError for total < 0, no coordinates, or nu < 3 (an infinite variance).

    >>> Student(4, total=2.0).sigma2
    2.0
    """

    dimension: int
    total: float = 1.0
    freedom: int = 3

    def __post_init__(self) -> None:
        if self.dimension < 1 or not self.total >= 0:
            raise ValueError(f"noise needs a coordinate and total >= 0, found {self}")
        if self.freedom < 3:
            raise ValueError(f"the variance is finite from 3 degrees of freedom on, found {self}")

    @property
    def name(self) -> str:
        """Student, with its degrees of freedom and sigma2."""
        return f"Student, nu={self.freedom}, sigma2={self.sigma2:g}"

    @property
    def d(self) -> int:
        """Number of coordinates."""
        return self.dimension

    @property
    def sigma2(self) -> float:
        """The total second moment."""
        return self.total

    def numbers(self, stream: Stream, steps: int, rows: int) -> Tensor:
        """nu + 1 normal numbers a value; chi2_nu is a sum of nu squares, s t = z sqrt((total / d) (nu - 2) / chi2)."""
        chi2 = stream.normal(steps, rows, self.dimension, self.freedom).square_().sum(-1)
        scale = math.sqrt(self.total / self.dimension * (self.freedom - 2))
        return stream.normal(steps, rows, self.dimension).mul_(scale).div_(chi2.sqrt_())
