"""Files of one kind that lie in a folder of results or among the committed copies, and where each comes from."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from paper_figs.reading import Found, Source, versions
from paper_figs.records import Recorded
from paper_figs.report.markup import Html, join, tag

T = TypeVar("T")


def stored(
    folder: str,
    schema: type[T],
    command: Callable[[str], str],
    results: Path,
    copies: Path,
    length: Callable[[T], int] = lambda value: 0,
) -> dict[str, list[Found[T]]]:
    """Every file folder/NAME.json, name -> its versions as in `reading.versions`. Raises BadData.

    command: a name -> what makes the file.
    """
    names = {path.stem for root in (results, copies) for path in (root / folder).glob("*.json")}
    return {
        name: versions(Source(f"{folder}/{name}.json", schema, command(name), length), results, copies)
        for name in sorted(names)
    }


def when(recorded: Recorded | None) -> str:
    """In a few words, for a caption."""
    return f"recorded on {recorded.date}" if recorded else "this run"


def mark(recorded: Recorded) -> Html:
    """That the numbers were recorded: date and commit."""
    return tag("span", f"recorded on {recorded.date}, commit {recorded.commit or 'unknown'}", class_="recorded")


def origin(found: Found[T]) -> Html:
    """A line: the file, its digest, what makes it, and whether it is recorded."""
    told = mark(found.recorded) if found.recorded else "from this folder of results"
    parts: list[str] = [tag("code", f"{found.place}/{found.source.file}"), ", ", told, "; made by "]
    parts += [tag("code", found.source.command), "; SHA-256 ", tag("code", found.sha256[:16], title=found.sha256)]
    return tag("p", join(parts), class_="note")
