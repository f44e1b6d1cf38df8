"""What the commands share: where they print, how they show progress, and the refusals that they end with."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from amss_min.testing import Evidence, Status
from amss_min.testing.console import COLOURS, complain, out, plain, say, show
from amss_min.testing.files import Unwritable
from theory.verdict import Verdict

__all__ = [
    "Interrupted",
    "Unwritable",
    "complain",
    "out",
    "plain",
    "progress",
    "say",
    "show",
    "show_surprises",
    "surprise",
    "verdict_table",
    "written_to",
]


class Interrupted(Exception):
    """Ctrl-C during the work."""


@contextmanager
def progress(title: str, total: int) -> Iterator[Callable[[], None]]:
    """A bar on standard error, where that is a terminal; yields what advances it. Raises Interrupted for Ctrl-C."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        bar = bars.add_task(title, total=total)
        try:
            yield lambda: bars.advance(bar)
        except KeyboardInterrupt:  # typer would end without a word
            raise Interrupted("interrupted: nothing was written") from None


@contextmanager
def written_to(place: Path) -> Iterator[None]:
    """Turn an OSError into Unwritable, one line that names the place (a folder unless it has a suffix)."""
    try:
        yield
    except OSError as error:
        end = "" if place.suffix else "/"
        raise Unwritable(f"cannot write to {place}{end}: {error.strerror or error}") from error


def show_surprises(verdicts: Sequence[Verdict]) -> None:
    """One line for every piece of evidence behind a status that was not expected."""
    for verdict in verdicts:
        for item in verdict.evidence if not verdict.as_expected else ():
            if item.status is not Status.CONSISTENT and item.status is not Status.HOLDS:
                say(f"{verdict.claim.id}: {surprise(item)}")


def surprise(item: Evidence) -> str:
    """What was expected, and what was measured."""
    return f"{item.status.value}: {item.what}: expected {item.expected}, measured {item.measured}"


def verdict_table(rows: Sequence[tuple[Verdict, str, str]]) -> Table:
    """One row a verdict: itself, its status as printed, and its scope."""
    table = Table(title="verdicts")
    for heading in ("claim", "status", "expected", "scope"):
        table.add_column(heading, no_wrap=heading in ("claim", "expected"))
    for verdict, status, scope in rows:
        colour = COLOURS[verdict.status] if verdict.as_expected else "bold red"
        expected = verdict.claim.expected_status.value
        table.add_row(plain(verdict.claim.id), f"[{colour}]{plain(status)}[/]", expected, plain(scope))
    return table
