"""The command `python -m simulations status STORE`: how far a sweep is, while another process writes."""

import time
from itertools import islice
from pathlib import Path
from typing import Any

from rich.table import Table

from amss_min.testing.files import json_to
from simulations.console import plain, say, show
from simulations.sweeps.locking import writer
from simulations.sweeps.progress import duration
from simulations.sweeps.reading import Pace, Reading
from simulations.sweeps.store import Store

WINDOW_S = 300.0
"""The rate is that of the last five minutes."""

_FAILURES = 5


def status_command(path: Path, json_file: Path | None = None) -> int:
    """Print blocks by study and status, the rate, the time left, and the last failures; write them to `json_file`.

    Returns 0; raises StoreError and Unwritable. Reads beside a writer, and holds it up in nothing.
    """
    with json_to(json_file) as write, Store.open(path) as store, store.snapshot():
        now = time.time()
        table = Table(title=plain(str(path)))
        for title in ("study", "blocks", "done", "failed", "waiting", "time of workers"):
            table.add_column(title, justify="left" if title == "study" else "right")
        studies = []
        for name, counts in store.studies():
            numbers = (counts.blocks, counts.done, counts.failed, counts.waiting)
            table.add_row(plain(name), *map(str, numbers), duration(counts.seconds))
            keys = ("study", "blocks", "done", "failed", "waiting", "seconds")
            studies.append(dict(zip(keys, (name, *numbers, counts.seconds), strict=True)))
        show(table)
        holder = writer(path)
        pace = rate(store.pace(now - WINDOW_S), now) if holder else None
        say(f"{holder} is writing" if holder else "nobody is writing")
        if pace:
            say(pace)
        failures = _failures(store)
        for failure in failures[:_FAILURES]:
            say(f"failed: block {failure['block']} of cell {failure['cell']}: {failure['reason']}")
        if len(failures) > _FAILURES:
            say("and more: `export` writes every traceback to blocks.parquet")
        write(
            {
                "store": str(path),
                "studies": studies,
                "writer": str(holder) if holder else None,
                "rate": pace,
                "failures": failures[:_FAILURES],
            }
        )
    return 0


def rate(pace: Pace, now: float) -> str:
    """Blocks a second since the first of these, and how long the waiting ones take at that rate.

    The time left is by expected work, sum of `estimate_s`, so that long blocks which come last are allowed for.

    >>> rate(Pace(blocks=50, first=100.0, done_s=100.0, waiting_s=600.0), 110.0)
    '5 blocks a second over the last 10 s; about 60 s left'
    """
    elapsed = now - pace.first
    if not pace.blocks or elapsed <= 0:
        return f"no block came in during the last {duration(WINDOW_S)}"
    told = f"{pace.blocks / elapsed:.3g} blocks a second over the last {duration(elapsed)}"
    if not pace.waiting_s:
        return f"{told}; nothing is left"
    if not pace.done_s:
        return told
    return f"{told}; about {duration(pace.waiting_s / pace.done_s * elapsed)} left"


def _failures(store: Reading) -> list[dict[str, Any]]:
    """The last failures, and one more where there are more."""
    found = []
    for block in islice(store.blocks(failed_only=True), _FAILURES + 1):
        lines = block.error.strip().splitlines() or ["no reason given"]
        found.append({"cell": block.cell, "block": block.number, "reason": lines[-1]})
    return found
