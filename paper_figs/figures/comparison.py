"""Paired differences to joint training, data set by data set, with intervals that hold for all methods at once."""

from typing import Any

from matplotlib.axes import Axes

from paper_figs import style
from paper_figs.figure import Figure, Panels, axes
from paper_figs.reading import Data, Source
from paper_figs.records import Compare

NAMES = ("htad", "smartwatch", "mfeat", "imbalanced")
COMPARED = tuple(
    Source(
        f"compare/{name}.json",
        Compare,
        f"python -m simulations compare {name}",
        length=lambda value: len(value.paired.seeds),
    )
    for name in NAMES
)


def methods(data: Data) -> list[str]:
    """Every compared method, in the order of LOOKS, then those without a look as they come."""
    found = [name for source in COMPARED if (one := data.get(source)) for name in one.value.paired.differences]
    named = [name for name in style.LOOKS if name in found]
    return [*named, *dict.fromkeys(name for name in found if name not in named)]


def _draw(panels: Panels, data: Data) -> None:
    shown = methods(data)
    looks = style.looks(shown)
    rows = {name: len(shown) - 1 - i for i, name in enumerate(shown)}
    for panel, source, name, letter in zip(axes(panels), COMPARED, NAMES, "abcd", strict=True):
        style.panel(panel, letter, name)
        found = data.get(source)
        if found is None:
            panel.set_axis_off()
            command = source.command.replace("simulations ", "simulations\n")
            panel.text(0.5, 0.5, f"no data yet:\n{command}", ha="center", va="center", transform=panel.transAxes)
            continue
        _differences(panel, found.value, rows, looks)
        panel.set_xlabel("difference in accuracy")
    first = axes(panels)[0]
    first.set_yticks(list(rows.values()), [looks[name].label for name in rows])
    first.set_ylim(-0.6, len(shown) - 0.4)


def _differences(panel: Axes, compare: Compare, rows: dict[str, int], looks: dict[str, style.Look]) -> None:
    panel.axvline(0, color=style.GREY, linewidth=0.8)
    for name, item in compare.paired.differences.items():
        look, y = looks[name], rows[name]
        panel.scatter(
            item.values,
            [y - 0.28] * len(item.values),
            s=5,
            color=look.colour,
            alpha=0.4,
            linewidths=0,
        )
        ends = None
        if item.low is not None and item.high is not None:
            ends = [[item.mean - item.low], [item.high - item.mean]]
        panel.errorbar(
            [item.mean], [y], xerr=ends, color=look.colour, marker=look.marker, markersize=5, label=look.label
        )
    panel.grid(False, axis="y")


def _caption(data: Data) -> str:
    found = [one.value for source in COMPARED if (one := data.get(source))]
    seeds = ", ".join(f"{item.data.name} {len(item.paired.seeds)}" for item in found)
    return (
        f"Test accuracy less that of joint training, paired by seed (seeds: {seeds}), every method with the stepsize "
        f"that was best on validation at equal tuning. Bars: {found[0].paired.confidence:.0%} intervals that hold for "
        "all methods of a data set at once (bootstrap of whole seeds, largest $|t|$; at least Bonferroni's $t$). "
        "Small points: the seeds. An interval that does not cross 0 is a difference; one that does excludes only "
        "differences beyond its ends."
    )


def _alt(data: Data) -> str:
    parts = []
    for source in COMPARED:
        if found := data.get(source):
            rows = [
                f"{style.looks([name])[name].label} {item.mean:+.3f}"
                + ("" if item.low is None or item.high is None else f" [{item.low:+.3f}, {item.high:+.3f}]")
                for name, item in found.value.paired.differences.items()
            ]
            parts.append(f"{found.value.data.name}: {', '.join(rows)}")
    return f"Differences in test accuracy to joint training. {'; '.join(parts)}."


def _configuration(data: Data) -> dict[str, Any]:
    return {
        found.value.data.name: {"settings": found.value.settings, "seeds": found.value.paired.seeds}
        for source in COMPARED
        if (found := data.get(source))
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
    sources=COMPARED,
    least=1,
    grid={"sharey": True},
)
