"""A run on disk: its log, its last checkpoint, and its outcome."""

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from simulations.results import write_json

LOG, STATE, OUTCOME = "log.jsonl", "checkpoint.pt", "outcome.json"


@dataclass(frozen=True)
class Folder:
    """Where one run writes; identity tells whether what is there belongs to the same run.

    A file is written under a temporary name and renamed: a reader finds the old one or the new one, never a part.
    """

    path: Path
    identity: str

    def begin(self) -> None:
        """An empty folder."""
        self.path.mkdir(parents=True, exist_ok=True)
        for name in (LOG, STATE, OUTCOME):
            (self.path / name).unlink(missing_ok=True)

    def log(self, entry: Mapping[str, Any]) -> None:
        """Add a line; numbers that are not finite become null."""
        line = json.dumps(_finite(entry), allow_nan=False)
        with open(self.path / LOG, "a", encoding="utf-8") as file:
            file.write(line + "\n")

    def save(self, state: Mapping[str, Any]) -> None:
        """Replace the checkpoint; the log up to here belongs to it."""
        size = (self.path / LOG).stat().st_size if (self.path / LOG).exists() else 0
        handle, name = tempfile.mkstemp(dir=self.path, prefix=f".{STATE}.")
        try:
            with os.fdopen(handle, "wb") as file:
                torch.save({**state, "identity": self.identity, "log": size}, file)
            os.replace(name, self.path / STATE)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def state(self) -> dict[str, Any] | None:
        """The checkpoint of this very run, the log cut back to it; None where there is none that can be used."""
        try:
            found = torch.load(self.path / STATE, weights_only=True, map_location="cpu")
        except (OSError, RuntimeError, EOFError, ValueError, KeyError):
            return None
        if not isinstance(found, dict) or found.get("identity") != self.identity:
            return None
        if (self.path / LOG).exists():
            os.truncate(self.path / LOG, found["log"])
        return found

    def finish(self, outcome: Mapping[str, Any]) -> None:
        """Write the outcome; the checkpoint is of no use any more."""
        write_json(self.path / OUTCOME, {"identity": self.identity, **_finite(outcome)})
        (self.path / STATE).unlink(missing_ok=True)

    def outcome(self) -> dict[str, Any] | None:
        """The outcome of this very run, where it has ended."""
        try:
            found = json.loads((self.path / OUTCOME).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) and found.get("identity") == self.identity else None


def identity(*values: Any) -> str:
    """A hash of everything that a run's numbers follow from, as JSON."""
    text = json.dumps(values, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value
