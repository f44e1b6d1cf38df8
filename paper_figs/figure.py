"""The contract of a figure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from numpy.typing import NDArray

from paper_figs.reading import COPIES, Data, Source, gather

Panels = NDArray[Any]
"""An array of matplotlib axes, (rows, columns)."""


def axes(panels: Panels) -> list[Axes]:
    """The axes of a figure, row by row."""
    return list(panels.flat)


class Layout(NamedTuple):
    """Rows and columns of panels, and width and height in inches."""

    shape: tuple[int, int]
    size: tuple[float, float]


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
    more(folders): further sources that these folders hold, for a figure that takes any number of them.
    size: width and height in inches. grid: further arguments of matplotlib's `Figure.subplots`.
    fitted(data): the layout, for a figure whose panels are as many as the data; it takes the place of shape and size.
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
    more: Callable[[Sequence[Path]], tuple[Source[Any], ...]] | None = None
    grid: Mapping[str, Any] = field(default_factory=dict)
    fitted: Callable[[Data], Layout] | None = None

    def read(self, results: Path | Sequence[Path], copies: Path = COPIES) -> Data:
        """What its sources hold. results: as in `gather`. Raises MissingData and BadData."""
        folders = [results] if isinstance(results, Path) else list(results)
        found = self.more([*folders, copies]) if self.more else ()
        return gather((*self.sources, *found), results, copies, least=self.least)

    def layout(self, data: Data) -> Layout:
        """How many panels there are, and how large the picture is."""
        return self.fitted(data) if self.fitted else Layout(self.shape, self.size)
