"""The axes of a study: what varies, and the points of the grid.

An axis is a table from paths in a cell to values. The paths of one axis vary together (zip), axes multiply (grid):

    [[axes]]
    method = ["amss", "amss+"]                                      # two points

    [[axes]]                                                        # a zip: three points
    stepsize = [0.1, 0.05, 0.025]
    horizon = [1000, 2000, 4000]

    [[axes]]
    "noise.p" = { log = [0.02, 0.5], points = 8 }                   # log-spaced, both ends included
    "objective.spectrum.0" = { linear = [1, 4], points = 8 }        # evenly spaced, zipped with the line above

    [[axes]]
    keep = { uniform = [0.1, 1.0], points = 20, seed = 1 }          # random; log-uniform likewise

A path goes through tables by name and through lists by number. A part that is given by its name alone becomes a table
with that name where a path goes into it. `integers = true` rounds spaced and random values.
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from amss_min.testing.loading import BadInput
from simulations.audit import UnknownName
from simulations.seeding import stream

LAWS = ("linear", "log", "uniform", "log-uniform")
_DIGITS = 12  # of a computed value, so that the last bit of a library's power does not change a cell

Axis = Mapping[str, Sequence[Any]]
"""Paths with their values, all of one length."""


def axis(table: Mapping[str, Any], number: int) -> Axis:
    """The axis that a table of a study describes; number: its place in the file, from 1.

    >>> axis({"keep": {"log": [0.25, 1.0], "points": 3}, "stepsize": [0.1, 0.2, 0.3]}, 1)
    {'keep': [0.25, 0.5, 1.0], 'stepsize': [0.1, 0.2, 0.3]}

    Raises BadInput for no paths or values, paths of different lengths, and values that cannot be spaced; UnknownName
    for a setting of them that there is not.
    """
    found = {path: _values(value, path, number) for path, value in _flat(table, "")}
    lengths = {path: len(values) for path, values in found.items()}
    if not lengths:
        raise BadInput(f"axis {number} must vary something, found an empty table")
    for path, length in lengths.items():
        if not length:
            raise BadInput(f"axis {number}, {path}: at least one value is needed, found none")
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{path} with {length}" for path, length in lengths.items())
        raise BadInput(f"axis {number}: paths that vary together need as many values each, found {told}")
    return found


def size(axes: Sequence[Axis]) -> int:
    """The number of points of the grid.

    >>> size([{"a": [1, 2]}, {"b": [1, 2, 3], "c": [4, 5, 6]}])
    6
    """
    return math.prod(len(next(iter(each.values()))) for each in axes)


def points(axes: Sequence[Axis]) -> Iterator[dict[str, Any]]:
    """The points of the grid, path to value; the last axis varies fastest.

    >>> list(points([{"a": [1, 2]}, {"b": [5, 6], "c": [7, 8]}]))[1]
    {'a': 1, 'b': 6, 'c': 8}
    """
    rows = [[dict(zip(each, row, strict=True)) for row in zip(*each.values(), strict=True)] for each in axes]
    for chosen in itertools.product(*rows):
        yield {path: value for part in chosen for path, value in part.items()}


def placed(values: Any, path: str, value: Any) -> Any:
    """A copy of nested tables and lists with `value` at this path.

    >>> placed({"objective": "quadratic", "keep": [0.1, 0.2]}, "objective.n", 4)
    {'objective': {'name': 'quadratic', 'n': 4}, 'keep': [0.1, 0.2]}
    >>> placed({"keep": [0.1, 0.2]}, "keep.1", 0.5)
    {'keep': [0.1, 0.5]}

    Raises BadInput where the path leads nowhere.
    """
    return _placed(values, path.split("."), value, path)


def _placed(values: Any, keys: Sequence[str], value: Any, path: str) -> Any:
    if not keys:
        return value
    key, *rest = keys
    if isinstance(values, list | tuple):
        if not key.isdecimal() or int(key) >= len(values):
            raise BadInput(f"{path}: {key!r} must be a number below {len(values)}, the length of the list there")
        at = int(key)
        return [*values[:at], _placed(values[at], rest, value, path), *values[at + 1 :]]
    if isinstance(values, str):
        values = {"name": values}
    if not isinstance(values, Mapping):
        raise BadInput(f"{path}: {key!r} must lie in a table or a list, found {values!r}")
    return {**values, key: _placed(values.get(key, {}), rest, value, path)}


def _flat(table: Mapping[str, Any], before: str) -> Iterator[tuple[str, Any]]:
    """Paths with what stands there; a table that spaces values is what stands there."""
    for key, value in table.items():
        if isinstance(value, Mapping) and not {*LAWS, "points"} & set(value):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def _values(given: Any, path: str, number: int) -> list[Any]:
    where = f"axis {number}, {path}"
    if isinstance(given, list | tuple):
        return list(given)
    if not isinstance(given, Mapping):
        raise BadInput(f"{where}: a list of values or a table such as {{log = [1, 2], points = 3}}, found {given!r}")
    laws = [law for law in LAWS if law in given]
    for key in given:
        if key not in (*LAWS, "points", "seed", "integers"):
            raise UnknownName(f"setting of {where} called", key, (*LAWS, "points", "seed", "integers"))
    if len(laws) != 1:
        raise BadInput(f"{where}: one of {', '.join(LAWS)} is needed, found {' and '.join(laws) or 'none'}")
    return _spaced(laws[0], given, path, where)


def _spaced(law: str, given: Mapping[str, Any], path: str, where: str) -> list[Any]:
    ends, count, root, whole = given[law], given.get("points"), given.get("seed", 0), given.get("integers", False)
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise BadInput(f"{where}: points must be a number of values, at least 1, found {count!r}")
    if not isinstance(root, int) or not isinstance(whole, bool):
        raise BadInput(f"{where}: seed is an integer and integers is true or false, found {root!r} and {whole!r}")
    numbers = isinstance(ends, list | tuple) and len(ends) == 2 and all(type(end) in (int, float) for end in ends)
    if not numbers or not all(math.isfinite(end) for end in ends):
        raise BadInput(f"{where}: {law} needs its two ends, found {ends!r}")
    low, high = float(ends[0]), float(ends[1])
    if law.startswith("log") and min(low, high) <= 0:
        raise BadInput(f"{where}: {law} needs ends > 0, found {ends!r}")
    if law in ("linear", "log"):
        shares = [at / max(1, count - 1) for at in range(count)]
    else:
        shares = stream(root, purpose="axis", path=path).random(count).tolist()
    if law.startswith("log"):
        found = np.exp([math.log(low) + share * (math.log(high) - math.log(low)) for share in shares]).tolist()
    else:
        found = [low + share * (high - low) for share in shares]
    return [round(value) if whole else float(f"{value:.{_DIGITS}g}") for value in found]
