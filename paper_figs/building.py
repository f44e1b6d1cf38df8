"""Building figures: which ones, from which data, to which files."""

import difflib
import json
from collections.abc import Sequence
from pathlib import Path

from paper_figs.figure import Figure
from paper_figs.figures import FIGURES
from paper_figs.files import write_bytes
from paper_figs.reading import COPIES, BadData, Data
from paper_figs.rendering import render, sidecar


class UnknownFigure(KeyError):
    """A figure that does not exist; the message names the close ones."""

    def __init__(self, name: str) -> None:
        """What was asked for.

        >>> str(UnknownFigure("expectedweight"))
        "no figure 'expectedweight'; did you mean 'expected_weight'?"
        """
        names = [figure.name for figure in FIGURES]
        close = difflib.get_close_matches(name, names)
        told = f"did you mean {' or '.join(map(repr, close))}?" if close else f"there are {', '.join(names)}"
        super().__init__(f"no figure {name!r}; {told}")

    def __str__(self) -> str:
        return str(self.args[0])


def chosen(names: Sequence[str]) -> tuple[Figure, ...]:
    """The figures of these names, in the order of FIGURES; all of them for no names. Raises UnknownFigure."""
    known = {figure.name for figure in FIGURES}
    for name in names:
        if name not in known:
            raise UnknownFigure(name)
    return tuple(figure for figure in FIGURES if not names or figure.name in names)


def build(figure: Figure, results: Path | Sequence[Path], out: Path, commit: str | None, copies: Path = COPIES) -> Data:
    """Draw a figure to out/<name>.<suffix> and return the data it was drawn from.

    Files: the picture as pdf, png and svg; csv, the numbers that it shows; tex and md, the caption; json, the
    provenance. results: as in `gather`. Raises MissingData, BadData, and OSError where a file cannot be written.
    """
    data = figure.read(results, copies)
    try:
        files = render(figure, data)
        text = json.dumps(sidecar(figure, data, commit), indent=1, allow_nan=False) + "\n"
    except (LookupError, ValueError, ArithmeticError) as error:
        held = ", ".join(f"{item['from']}/{item['file']}" for item in data.as_json())
        raise BadData(f"{figure.name} cannot be drawn from {held}: {error.args[0] if error.args else error}") from error
    for suffix, content in files.items():
        write_bytes(out / f"{figure.name}.{suffix}", content)
    write_bytes(out / f"{figure.name}.json", text.encode())
    return data
