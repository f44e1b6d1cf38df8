"""Keep runs as committed data: `python -m simulations.multimodal.record [RESULTS [FILE ...]]`.

Copies RESULTS/FILE (results and train/htad.json unless named) to paper_figs/data/FILE and adds the key `recorded` with
the date and the commit. The commit ends in -dirty where tracked files were changed, and is null where there is none.
"""

import datetime
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from simulations.multimodal.results import write_json

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "paper_figs" / "data"
USUAL = "train/htad.json"


def recorded(values: dict[str, Any], commit: str | None, date: datetime.date) -> dict[str, Any]:
    """The record of a run with the note of where and when it was made, the note first."""
    return {"recorded": {"commit": commit, "date": date.isoformat()}, **values}


def commit_of(folder: Path) -> str | None:
    """The full hash of the commit that the folder is at, with -dirty for changed files; None without a commit."""
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def main(arguments: list[str], target: Path = TARGET) -> int:
    """Copy the runs; 2 where one cannot be read or written."""
    results, *files = arguments or ["results"]
    for file in files or [USUAL]:
        source = Path(results) / file
        try:
            values = json.loads(source.read_text(encoding="utf-8"))
            (target / file).parent.mkdir(parents=True, exist_ok=True)
            write_json(target / file, recorded(values, commit_of(ROOT), datetime.date.today()))
        except (OSError, ValueError) as error:
            sys.stderr.write(f"cannot record {source}: {error}\n")
            return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
