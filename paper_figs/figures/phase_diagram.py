"""Where AMSS settles closer than AMSS+, by imbalance, keep fraction and skew of the noise."""

from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, Normalize

from paper_figs import style
from paper_figs.figure import Figure, Panels, axes
from paper_figs.reading import Data, Source
from paper_figs.records import Phase, PhasePoint

POINTS = Source(
    "sweeps/phase-diagram.json",
    Phase,
    "python -m simulations sweep phase-diagram",
    length=lambda value: len(value.points) * min(point.replicates for point in value.points),
)
_MAP = LinearSegmentedColormap.from_list(
    "closer", [style.look("amss").colour, "#ffffff", style.look("amss+").colour], N=256
)
_SAME = 1e-9
_TICKS = {"1/10": 1 / 10, "1/3": 1 / 3, "1": 1.0, "3": 3.0, "10": 10.0}
"""Ratios of energies on the colour bar; beyond its ends the colours stay as they are."""

DIVERGED = float(np.log(1e6))
"""|log ratio| from which on one of the two is said to diverge: settled energies lie within a few decades."""


def grid(points: list[PhasePoint], value: str) -> tuple[list[float], list[float], np.ndarray[Any, Any]]:
    """Skews p, keep fractions of the dominant modality, and a table (keeps, skews); nan where there is no point."""
    skews = sorted({point.p for point in points})
    keeps = sorted({point.keep[0] for point in points})
    table = np.full((len(keeps), len(skews)), np.nan)
    for point in points:
        table[keeps.index(point.keep[0]), skews.index(point.p)] = getattr(point, value)
    return skews, keeps, table


def by_imbalance(phase: Phase) -> dict[float, list[PhasePoint]]:
    """The points of each imbalance, the smallest first; imbalances that differ by rounding are one."""
    found: dict[float, list[PhasePoint]] = {}
    for point in sorted(phase.points, key=lambda point: point.imbalance):
        known = next((key for key in found if abs(point.imbalance / key - 1) < _SAME), point.imbalance)
        found.setdefault(known, []).append(point)
    return found


def compared(point: PhasePoint) -> bool:
    """Whether both methods settle there."""
    return bool(abs(point.log_ratio) < DIVERGED)


def _draw(panels: Panels, data: Data) -> None:
    groups = by_imbalance(data[POINTS].value)
    if len(groups) > panels.size:
        raise ValueError(f"the figure shows {panels.size} imbalances, found {len(groups)}")
    norm = Normalize(-np.log(10), np.log(10))
    mesh = None
    for panel, (imbalance, points), letter in zip(axes(panels), groups.items(), "abcdefgh", strict=False):
        skews, keeps, table = grid(points, "log_ratio")
        if min(table.shape) < 2:
            raise ValueError("the figure needs two skews and two keep fractions at least")
        settled = np.ma.masked_where(~(np.abs(table) < DIVERGED), table)
        mesh = panel.pcolormesh(skews, keeps, settled, cmap=_MAP, norm=norm, shading="nearest")
        _, _, predicted = grid(points, "predicted_log_ratio")
        lines: dict[str, Any] = {"levels": [0], "colors": "black", "linewidths": 1}
        panel.contour(skews, keeps, np.nan_to_num(predicted, nan=-DIVERGED), **lines)
        panel.set_xscale("log")
        panel.set_xticks([0.02, 0.1, 0.5], ["0.02", "0.1", "0.5"])
        panel.set_xticks([], minor=True)
        panel.set_yticks([0.25, 0.5, 0.75])
        panel.grid(False)
        panel.set_facecolor("#9a9a9a")
        style.panel(panel, letter, rf"$\kappa_1 / \kappa_2 = {imbalance:.3g}$")
    for panel in axes(panels)[len(groups) :]:
        panel.axis("off")
    for panel in panels[-1]:
        panel.set_xlabel("rare value's $p$")
    for panel in panels[:, 0]:
        panel.set_ylabel("share kept by\nmodality 1")
    assert mesh is not None
    bar = panels[0, 0].figure.colorbar(mesh, ax=panels, shrink=0.85, aspect=30, pad=0.01, extend="both")
    bar.set_ticks(np.log(list(_TICKS.values())), labels=list(_TICKS))
    bar.set_label(r"$E\,\|\nabla F\|^2$ of AMSS over that of AMSS+")
    bar.outline.set_linewidth(0.5)


