"""Gaussian noise whose size differs between modalities: the imbalance dial of the noise."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from simulations.noise.base import AdditiveNoise
from simulations.streams import Stream


@dataclass(frozen=True)
class PerModality(AdditiveNoise):
    """xi ~ N(0, D) with D = totals_m / units_m on the coordinates of modality m.

    units: coordinates of each modality. totals: E|xi^(m)|^2 of each, so sigma2 = sum_m totals_m.

    Raises ValueError for lists of different lengths, a modality without coordinates, or a negative total.

    >>> PerModality((2, 2), (1.0, 3.0)).sigma2
    4.0
    """

    units: tuple[int, ...]
    totals: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.units) != len(self.totals) or not self.units:
            raise ValueError(f"units and totals go in pairs, at least one, found {self}")
        if min(self.units) < 1 or not all(total >= 0 for total in self.totals):
            raise ValueError(f"a modality needs a coordinate and a total >= 0, found {self}")

    @property
    def name(self) -> str:
        """Gaussian, with sigma2 by modality."""
        return f"Gaussian by modality, sigma2=({', '.join(f'{total:g}' for total in self.totals)})"

    @property
    def d(self) -> int:
        """Number of coordinates."""
        return sum(self.units)

    @property
    def sigma2(self) -> float:
        """sum_m totals_m."""
        return math.fsum(self.totals)

    @property
    def scales(self) -> Sequence[float]:
        """Standard deviation of every coordinate."""
        pairs = zip(self.units, self.totals, strict=True)
        return [math.sqrt(total / n) for n, total in pairs for _ in range(n)]

    def numbers(self, stream: Stream, steps: int, rows: int) -> Tensor:
        """Normal values, scaled by modality."""
        return stream.normal(steps, rows, self.d).mul_(stream.constant(self.scales))
