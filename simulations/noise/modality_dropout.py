"""Modality dropout: in a step each modality is there, or is not."""

from dataclasses import dataclass

import torch
from torch import Tensor

from simulations.noise.base import ExpectedSmoothness, Noise
from simulations.objectives.base import Objective
from simulations.streams import Stream


@dataclass(frozen=True)
class ModalityDropout(Noise):
    """g^(m) = (z_m / p_m) grad^(m) F, z_m independent Bernoulli(p_m): modality m is dropped with probability 1 - p_m.

    E g = grad F and E|g|^2 = sum_m |grad^(m) F|^2 / p_m <= |grad F|^2 / min p: A = 0, B = 1 / min_m p_m, C = 0. The
    whole gradient of a modality is dropped, as if its input were missing in that step; that other modalities then see
    another forward pass is not modelled.

    units: coordinates of each modality. present: p_m in (0, 1]. Raises ValueError otherwise.

    >>> ModalityDropout((2, 3), (1.0, 0.5)).d
    5
    """

    units: tuple[int, ...]
    present: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.units) != len(self.present) or not self.units or min(self.units) < 1:
            raise ValueError(f"units and probabilities go in pairs, and a modality has a coordinate, found {self}")
        if not all(0 < p <= 1 for p in self.present):
            raise ValueError(f"a modality is present with a probability in (0, 1], found {self}")

    @property
    def name(self) -> str:
        """Modality dropout, with the probabilities."""
        return f"modality dropout, p=({', '.join(f'{p:g}' for p in self.present)})"

    @property
    def d(self) -> int:
        """Number of coordinates."""
        return sum(self.units)

    def abc(self, objective: Objective) -> ExpectedSmoothness:
        """A = 0, B = 1 / min p, C = 0."""
        return ExpectedSmoothness(0.0, 1 / min(self.present), 0.0)

    @property
    def width(self) -> int:
        """One number a modality."""
        return len(self.units)

    def numbers(self, stream: Stream, steps: int, rows: int) -> Tensor:
        """z_m / p_m."""
        present = stream.constant(self.present)
        return (stream.uniform(steps, rows, len(self.units)) < present) / present

    def gradient(self, objective: Objective, w: Tensor, exact: Tensor, numbers: Tensor) -> Tensor:
        """The gradient, modality by modality times its factor."""
        parts = exact.split(list(self.units), -1)
        return torch.cat([part * numbers[..., m : m + 1] for m, part in enumerate(parts)], -1)

    def refuse(self, objective: Objective) -> None:
        """Also where the modalities are others."""
        super().refuse(objective)
        if self.units != objective.units:
            raise ValueError(
                f"noise and objective must have the same modalities, found {self.units}, {objective.units}"
            )
