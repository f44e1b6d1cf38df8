"""Every bound that runs are held against: measured over bound, with the range that the data leaves."""

from typing import Any

from matplotlib.axes import Axes

from paper_figs import style
from paper_figs.audited import BOUNDED, BOUNDS
from paper_figs.figure import Figure, Panels, axes
from paper_figs.reading import Data
from paper_figs.records import Audit, Evidence

COLUMNS = 4


def method(evidence: Evidence) -> str:
    """The method of a run, from the heading of its evidence: the word after the colon.

    Raises ValueError where there is none.
    """
    _, colon, rest = evidence.what.partition(": ")
    if not colon:
        raise ValueError(f"evidence on a bound must name its method after a colon, found {evidence.what!r}")
    return rest.split(",")[0]


def curves(audit: Audit, claim: str) -> list[Evidence]:
    """The evidence that holds a measured curve beside its bound."""
    return [item for item in audit.evidence(claim) if "bound" in item.details]


def _draw(panels: Panels, data: Data) -> None:
    audit = data[BOUNDED].value
    if not any(curves(audit, claim) for claim in BOUNDS):
        raise ValueError(f"the figure needs evidence on a bound, found none: {BOUNDED.command}")
    entries: dict[str, Any] = {}
    *shown, notes, last = axes(panels)
    assert len(shown) == len(BOUNDS)
    for panel, claim in zip(shown, BOUNDS, strict=True):
        found = curves(audit, claim)
        looks = style.looks(method(item) for item in found)
        for item in found:
            _curve(panel, item, looks[method(item)])
        panel.axhline(1, color=style.GREY, linewidth=0.9)
        panel.set(xscale="log", yscale="log")
        panel.set_xscale("log", base=2)
        style.decades(panel.yaxis)
        panel.set_ylim(min(0.1, panel.get_ylim()[0]), 1.5)
        panel.set_title(claim, loc="left", fontsize=style.SMALLEST)
        entries |= {text: handle for handle, text in zip(*panel.get_legend_handles_labels(), strict=True)}
    for panel in (*panels[-1, :2], *panels[-2, 2:]):
        panel.set_xlabel("steps $T$")
    for panel in panels[:, 0]:
        panel.set_ylabel("measured / bound")
    for panel in (notes, last):
        panel.axis("off")
    legend = notes.legend(list(entries.values()), list(entries), loc="center left")
    legend.set_in_layout(False)


def _curve(panel: Axes, item: Evidence, look: style.Look) -> None:
    details = item.details
    measured, bound = details["measured"], details["bound"]
    steps = details["horizons"][-len(measured) :]
    ratios = [value / limit for value, limit in zip(measured, bound, strict=True)]
    upper, lower = details["upper limit over bound"], details["refuted part of the bound"]
    ends = [
        [max(ratio - low, 0) for ratio, low in zip(ratios, lower, strict=True)],
        [max(high - ratio, 0) for ratio, high in zip(ratios, upper, strict=True)],
    ]
    panel.errorbar(
        steps,
        ratios,
        ends,
        color=look.colour,
        marker=look.marker,
        markersize=3,
        markerfacecolor="none",
        linewidth=0.5,
        elinewidth=0.8,
        capsize=1,
        alpha=0.7,
        label=look.label,
    )


def _caption(data: Data) -> str:
    audit = data[BOUNDED].value
    runs = sum(len(curves(audit, claim)) for claim in BOUNDS)
    return (
        f"Measured over bound for {runs} runs, by claim, against the number of steps; on the line at $1$ a bound would "
        "be attained. Every run is shown, with its own objective, noise and stepsize. Bars end above at the upper "
        "confidence limit (Student, error $10^{-6}$ over a claim) and below at the part of the bound that the betting "
        "test would have refuted: a bound lower than that would have been found out. Rates of transients differ, so "
        "bounds that are far above at large $T$ are those of worst cases other than the objective at hand."
    )


def _alt(data: Data) -> str:
    audit = data[BOUNDED].value
    parts = []
    for claim in BOUNDS:
        ratios = [
            value / limit
            for item in curves(audit, claim)
            for value, limit in zip(item.details["measured"], item.details["bound"], strict=True)
        ]
        if ratios:
            parts.append(f"{claim} {max(ratios):.3f}")
    return f"Fourteen small panels. Largest measured value over its bound: {', '.join(parts)}."


def _configuration(data: Data) -> dict[str, Any]:
    audit = data[BOUNDED].value
    return {claim: [item.what for item in curves(audit, claim)] for claim in BOUNDS}


FIGURE = Figure(
    name="rate_bounds",
    title="Every bound against measurement",
    claims=BOUNDS,
    draw=_draw,
    caption=_caption,
    alt=_alt,
    configuration=_configuration,
    size=(style.PAGE, 6.2),
    shape=(4, COLUMNS),
    sources=(BOUNDED,),
)
