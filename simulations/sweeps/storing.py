"""How one outcome becomes rows of a store."""

import math
import sqlite3
from dataclasses import replace
from typing import Any

from simulations.sweeps.arrays import Stored, encoded
from simulations.sweeps.outcome import Outcome, canonical
from simulations.sweeps.packing import packed_moments, packed_sketch
from simulations.sweeps.store_error import StoreError


def insert(connection: sqlite3.Connection, outcome: Outcome, now: float) -> bool:
    """Write an outcome within the transaction that is open; False where the block was done already.

    now: seconds since 1970. Arrays are kept of blocks that are done. In a summary a number that is not finite becomes
    null. A block with values that cannot be stored has failed, for that reason. Raises StoreError for an unknown block.
    """
    query = """
        SELECT block.key, block.cell, block.number, outcome.status
        FROM block LEFT JOIN outcome ON outcome.block = block.key WHERE block.id = ?
    """
    row = connection.execute(query, (outcome.id,)).fetchone()
    if row is None:
        raise StoreError(f"an outcome must be that of a registered block, found {outcome.id}")
    key, cell, number, status = row
    if status == "done":
        return False
    try:
        arrays = _arrays(outcome) if outcome.status == "done" else []
        summary = canonical(_finite(dict(outcome.summary)))
    except (ValueError, TypeError) as error:
        outcome = replace(outcome, status="failed", error=f"the outcome cannot be stored: {error}\n{outcome.error}")
        arrays, summary = [], "{}"
    packages = canonical(dict(outcome.versions))
    connection.execute(
        "INSERT OR REPLACE INTO outcome (block, status, seconds, stored, versions, summary, error)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (key, outcome.status, outcome.seconds, now, _versions(connection, packages), summary, outcome.error),
    )
    connection.executemany(
        "INSERT INTO array (series, number, dtype, shape, checksum, data) VALUES (?, ?, ?, ?, ?, ?)",
        [(_series(connection, cell, role, name), number, *stored) for role, name, stored in arrays],
    )
    return True


def _arrays(outcome: Outcome) -> list[tuple[str, str, Stored]]:
    found = [("curve", name, encoded(array)) for name, array in outcome.curves.items()]
    found += [("moments", name, packed_moments(moments)) for name, moments in outcome.moments.items()]
    for name, sketch in outcome.sketches.items():
        found += zip(("sketch", "bins"), (name, name), packed_sketch(sketch), strict=True)
    return found


def _versions(connection: sqlite3.Connection, packages: str) -> int:
    connection.execute("INSERT OR IGNORE INTO versions (packages) VALUES (?)", (packages,))
    return int(connection.execute("SELECT id FROM versions WHERE packages = ?", (packages,)).fetchone()[0])


def _series(connection: sqlite3.Connection, cell: int, role: str, name: str) -> int:
    connection.execute("INSERT OR IGNORE INTO series (cell, role, name) VALUES (?, ?, ?)", (cell, role, name))
    query = "SELECT id FROM series WHERE cell = ? AND role = ? AND name = ?"
    return int(connection.execute(query, (cell, role, name)).fetchone()[0])


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
