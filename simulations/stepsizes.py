"""Stepsizes eta_t, t = 0, 1, 2, ..."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor


class Stepsize(ABC):
    """A sequence of stepsizes."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The sequence with its parameters, as shown in tables."""

    @abstractmethod
    def values(self, steps: int) -> Tensor:
        """eta_0, ..., eta_{steps - 1}: float64 (steps,)."""

    @property
    def first(self) -> float:
        """eta_0."""
        return float(self.values(1)[0])


@dataclass(frozen=True)
class Constant(Stepsize):
    """eta_t = eta.

    >>> Constant(0.1).values(2)
    tensor([0.1000, 0.1000], dtype=torch.float64)

    Raises ValueError for a negative one.
    """

    eta: float

    def __post_init__(self) -> None:
        _refuse(self.eta >= 0, self)

    @property
    def name(self) -> str:
        """The value."""
        return f"{self.eta:.4g}"

    def values(self, steps: int) -> Tensor:
        """The same every time."""
        return torch.full((steps,), self.eta, dtype=torch.float64)


@dataclass(frozen=True)
class InverseSquareRoot(Stepsize):
    """eta_t = start / sqrt(t + 1).

    >>> InverseSquareRoot(1.0).values(4)[3]
    tensor(0.5000, dtype=torch.float64)

    Raises ValueError for a negative start.
    """

    start: float

    def __post_init__(self) -> None:
        _refuse(self.start >= 0, self)

    @property
    def name(self) -> str:
        """The formula."""
        return f"{self.start:.4g}/sqrt(t+1)"

    def values(self, steps: int) -> Tensor:
        """One root a step."""
        return self.start / torch.arange(1, steps + 1, dtype=torch.float64).sqrt()


@dataclass(frozen=True)
class InverseTime(Stepsize):
    """eta_t = scale / (shift + t).

    >>> InverseTime(scale=2.0, shift=4.0).values(3)[2:]
    tensor([0.3333], dtype=torch.float64)

    Raises ValueError for scale < 0 or shift <= 0.
    """

    scale: float
    shift: float

    def __post_init__(self) -> None:
        _refuse(self.scale >= 0 and self.shift > 0, self)

    @property
    def name(self) -> str:
        """The formula."""
        return f"{self.scale:.4g}/({self.shift:.4g}+t)"

    def values(self, steps: int) -> Tensor:
        """One quotient a step."""
        return self.scale / (self.shift + torch.arange(steps, dtype=torch.float64))


def _refuse(sound: bool, stepsize: Stepsize) -> None:
    if not sound:
        raise ValueError(f"stepsizes must be numbers >= 0, found {stepsize!r}")
