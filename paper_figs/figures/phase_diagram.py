"""Where AMSS settles closer than AMSS+, by imbalance, keep fraction and skew of the noise."""

from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, TwoSlopeNorm

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


def _draw(panels: Panels, data: Data) -> None:
    groups = by_imbalance(data[POINTS].value)
    if len(groups) > panels.size:
        raise ValueError(f"the figure shows {panels.size} imbalances, found {len(groups)}")
    finite = [p.log_ratio for group in groups.values() for p in group if np.isfinite(p.log_ratio)]
    low, high = min(finite, default=-1.0), max(finite, default=1.0)
    norm = TwoSlopeNorm(0, min(low, -0.1), max(high, 0.1))
    mesh = None
    for panel, (imbalance, points), letter in zip(axes(panels), groups.items(), "abcdefgh", strict=False):
        skews, keeps, table = grid(points, "log_ratio")
        if table.shape < (2, 2):
            raise ValueError("the figure needs two skews and two keep fractions at least")
        mesh = panel.pcolormesh(skews, keeps, np.ma.masked_invalid(table), cmap=_MAP, norm=norm, shading="nearest")
        _, _, predicted = grid(points, "predicted_log_ratio")
        panel.contour(skews, keeps, np.nan_to_num(predicted), levels=[0], colors="black", linewidths=1)
        panel.set_xscale("log")
        panel.set_xticks([0.02, 0.1, 0.5], ["0.02", "0.1", "0.5"])
        panel.set_xticks([], minor=True)
        panel.grid(False)
        panel.set_facecolor("#b0b0b0")
        style.panel(panel, letter, rf"$\kappa_1 / \kappa_2 = {imbalance:.3g}$")
    for panel in axes(panels)[len(groups) :]:
        panel.axis("off")
    for panel in panels[-1]:
        panel.set_xlabel("rare value's $p$")
    for panel in panels[:, 0]:
        panel.set_ylabel("keep of the dominant")
    assert mesh is not None
    bar = panels[0, 0].figure.colorbar(mesh, ax=panels, shrink=0.85, aspect=30, pad=0.01)
    bar.set_label(r"$\ln$ (energy of AMSS / AMSS+)")
    bar.outline.set_linewidth(0.5)


def _caption(data: Data) -> str:
    points = data[POINTS].value.points
    fewest = min(point.replicates for point in points)
    return (
        r"Where the $0/1$ mask settles closer to the minimiser than the unbiased one (orange, below $0$) and where not "
        r"(blue), on a quadratic of two modalities with curvatures $\kappa_1 \geq \kappa_2$ of which the second keeps "
        r"the units that the first does not; noise that takes a rare value with probability $p$ (symmetric at $.5$). "
        rf"Colour: measured, {len(points)} points of two methods, at least {fewest} replicates each, stepsize "
        rf"{points[0].stepsize:g}; black line: where the prediction of first order in the stepsize is $0$; "
        "grey: no finite ratio."
    )


def _alt(data: Data) -> str:
    parts = []
    for imbalance, points in by_imbalance(data[POINTS].value).items():
        share = np.mean([point.log_ratio < 0 for point in points])
        parts.append(f"{imbalance:.3g}: {share:.0%}")
    return f"Share of points where AMSS settles closer than AMSS+, by imbalance. {'; '.join(parts)}."


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