def _caption(data: Data) -> str:
    points = data[POINTS].value.points
    replicates = sorted({point.replicates for point in points})
    each = f"{replicates[0]}" if len(replicates) == 1 else f"{replicates[0]} to {replicates[-1]}"
    shown = [point for point in points if compared(point)]
    closer = sum(point.log_ratio < 0 for point in shown)
    agreeing = sum((point.log_ratio < 0) == (point.predicted_log_ratio < 0) for point in shown)
    return (
        r"Where the $0/1$ mask ends closer to the minimiser than the unbiased one (orange) and where not (blue), on a "
        r"quadratic of two modalities with curvatures $\kappa_1 \geq \kappa_2$, of which the second keeps the share "
        r"of units that the first does not; noise takes a rare value with probability $p$ (symmetric at $.5$). Colour: "
        r"measured ratio of $E\|\nabla F\|^2$, no unit, each averaged between the last two checkpoints (steps 500 to "
        rf"1000 from the minimiser, as the study is shipped); white: equal; darkest: a factor of 10 or more. "
        rf"{len(points)} points, each with a cell of AMSS and one of AMSS+ "
        rf"({2 * len(points)} cells, {each} replicates a cell, the same stepsize {points[0].stepsize:g} for both). "
        rf"AMSS ends closer at {closer} of the {len(shown)} coloured points. Grey: {_diverging(points)}. Black line: "
        "where the prediction for small steps is 1; it lies on the measured side of 1 at "
        f"{agreeing} of the coloured points."
    )


def _diverging(points: list[PhasePoint]) -> str:
    others = [point.log_ratio for point in points if not compared(point)]
    counts = {
        "AMSS+": sum(ratio <= -DIVERGED for ratio in others),
        "AMSS": sum(ratio >= DIVERGED for ratio in others),
        "neither is known": sum(np.isnan(ratio) for ratio in others),
    }
    told = {
        "AMSS+": "AMSS+ diverges at this stepsize (more than $10^6$ times the energy of AMSS)",
        "AMSS": "AMSS diverges at this stepsize (more than $10^6$ times the energy of AMSS+)",
        "neither is known": "no finite ratio",
    }
    return ", ".join(f"{number} points, {told[name]}" for name, number in counts.items() if number) or "none"


def _alt(data: Data) -> str:
    parts = []
    for imbalance, points in by_imbalance(data[POINTS].value).items():
        shown = [point for point in points if compared(point)]
        closer = sum(point.log_ratio < 0 for point in shown)
        parts.append(f"{imbalance:.3g}: {closer} of {len(shown)}, {len(points) - len(shown)} diverged")
    return f"Points where AMSS ends closer than AMSS+, by imbalance. {'; '.join(parts)}."


def _configuration(data: Data) -> dict[str, Any]:
    phase = data[POINTS].value
    return {
        "study": phase.study,
        "points": len(phase.points),
        "replicates": sorted({point.replicates for point in phase.points}),
        "stepsizes": sorted({point.stepsize for point in phase.points}),
    }


FIGURE = Figure(
    name="phase_diagram",
    title="Where a biased mask settles closer",
    claims=("skewed-noise-wrong-point",),
    draw=_draw,
    caption=_caption,
    alt=_alt,
    configuration=_configuration,
    size=(style.PAGE, 3.6),
    shape=(2, 4),
    sources=(POINTS,),
    grid={"sharex": True, "sharey": True},
)
