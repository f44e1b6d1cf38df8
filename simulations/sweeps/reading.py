"""What can be asked of a store: cells, counts, mean curves, quantiles, failures, pace."""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulations.sweeps.arrays import Damaged, decoded
from simulations.sweeps.moments import Moments
from simulations.sweeps.outcome import VERSION, canonical
from simulations.sweeps.packing import unpacked_moments, unpacked_sketches
from simulations.sweeps.sketch import Sketch
from simulations.sweeps.store_error import StoreError, told


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Blocks by status, and the time that the done and failed ones took, in seconds of one worker."""

    waiting: int
    done: int
    failed: int
    seconds: float

    @property
    def blocks(self) -> int:
        """All of them."""
        return self.waiting + self.done + self.failed


@dataclass(frozen=True, kw_only=True)
class StoredCell:
    """A cell of a store: its key there, its kind and configuration, and its blocks by status."""

    key: int
    kind: str
    cell: Mapping[str, Any]
    counts: Counts


@dataclass(frozen=True, kw_only=True)
class StoredBlock:
    """A block that ended: what is kept of it beside its arrays. stored: seconds since 1970."""

    id: str
    cell: int
    number: int
    status: str
    seconds: float
    stored: float
    versions: Mapping[str, str]
    summary: Mapping[str, Any]
    error: str


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Blocks stored since a moment, the time they were expected to take, and what the waiting ones are expected to.

    first: when the first of them was stored, seconds since 1970 (nan for none). done_s, waiting_s: sums of
    `Block.estimate_s`.
    """

    blocks: int
    first: float
    done_s: float
    waiting_s: float


