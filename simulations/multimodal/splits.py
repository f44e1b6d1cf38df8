"""Train, validation and test apart: groups and identical rows whole, classes spread, scaled by the train rows alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.multimodal.datasets import PARTS, Dataset
from simulations.multimodal.tasks import CLASSIFICATION

PERCENT: Mapping[str, int] = dict(zip(PARTS, (60, 20, 20), strict=True))
_HELD = 2**30  # bytes: a data set up to this size is scaled once and kept, a larger one is scaled batch by batch
_ROWS_AT_A_TIME = 256


def split(dataset: Dataset, *, rng: np.random.Generator) -> dict[str, NDArray[np.int64]]:
    """Row numbers of each part, in ascending order.

    Official parts are kept as they are. With groups (people, recordings) whole groups are shuffled and laid end to end
    over all rows; without, identical rows form a group, and this is done within each class (that of a group's first
    row), or over all rows where the target is no class. With n rows laid out, a group goes to the part in whose share
    its first row comes to lie: [0, .6n) train, [.6n, .8n) validation, [.8n, n) test.

    Raises ValueError when a class leaves some part without a row (train, for grouped data), or a part is empty.
    """
    if dataset.parts is not None:
        return {part: np.sort(rows) for part, rows in dataset.parts.items()}
    grouped = dataset.groups is not None
    given = dataset.identical_rows() if dataset.groups is None else dataset.groups
    _, groups = np.unique(given, return_inverse=True)
    _, first = np.unique(groups, return_index=True)
    classes = dataset.task.name == CLASSIFICATION
    stratum = dataset.target[first] if classes and not grouped else np.zeros(len(first), dtype=np.int64)
    sizes = np.bincount(groups)
    edges = np.cumsum([0, *PERCENT.values()])
    part_of_group = np.zeros(len(sizes), dtype=np.int64)
    for label in range(int(stratum.max()) + 1):
        shuffled = rng.permutation(np.flatnonzero(stratum == label))
        starts = np.cumsum(sizes[shuffled]) - sizes[shuffled]
        rows = int(sizes[shuffled].sum())
        part_of_group[shuffled] = np.searchsorted(edges * rows, starts * int(edges[-1]), side="right") - 1
    part_of_row = part_of_group[groups]
    parts = {part: np.flatnonzero(part_of_row == number) for number, part in enumerate(PARTS)}
    _check(dataset, parts, every=not grouped)
    return parts


def _check(dataset: Dataset, parts: Mapping[str, NDArray[np.int64]], every: bool) -> None:
    classes = dataset.task.name == CLASSIFICATION
    for part, rows in parts.items():
        present = dataset.target[rows].tolist() if classes else range(dataset.task.outputs)
        missing = sorted(set(range(dataset.task.outputs)) - set(present))
        if len(missing) and (every or part == "train"):
            name, count = dataset.target_names[missing[0]], int((dataset.target == missing[0]).sum())
            raise ValueError(
                f"each part needs a row of each class, found no {part} row for {name!r}: it has {count} rows"
            )
        if not len(rows):
            raise ValueError(f"each part needs a row, found no {part} row in {dataset.name!r} of {len(dataset)} rows")


@dataclass(frozen=True)
class Batch:
    """Rows as tensors: features modality -> (B, ...), target (B, ...)."""

    features: Mapping[str, Tensor]
    target: Tensor

    def __len__(self) -> int:
        return len(self.target)

    def to(self, device: torch.device) -> "Batch":
        """The rows on a device."""
        moved = {name: array.to(device, non_blocking=True) for name, array in self.features.items()}
        return Batch(moved, self.target.to(device, non_blocking=True))


@dataclass(frozen=True)
class Part:
    """The rows of one part, scaled when they are asked for.

    arrays: modality -> (N, ...), all rows. numbers (n,): the rows of the part. target (n, ...).
    scales: modality -> shift and factor, z = (x - shift) * factor; modalities without are left as they are.
    standard: the same of what standardised the rows that `rows` gives, there or before.
    """

    arrays: Mapping[str, NDArray[Any]]
    numbers: NDArray[np.int64]
    target: Tensor
    scales: Mapping[str, tuple[NDArray[Any], NDArray[Any]]]
    standard: Mapping[str, tuple[NDArray[Any], NDArray[Any]]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def features(self) -> Mapping[str, Tensor]:
        """All rows of the part as tensors."""
        return self.rows(torch.arange(len(self))).features

    def rows(self, index: Tensor) -> Batch:
        """The rows of the index (B,), positions within the part."""
        chosen = self.numbers[index.numpy()]
        found = {}
        for name, array in self.arrays.items():
            values = np.ascontiguousarray(array[chosen])
            if name in self.scales:
                shift, factor = self.scales[name]
                values = ((values - shift) * factor).astype(np.float32)
            found[name] = torch.from_numpy(values)
        return Batch(found, self.target[index])

    def chunks(self, size: int) -> Iterator[Batch]:
        """All rows in order, at most `size` at a time."""
        for index in torch.arange(len(self)).split(size):
            yield self.rows(index)


def standardised(dataset: Dataset, parts: Mapping[str, NDArray[np.int64]]) -> dict[str, Part]:
    """The parts, features shifted and scaled by mean and standard deviation over the train rows.

    z = (x - mean) / std in float64, given as float32. Vectors (N, F) are scaled feature by feature, signals and images
    (N, C, ...) channel by channel; tokens are left alone. A feature that is constant on the train rows is only shifted.
    A regression target is scaled in the same way, so that the loss has no unit. Validation and test rows take no part
    in the mean or the deviation.
    """
    floats = [name for name, array in dataset.features.items() if array.dtype == np.float32]
    scales = {name: _scale(dataset.features[name], parts["train"]) for name in floats if dataset.standardise}
    arrays, standard = dict(dataset.features), scales
    if sum(array.nbytes for array in arrays.values()) <= _HELD:
        for name, (shift, factor) in scales.items():
            arrays[name] = ((arrays[name].astype(np.float64) - shift) * factor).astype(np.float32)
        scales = {}
    target = _target(dataset, parts["train"])
    return {part: Part(arrays, rows, target[torch.from_numpy(rows)], scales, standard) for part, rows in parts.items()}


def _scale(array: NDArray[Any], rows: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Mean and inverse deviation over these rows, shaped to broadcast, by two passes in float64."""
    axes = (0, *range(2, array.ndim))
    count = len(rows) * int(np.prod(array.shape[2:]))
    pieces = [rows[first : first + _ROWS_AT_A_TIME] for first in range(0, len(rows), _ROWS_AT_A_TIME)]
    mean = sum(array[piece].astype(np.float64).sum(axes, keepdims=True) for piece in pieces) / count
    square = sum(np.square(array[piece] - mean).sum(axes, keepdims=True) for piece in pieces) / count
    low = np.minimum.reduce([array[piece].min(axes, keepdims=True) for piece in pieces])
    high = np.maximum.reduce([array[piece].max(axes, keepdims=True) for piece in pieces])
    # A constant column has a deviation of some rounding errors: it is told by its extremes.
    factor = 1 / np.sqrt(np.where(low == high, 1.0, square))
    return mean, factor


def _target(dataset: Dataset, train: NDArray[np.int64]) -> Tensor:
    if dataset.target.dtype != np.float32:
        return torch.from_numpy(np.ascontiguousarray(dataset.target))
    values = dataset.target.reshape(len(dataset), -1).astype(np.float64)
    shift, factor = _scale(values, train)
    return torch.from_numpy(((values - shift) * factor).astype(np.float32))
