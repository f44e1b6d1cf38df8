"""From a figure and its data to the bytes of its files; the same input gives the same bytes."""

import io
import platform
from importlib import metadata
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
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
_NOTE = 0.15  # inches at the lower edge for a note


def drawn(figure: Figure, data: Data) -> Canvas:
    """The figure on its canvas. Raises ValueError where `draw` does. Needs the look of `style.applied`."""
    return _drawn(figure, data)[0]


def render(figure: Figure, data: Data) -> dict[str, bytes]:
    """The files of a figure by suffix. Raises ValueError where `draw` does."""
    with style.applied():
        canvas, numbers = _drawn(figure, data)
        lay_out(canvas)
        pictures = _pictures(canvas)
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
    (rows_, columns), size = figure.layout(data)
    canvas = Canvas(figsize=size, layout="constrained")
    panels = canvas.subplots(rows_, columns, squeeze=False, **figure.grid)
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
        canvas.text(
            place, height, text, ha=side, va="bottom", fontsize=style.SMALLEST, color=style.GREY, style="italic"
        )


def _legend(data: Data) -> str:
    others = (f"hollow, {style.OVERLAY_NAMES[i]}: {overlay.label}" for i, overlay in enumerate(data.overlays))
    return "; ".join([f"filled: {data.label}", *others])


def _note(note: Recorded, digits: int = 40) -> str:
    if note.commit is None:
        return note.date
    commit, dash, changed = note.commit.partition("-")
    return f"{note.date}, commit {commit[:digits]}{dash}{changed}"


def lay_out(canvas: Canvas) -> None:
    """Work out the layout once, for all files; places are rounded to a millionth of the canvas.

    The solver of the layout takes its variables in the order of their addresses, so that its last bits change from
    run to run, and with them the names that the SVG file gives to its clipping paths.
    """
    canvas.draw_without_rendering()
    canvas.set_layout_engine("none")
    for axes in canvas.axes:
        left, bottom, width, height = axes.get_position(original=True).bounds
        axes.set_position((round(left, 6), round(bottom, 6), round(width, 6), round(height, 6)))


def _pictures(canvas: Canvas) -> dict[str, bytes]:
    """The three pictures. `savefig` would go through all artists twice for each, to lay out what is laid out."""
    raster: Any = FigureCanvasAgg(canvas)
    pdf: Any = FigureCanvasPdf(canvas)
    svg: Any = FigureCanvasSVG(canvas)
    streams = {kind: io.BytesIO() for kind in ("pdf", "png", "svg")}
    raster.print_png(streams["png"], metadata=_PNG)  # first: the other two change the resolution of the canvas
    pdf.print_pdf(streams["pdf"], metadata=_PDF)
    svg.print_svg(streams["svg"], metadata=_SVG)
    return {kind: stream.getvalue() for kind, stream in streams.items()}
