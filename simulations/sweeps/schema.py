"""The tables of a store, their version, and the steps from older versions."""

import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path

from simulations.sweeps.store_error import StoreError

APPLICATION = 0x414D5353
"""SQLite's application id of a store, "AMSS" in ASCII."""

VERSION = 1
"""Of the tables; SQLite's user_version."""

READ_AT_MOST = 2**27
"""Bytes of a store whose pages are all checked before it is read, some 0.2 s of work."""

MIGRATIONS: Mapping[int, Callable[[sqlite3.Connection], None]] = {}
"""The step from version v to v + 1, by v. A step runs inside a transaction and must not end it."""

TABLES = (
    # A registration of a study: another configuration of the same name is another row.
    """CREATE TABLE study (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL, configuration TEXT NOT NULL, UNIQUE (name, configuration))""",
    """CREATE TABLE cell (
        id INTEGER PRIMARY KEY, kind TEXT NOT NULL, version INTEGER NOT NULL, configuration TEXT NOT NULL,
        UNIQUE (kind, version, configuration))""",
    # study: the registration that asked for the block last.
    """CREATE TABLE block (
        key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, study INTEGER NOT NULL REFERENCES study,
        cell INTEGER NOT NULL REFERENCES cell, number INTEGER NOT NULL, payload TEXT NOT NULL, estimate REAL NOT NULL,
        UNIQUE (cell, number))""",
    "CREATE INDEX block_study ON block (study)",
    "CREATE TABLE versions (id INTEGER PRIMARY KEY, packages TEXT NOT NULL UNIQUE)",
    # stored: when, in seconds since 1970.
    """CREATE TABLE outcome (
        block INTEGER PRIMARY KEY REFERENCES block, status TEXT NOT NULL CHECK (status IN ('done', 'failed')),
        seconds REAL NOT NULL, stored REAL NOT NULL, versions INTEGER NOT NULL REFERENCES versions,
        summary TEXT NOT NULL, error TEXT NOT NULL)""",
    "CREATE INDEX outcome_stored ON outcome (stored)",
    "CREATE INDEX outcome_failed ON outcome (block) WHERE status = 'failed'",
    """CREATE TABLE series (
        id INTEGER PRIMARY KEY, cell INTEGER NOT NULL REFERENCES cell,
        role TEXT NOT NULL CHECK (role IN ('curve', 'moments', 'sketch', 'bins')), name TEXT NOT NULL,
        UNIQUE (cell, role, name))""",
    # number: that of the block in its cell; merging follows it. dtype, shape, checksum, data: `arrays.Stored`.
    """CREATE TABLE array (
        key INTEGER PRIMARY KEY, series INTEGER NOT NULL REFERENCES series, number INTEGER NOT NULL,
        dtype TEXT NOT NULL, shape TEXT NOT NULL, checksum INTEGER NOT NULL, data BLOB NOT NULL,
        UNIQUE (series, number))""",
)


def check(connection: sqlite3.Connection, path: Path, *, write: bool) -> None:
    """Make sure that a database is a whole store of this version; raises StoreError, or what SQLite says.

    An empty database becomes a store, and an older store is brought to this version, each in one transaction, where
    `write` permits it. A writer has every page checked; a reader those of a file of up to `READ_AT_MOST` bytes, so that
    a question does not wait for more than it asks about (damage elsewhere is found when it is read).
    """
    pages = "quick_check(1)" if write or path.stat().st_size <= READ_AT_MOST else "quick_check(sqlite_schema)"
    damage = [str(row[0]) for row in connection.execute(f"PRAGMA {pages}")]
    if damage != ["ok"]:
        found = " ".join(damage[0].split())
        raise StoreError(f"the store {path} is damaged: {found}; restore it from a copy, or start another one")
    application, version = (_number(connection, name) for name in ("application_id", "user_version"))
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if tables and application != APPLICATION:
        raise StoreError(f"the store {path} must be one of this program, found a database of another")
    if not tables and not write:
        raise StoreError(f"the store {path} is empty: nothing was registered in it")
    if not tables:
        _create(connection)
    elif version > VERSION:
        raise StoreError(
            f"the store {path} must be of version {VERSION} or older, found {version}: a newer release of this program "
            f"wrote it, and reads it"
        )
    elif version < VERSION:
        _migrate(connection, path, version, write=write)


def _create(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    for statement in TABLES:
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def _migrate(connection: sqlite3.Connection, path: Path, version: int, *, write: bool) -> None:
    steps = range(version, VERSION)
    if not all(step in MIGRATIONS for step in steps):
        raise StoreError(f"the store {path} must be of version {VERSION}, found {version}, which this release lost")
    if not write:
        raise StoreError(
            f"the store {path} must be of version {VERSION}, found {version}: it is brought up to date when a sweep "
            f"next opens it, not while reading"
        )
    connection.execute("BEGIN IMMEDIATE")
    for step in steps:
        MIGRATIONS[step](connection)
    connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])
