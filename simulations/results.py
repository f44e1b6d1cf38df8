"""Files under results/: made sure of before long work, and written in one move."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any


def check_writable(folder: Path) -> None:
    """Make the folder and write to it; raises OSError where that cannot be done."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass


def write_json(path: Path, value: Any) -> None:
    """Write `value` so that a reader finds the old file or the new one, never a part.

    Raises OSError where the file cannot be written, and ValueError for a number that JSON lacks.
    """
    write_text(path, json.dumps(value, indent=1, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write this text in one move, as `write_json` does; raises OSError where the file cannot be written."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
