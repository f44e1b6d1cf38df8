"""Turns of signals with three axes, so that a network does not learn how a sensor happened to sit."""

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from amss_min.testing.loading import BadInput
from simulations.multimodal.datasets import Dataset
from simulations.multimodal.splits import Batch, Part

AXES = 3


def turned_modalities(dataset: Dataset) -> tuple[str, ...]:
    """The modalities whose rows are float signals (3, T). Raises BadInput where there is none."""
    arrays = dataset.features.items()
    found = tuple(name for name, array in arrays if array.dtype == np.float32 and _is_signal(array.shape[1:]))
    if not found:
        shapes = ", ".join(f"{name} {dataset.shape(name)}" for name in dataset.modalities)
        raise BadInput(
            f"training.rotation turns signals of three channels, rows of shape (3, samples), found none in "
            f"{dataset.name}: {shapes}"
        )
    return found


class Rotation:
    """Turns each row of a batch: x -> R x with R about a uniform axis by an angle normal(0, degrees).

    x (3, T) is the signal before standardisation, z = (x - shift) * factor what a batch holds, so that z becomes
    (R (z / factor + shift) - shift) * factor. All signals of a row share R, as sensors of one device do; modalities
    that are no signals of three channels are left as they are.

    part: the rows that batches are drawn from, for shift and factor. names: the modalities that are turned.
    generator: on the CPU; each batch of B rows draws 4 B normal numbers, whatever the modalities.
    Source: Um et al., Data Augmentation of Wearable Sensor Data for Parkinson's Disease Monitoring, ICMI 2017.
    """

    def __init__(self, part: Part, names: tuple[str, ...], degrees: float, generator: torch.Generator) -> None:
        self.degrees, self.generator = degrees, generator
        self.scales: Mapping[str, tuple[Tensor, Tensor]] = {name: _scale(part, name) for name in names}

    def __call__(self, batch: Batch) -> Batch:
        """The batch with its signals turned; the given one is left as it is."""
        turns = rotations(len(batch), self.degrees, self.generator)
        turned = {}
        for name, (shift, factor) in self.scales.items():
            turned[name] = (torch.bmm(turns, batch.features[name] / factor + shift) - shift) * factor
        return Batch({**batch.features, **turned}, batch.target)


def rotations(rows: int, degrees: float, generator: torch.Generator) -> Tensor:
    """Rotation matrices (rows, 3, 3), float32: axis u uniform on the sphere, angle a normal(0, degrees).

    R = I + sin(a) K + (1 - cos(a)) K^2, K the matrix of the cross product with u (Rodrigues).

    >>> turns = rotations(5, 20.0, torch.Generator())
    >>> torch.allclose(turns @ turns.mT, torch.eye(3), atol=1e-6)
    True
    """
    axis = normalize(torch.randn(rows, AXES, generator=generator))
    angle = math.radians(degrees) * torch.randn(rows, 1, 1, generator=generator)
    cross = torch.linalg.cross(axis[:, None], torch.eye(AXES)[None]).mT
    turns: Tensor = torch.eye(AXES) + angle.sin() * cross + (1 - angle.cos()) * (cross @ cross)
    return turns


def _is_signal(shape: tuple[int, ...]) -> bool:
    return len(shape) == 2 and shape[0] == AXES


def _scale(part: Part, name: str) -> tuple[Tensor, Tensor]:
    """Shift and factor (1, 3, 1), those that leave a signal as it is where it was not standardised."""
    shift, factor = part.standard.get(name, (np.zeros(1), np.ones(1)))
    return torch.from_numpy(shift.astype(np.float32)), torch.from_numpy(factor.astype(np.float32))
