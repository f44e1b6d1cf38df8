"""Data sets that come with the project, by name, each a function of its options."""

import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from simulations.multimodal.data import vendored
from simulations.multimodal.data.procedural import PRESETS, procedural
from simulations.multimodal.data.vendored import Raw
from simulations.multimodal.data.windows import STRIDE, WIDTH
from simulations.multimodal.datasets import Dataset

FOUR_VIEWS = ("kar", "fou", "zer", "mor")


def htad() -> Dataset:
    """Which of seven home activities is heard and felt: audio (36) and accelerometer (16) features of 1386 windows."""
    content = Path(__file__).with_name("htad.npz").read_bytes()
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return Dataset(
            name="htad",
            features={name: arrays[name].astype(np.float32) for name in ("audio", "accelerometer")},
            target=arrays["labels"].astype(np.int64),
            target_names=tuple(str(item) for item in arrays["class_names"]),
            sha256=hashlib.sha256(content).hexdigest(),
            note="windows of recordings of three people, who are not told apart in the data",
        )


def smartwatch(width: int = WIDTH, stride: int = STRIDE) -> Dataset:
    """Which of seven shoulder exercises a smartwatch felt: raw accelerometer and gyroscope windows, by subject."""
    note = "overlapping windows of two seconds, of ten subjects"
    return _from(vendored.smartwatch_arrays(width, stride), "smartwatch", note)


def mfeat(views: Sequence[str] = FOUR_VIEWS) -> Dataset:
    """Which digit a handwritten numeral shows, by sets of features of the same image: four views, or those named."""
    raw = vendored.mfeat_arrays(tuple(views))
    return _from(
        raw, "mfeat" if tuple(views) == FOUR_VIEWS else f"mfeat{len(views)}", "2000 numerals, 200 of each digit"
    )


def mfeat6() -> Dataset:
    """The same with all six views."""
    return mfeat(vendored.MFEAT_VIEWS)


def yeast() -> Dataset:
    """Which of 14 functional classes a yeast gene has: expression (79) and phylogenetic profile (24), multi-label."""
    return _from(vendored.yeast_arrays(), "yeast", "genes, each with one to eleven of the classes")


def bikeshare() -> Dataset:
    """How many bikes are rented in an hour: calendar (49) and weather (7), regression; days are kept whole."""
    return _from(vendored.bikeshare_arrays(), "bikeshare", "hours of one year in one city")


def imbalanced(**options: Any) -> Dataset:
    """The procedural set with a dominant modality: the dials of PRESETS["imbalanced"] unless given."""
    preset = PRESETS["imbalanced"]
    made = procedural(**{"accuracy": preset.accuracy, "difficulty": preset.difficulty, **options})
    return replace(made, name="imbalanced")


def _from(raw: Raw, name: str, note: str) -> Dataset:
    return Dataset(name, raw.features, raw.target, raw.names, raw.groups, sha256=raw.sha256, note=note)


SHIPPED: Mapping[str, Callable[..., Dataset]] = {
    "htad": htad,
    "smartwatch": smartwatch,
    "mfeat": mfeat,
    "mfeat6": mfeat6,
    "yeast": yeast,
    "bikeshare": bikeshare,
    "procedural": procedural,
    "imbalanced": imbalanced,
}
