"""Answers of a store as rows: cells, curves and blocks, one mapping from column to value a row."""

import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from amss_min.testing.loading import BadInput
from simulations.audit import UnknownName
from simulations.sweeps.outcome import canonical
from simulations.sweeps.reading import Reading, StoredBlock, StoredCell

Row = dict[str, Any]

_OWN = frozenset(
    {
        *("cell", "kind", "done", "failed", "waiting", "seconds", "quantity", "step", "n", "mean", "standard_error"),
        *("nan", "infinite", "id", "number", "status", "stored", "versions", "summary", "error"),
    }
)


def flat(values: Mapping[str, Any], before: str = "") -> Row:
    """A configuration with one level of dotted keys; lists stay whole.

    >>> flat({"noise": {"name": "skewed", "skew": 2.0}, "keep": [0.5, 0.25]})
    {'noise.name': 'skewed', 'noise.skew': 2.0, 'keep': [0.5, 0.25]}
    """
    found: Row = {}
    for name, value in values.items():
        nested = isinstance(value, Mapping) and value
        found.update(flat(value, f"{before}{name}.") if nested else {f"{before}{name}": value})
    return found


def configuration(cell: StoredCell) -> Row:
    """The columns of a cell's configuration: `flat`, with "cell." before a key that is a column of its own."""
    return {f"cell.{name}" if name in _OWN else name: value for name, value in flat(cell.cell).items()}


def selected(cells: Sequence[StoredCell], where: Sequence[str]) -> tuple[StoredCell, ...]:
    """The cells that meet conditions KEY=VALUE: one of those of a key, and that for every key.

    Values are read as TOML, else taken as text. Raises BadInput for another form or a value that no cell has, and
    UnknownName for a key that no cell has.
    """
    wanted: dict[str, list[Any]] = {}
    columns = [configuration(cell) for cell in cells]
    known = {name for row in columns for name in row}
    for condition in where:
        key, sign, text = (part.strip() for part in condition.partition("="))
        if not sign or not key:
            raise BadInput(f"--where must be KEY=VALUE, found {condition!r}")
        if key not in known:
            raise UnknownName("key", key, known)
        value = _value(text)
        if not any(key in row and _same(row[key], value) for row in columns):
            there = sorted({shown(row[key]) for row in columns if key in row})
            more = f" and {len(there) - 8} more" if len(there) > 8 else ""
            raise BadInput(f"no cell with {key} = {text}; there are {', '.join(there[:8])}{more}")
        wanted.setdefault(key, []).append(value)
    return tuple(
        cell
        for cell, row in zip(cells, columns, strict=True)
        if all(key in row and any(_same(row[key], value) for value in values) for key, values in wanted.items())
    )


def cell_row(cell: StoredCell) -> Row:
    """cell (its key), kind, the configuration, blocks done, failed and waiting, seconds of their work."""
    found = cell.counts
    counts = {"done": found.done, "failed": found.failed, "waiting": found.waiting, "seconds": found.seconds}
    return {"cell": cell.key, "kind": cell.kind, **configuration(cell), **counts}


def curve_rows(store: Reading, cell: StoredCell, quantity: str, quantiles: Sequence[float]) -> Iterator[Row]:
    """One row a checkpoint: cell, the configuration, quantity, step, n, mean, standard_error.

    With quantiles, and where the quantity has a sketch: a column "quantile 0.5" for each, and nan and infinite, how
    many of the n numbers are so (quantiles are of those that are not nan). No rows where no block is done.
    """
    moments = store.mean_curve(cell, quantity)
    if moments is None:
        return
    sketch = store.sketch(cell, quantity) if quantiles else None
    ranked: dict[str, Sequence[float]] = {}
    if sketch is not None and sketch.columns == len(moments.n):
        ranked = {f"quantile {order:g}": sketch.quantile(order).tolist() for order in quantiles}
        ranked |= {"nan": sketch.nan.tolist(), "infinite": sketch.infinite.tolist()}
    steps = store.checkpoints(cell, len(moments.n)).tolist()
    columns = {"step": steps, "n": moments.n.tolist(), "mean": moments.mean.tolist()}
    columns |= {"standard_error": moments.standard_error.tolist(), **ranked}
    before = {"cell": cell.key, **configuration(cell), "quantity": quantity}
    for values in zip(*columns.values(), strict=True):
        yield {**before, **dict(zip(columns, values, strict=True))}


def block_row(block: StoredBlock) -> Row:
    """id, cell, number, status, seconds, stored, versions and summary as JSON text, error."""
    texts = {"versions": canonical(dict(block.versions)), "summary": canonical(dict(block.summary))}
    names = ("id", "cell", "number", "status", "seconds", "stored", "versions", "summary", "error")
    return {name: texts.get(name, getattr(block, name)) for name in names}


def shown(value: Any) -> str:
    """A value as text: numbers to six digits, text as it stands, the rest as JSON."""
    if isinstance(value, float):
        return f"{value:.6g}"
    return value if isinstance(value, str) else "" if value is None else canonical(value)


def finite(value: Any) -> Any:
    """None for a number that JSON lacks."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _same(found: Any, wanted: Any) -> bool:
    if isinstance(found, bool) != isinstance(wanted, bool):
        return False
    return bool(found == wanted)
