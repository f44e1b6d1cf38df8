"""Additive gradient noise whose second moment is known: g = grad F(w) + xi, E xi = 0, E |xi|^2 = sigma2."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


class Noise(ABC):
    """Independent mean-zero noise on each of d coordinates, the same law at every step and point."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The noise with its parameters, as shown in tables."""

    @property
    @abstractmethod
    def d(self) -> int:
        """Number of coordinates."""

    @property
    @abstractmethod
    def sigma2(self) -> float:
        """E |xi|^2, over all coordinates together."""

    @abstractmethod
    def sample(self, generator: np.random.Generator, steps: int) -> NDArray[np.float64]:
        """The next `steps` values of this stream, (steps, d); a stream cut into chunks gives the same values."""


@dataclass(frozen=True)
class Gaussian(Noise):
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

    def sample(self, generator: np.random.Generator, steps: int) -> NDArray[np.float64]:
        """Normal values, scaled."""
        return math.sqrt(self.total / self.dimension) * generator.standard_normal((steps, self.dimension))


@dataclass(frozen=True)
class TwoPoint(Noise):
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

    def sample(self, generator: np.random.Generator, steps: int) -> NDArray[np.float64]:
        """One uniform number a value."""
        up, down = (np.array([self.support(j)[side][0] for j in range(self.d)]) for side in (0, 1))
        return np.where(generator.random((steps, self.d)) < np.array(self.probabilities), up, down)


def skewed(d: int, p: float = 0.1, total: float = 1.0) -> TwoPoint:
    """Two-point noise with the same p on d coordinates and sigma2 = total.

    >>> skewed(4, total=4.0).support(0)[0]
    (3.0, 0.1)
    """
    return TwoPoint((p,) * d, (math.sqrt(total / d),) * d)
