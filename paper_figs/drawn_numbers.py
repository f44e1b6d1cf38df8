"""The numbers that a figure shows, read off what was drawn, as a table."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection, PolyCollection, QuadMesh
from matplotlib.colors import to_hex
from matplotlib.container import ErrorbarContainer
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator

from paper_figs import style


@dataclass(frozen=True)
class Row:
    """One number of a figure, or one with its interval.

    run: the folder it came from. panel: the panel's title. series: the label, or else the method of that colour.
    kind: line, points, interval, band, cell, contour or bar. x, y: place; x_tick, y_tick: the word on the axis there.
    low, high: ends of an interval, band or segment, along `axis`. value: the colour of a cell or a contour.
    """

    run: str
    panel: str
    series: str
    kind: str
    x: float | None
    y: float | None
    axis: str = ""
    low: float | None = None
    high: float | None = None
    value: float | None = None
    x_tick: str = ""
    y_tick: str = ""


def rows(canvas: Canvas, run: str, drawn_before: Sequence[object] = ()) -> list[Row]:
    """Everything on the canvas but what was drawn before: curves, points, intervals, bands, cells and bars."""
    return [row for axes in canvas.axes for row in _of(axes, run, {id(artist) for artist in drawn_before})]


def as_csv(found: Sequence[Row]) -> str:
    """A table with a heading; numbers with ten significant digits, an empty cell for none."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(field.name for field in fields(Row))
    writer.writerows([_cell(value) for value in astuple(row)] for row in found)
    return stream.getvalue()


def _cell(value: str | float | None) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None or not np.isfinite(value) else f"{value:.10g}"


def _of(axes: Axes, run: str, before: set[int]) -> Iterator[Row]:
    if axes.get_label() == "<colorbar>":
        return
    panel = " ".join((axes.get_title("left") or axes.get_title()).split())
    x_words, y_words = _words(axes, "x"), _words(axes, "y")
    within = {
        id(part)
        for container in axes.containers
        if isinstance(container, ErrorbarContainer)
        for line, caps, bars in [container.lines]
        for part in (line, *caps, *bars)
    }
    for artist in [*axes.containers, *axes.get_children()]:
        if id(artist) in before or id(artist) in within or artist is axes.patch:
            continue
        for numbers in _numbers(artist, axes):
            ticks = {"x_tick": _near(x_words, numbers.get("x")), "y_tick": _near(y_words, numbers.get("y"))}
            yield Row(**{"run": run, "panel": panel, "series": "", "x": None, "y": None, **ticks, **numbers})


def _numbers(artist: Any, axes: Axes) -> Iterator[dict[str, Any]]:
    """The fields of the rows of an artist; nothing for one that shows no data."""
    if isinstance(artist, ErrorbarContainer):
        yield from _intervals(artist)
    elif isinstance(artist, Line2D) and artist.get_transform() == axes.transData:
        kind = "points" if artist.get_linestyle() in ("None", "") else "line"
        series = _series(artist, artist.get_color())
        yield from ({"series": series, "kind": kind, "x": x, "y": y} for x, y in _points(artist))
    elif isinstance(artist, ContourSet):
        for level, path in zip(artist.levels, artist.get_paths(), strict=True):
            yield from ({"kind": "contour", "x": x, "y": y, "value": level} for x, y in _pairs(path.vertices))
    elif isinstance(artist, QuadMesh):
        corners: Any = artist.get_coordinates()
        values = np.ma.filled(np.ma.asarray(artist.get_array(), dtype=np.float64), np.nan)
        centres = (corners[:-1, :-1] + corners[1:, 1:]) / 2
        for (x, y), value in zip(_pairs(centres), values.reshape(-1).tolist(), strict=True):
            yield {"kind": "cell", "x": x, "y": y, "value": value}
    elif isinstance(artist, PathCollection):
        series = _series(artist, _first(artist.get_edgecolor(), artist.get_facecolor()))
        yield from ({"series": series, "kind": "points", "x": x, "y": y} for x, y in _pairs(artist.get_offsets()))
    elif isinstance(artist, PolyCollection):
        series = _series(artist, _first(artist.get_facecolor()))
        for x, low, high in _band(artist):
            yield {"series": series, "kind": "band", "x": x, "axis": "y", "low": low, "high": high}
    elif isinstance(artist, LineCollection):
        series = _series(artist, _first(artist.get_color()))
        yield from ({"series": series, "kind": "segment", **_ends(segment)} for segment in artist.get_segments())
    elif isinstance(artist, Rectangle):
        x, y = artist.get_x() + artist.get_width(), artist.get_y() + artist.get_height() / 2
        yield {"series": _series(artist, artist.get_facecolor()), "kind": "bar", "x": x, "y": y}


