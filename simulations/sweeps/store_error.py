"""What ends a command that cannot use a store."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from amss_min.testing.loading import BadInput


class StoreError(BadInput):
    """A store cannot be read or written; one line says why. Nothing that was acknowledged before is lost."""


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn what SQLite and the system say of a store into StoreError."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(f"the store {path} {_reason(error)}") from error
    except OSError as error:
        raise StoreError(f"the store {path} cannot be used: {error.strerror or error}") from error


def _reason(error: sqlite3.Error) -> str:
    name = str(getattr(error, "sqlite_errorname", ""))
    for begin, said in _REASONS.items():
        if name.startswith(begin):
            return f"{said} ({error})"
    return f"cannot be used: {error}"


_REASONS = {
    "SQLITE_FULL": "could not grow, the disk is full: what was acknowledged is kept; make room and run again",
    "SQLITE_IOERR": "could not be read or written, the disk is full or broken: what was acknowledged is kept",
    "SQLITE_READONLY": "cannot be written, the file or its folder is read-only",
    "SQLITE_CANTOPEN": "cannot be opened, the file or its folder does not permit it",
    "SQLITE_NOTADB": "must be an SQLite database, found another kind of file",
    "SQLITE_CORRUPT": "is damaged: restore it from a copy, or start another one",
    "SQLITE_BUSY": "is held by another program",
}
