"""What gradient noise is: random numbers made apart from the iterate, and the stochastic gradient they give there."""

from abc import ABC, abstractmethod
from typing import NamedTuple

from torch import Tensor

from simulations.objectives.base import Objective
from simulations.streams import Stream


class ExpectedSmoothness(NamedTuple):
    """Constants of expected smoothness: E|g|^2 <= 2 A (F - F*) + B |grad F|^2 + C at every point.

    Source: Khaled and Richtarik 2020 (arXiv 2002.03329).
    """

    A: float
    B: float
    C: float


class Noise(ABC):
    """A stochastic gradient oracle g = g(w, randomness) with E[g | w] = grad F(w).

    The randomness does not depend on w, so that methods with the same seeds see the same numbers.
    """

    @property
    @abstractmethod
    def name(self) -> str:
        """The noise with its parameters, as shown in tables."""

    @property
    @abstractmethod
    def d(self) -> int:
        """Number of coordinates."""

    @property
    def sigma2(self) -> float | None:
        """A bound of E|g - grad F(w)|^2 that holds at every w; None where there is none."""
        return None

    @abstractmethod
    def abc(self, objective: Objective) -> ExpectedSmoothness:
        """Constants of expected smoothness on this objective; the docstring of each noise derives them."""

    @property
    @abstractmethod
    def width(self) -> int:
        """Random numbers of one replicate and step."""

    @abstractmethod
    def numbers(self, stream: Stream, steps: int, rows: int) -> Tensor:
        """The next numbers of this stream, (steps, rows, width); called with the same steps and rows every time.

        They are returned in memory of their own: whoever asked for them may overwrite them.
        """

    @abstractmethod
    def gradient(self, objective: Objective, w: Tensor, exact: Tensor, numbers: Tensor) -> Tensor:
        """g at w (..., d), from the exact gradient there and the numbers (..., width) of this step."""

    def refuse(self, objective: Objective) -> None:
        """Raise ValueError where this noise makes no sense on this objective."""
        if self.d != objective.d:
            raise ValueError(f"noise and objective must have the same d, found {self.d} and {objective.d}")


class AdditiveNoise(Noise):
    """g = grad F(w) + xi with the same law of xi everywhere, E xi = 0 and E|xi|^2 = sigma2.

    So E|g|^2 = |grad F|^2 + sigma2: A = 0, B = 1, C = sigma2.
    """

    @property
    @abstractmethod
    def sigma2(self) -> float:
        """E|xi|^2, over all coordinates together."""

    def abc(self, objective: Objective) -> ExpectedSmoothness:
        """A = 0, B = 1, C = sigma2."""
        return ExpectedSmoothness(0.0, 1.0, self.sigma2)

    @property
    def width(self) -> int:
        """One number a coordinate: `numbers` returns xi itself."""
        return self.d

    def gradient(self, objective: Objective, w: Tensor, exact: Tensor, numbers: Tensor) -> Tensor:
        """grad F(w) + xi."""
        return exact + numbers
