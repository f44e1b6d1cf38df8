"""Files under results/: made sure of before long work, and written in one move."""

import tempfile
from pathlib import Path
from typing import Any

from amss_min.testing.files import as_text, write_text

__all__ = ["check_writable", "write_json", "write_text"]


def check_writable(folder: Path) -> None:
    """Make the folder and write to it; raises OSError where that cannot be done."""
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(0, "it is a file, not a folder")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass


def write_json(path: Path, value: Any) -> None:
    """Write `value` so that a reader finds the old file or the new one, never a part.

    Raises OSError where the file cannot be written, and ValueError for a number that JSON lacks.
    """
    write_text(path, as_text(value))
