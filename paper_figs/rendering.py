"""From a figure and its data to the bytes of its files; the same input gives the same bytes."""

import io
import platform
from importlib import metadata
from typing import Any

from matplotlib.figure import Figure as Canvas
from matplotlib.layout_engine import ConstrainedLayoutEngine

from paper_figs import style
from paper_figs.captions import latex, markdown
from paper_figs.drawn_numbers import Row, as_csv, rows
from paper_figs.figure import Figure
from paper_figs.overlaying import artists, overlaid
from paper_figs.reading import Data
from paper_figs.records import Recorded

SUFFIXES = ("pdf", "png", "svg", "csv", "tex", "md")
"""What is written beside the sidecar: the picture three times, its numbers, and its caption for LaTeX and Markdown."""

_PACKAGES = ("matplotlib", "numpy", "scipy", "torch")
_PDF = {"Creator": "paper_figs", "Producer": "matplotlib", "CreationDate": None}
_PNG = {"Software": None}
_SVG = {"Creator": "paper_figs", "Date": None}
_NOTE = 0.14  # inches at the lower edge for a note


def drawn(figure: Figure, data: Data) -> Canvas:
    """The figure on its canvas. Raises ValueError where `draw` does. Needs the look of `style.applied`."""
    return _drawn(figure, data)[0]


def render(figure: Figure, data: Data) -> dict[str, bytes]:
    """The files of a figure by suffix. Raises ValueError where `draw` does."""
    with style.applied():
        canvas, numbers = _drawn(figure, data)
        png = _bytes(canvas, "png", _PNG)
        canvas.set_layout_engine("none")  # the layout stays as it is: all files share it, and it is worked out once
        pictures = {"pdf": _bytes(canvas, "pdf", _PDF), "png": png, "svg": _bytes(canvas, "svg", _SVG)}
    text = caption(figure, data)
    return {
        **pictures,
        "csv": as_csv(numbers).encode(),
        "tex": latex(figure, text).encode(),
        "md": markdown(figure, text, figure.alt(data)).encode(),
    }


def sidecar(figure: Figure, data: Data, commit: str | None) -> dict[str, Any]:
    """The provenance of a figure, in JSON types."""
    return {
        "figure": figure.name,
        "title": figure.title,
        "caption": caption(figure, data),
        "alt": figure.alt(data),
        "claims": list(figure.claims),
        "recorded": bool(data.recorded),
        "sources": data.as_json(),
        "missing": [{"file": source.file, "command": source.command} for source in data.missing],
        "configuration": dict(figure.configuration(data)),
        "commit": commit,
        "versions": {"python": platform.python_version(), **{name: metadata.version(name) for name in _PACKAGES}},
    }


def caption(figure: Figure, data: Data) -> str:
    """The caption, with a note where data is missing, where runs are overlaid, and where a committed copy is drawn."""
    notes = [f"Not there: {source.file}, made by {source.command}." for source in data.missing]
    if data.overlays:
        notes.append(f"Runs: {_legend(data)}.")
    notes += [f"Recorded: {_note(note)}." for note in dict.fromkeys(data.recorded)]
    return " ".join([figure.caption(data), *notes])


def _drawn(figure: Figure, data: Data) -> tuple[Canvas, list[Row]]:
    canvas = Canvas(figsize=figure.size, layout="constrained")
    shape_rows, columns = figure.shape
    panels = canvas.subplots(shape_rows, columns, squeeze=False, **figure.grid)
    figure.draw(panels, data)
    numbers = rows(canvas, data.label)
    for number, overlay in enumerate(data.overlays):
        before = artists(canvas)
        with overlaid(canvas, number):
            figure.draw(panels, overlay)
        numbers += rows(canvas, overlay.label, before)
    notes = []
    if data.overlays:
        notes.append((0.005, "left", _legend(data)))
    if data.recorded:
        text = "; ".join(dict.fromkeys(f"recorded {_note(note, 10)}" for note in data.recorded))
        notes.append((0.995, "right", text))
    if notes:
        _mark(canvas, notes)
    return canvas, numbers


def _mark(canvas: Canvas, notes: list[tuple[float, str, str]]) -> None:
    engine = canvas.get_layout_engine()
    assert isinstance(engine, ConstrainedLayoutEngine)
    share = _NOTE / canvas.get_figheight()
    engine.set(rect=(0, share * len(notes), 1, 1 - share * len(notes)))
    for line, (place, side, text) in enumerate(reversed(notes)):
        height = 0.004 + share * line
        canvas.text(place, height, text, ha=side, va="bottom", fontsize=6, color=style.GREY, style="italic")


def _legend(data: Data) -> str:
    others = (f"hollow, {style.OVERLAY_NAMES[i]}: {overlay.label}" for i, overlay in enumerate(data.overlays))
    return "; ".join([f"filled: {data.label}", *others])


def _note(note: Recorded, digits: int = 40) -> str:
    if note.commit is None:
        return note.date
    commit, dash, changed = note.commit.partition("-")
    return f"{note.date}, commit {commit[:digits]}{dash}{changed}"


def _bytes(canvas: Canvas, kind: str, fixed: dict[str, Any]) -> bytes:
    stream = io.BytesIO()
    canvas.savefig(stream, format=kind, dpi=style.DPI, metadata=fixed)
    return stream.getvalue()
