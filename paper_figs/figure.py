"""The contract of a figure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from matplotlib.axes import Axes
from numpy.typing import NDArray

from paper_figs.reading import Data, Source

Panels = NDArray[Any]
"""An array of matplotlib axes, (rows, columns)."""


def axes(panels: Panels) -> list[Axes]:
    """The axes of a figure, row by row."""
    return list(panels.flat)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure of the paper: what it says, what it reads, and how it is drawn.

    name: of its files. title: a few words. claims: ids of the claims that it illustrates.
    sources: the files it reads; none for a figure that is drawn from formulas alone.
    draw(panels, data): draws on axes of shape `shape`; it may evaluate formulas of `theory` and inclusion
    probabilities of `amss_min`, and never trains or simulates. It raises ValueError where the data is of another kind
    than it can show.
    caption(data), alt(data): the caption, with mathematics between dollar signs, and the text for those who do not
    see it. configuration(data): what it was made from, in JSON types: methods, stepsizes, seeds, sizes.
    least: how many of the sources must be there; all of them for None. draw then asks `data.get`.
    size: width and height in inches. grid: further arguments of matplotlib's `Figure.subplots`.
    """

    name: str
    title: str
    claims: tuple[str, ...]
    draw: Callable[[Panels, Data], None]
    caption: Callable[[Data], str]
    alt: Callable[[Data], str]
    configuration: Callable[[Data], Mapping[str, Any]]
    size: tuple[float, float]
    shape: tuple[int, int] = (1, 1)
    sources: tuple[Source[Any], ...] = ()
    least: int | None = None
    grid: Mapping[str, Any] = field(default_factory=dict)
