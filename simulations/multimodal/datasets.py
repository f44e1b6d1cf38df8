"""The data sets by name, and what a data set is: named feature matrices over the same rows, and labels."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simulations.multimodal.names import close_names

FOLDER = Path(__file__).with_name("data")
DATASETS: Mapping[str, tuple[str, ...]] = {"htad": ("audio", "accelerometer")}


@dataclass(frozen=True)
class Dataset:
    """Rows seen through several modalities.

    features: modality -> (rows, features of the modality) float32. labels: (rows,) int64 in [0, classes).
    class_names: the name of each class. sha256: of the file that was read, empty for data made in memory.
    """

    name: str
    features: Mapping[str, NDArray[np.float32]]
    labels: NDArray[np.int64]
    class_names: tuple[str, ...]
    sha256: str = ""

    def __post_init__(self) -> None:
        if not self.features:
            raise ValueError(f"a data set has at least one modality, found none in {self.name!r}")
        for modality, matrix in self.features.items():
            if matrix.ndim != 2 or len(matrix) != len(self.labels):
                raise ValueError(
                    f"each modality has one row of features per label, found {modality!r} of shape "
                    f"{matrix.shape} with {len(self.labels)} labels"
                )
            if not np.isfinite(matrix).all():
                raise ValueError(f"every feature must be finite, found otherwise in modality {modality!r}")
        if len(self.labels) and not 0 <= self.labels.min() <= self.labels.max() < len(self.class_names):
            raise ValueError(f"labels lie in [0, {len(self.class_names)}), found otherwise in {self.name!r}")

    @property
    def modalities(self) -> tuple[str, ...]:
        """The names of the modalities, in their order."""
        return tuple(self.features)

    def identical_rows(self) -> NDArray[np.int64]:
        """For each row the number of its group: rows equal in every feature of every modality share one.

        Labels are left aside: equal features with unequal labels are still the same row to a model.
        """
        joined = np.concatenate([self.features[modality] for modality in self.modalities], axis=1)
        _, groups = np.unique(joined, axis=0, return_inverse=True)
        return groups.reshape(-1).astype(np.int64)


def load(name: str) -> Dataset:
    """Read a vendored data set.

    Raises KeyError, with the close names, for a name that is not in DATASETS.
    """
    if name not in DATASETS:
        raise KeyError(f"no data set {name!r}; did you mean {close_names(name, DATASETS)}?")
    path = FOLDER / f"{name}.npz"
    content = path.read_bytes()
    with np.load(path, allow_pickle=False) as arrays:
        return Dataset(
            name=name,
            features={modality: arrays[modality].astype(np.float32) for modality in DATASETS[name]},
            labels=arrays["labels"].astype(np.int64),
            class_names=tuple(str(item) for item in arrays["class_names"]),
            sha256=hashlib.sha256(content).hexdigest(),
        )
