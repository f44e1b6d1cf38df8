"""Paired differences to joint training, data set by data set, with intervals that hold for all methods at once."""

import shlex
import string
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes

from paper_figs import style
from paper_figs.figure import Figure, Layout, Panels, axes
from paper_figs.reading import Data, Source
from paper_figs.records import Compare

FOLDER = "compare"
NAMES = ("htad", "smartwatch", "mfeat", "imbalanced")
"""The data sets that are always asked for; others are drawn where they were compared."""

COLUMNS = 4


def source(name: str) -> Source[Compare]:
    """The comparison on a data set."""
    return Source(
        f"{FOLDER}/{name}.json",
        Compare,
        f"python -m simulations compare {shlex.quote(name)}",
        length=lambda value: len(value.paired.seeds),
    )


COMPARED = tuple(map(source, NAMES))


def others(folders: Sequence[Path]) -> tuple[Source[Compare], ...]:
    """The further data sets that were compared in these folders, by name."""
    found = {path.stem for folder in folders for path in (folder / FOLDER).glob("*.json")}
    return tuple(map(source, sorted(found.difference(NAMES))))


def comparisons(data: Data) -> list[Compare]:
    """All that is there, one a data set: NAMES first."""
    return [data[one].value for one in data.sources]


def methods(data: Data) -> list[str]:
    """Every method that any run compared, in the order of LOOKS, then those without a look as they come."""
    found = [name for run in data.runs for compare in comparisons(run) for name in compare.paired.differences]
    named = [name for name in style.LOOKS if name in found]
    return [*named, *dict.fromkeys(name for name in found if name not in named)]


def _fitted(data: Data) -> Layout:
    count = len(data.sources)
    rows, columns = -(-count // COLUMNS), min(count, COLUMNS)
    return Layout((rows, columns), (style.PAGE, rows * (0.8 + 0.25 * len(methods(data)) * (1 + len(data.runs)) / 2)))


def _draw(panels: Panels, data: Data) -> None:
    shown = methods(data)
    looks = style.looks(shown)
    rows = {name: len(shown) - 1 - i for i, name in enumerate(shown)}
    lower = 0.9 * ((data.runs.index(data) + 0.5) / len(data.runs) - 0.5)  # several runs stand below one another
    places = {name: row - lower for name, row in rows.items()}
    letters = string.ascii_lowercase
    for number, (panel, one) in enumerate(zip(axes(panels), data.sources, strict=False)):
        if data.shared(one):
            continue
        compare = data[one].value
        _differences(panel, compare, places, looks, 1 / len(data.runs))
        panel.set_xlabel(f"difference in {_metric(compare)}")
        style.panel(panel, letters[number % len(letters)], compare.data.name)
    for panel in axes(panels)[len(data.sources) :]:
        panel.set_axis_off()
    for panel in panels[:, 0]:
        panel.set_yticks(list(rows.values()), [looks[name].label for name in rows])
        panel.set_ylim(-0.6, len(shown) - 0.4)


def _metric(compare: Compare) -> str:
    return (compare.summary.primary or "accuracy").replace("_", " ")


def _differences(
    panel: Axes, compare: Compare, places: dict[str, float], looks: dict[str, style.Look], height: float
) -> None:
    panel.axvline(0, color=style.GREY, linewidth=0.8)
    for name, item in compare.paired.differences.items():
        look, y = looks[name], places[name]
        panel.scatter(
            item.values,
            [y - 0.28 * height] * len(item.values),
            s=5,
            color=look.colour,
            alpha=0.4,
            linewidths=0,
        )
        ends = None
        if item.low is not None and item.high is not None:
            ends = [[item.mean - item.low], [item.high - item.mean]]
        panel.errorbar(
            [item.mean], [y], xerr=ends, color=look.colour, marker=look.marker, markersize=3.5, label=look.label
        )
    panel.grid(False, axis="y")


def _caption(data: Data) -> str:
    found = comparisons(data)
    seeds = ", ".join(f"{item.data.name} {len(item.paired.seeds)}" for item in found)
    levels = " and ".join(sorted({f"{item.paired.confidence:.0%}" for item in found}))
    return (
        f"Test score less that of {' and '.join(sorted({item.paired.baseline for item in found}))} training, paired by "
        f"seed (seeds: {seeds}), every method with the stepsize that was best on validation at equal tuning; note the "
        f"different scales. Large markers: means; bars: {levels} intervals that hold for all methods of a data set at "
        "once (bootstrap of whole seeds, largest $|t|$; at least Bonferroni's $t$). Small points: the seeds. An "
        "interval that does not cross 0 is a difference; one that does excludes only differences beyond its ends."
    )


def _alt(data: Data) -> str:
    parts = []
    for compare in comparisons(data):
        rows = [
            f"{style.looks([name])[name].label} {item.mean:+.3f}"
            + ("" if item.low is None or item.high is None else f" [{item.low:+.3f}, {item.high:+.3f}]")
            for name, item in compare.paired.differences.items()
        ]
        parts.append(f"{compare.data.name}: {', '.join(rows)}")
    return f"Differences in test score to joint training. {'; '.join(parts)}."


def _configuration(data: Data) -> dict[str, Any]:
    return {
        compare.data.name: {"settings": compare.settings, "seeds": compare.paired.seeds}
        for compare in comparisons(data)
    }


FIGURE = Figure(
    name="comparison",
    title="Paired differences to joint training",
    claims=(),
    draw=_draw,
    caption=_caption,
    alt=_alt,
    configuration=_configuration,
    size=(style.PAGE, 2.7),
    shape=(1, len(NAMES)),
    fitted=_fitted,
    sources=COMPARED,
    more=others,
    least=1,
    grid={"sharey": True},
)
