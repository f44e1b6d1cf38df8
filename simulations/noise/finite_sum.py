"""Noise from drawing terms of a finite sum, independently or by reshuffling."""

from dataclasses import dataclass

import torch
from torch import Tensor

from simulations.noise.base import ExpectedSmoothness, Noise
from simulations.objectives.base import FiniteSum, Objective
from simulations.streams import Stream


@dataclass(frozen=True)
class SampledTerms(Noise):
    """g = grad F_i(w), F = (1/N) sum_i F_i, i uniform on the N terms.

    Independent draws: E[g | w] = grad F(w), and since F_i is L_i-smooth and F_i >= F_i*,
    |grad F_i|^2 <= 2 L_i (F_i - F_i*). The mean over i gives E|g|^2 <= 2 A (F - F*) + C with A = max L_i, B = 0,
    C = 2 A (F* - mean_i F_i*).

    reshuffled: the terms come in random order, each once an epoch. Within an epoch the gradient is then not unbiased
    given the past, and no constants are stated.

    dimension: d. terms: N. Raises ValueError for an objective that is no finite sum of N terms, for fewer than one, and
    in `abc` for reshuffled terms.
    """

    dimension: int
    terms: int
    reshuffled: bool = False

    def __post_init__(self) -> None:
        if self.dimension < 1 or self.terms < 1:
            raise ValueError(f"a finite sum needs a coordinate and a term, found {self}")

    @property
    def name(self) -> str:
        """How terms are drawn, and of how many."""
        return f"{'reshuffled' if self.reshuffled else 'independent'} terms, N={self.terms}"

    @property
    def d(self) -> int:
        """Number of coordinates."""
        return self.dimension

    def abc(self, objective: Objective) -> ExpectedSmoothness:
        """A = max L_i, B = 0, C = 2 A (F* - mean F_i*)."""
        if self.reshuffled:
            raise ValueError(
                "expected smoothness needs independent terms, found reshuffled ones: they are not unbiased"
            )
        self.refuse(objective)
        assert isinstance(objective, FiniteSum)
        return ExpectedSmoothness(
            objective.component_L, 0.0, 2 * objective.component_L * max(0.0, objective.component_gap)
        )

    @property
    def width(self) -> int:
        """One number a step."""
        return 1

    def numbers(self, stream: Stream, steps: int, rows: int) -> Tensor:
        """The number of the term, int64."""
        if not self.reshuffled:
            return stream.integers(self.terms, steps, rows, 1)
        waiting = [stream.memory.get("order", torch.empty(0, rows, dtype=torch.int64, device=stream.device))]
        while sum(map(len, waiting)) < steps:
            waiting.append(stream.words(self.terms, rows).argsort(0))
        order = torch.cat(waiting)
        stream.memory["order"] = order[steps:]
        return order[:steps].unsqueeze(-1)

    def gradient(self, objective: Objective, w: Tensor, exact: Tensor, numbers: Tensor) -> Tensor:
        """The gradient of the drawn term."""
        assert isinstance(objective, FiniteSum)  # refuse() saw to it
        return objective.component_gradient(w, numbers.squeeze(-1))

    def refuse(self, objective: Objective) -> None:
        """Also where there are no terms, or others."""
        super().refuse(objective)
        if not isinstance(objective, FiniteSum) or objective.samples != self.terms:
            raise ValueError(f"the noise needs a finite sum of {self.terms} terms, found {objective.name}")