def _intervals(container: ErrorbarContainer) -> Iterator[dict[str, Any]]:
    line, _, bars = container.lines
    middles: Any = [] if line is None else _points(line)
    if not bars:
        series = _series(container, line.get_color())
        yield from ({"series": series, "kind": "points", "x": x, "y": y} for x, y in middles)
    for bar in bars:
        series = _series(container, _first(bar.get_color()))
        for i, segment in enumerate(bar.get_segments()):
            if len(segment):
                place = {"x": middles[i][0], "y": middles[i][1]} if middles else {}
                yield {"series": series, "kind": "interval", **_ends(segment), **place}


def _ends(segment: Any) -> dict[str, Any]:
    """A straight piece along one axis: its beginning, its axis, and its ends there."""
    (x, y), (right, top) = segment[0].tolist(), segment[-1].tolist()
    axis, low, high = ("x", x, right) if y == top and x != right else ("y", y, top)
    return {"x": x, "y": y, "axis": axis, "low": min(low, high), "high": max(low, high)}


def _points(line: Line2D) -> list[tuple[float, float]]:
    x, y = (np.asarray(part, dtype=np.float64) for part in line.get_data(orig=False))
    return list(zip(x.tolist(), y.tolist(), strict=True))


def _pairs(places: Any) -> list[tuple[float, float]]:
    return [(x, y) for x, y in np.ma.getdata(places).reshape(-1, 2).tolist()]


def _band(artist: PolyCollection) -> Iterator[tuple[float, float, float]]:
    """The columns (x, low, high) of `fill_between`: a polygon along one edge and back along the other."""
    for path in artist.get_paths():
        around = np.asarray(path.vertices)
        half = (len(around) - 1) // 2
        for one, other in zip(around[1:half], around[half + 1 : 2 * half][::-1], strict=True):
            low, high = sorted((float(one[1]), float(other[1])))
            yield float(one[0]), low, high


def _first(*colours: Any) -> Any:
    """The first of some colours, each a list; none where all are empty."""
    return next((colour[0] for colour in colours if len(colour)), "none")


def _series(artist: Any, colour: Any) -> str:
    text = str(artist.get_label())
    if text and not text.startswith("_"):
        return text.replace("\n", " ")
    names = [look.label for look in style.LOOKS.values() if look.colour == to_hex(colour)]
    return names[0] if names else ""


def _words(axes: Axes, which: str) -> dict[float, str]:
    """The words at fixed places of an axis; none where it shows numbers at their places."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    if not isinstance(axis.get_major_locator(), FixedLocator):
        return {}
    places = [float(place) for place in axis.get_ticklocs()]
    words = dict(zip(places, axis.get_major_formatter().format_ticks(places), strict=True))
    return {place: word.replace("\n", " ") for place, word in words.items() if not _is(word, place)}


def _is(word: str, place: float) -> bool:
    try:
        return float(word) == place
    except ValueError:
        return False


def _near(words: dict[float, str], place: float | None) -> str:
    if not words or place is None:
        return ""
    nearest = min(words, key=lambda tick: abs(tick - place))
    return words[nearest] if abs(nearest - place) <= 0.5 else ""
