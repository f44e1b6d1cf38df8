"""What a data set is: rows seen through several modalities, and a target."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulations.multimodal.tasks import CLASSIFICATION, REGRESSION, Task, task_of

PARTS = ("train", "validation", "test")
_ROWS_AT_A_TIME = 256


@dataclass(frozen=True, eq=False)
class Dataset:
    """Rows seen through several modalities.

    features: modality -> (N, ...) float32: vectors (N, F), signals (N, C, T), images or spectrograms (N, C, H, W);
    or int64 token ids (N, T), 0 for padding. Memory-mapped arrays may be given.
    target: int64 (N,) classes, bool (N, L) labels, or float32 (N,) or (N, K) quantities.
    target_names: of the classes, labels or quantities, the last with units.
    groups: (N,) int64, the person or recording of each row: a group is never divided between parts.
    parts: official row numbers of train, validation and test, all three or none.
    sha256: of the file that was read, empty for data made in memory. note: what the rows are, one sentence.
    standardise: whether features are shifted and scaled by their means and deviations over the train rows.
    facts: anything else worth keeping in a record, such as the Bayes accuracies of made data, as JSON values.
    Raises ValueError, naming the data set and the modality, where shapes, types or values do not fit.
    """

    name: str
    features: Mapping[str, NDArray[Any]]
    target: NDArray[Any]
    target_names: tuple[str, ...]
    groups: NDArray[np.int64] | None = None
    parts: Mapping[str, NDArray[np.int64]] | None = None
    sha256: str = ""
    note: str = ""
    standardise: bool = True
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.features:
            raise ValueError(f"a data set has at least one modality, found none in {self.name!r}")
        for modality, array in self.features.items():
            _check_modality(self.name, modality, array, len(self))
        self._check_target()
        if self.groups is not None and self.groups.shape != (len(self),):
            raise ValueError(f"groups are one a row, found shape {self.groups.shape} in {self.name!r}")
        if self.parts is not None:
            self._check_parts(self.parts)

    def __len__(self) -> int:
        return len(self.target)

    @property
    def modalities(self) -> tuple[str, ...]:
        """The names of the modalities, in their order."""
        return tuple(self.features)

    @cached_property
    def task(self) -> Task:
        """What is asked for."""
        return task_of(self.target, len(self.target_names))

    def shape(self, modality: str) -> tuple[int, ...]:
        """The shape of one row of a modality."""
        return tuple(self.features[modality].shape[1:])

    def vocabulary(self, modality: str) -> int | None:
        """One more than the largest token id; None where the modality is no text."""
        array = self.features[modality]
        return int(array.max()) + 1 if array.dtype == np.int64 else None

    def identical_rows(self) -> NDArray[np.int64]:
        """For each row the number of its group: rows equal in every feature of every modality share one.

        Targets are left aside: equal features with unequal targets are still the same row to a model.
        """
        known: dict[bytes, int] = {}
        numbers = np.empty(len(self), dtype=np.int64)
        for row in range(len(self)):
            digest = hashlib.blake2b(digest_size=16)
            for array in self.features.values():
                digest.update(array[row].tobytes())
            numbers[row] = known.setdefault(digest.digest(), len(known))
        return numbers

    def _check_target(self) -> None:
        task = self.task
        if task.name == REGRESSION and not np.isfinite(self.target).all():
            raise ValueError(f"every target must be finite, found otherwise in {self.name!r}")
        if task.name == CLASSIFICATION and len(self) and not 0 <= self.target.min() <= self.target.max() < task.outputs:
            raise ValueError(f"classes lie in [0, {task.outputs}), found otherwise in {self.name!r}")

    def _check_parts(self, parts: Mapping[str, NDArray[np.int64]]) -> None:
        if tuple(parts) != PARTS:
            raise ValueError(f"official parts are {', '.join(PARTS)}, found {', '.join(parts)} in {self.name!r}")
        rows = np.concatenate(list(parts.values()))
        if len(np.unique(rows)) < len(rows) or not len(rows) or rows.min() < 0 or rows.max() >= len(self):
            raise ValueError(f"official parts name each row at most once, in [0, {len(self)}), in {self.name!r}")


def _check_modality(name: str, modality: str, array: NDArray[Any], rows: int) -> None:
    if array.ndim < 2 or len(array) != rows:
        raise ValueError(
            f"each modality has a row of features for each target, found {modality!r} of shape {array.shape} "
            f"with {rows} targets in {name!r}"
        )
    if array.dtype not in (np.float32, np.int64):
        raise ValueError(f"features are float32 or int64 token ids, found {array.dtype} in {modality!r} of {name!r}")
    for first in range(0, rows, _ROWS_AT_A_TIME):
        piece = array[first : first + _ROWS_AT_A_TIME]
        if array.dtype == np.float32 and not np.isfinite(piece).all():
            raise ValueError(f"every feature must be finite, found otherwise in modality {modality!r} of {name!r}")
        if array.dtype == np.int64 and piece.size and piece.min() < 0:
            raise ValueError(f"token ids are at least 0, found {piece.min()} in modality {modality!r} of {name!r}")
