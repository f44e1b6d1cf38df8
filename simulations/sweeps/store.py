"""The store of a sweep: which blocks were asked for, and what came back from them, in one SQLite file."""

import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from simulations.sweeps import schema
from simulations.sweeps.filesystem import refuse_network
from simulations.sweeps.locking import WriterLock
from simulations.sweeps.outcome import VERSION, Block, Outcome, canonical
from simulations.sweeps.reading import Reading
from simulations.sweeps.store_error import StoreError, told
from simulations.sweeps.storing import insert

_WAIT_S = 30.0
_READER = ("query_only = ON",)
_WRITER = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "temp_store = MEMORY")


class Store(Reading):
    """A store that is open for writing, by one process, or for reading, by any number of them at the same time.

    A block is acknowledged when `add` returns: then it is on the disk, whatever happens to this process or to the
    power (WAL, synchronous = FULL). A call that raises StoreError has written nothing. A store belongs to the thread
    that opened it. What can be asked of it: `simulations.sweeps.reading.Reading`.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, lock: WriterLock | None) -> None:
        """As `open` makes it."""
        super().__init__(path, connection)
        self._lock = lock

    @classmethod
    def open(cls, path: Path, *, write: bool = False) -> Self:
        """Open a store after the checks of `schema.check`; raises StoreError, one line.

        write: make it where there is none, bring an older one up to date, and be its only writer until `close`.
        """
        path = path.absolute()
        if not write and not path.is_file():
            raise StoreError(f"no store {path}{_beside(path)}")
        with told(path):
            if write:
                path.parent.mkdir(parents=True, exist_ok=True)
        refuse_network(path)
        lock = WriterLock(path) if write else None
        connection: sqlite3.Connection | None = None
        try:
            with told(path):
                connection = _connected(path, write=write)
                schema.check(connection, path, write=write)
                for pragma in _WRITER if write else _READER:
                    connection.execute(f"PRAGMA {pragma}")
        except BaseException:
            if connection is not None:
                connection.close()
            if lock is not None:
                lock.release()
            raise
        return cls(path, connection, lock)

    def close(self) -> None:
        """Close it, and let another process write."""
        self.connection.close()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def __enter__(self) -> Self:
        """Itself; closed at the end of the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def register(self, study: str, configuration: Mapping[str, Any], blocks: Iterable[Block]) -> None:
        """Say which blocks a study asks for; the same again changes nothing.

        Blocks that the study of this name asked for before and does not now are forgotten, unless they have an outcome:
        outcomes are kept for ever. A block that two studies ask for counts for the one that asked last.
        Raises StoreError, also where two blocks of one cell have the same number.
        """
        with self._transaction() as connection:
            text = canonical(dict(configuration))
            connection.execute("INSERT OR IGNORE INTO study (name, configuration) VALUES (?, ?)", (study, text))
            query = "SELECT id FROM study WHERE name = ? AND configuration = ?"
            (key,) = connection.execute(query, (study, text)).fetchone()
            connection.execute("CREATE TEMP TABLE IF NOT EXISTS asked (id TEXT PRIMARY KEY) WITHOUT ROWID")
            connection.execute("DELETE FROM asked")
            for block in blocks:
                _register(connection, key, block)
            connection.execute(_FORGET, (study,))
            connection.execute("DELETE FROM asked")

    def add(self, outcomes: Sequence[Outcome]) -> int:
        """Keep these outcomes in one transaction; returns how many were new.

        An outcome of a block that is done is left alone; one of a block that failed replaces the failure. Raises
        StoreError for a block that was not registered, and then keeps none of them.
        """
        now = time.time()
        with self._transaction() as connection:
            return sum(insert(connection, outcome, now) for outcome in outcomes)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        if self._lock is None:
            raise StoreError(f"the store {self.path} was opened for reading")
        with told(self.path):
            try:
                self.connection.execute("BEGIN IMMEDIATE")
                yield self.connection
                self.connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # a full disk may have ended the transaction already
                    self.connection.execute("ROLLBACK")
                raise


_FORGET = """
    DELETE FROM block WHERE study IN (SELECT id FROM study WHERE name = ?)
        AND id NOT IN (SELECT id FROM asked) AND key NOT IN (SELECT block FROM outcome)
"""
_REGISTER = """
    INSERT INTO block (id, study, cell, number, payload, estimate) VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET study = excluded.study, payload = excluded.payload, estimate = excluded.estimate
        WHERE study != excluded.study OR payload != excluded.payload OR estimate != excluded.estimate
"""


def _register(connection: sqlite3.Connection, study: int, block: Block) -> None:
    cell = (block.kind, VERSION, canonical(dict(block.cell)))
    query = "SELECT id FROM cell WHERE kind = ? AND version = ? AND configuration = ?"
    row = connection.execute(query, cell).fetchone()
    if row is None:
        row = (connection.execute("INSERT INTO cell (kind, version, configuration) VALUES (?, ?, ?)", cell).lastrowid,)
    values = (block.id, study, row[0], block.number, canonical(dict(block.payload)), block.estimate_s)
    try:
        connection.execute(_REGISTER, values)
    except sqlite3.IntegrityError as error:
        raise StoreError(
            f"the blocks of a cell must have different numbers, found block {block.number} with another id "
            f"beside {block.id}, of {cell[2]}"
        ) from error
    connection.execute("INSERT OR IGNORE INTO asked VALUES (?)", (block.id,))


def _connected(path: Path, *, write: bool) -> sqlite3.Connection:
    mode = "rwc" if write else "ro"
    wal = path.with_name(f"{path.name}-wal")
    writable = os.access(path.parent, os.W_OK, effective_ids=os.access in os.supports_effective_ids)
    if not write and not writable and not wal.exists():
        mode = "ro&immutable=1"  # a WAL database is otherwise read with a file beside it that cannot be made here
    uri = f"file:{quote(str(path))}?mode={mode}"
    return sqlite3.connect(uri, uri=True, timeout=_WAIT_S, isolation_level=None)


def _beside(path: Path) -> str:
    if not path.parent.is_dir():
        return ""
    found = [str(other.name) for other in sorted(path.parent.glob(f"*{path.suffix}")) if other.is_file()]
    return f"; there is {', '.join(found[:8])}" if found else ""
