"""The command `python -m simulations status STORE`: how far a sweep is, while another process writes."""

import time
from itertools import islice
from pathlib import Path

from rich.table import Table

from simulations.console import out, plain, say
from simulations.sweeps.locking import writer
from simulations.sweeps.progress import duration
from simulations.sweeps.reading import Pace, Reading
from simulations.sweeps.store import Store

WINDOW_S = 300.0
"""The rate is that of the last five minutes."""

_FAILURES = 5


def status_command(path: Path) -> int:
    """Print blocks by study and status, the rate, the time left, and the last failures.

    Returns 0; raises StoreError. Reads beside a writer, and holds it up in nothing.
    """
    with Store.open(path) as store, store.snapshot():
        now = time.time()
        table = Table(title=plain(str(path)))
        for title in ("study", "blocks", "done", "failed", "waiting", "time of workers"):
            table.add_column(title, justify="left" if title == "study" else "right")
        for name, counts in store.studies():
            numbers = (counts.blocks, counts.done, counts.failed, counts.waiting)
            table.add_row(plain(name), *map(str, numbers), duration(counts.seconds))
        out().print(table)
        holder = writer(path)
        say(f"{holder} is writing" if holder else "nobody is writing")
        if holder:
            say(rate(store.pace(now - WINDOW_S), now))
        _show_failures(store)
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


def _show_failures(store: Reading) -> None:
    found = list(islice(store.blocks(failed_only=True), _FAILURES + 1))
    for block in found[:_FAILURES]:
        lines = block.error.strip().splitlines() or ["no reason given"]
        say(f"failed: block {block.number} of cell {block.cell}: {lines[-1]}")
    if len(found) > _FAILURES:
        say("and more: `export` writes every traceback to blocks.parquet")
