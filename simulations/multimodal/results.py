"""The record of a training command: what results/train/<data>.json holds, and how it is written."""

import json
import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from simulations.multimodal.datasets import Dataset
from simulations.multimodal.nonfinite import Finding
from simulations.multimodal.settings import Settings
from simulations.multimodal.splits import PERCENT
from simulations.multimodal.summary import summary
from simulations.results import write_text

SELECTION = (
    "best epoch by validation accuracy, ties to the lower validation loss, then to the earlier epoch; test rows are "
    "scored once, with the weights of that epoch, so validation scores are optimistic and test scores are not"
)
LAST = "none: the weights after the last epoch; test rows are scored once, with these"
RANDOM_SPLIT = (
    "rows are divided at random within each class; rows may come from the same recording, so the scores speak of new "
    "rows of known recordings, not of new recordings or new people"
)
GROUP_SPLIT = "people (or recordings) are divided whole at random, so the scores speak of new ones"
OFFICIAL_SPLIT = "the data set's own parts, the same for every seed"
SCALE = (
    "all methods share one lr; a 0/1 mask shortens the expected step by about its keep fraction, an unbiased one does "
    "not, so a difference between the two kinds mixes what is masked with how far a step goes"
)
_PACKAGES = ("torch", "numpy", "scipy", "scikit-learn", "pydantic")


def record(
    dataset: Dataset, settings: Settings, outcomes: Sequence[dict[str, Any] | Finding], seconds: float
) -> dict[str, Any]:
    """Everything about the runs as JSON values; numbers in histories have four significant digits.

    Keys: data, settings, methods, versions, split, selection, scale, seconds, runs, findings, summary (summary.py).
    """
    runs = [dict(outcome) for outcome in outcomes if not isinstance(outcome, Finding)]
    for run in runs:
        run["history"] = _rounded(run["history"])
    return {
        "data": about(dataset),
        "settings": settings.model_dump(mode="json"),
        "methods": {name: settings.method(name)[0].summary for name in settings.methods},
        "versions": versions(),
        "split": {"percent": dict(PERCENT), "note": split_note(dataset)},
        "selection": SELECTION if settings.training.select == "best" else LAST,
        "scale": SCALE,
        "seconds": round(seconds, 1),
        "runs": runs,
        "findings": [outcome.as_json() for outcome in outcomes if isinstance(outcome, Finding)],
        "summary": summary(runs, settings.methods, settings.confidence, settings.compare.baseline),
    }


def about(dataset: Dataset) -> dict[str, Any]:
    """The data set as JSON values."""
    return {
        "name": dataset.name,
        "task": dataset.task.name,
        "rows": len(dataset),
        "features": {name: list(dataset.shape(name)) for name in dataset.modalities},
        "targets": list(dataset.target_names),
        "groups": None if dataset.groups is None else len(set(dataset.groups.tolist())),
        "sha256": dataset.sha256,
        "note": dataset.note,
        "facts": dict(dataset.facts),
        "attribution": "simulations/multimodal/data/ATTRIBUTION",
    }


def split_note(dataset: Dataset) -> str:
    """What the parts mean, in one sentence."""
    if dataset.parts is not None:
        return OFFICIAL_SPLIT
    return RANDOM_SPLIT if dataset.groups is None else GROUP_SPLIT


def versions() -> dict[str, str]:
    """Versions of what the numbers depend on, and the instruction set that torch uses."""
    found = {
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in _PACKAGES},
        "machine": platform.machine(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
    }
    if torch.cuda.is_available():
        found["gpu"] = torch.cuda.get_device_name()
    return found


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write in one move: a reader finds the old file or the new one, never a part. NaN and inf raise ValueError."""
    text = ",\n".join(f"{json.dumps(name)}: {_text(value)}" for name, value in values.items())
    write_text(path, f"{{\n{text}\n}}\n")


def _text(value: Any) -> str:
    if isinstance(value, list):
        # One item of a list, such as a run, to a line.
        return "[\n" + ",\n".join(_text(item) for item in value) + "\n]" if value else "[]"
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, Mapping):
        return {name: _rounded(item) for name, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list) else value
