"""The oracle that hides the next coordinate of a chain: the noise of the lower bounds for stochastic methods."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from simulations.noise.base import ExpectedSmoothness, Noise
from simulations.objectives.base import Objective
from simulations.streams import Stream


@runtime_checkable
class Chain(Protocol):
    """An objective on which progress is made coordinate by coordinate."""

    def progress(self, w: Tensor) -> Tensor:
        """(..., d) to int64 (...): the number of coordinates that have been reached."""


@dataclass(frozen=True)
class ProgressOracle(Noise):
    """g_i = d_i F (1 + [i > progress(w)] (z / p - 1)), one z ~ Bernoulli(p) a step, coordinates counted from 1.

    E g = grad F, and E|g|^2 = sum_{i <= progress} (d_i F)^2 + sum_{i > progress} (d_i F)^2 / p <= |grad F|^2 / p:
    A = 0, B = 1 / p, C = 0. Where the derivatives beyond the progress have norm at most `largest`,
    E|g - grad F|^2 <= largest^2 (1 - p) / p. It is a Horvitz-Thompson mask on the coordinates not yet reached.

    dimension: d. p in (0, 1]. largest: a bound of the norm of the derivatives beyond the progress, None for none.
    Source: Arjevani, Carmon, Duchi, Foster, Srebro, Woodworth 2019 (arXiv 1912.02365).

    Raises ValueError for a p outside (0, 1], or an objective without `progress`.
    """

    dimension: int
    p: float
    largest: float | None = None

    def __post_init__(self) -> None:
        if self.dimension < 1 or not 0 < self.p <= 1:
            raise ValueError(f"the oracle needs a coordinate and p in (0, 1], found {self}")

    @property
    def name(self) -> str:
        """Progress oracle, with p."""
        return f"progress oracle, p={self.p:g}"

    @property
    def d(self) -> int:
        """Number of coordinates."""
        return self.dimension

    @property
    def sigma2(self) -> float | None:
        """largest^2 (1 - p) / p."""
        return None if self.largest is None else self.largest**2 * (1 - self.p) / self.p

    def abc(self, objective: Objective) -> ExpectedSmoothness:
        """A = 0, B = 1 / p, C = 0."""
        return ExpectedSmoothness(0.0, 1 / self.p, 0.0)

    @property
    def width(self) -> int:
        """One number a step."""
        return 1

    def numbers(self, stream: Stream, steps: int, rows: int) -> Tensor:
        """z / p."""
        return (stream.uniform(steps, rows, 1) < self.p) / stream.constant([self.p])

    def gradient(self, objective: Objective, w: Tensor, exact: Tensor, numbers: Tensor) -> Tensor:
        """The gradient, beyond the progress times z / p."""
        assert isinstance(objective, Chain)  # refuse() saw to it
        reached = objective.progress(w).unsqueeze(-1)
        beyond = torch.arange(1, self.d + 1, device=w.device) > reached
        return torch.where(beyond, exact * numbers, exact)

    def refuse(self, objective: Objective) -> None:
        """Also where there is no progress to speak of."""
        super().refuse(objective)
        if not isinstance(objective, Chain):
            raise ValueError(f"the progress oracle needs an objective with progress(w), found {objective.name}")
