"""Keep experiments as committed data: `python -m paper_figs.recording [RESULTS]`.

Copies the experiments that figures read from RESULTS/experiments (RESULTS defaults to results) to paper_figs/data/
with a note of the commit and the date in front. The training run has a command of its own,
`python -m simulations.multimodal.record`.
"""

import datetime
import json
import sys
from pathlib import Path

from paper_figs.figures import FIGURES
from paper_figs.reading import COPIES, BadData, parse
from paper_figs.records import Experiment
from simulations.multimodal.record import ROOT, commit_of, recorded
from simulations.results import write_json


def record(results: Path, target: Path, commit: str | None, date: datetime.date) -> list[Path]:
    """Copy the experiments that figures read, and return the files written.

    Raises BadData for a file that does not hold what it should, OSError for one that cannot be read or written.
    """
    files = {source.file for figure in FIGURES for source in figure.sources if source.schema is Experiment}
    contents = {file: (results / file).read_bytes() for file in sorted(files)}
    for file, content in contents.items():
        parse(Experiment, content, f"results/{file}")
    written = []
    for file, content in contents.items():
        written.append(target / Path(file).name)
        write_json(written[-1], recorded(json.loads(content), commit, date))
    return written


def main(arguments: list[str]) -> int:
    """Copy; 2 where a file cannot be read or written."""
    try:
        record(Path(arguments[0] if arguments else "results"), COPIES, commit_of(ROOT), datetime.date.today())
    except (BadData, OSError) as error:
        sys.stderr.write(f"cannot record: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
