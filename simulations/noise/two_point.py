"""Noise with two values a coordinate: skewed, and with every moment known."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from simulations.noise.base import AdditiveNoise
from simulations.streams import Stream


@dataclass(frozen=True)
class TwoPoint(AdditiveNoise):
    """Independent coordinates with two values each: xi_j = s_j z_j,

        z_j = sqrt((1 - p_j) / p_j) with probability p_j, else -sqrt(p_j / (1 - p_j)).

    E z_j = sqrt(p (1 - p)) - sqrt(p (1 - p)) = 0 and E z_j^2 = (1 - p) + p = 1, so sigma2 = sum_j s_j^2.
    p_j = 1/2 is the symmetric sign; a small p_j is skewed to the right, with E z_j^3 = (1 - 2p) / sqrt(p (1 - p)).

    probabilities: p_j in (0, 1). scales: s_j >= 0, one for each. Raises ValueError otherwise.

    >>> TwoPoint((0.1, 0.5), (1.0, 1.0)).support(0)
    ((3.0, 0.1), (-0.33333333333333337, 0.9))
    """

    probabilities: tuple[float, ...]
    scales: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.probabilities) != len(self.scales) or not self.scales:
            raise ValueError(f"probabilities and scales go in pairs, at least one, found {self}")
        if not all(0 < p < 1 for p in self.probabilities) or not all(s >= 0 for s in self.scales):
            raise ValueError(f"probabilities lie in (0, 1) and scales are >= 0, found {self}")

    @property
    def name(self) -> str:
        """Two-point, with the distinct probabilities and sigma2."""
        distinct = ", ".join(f"{p:g}" for p in dict.fromkeys(self.probabilities))
        return f"two-point, p={distinct}, sigma2={self.sigma2:g}"

    @property
    def d(self) -> int:
        """Number of coordinates."""
        return len(self.scales)

    @property
    def sigma2(self) -> float:
        """sum_j s_j^2."""
        return math.fsum(s * s for s in self.scales)

    def support(self, j: int) -> tuple[tuple[float, float], tuple[float, float]]:
        """The two (value, probability) pairs of coordinate j, the one of probability p_j first."""
        p, s = self.probabilities[j], self.scales[j]
        return (s * math.sqrt((1 - p) / p), p), (-s * math.sqrt(p / (1 - p)), 1 - p)

    def numbers(self, stream: Stream, steps: int, rows: int) -> Tensor:
        """One uniform number a value."""
        up, down = (stream.constant([self.support(j)[side][0] for j in range(self.d)]) for side in (0, 1))
        return torch.where(stream.uniform(steps, rows, self.d) < stream.constant(self.probabilities), up, down)


def skewed(d: int, p: float = 0.1, total: float = 1.0) -> TwoPoint:
    """Two-point noise with the same p on d coordinates and sigma2 = total.

    >>> skewed(4, total=4.0).support(0)[0]
    (3.0, 0.1)
    """
    return TwoPoint((p,) * d, (math.sqrt(total / d),) * d)
