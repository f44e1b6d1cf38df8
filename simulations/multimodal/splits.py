"""Train, validation and test apart: stratified by class, identical rows together, scaled by the train rows alone."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.multimodal.datasets import Dataset

PARTS: Mapping[str, int] = {"train": 60, "validation": 20, "test": 20}


def split(dataset: Dataset, *, rng: np.random.Generator) -> dict[str, NDArray[np.int64]]:
    """Row numbers of each part, in ascending order; every row is in exactly one part.

    Rows that are identical in all features form a group, and a group is never divided. Within each class (that of
    a group's first row) the groups are shuffled and laid end to end; with n rows in the class, a group goes to the
    part in whose share [a, b) of the n rows its first row comes to lie: [0, .6n) train, [.6n, .8n) validation,
    [.8n, n) test. Without identical rows each part is therefore within one row of its share in every class.

    Raises ValueError when a class leaves some part without a row.
    """
    groups = dataset.identical_rows()
    _, first = np.unique(groups, return_index=True)
    class_of_group = dataset.labels[first]
    sizes = np.bincount(groups)
    edges = np.cumsum([0, *PARTS.values()])
    part_of_group = np.zeros(len(sizes), dtype=np.int64)
    for label, class_name in enumerate(dataset.class_names):
        shuffled = rng.permutation(np.flatnonzero(class_of_group == label))
        starts = np.cumsum(sizes[shuffled]) - sizes[shuffled]
        rows = int(sizes[shuffled].sum())
        part_of_group[shuffled] = np.searchsorted(edges * rows, starts * int(edges[-1]), side="right") - 1
        missing = set(range(len(PARTS))) - set(part_of_group[shuffled].tolist())
        if missing:
            part = list(PARTS)[min(missing)]
            raise ValueError(
                f"each part needs a row of each class, found no {part} row for {class_name!r}: "
                f"it has {len(shuffled)} distinct rows"
            )
    part_of_row = part_of_group[groups]
    return {part: np.flatnonzero(part_of_row == number) for number, part in enumerate(PARTS)}


@dataclass(frozen=True)
class Part:
    """The rows of one part as tensors: features modality -> (rows, features) float32, labels (rows,) int64."""

    features: Mapping[str, Tensor]
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def rows(self, index: Tensor) -> "Part":
        """The part cut to the rows of the index."""
        return Part({name: matrix[index] for name, matrix in self.features.items()}, self.labels[index])


def standardised(dataset: Dataset, parts: Mapping[str, NDArray[np.int64]]) -> dict[str, Part]:
    """The parts, each feature shifted and scaled by its mean and standard deviation over the train rows.

    z = (x - mean) / std, computed in float64 and stored as float32. A feature that is constant on the train rows
    is only shifted. Validation and test rows take no part in the mean or the deviation.
    """
    scaled = {}
    for modality, matrix in dataset.features.items():
        values = matrix.astype(np.float64)
        train = values[parts["train"]]
        constant = train.max(axis=0) == train.min(axis=0)
        deviation = np.where(constant, 1.0, train.std(axis=0))
        scaled[modality] = torch.from_numpy(((values - train.mean(axis=0)) / deviation).astype(np.float32))
    labels = torch.from_numpy(dataset.labels)
    every = Part(scaled, labels)
    return {part: every.rows(torch.from_numpy(rows)) for part, rows in parts.items()}
