"""From a figure and its data to the bytes of its files; the same input gives the same bytes."""

import io
import platform
from importlib import metadata
from typing import Any

from matplotlib.figure import Figure as Canvas
from matplotlib.layout_engine import ConstrainedLayoutEngine

from paper_figs import style
from paper_figs.figure import Figure
from paper_figs.reading import Data
from paper_figs.records import Recorded

_PACKAGES = ("matplotlib", "numpy", "scipy", "torch")
_PDF = {"Creator": "paper_figs", "Producer": "matplotlib", "CreationDate": None}
_PNG = {"Software": None}
_NOTE = 0.14  # inches at the lower edge for the note of a recorded figure


def drawn(figure: Figure, data: Data) -> Canvas:
    """The figure on its canvas. Raises ValueError where `draw` does. Needs the look of `style.applied`."""
    canvas = Canvas(figsize=figure.size, layout="constrained")
    rows, columns = figure.shape
    figure.draw(canvas.subplots(rows, columns, squeeze=False, **figure.grid), data)
    if data.recorded:
        _mark(canvas, data)
    return canvas


def render(figure: Figure, data: Data) -> dict[str, bytes]:
    """The files of a figure by suffix, pdf and png. Raises ValueError where `draw` does."""
    with style.applied():
        canvas = drawn(figure, data)
        png = _bytes(canvas, "png", _PNG)
        canvas.set_layout_engine("none")  # the layout stays as it is: both files share it, and it is worked out once
        return {"pdf": _bytes(canvas, "pdf", _PDF), "png": png}


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
        "configuration": dict(figure.configuration(data)),
        "commit": commit,
        "versions": {"python": platform.python_version(), **{name: metadata.version(name) for name in _PACKAGES}},
    }


def caption(figure: Figure, data: Data) -> str:
    """The caption, with a note where a committed copy is drawn."""
    notes = "".join(f" Recorded: {_note(note)}." for note in data.recorded)
    return figure.caption(data) + notes


def _mark(canvas: Canvas, data: Data) -> None:
    engine = canvas.get_layout_engine()
    assert isinstance(engine, ConstrainedLayoutEngine)
    share = _NOTE / canvas.get_figheight()
    engine.set(rect=(0, share, 1, 1 - share))
    text = "; ".join(dict.fromkeys(f"recorded {_note(note, 10)}" for note in data.recorded))
    canvas.text(0.995, 0.004, text, ha="right", va="bottom", fontsize=6, color=style.GREY, style="italic")


def _note(note: Recorded, digits: int = 40) -> str:
    if note.commit is None:
        return note.date
    commit, dash, changed = note.commit.partition("-")
    return f"{note.date}, commit {commit[:digits]}{dash}{changed}"


def _bytes(canvas: Canvas, kind: str, fixed: dict[str, Any]) -> bytes:
    stream = io.BytesIO()
    canvas.savefig(stream, format=kind, dpi=style.DPI, metadata=fixed)
    return stream.getvalue()
