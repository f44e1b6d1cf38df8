"""How far a study is, on standard error: a bar on a terminal, a line every half minute elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from simulations.console import complain
from simulations.sweeps.driver import Tally

LINE_S = 30.0


def duration(seconds: float) -> str:
    """A time as a person says it.

    >>> duration(42), duration(750), duration(30000), duration(1e6)
    ('42 s', '12.5 min', '8.3 h', '11.6 days')
    """
    for unit, size, least in (("days", 86400.0, 2.0), ("h", 3600.0, 2.0), ("min", 60.0, 2.0)):
        if seconds >= least * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.2g} s"


def line(tally: Tally, elapsed: float, estimate: float) -> str:
    """Where a study stands, its rate and the time that is left.

    elapsed: seconds of this run. estimate: seconds of work of the whole study by the same estimates as the tally's. The
    time left is elapsed times work left over work done; unknown before the first block.

    >>> line(Tally(total=10, before=2, done=4, estimate=4.0), elapsed=2.0, estimate=10.0)
    '6 of 10 blocks, 2.00 a second, 2 s left'
    """
    new = tally.done + tally.failed
    parts = [f"{tally.finished} of {tally.total} blocks"]
    if tally.failed or tally.skipped:
        parts.append(f"{tally.failed + tally.skipped} failed")
    if new and elapsed > 0:
        parts.append(f"{new / elapsed:.2f} a second")
        share = tally.left / max(1, tally.left + new)
        left = estimate * share * (tally.left + new) / max(1, tally.total)
        if tally.estimate > 0 and tally.left:
            parts.append(f"{duration(elapsed * left / tally.estimate)} left")
    return ", ".join(parts)


@contextmanager
def shown(title: str, estimate: float) -> Iterator[Callable[[Tally], None]]:
    """Yields what shows a tally; estimate as in `line`."""
    began = said = time.monotonic()
    console = Console(stderr=True)
    bars = Progress(TextColumn("{task.fields[title]}"), BarColumn(), TextColumn("{task.description}"), console=console)
    with bars if console.is_terminal else _nothing():
        bar = bars.add_task("", total=None, title=title)

        def see(tally: Tally) -> None:
            nonlocal said
            now = time.monotonic()
            told = line(tally, now - began, estimate)
            if console.is_terminal:
                bars.update(bar, total=tally.total, completed=tally.total - tally.left, description=told)
            elif now - said >= LINE_S:
                said = now
                complain(f"{title}: {told}")

        yield see


@contextmanager
def _nothing() -> Iterator[None]:
    yield
