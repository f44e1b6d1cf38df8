"""A further run over the first one: the same figure drawn again on the same axes, hollow and with broken lines."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import Collection, LineCollection, PathCollection, PolyCollection, QuadMesh
from matplotlib.container import ErrorbarContainer
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure as Canvas
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text

from paper_figs import style

MOST = len(style.OVERLAY_NAMES)
"""How many runs can be told apart over the first."""


def artists(canvas: Canvas) -> list[object]:
    """Everything that stands on the canvas now, with the containers of error bars."""
    found: list[object] = []
    for axes in canvas.axes:
        found += [axes, *axes.get_children(), *axes.containers]
    return found + list(canvas.legends) + list(canvas.texts)


@contextmanager
def overlaid(canvas: Canvas, number: int) -> Iterator[None]:
    """What is drawn inside gets the look of overlay `number`; its words and legends are dropped, limits only widen.

    What the first run shows in the same place is drawn once.

    Raises ValueError for more overlays than can be told apart.
    """
    if number >= MOST:
        raise ValueError(f"at most {MOST + 1} runs can be overlaid, found more")
    before = artists(canvas)
    stayed = {id(artist) for artist in before}
    limits = [(axes, axes.get_xlim(), axes.get_ylim()) for axes in canvas.axes]
    yield
    for axes in [axes for axes in canvas.axes if id(axes) not in stayed]:
        axes.remove()  # a second colour bar
    for axes in canvas.axes:
        _drop_what_is_shared(axes, stayed)
        for artist in axes.get_children():
            if id(artist) not in stayed:
                _restyle(artist, number)
    for legend in [legend for legend in canvas.legends if id(legend) not in stayed]:
        legend.remove()
    for text in [text for text in canvas.texts if id(text) not in stayed]:
        text.remove()
    for axes, x, y in limits:
        axes.set_xlim(_wider(x, axes.get_xlim()))
        axes.set_ylim(_wider(y, axes.get_ylim()))
    _put_back(canvas, before)


def _drop_what_is_shared(axes: Axes, stayed: set[int]) -> None:
    """Remove what the first run shows in the same place: formulas, and files that the further run does not have."""
    artists: list[Any] = [*axes.containers, *axes.get_children()]
    known = {_shown(artist) for artist in artists if id(artist) in stayed}
    gone: set[int] = set()
    for artist in artists:
        if id(artist) not in stayed | gone and (shown := _shown(artist)) and shown in known:
            gone |= {id(part) for part in _parts(artist)}
            artist.remove()


def _parts(artist: Any) -> list[Artist]:
    """The lines of an error bar; what is no error bar is its own part."""
    if not isinstance(artist, ErrorbarContainer):
        return [artist]
    line, caps, bars = artist.lines
    return [part for part in (line, *caps, *bars) if part is not None]


def _shown(artist: Any) -> bytes:
    """Kind, colour and places of what shows data; nothing for what does not."""
    parts: list[Any] = []
    for part in _parts(artist):
        if isinstance(part, Line2D):
            parts += ["line", part.get_color(), part.get_xydata()]
        elif isinstance(part, PathCollection):
            parts += ["points", part.get_edgecolor(), np.ma.getdata(part.get_offsets())]
        elif isinstance(part, LineCollection | PolyCollection):
            parts += ["areas", part.get_edgecolor(), *(path.vertices for path in part.get_paths())]
    return b"/".join(np.asarray(part).tobytes() for part in parts)


def _is_curve(line: Line2D) -> bool:
    return line.get_linestyle() not in ("None", "")


def _restyle(artist: Artist, number: int) -> None:
    dashes: Any = style.OVERLAY_LINES[number]
    if isinstance(artist, Text | Legend | QuadMesh):
        artist.remove()
    elif isinstance(artist, Line2D):
        if _is_curve(artist):
            artist.set_linestyle(dashes)
        artist.set_markerfacecolor("none")
        artist.set_markersize(artist.get_markersize() + 2 * (number + 1))
    elif isinstance(artist, ContourSet | LineCollection):
        artist.set_linestyle(dashes)
    elif isinstance(artist, PathCollection):
        artist.set_edgecolor(artist.get_facecolor() if len(artist.get_facecolor()) else artist.get_edgecolor())
        artist.set_facecolor("none")
        artist.set_linewidth(0.6)
    elif isinstance(artist, PolyCollection):
        artist.set_alpha(0.08)
    elif isinstance(artist, Collection):
        artist.set_alpha(0.4)
    elif isinstance(artist, Patch):
        artist.set_fill(False)
        artist.set_linestyle(dashes)


def _put_back(canvas: Canvas, before: list[object]) -> None:
    """Legends that a second drawing replaced stand again."""
    for axes in canvas.axes:
        kept = [artist for artist in before if isinstance(artist, Legend) and artist.axes is axes]
        if kept and axes.get_legend() is None:
            axes.legend_ = kept[0]


def _wider(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    low, high = min(*one, *other), max(*one, *other)
    return (high, low) if one[0] > one[1] else (low, high)
