"""Files that commands write: looked at before long work, and written in one move."""

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

STDOUT = Path("-")
"""As the FILE of `--json FILE`: standard output."""


class Unwritable(Exception):
    """A file cannot be written; the text says which and why."""


@contextmanager
def json_to(path: Path | None) -> Iterator[Callable[[Any], None]]:
    """Look now whether `path` can be written, and yield what writes a value there as JSON.

    None: nothing is written. STDOUT: the value alone goes to standard output; what the block prints there goes to
    standard error. Raises Unwritable, before the block and out of it, and ValueError for a number that JSON lacks.
    """
    if path is None:
        yield lambda value: None
    elif path == STDOUT:
        stream = sys.stdout
        with redirect_stdout(sys.stderr):
            yield lambda value: _stream(stream, as_text(value))
    else:
        check_file(path)
        yield lambda value: _written(path, as_text(value))


def as_text(value: Any) -> str:
    """The value as JSON, one space of indentation a level; raises ValueError for a number that JSON lacks."""
    return json.dumps(value, indent=1, allow_nan=False) + "\n"


def check_file(path: Path) -> None:
    """Raise Unwritable where this file could not be written."""
    moved = path.is_file() or not path.exists()
    if path.is_dir():
        raise Unwritable(f"cannot write to {path}: it is a folder")
    if not path.parent.is_dir():
        raise Unwritable(f"cannot write to {path}: there is no such folder")
    if not all(os.access(place, os.W_OK) for place in (path, path.parent if moved else path) if place.exists()):
        raise Unwritable(f"cannot write to {path}: permission denied")


def write_text(path: Path, text: str) -> None:
    """Write this text so that a reader finds the old file or the new one, never a part; raises OSError.

    What is no regular file (a device, a pipe) is written to as it is, and never replaced.
    """
    if path.exists() and not path.is_file():
        path.write_text(text, encoding="utf-8")
        return
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _written(path: Path, text: str) -> None:
    try:
        write_text(path, text)
    except OSError as error:
        raise Unwritable(f"cannot write to {path}: {error.strerror or error}") from error


def _stream(stream: Any, text: str) -> None:
    stream.write(text)
    stream.flush()
