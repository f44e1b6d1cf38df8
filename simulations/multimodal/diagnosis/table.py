"""A checkpoint's record as a table, and records of several checkpoints as arrays for plotting."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

_COLUMNS: Mapping[str, str] = {
    "omega": "omega.mean",
    "left out": "left_out.share",
    "|grad F|^2": "gradient_squared",
    "noise": "noise_variance",
    "skewness": "noise_skewness.signed",
    "|c|^2": "bias.squared",
    "d_min": "kept.least",
    "descent": "descent",
    "floor": "floor.bound",
    "step": "step.value",
}
"""Heading -> place in an entry."""


def table(record: Mapping[str, Any]) -> Table:
    """One row a tensor and one for all together: estimates with standard errors, or the reason why there are none."""
    title = (
        f"{record['masks']['kind']}, {record['masks']['design']}: {record['minibatches']} minibatches of "
        f"{record['batch']} from {record['rows']} rows{'' if record['exact'] else ', value +- standard error'}"
    )
    made = Table(title=title)
    made.add_column("tensor", overflow="fold")
    for heading in _COLUMNS:
        made.add_column(heading, justify="right")
    entries = {**record["tensors"], "all": record["network"]}
    for name, entry in entries.items():
        if "units" not in entry:
            made.add_row(name, entry["reason"])
        else:
            made.add_row(name, *(_text(_at(entry, place)) for place in _COLUMNS.values()))
    return made


def over_training(checkpoints: Sequence[tuple[int, Mapping[str, Any]]]) -> dict[str, Any]:
    """Arrays over training from (step, record) in order of the steps.

    {"steps": [..], "tensors": {name: {place: [..]}}, "network": {place: [..]}}: place is the path of a number in an
    entry, dotted, as in "bias.squared" with "bias.squared.standard_error" beside it; null where a checkpoint has none.
    """
    records = [record for _, record in checkpoints]
    names = list(dict.fromkeys(name for record in records for name in record["tensors"]))
    return {
        "steps": [step for step, _ in checkpoints],
        "tensors": {name: _series([record["tensors"].get(name, {}) for record in records]) for name in names},
        "network": _series([record["network"] for record in records]),
    }


def _series(entries: Sequence[Mapping[str, Any]]) -> dict[str, list[float | None]]:
    numbers = [_numbers(entry) for entry in entries]
    places = dict.fromkeys(place for found in numbers for place in found)
    return {place: [found.get(place) for found in numbers] for place in places}


def _numbers(entry: Mapping[str, Any], path: str = "") -> dict[str, float]:
    found: dict[str, float] = {}
    for key, value in entry.items():
        place = path if key == "value" and "standard_error" in entry else f"{path}.{key}".strip(".")
        if isinstance(value, Mapping):
            found |= _numbers(value, place)
        elif isinstance(value, int | float):
            found[place] = value
    return found


def _at(entry: Mapping[str, Any], place: str) -> Any:
    value: Any = entry
    for key in place.split("."):
        value = value[key] if value is not None else None
    return value


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        error = value["standard_error"]
        shown = _text(value["value"])
        return shown if not error else f"{shown} +- {error:.1g}"
    return "-" if value is None else f"{value:.3g}"
