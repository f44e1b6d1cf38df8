"""Keep results as committed data: `python -m paper_figs.recording [RESULTS [FILE ...]]`.

Copies the FILEs that figures read from RESULTS (results unless named) to paper_figs/data/, abridged to what the
figures show, with a note of the commit and the date in front. Without a FILE: all that `python -m simulations audit`
writes. Training runs and comparisons have a command of their own, `python -m simulations.multimodal.record`.
"""

import datetime
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from paper_figs.figures import FIGURES
from paper_figs.reading import COPIES, BadData, Source, parse
from paper_figs.records import Train
from simulations.multimodal.record import ROOT, commit_of, recorded
from simulations.multimodal.results import write_json

_AUDIT = "python -m simulations audit"


def sources() -> dict[str, Source[Any]]:
    """The files that can be kept, by their paths inside results."""
    read = {source.file: source for figure in FIGURES for source in figure.sources}
    return {file: read[file] for file in sorted(read) if not issubclass(read[file].schema, Train)}


def record(
    results: Path, target: Path, commit: str | None, date: datetime.date, files: Sequence[str] = ()
) -> list[Path]:
    """Copy files that figures read, and return those written; none where one cannot be used.

    Raises BadData for a file that no figure reads or that does not hold what it should, OSError for one that cannot be
    read or written.
    """
    known = sources()
    for file in files:
        if file not in known:
            raise BadData(f"{file} must be one that figures read, there are {', '.join(known)}")
    chosen = [known[file] for file in files] or [one for one in known.values() if one.command.startswith(_AUDIT)]
    contents = {source.file: (results / source.file).read_bytes() for source in chosen}
    kept = {}
    for source in chosen:
        parse(source.schema, contents[source.file], f"results/{source.file}")
        kept[source.file] = recorded(source.abridged(json.loads(contents[source.file])), commit, date)
    written = []
    for file, values in kept.items():
        written.append(target / file)
        written[-1].parent.mkdir(parents=True, exist_ok=True)
        write_json(written[-1], values)
    return written


def main(arguments: list[str]) -> int:
    """Copy; 2 where a file cannot be read or written."""
    results, *files = arguments or ["results"]
    try:
        record(Path(results), COPIES, commit_of(ROOT), datetime.date.today(), files)
    except (BadData, OSError) as error:
        sys.stderr.write(f"cannot record: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
