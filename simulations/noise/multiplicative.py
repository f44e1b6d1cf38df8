"""Noise proportional to the gradient: it vanishes where the gradient does (interpolation)."""

from dataclasses import dataclass

from torch import Tensor

from simulations.noise.base import ExpectedSmoothness, Noise
from simulations.objectives.base import Objective
from simulations.streams import Stream


@dataclass(frozen=True)
class Multiplicative(Noise):
    """g_j = (1 + s z_j) d_j F, z_j independent and standard normal.

    E g = grad F and E|g|^2 = (1 + s^2) |grad F|^2 exactly: A = 0, B = 1 + s^2, C = 0. No uniform sigma2.

    dimension: d. strength: s >= 0. Raises ValueError otherwise.

    >>> Multiplicative(2, strength=2.0).sigma2 is None
    True
    """

    dimension: int
    strength: float = 1.0

    def __post_init__(self) -> None:
        if self.dimension < 1 or not self.strength >= 0:
            raise ValueError(f"noise needs a coordinate and strength >= 0, found {self}")

    @property
    def name(self) -> str:
        """Multiplicative, with s."""
        return f"multiplicative, s={self.strength:g}"

    @property
    def d(self) -> int:
        """Number of coordinates."""
        return self.dimension

    def abc(self, objective: Objective) -> ExpectedSmoothness:
        """A = 0, B = 1 + s^2, C = 0."""
        return ExpectedSmoothness(0.0, 1 + self.strength**2, 0.0)

    @property
    def width(self) -> int:
        """One number a coordinate."""
        return self.dimension

    def numbers(self, stream: Stream, steps: int, rows: int) -> Tensor:
        """The factors 1 + s z."""
        return stream.normal(steps, rows, self.dimension).mul_(self.strength).add_(1.0)

    def gradient(self, objective: Objective, w: Tensor, exact: Tensor, numbers: Tensor) -> Tensor:
        """The gradient times its factors."""
        return exact * numbers
