"""The command `python -m simulations export STORE --out DIR`: a store as Parquet files."""

import importlib
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from simulations.audit import MissingExtra
from simulations.console import say, written_to
from simulations.results import check_writable
from simulations.sweeps.outcome import canonical
from simulations.sweeps.query_command import columns, quantile_orders
from simulations.sweeps.reading import Reading
from simulations.sweeps.store import Store
from simulations.sweeps.tables import Row, block_row, cell_row, configuration, curve_rows

_ROWS = 20_000


def export_command(path: Path, folder: Path, quantiles: str = "0.05,0.5,0.95") -> int:
    """Write cells.parquet, curves.parquet and blocks.parquet, whose columns are those of `tables`.

    A column of the configuration is bool, int64 or float64 where all its values are such numbers, else text (lists and
    mixtures as JSON). All three are of one moment; a file of an earlier export is replaced when the new one is whole.
    Returns 0; raises StoreError, BadInput, MissingExtra where pyarrow is not installed, Unwritable.
    """
    pa = _pyarrow()
    orders = quantile_orders(quantiles)
    with Store.open(path) as store, store.snapshot(), written_to(folder):
        check_writable(folder)
        cells = store.cells()
        settings = _types(pa, [configuration(cell) for cell in cells])
        counts = {"done": pa.int64(), "failed": pa.int64(), "waiting": pa.int64(), "seconds": pa.float64()}
        ids = {"cell": pa.int64(), "kind": pa.string()}
        _write(pa, folder / "cells.parquet", {**ids, **settings, **counts}, map(cell_row, cells))
        curve = {"quantity": pa.string(), "step": pa.int64(), "n": pa.int64()}
        numbers = ["mean", "standard_error", *(f"quantile {order:g}" for order in orders)]
        curve |= {name: pa.float64() for name in numbers}
        curve |= {name: pa.int64() for name in ("nan", "infinite") if orders}
        _write(pa, folder / "curves.parquet", {"cell": pa.int64(), **settings, **curve}, _curves(store, orders))
        block = {name: pa.string() for name in ("id", "status", "versions", "summary", "error")}
        block |= {"cell": pa.int64(), "number": pa.int64(), "seconds": pa.float64(), "stored": pa.float64()}
        _write(pa, folder / "blocks.parquet", block, map(block_row, store.blocks()))
    return 0


def _pyarrow() -> Any:
    try:
        importlib.import_module("pyarrow.parquet")
        return importlib.import_module("pyarrow")
    except ModuleNotFoundError as error:
        raise MissingExtra(f"export needs the extra 'analysis', found no package {error.name!r}") from error


def _curves(store: Reading, orders: Sequence[float]) -> Iterator[Row]:
    for quantity in store.quantities():
        for cell in store.cells():
            yield from curve_rows(store, cell, quantity, orders)


def _types(pa: Any, rows: Sequence[Row]) -> dict[str, Any]:
    """The type of each column of the configuration."""
    found = {}
    for name in columns(rows):
        kinds = {_kind(row[name]) for row in rows if row.get(name) is not None}
        if kinds == {"int", "float"}:
            kinds = {"float"}
        of = {"bool": pa.bool_(), "int": pa.int64(), "float": pa.float64()}
        found[name] = of.get(kinds.pop(), pa.string()) if len(kinds) == 1 else pa.string()
    return found


def _kind(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**63:
        return "text"
    return type(value).__name__


def _write(pa: Any, path: Path, types: dict[str, Any], rows: Iterable[Row]) -> None:
    """One file, in one move, from rows that need not fit into memory."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    try:
        total, left = 0, iter(rows)
        with pa.parquet.ParquetWriter(name, pa.schema(list(types.items()))) as writer:
            while some := list(islice(left, _ROWS)):
                found = {column: [_as(pa, kind, row.get(column)) for row in some] for column, kind in types.items()}
                writer.write_table(pa.table(found, schema=writer.schema))
                total += len(some)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    say(f"written: {path}, {total} rows")


def _as(pa: Any, kind: Any, value: Any) -> Any:
    if value is None:
        return None
    if kind == pa.string():
        return value if isinstance(value, str) else canonical(value)
    return float(value) if kind == pa.float64() else value