class Reading:
    """The questions; every one is parameterised, and raises StoreError where the file cannot answer."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        """The file, and a connection to it."""
        self.path = path
        self.connection = connection

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """All questions inside are answered as of one moment, though a writer goes on."""
        with told(self.path):
            self.connection.execute("BEGIN")
        try:
            yield
        finally:
            with suppress(sqlite3.Error):
                self.connection.execute("ROLLBACK")

    def finished(self) -> set[str]:
        """Ids of the blocks that are done."""
        return self._ids("done")

    def failed(self) -> set[str]:
        """Ids of the blocks that failed and were not done since."""
        return self._ids("failed")

    def _ids(self, status: str) -> set[str]:
        query = "SELECT block.id FROM outcome JOIN block ON block.key = outcome.block WHERE outcome.status = ?"
        return {str(row[0]) for row in self._rows(query, (status,))}

    def counts(self) -> Counts:
        """Of all blocks."""
        return _counts(self._rows(f"SELECT {_COUNTS} FROM {_BLOCKS}")[0])

    def studies(self) -> tuple[tuple[str, Counts], ...]:
        """Every study by name, with the counts of the blocks that it asked for; the latest registration comes last."""
        query = f"""
            SELECT study.name, {_COUNTS} FROM {_BLOCKS} JOIN study ON study.id = block.study
            GROUP BY study.name ORDER BY max(study.id)
        """
        return tuple((str(name), _counts(rest)) for name, *rest in self._rows(query))

    def cells(self) -> tuple[StoredCell, ...]:
        """All cells, in the order in which they were first asked for."""
        query = f"""
            SELECT cell.id, cell.kind, cell.configuration, {_COUNTS} FROM {_BLOCKS} JOIN cell ON cell.id = block.cell
            WHERE cell.version = ? GROUP BY cell.id ORDER BY cell.id
        """
        return tuple(
            StoredCell(key=key, kind=kind, cell=json.loads(text), counts=_counts(rest))
            for key, kind, text, *rest in self._rows(query, (VERSION,))
        )

    def cell(self, kind: str, cell: Mapping[str, Any]) -> StoredCell:
        """The cell of this configuration; raises StoreError if there is none."""
        query = f"""
            SELECT cell.id, {_COUNTS} FROM {_BLOCKS} JOIN cell ON cell.id = block.cell
            WHERE cell.kind = ? AND cell.version = ? AND cell.configuration = ? GROUP BY cell.id
        """
        text = canonical(dict(cell))
        rows = self._rows(query, (kind, VERSION, text))
        if not rows:
            raise StoreError(f"no cell {text} of kind {kind} in the store {self.path}")
        key, *rest = rows[0]
        return StoredCell(key=key, kind=kind, cell=json.loads(text), counts=_counts(rest))

    def quantities(self, role: str = "moments") -> tuple[str, ...]:
        """Names of what some cell has: "moments", "sketch" or "curve"."""
        query = "SELECT DISTINCT name FROM series WHERE role = ? ORDER BY name"
        return tuple(str(row[0]) for row in self._rows(query, (role,)))

    def mean_curve(self, cell: StoredCell, quantity: str) -> Moments | None:
        """Moments of a quantity over the done blocks of a cell, merged in the order of their numbers; None for none."""
        rows = self._arrays(cell, "moments", quantity)
        with self._whole(cell, quantity):
            return unpacked_moments([row[1:] for row in rows]) if rows else None

    def sketch(self, cell: StoredCell, quantity: str) -> Sketch | None:
        """The sketch of a quantity over the done blocks of a cell; None for none."""
        runs, bins = (self._arrays(cell, role, quantity) for role in ("sketch", "bins"))
        with self._whole(cell, quantity):
            return unpacked_sketches([row[1:] for row in runs], [row[1:] for row in bins]) if runs else None

    def curves(self, cell: StoredCell, name: str, *, first: bool = False) -> dict[int, NDArray[Any]]:
        """An array of every done block of a cell, by block number; only that of the first one if so wanted."""
        rows = self._arrays(cell, "curve", name, 1 if first else -1)
        with self._whole(cell, name):
            return {row[0]: decoded(row[1:]) for row in rows}

    @contextmanager
    def _whole(self, cell: StoredCell, name: str) -> Iterator[None]:
        try:
            yield
        except Damaged as error:
            raise StoreError(f"the store {self.path} is damaged: {name!r} of cell {cell.key}: {error}") from error

    def checkpoints(self, cell: StoredCell, columns: int) -> NDArray[Any]:
        """The steps that the columns of moments and sketches belong to; 0 .. C - 1 if no block says."""
        found = next(iter(self.curves(cell, "checkpoints", first=True).values()), None)
        return np.arange(columns) if found is None or found.shape != (columns,) else found

    def _arrays(self, cell: StoredCell, role: str, name: str, most: int = -1) -> list[tuple[Any, ...]]:
        query = """
            SELECT array.number, array.dtype, array.shape, array.checksum, array.data
            FROM series JOIN array ON array.series = series.id
            WHERE series.cell = ? AND series.role = ? AND series.name = ? ORDER BY array.number LIMIT ?
        """
        return self._rows(query, (cell.key, role, name, most))

    def blocks(self, *, failed_only: bool = False) -> Iterator[StoredBlock]:
        """The blocks that ended, by cell and number."""
        query = f"""
            SELECT block.id, block.cell, block.number, outcome.status, outcome.seconds, outcome.stored,
                versions.packages, outcome.summary, outcome.error
            FROM outcome JOIN block ON block.key = outcome.block JOIN versions ON versions.id = outcome.versions
            {"WHERE outcome.status = 'failed'" if failed_only else ""} ORDER BY block.cell, block.number
        """
        names = ("id", "cell", "number", "status", "seconds", "stored", "versions", "summary", "error")
        with told(self.path):
            for row in self.connection.execute(query):
                found = dict(zip(names, row, strict=True))
                texts = {name: json.loads(found[name]) for name in ("versions", "summary")}
                yield StoredBlock(**{**found, **texts})

    def pace(self, since: float) -> Pace:
        """Of the blocks stored after this moment, seconds since 1970."""
        query = """
            SELECT count(*), min(outcome.stored), coalesce(sum(block.estimate), 0)
            FROM outcome JOIN block ON block.key = outcome.block WHERE outcome.stored > ?
        """
        ((blocks, first, done),) = self._rows(query, (since,))
        query = """
            SELECT coalesce(sum(block.estimate), 0) FROM block
            WHERE NOT EXISTS (SELECT 1 FROM outcome WHERE outcome.block = block.key)
        """
        ((waiting,),) = self._rows(query)
        return Pace(blocks=blocks, first=np.nan if first is None else first, done_s=done, waiting_s=waiting)

    def _rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with told(self.path):
            return self.connection.execute(query, values).fetchall()


_BLOCKS = "block LEFT JOIN outcome ON outcome.block = block.key"
_COUNTS = """
    count(*), count(*) FILTER (WHERE outcome.status = 'done'), count(*) FILTER (WHERE outcome.status = 'failed'),
    coalesce(sum(outcome.seconds), 0)
"""


def _counts(row: Sequence[Any]) -> Counts:
    total, done, failed, seconds = row
    return Counts(waiting=total - done - failed, done=done, failed=failed, seconds=seconds)
