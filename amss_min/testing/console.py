"""Where commands print, and how a table is shown where it is too wide; needs the extra `testing`."""

import os
import re
import sys
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from amss_min.testing.status import Status

COLOURS = {Status.HOLDS: "green", Status.CONSISTENT: "green", Status.INCONCLUSIVE: "yellow", Status.REFUTED: "red"}
"""The colour of each status."""

_WIDE = 160


def out() -> Console:
    """Standard output: as wide as the terminal, or wide enough for a table; plain text where NO_COLOR is set."""
    return _console(width=None if sys.stdout.isatty() else _WIDE)


def say(text: str) -> None:
    """This text on standard output, as it stands."""
    out().print(text, markup=False, highlight=False, soft_wrap=True)


def complain(text: str) -> None:
    """This text on standard error, as it stands."""
    _console(stderr=True).print(text, markup=False, highlight=False, soft_wrap=True)


def plain(text: str) -> str:
    """Text from outside for a cell of a table, without markup."""
    return text.replace("[", r"\[")


def show(table: Table, console: Console | None = None) -> None:
    """Print a table of texts without cutting a word, on `console` or standard output.

    In a pipe or a file the lines become as long as they must. On a terminal that is too narrow the table loses its
    frame, and where that is not enough every row becomes a paragraph: its first cell, then a line `heading  cell` for
    each other cell that is not empty.
    """
    console = console or out()
    count = len(table.columns)
    least = [_widest(column, words=not column.no_wrap) for column in table.columns]
    frame = 3 * count + 1
    if not console.file.isatty():
        console.width = max(console.width, sum(least) + frame)
    elif sum(least) + frame > console.width:
        frame = 2 * (count - 1)
        table.box, table.show_edge, table.pad_edge, table.padding = box.SIMPLE_HEAD, False, False, (0, 1, 0, 0)
    if sum(least) + frame > console.width:
        _show_rows(table, console)
        return
    natural = [_widest(column, words=False) for column in table.columns]
    for column, width in zip(table.columns, _widths(least, natural, console.width - frame), strict=True):
        column.width = width
    console.print(table)


def _widths(least: Sequence[int], natural: Sequence[int], room: int) -> list[int]:
    """To every column its least, and of the rest one by one to the narrowest of those that want more."""
    widths = list(least)
    for _ in range(room - sum(least)):
        wanting = [place for place, width in enumerate(widths) if width < natural[place]]
        if wanting:
            widths[min(wanting, key=widths.__getitem__)] += 1
    return widths


def _widest(column: Column, *, words: bool) -> int:
    """The widest line of a column, or its widest word: the first of a line stands behind its indentation."""
    texts = [Text.from_markup(str(cell)).plain for cell in (column.header, *column.cells)]
    lines = [line for text in texts for line in text.split("\n")]
    parts = [part for line in lines for part in re.findall(r"^\s*\S+|\S+", line)] if words else lines
    return max((Text(part).cell_len for part in parts), default=0)


def _show_rows(table: Table, console: Console) -> None:
    if table.title:
        console.print(table.title, style="italic", highlight=False)
    headings = [str(column.header) for column in table.columns]
    for first, *rest in zip(*(column.cells for column in table.columns), strict=True):
        console.print(first, style="bold", highlight=False)
        lines = Table.grid(padding=(0, 2))
        for _ in range(3):
            lines.add_column(overflow="fold")
        for heading, cell in zip(headings[1:], rest, strict=True):
            if cell:
                lines.add_row("", heading, cell)
        console.print(lines)
    if table.caption:
        console.print(table.caption, style="dim", highlight=False)


def _console(*, width: int | None = None, stderr: bool = False) -> Console:
    return Console(width=width, stderr=stderr, color_system=None if os.environ.get("NO_COLOR") else "auto")
