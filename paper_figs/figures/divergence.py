"""Where AMSS leads away from the common minimum of all terms, and AMSS+ contracts."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from paper_figs import style
from paper_figs.figure import Figure, Panels, axes
from paper_figs.reading import Data, Source
from paper_figs.records import Experiment, ExperimentRun
from theory.divergence import PUBLISHED, STEEP, Interpolating

RUNS = Source("experiments/amss-diverges.json", Experiment, "python -m simulations audit amss-diverges")

_HALF = Fraction(1, 2)
SLOPES: Mapping[str, tuple[str, Callable[[Interpolating], Fraction]]] = {
    "whole gradient and AMSS+": ("amss+", lambda instance: instance.slope),
    "AMSS": ("amss", lambda instance: instance.squared_slope),
    "0/1 mask, half uniform": ("amss-mixed", lambda instance: instance.mixed_slope(_HALF)),
    "largest unit (top-1)": ("top-one", lambda instance: instance.largest_slope),
}
"""Label -> look, and the slope of the mean step on the diagonal; below 0 it leads away from the minimum."""


def exponent(run: ExperimentRun) -> float:
    """Growth of log |w| a unit of time t eta, as the run carries it. Raises ValueError where it does not."""
    value = run.theory.get("exponent")
    if not isinstance(value, float):
        raise ValueError(f"the run of {run.method} must carry the number 'exponent', has none")
    return value


def start(instance: Interpolating) -> float:
    """|grad F|^2 at (1, 1, 1): every coordinate of the gradient is the slope there."""
    return float(3 * instance.slope**2)


def _draw(panels: Panels, data: Data) -> None:
    left, right = axes(panels)
    runs = data[RUNS].value.runs
    steps = sorted({run.stepsize for run in runs})
    for run in runs:
        look, number = style.look(run.method), steps.index(run.stepsize)
        times = np.array([0, *run.checkpoints]) * run.stepsize
        half = [0.0, *(style.half_width(error, run.replicates) for error in run.energy_error)]
        typical = run.energy[0] * np.exp(2 * exponent(run) * (times[1:] - times[1]))
        left.plot(times[1:], typical, color=look.colour, linestyle="--" if number else "-", linewidth=0.8)
        left.errorbar(
            times,
            [start(STEEP), *run.energy],
            half,
            color=look.colour,
            marker=look.marker,
            markersize=4 + 3 * number,
            markerfacecolor="none" if number else look.colour,
            linestyle="",
            label=rf"{look.label}, $\eta = {run.stepsize:g}$",
        )
    left.set(yscale="log", xlabel=r"time $\eta t$", ylabel=r"$E\,\|\nabla F(w_t)\|^2$")
    left.legend(loc="best")
    style.panel(left, "a", "growth and contraction")
    rows = np.arange(len(SLOPES))[::-1]
    for shift, instance, name, face in ((0.12, STEEP, "$(-8, 5, 5)$", None), (-0.12, PUBLISHED, "$(-3, 2, 2)$", "w")):
        for row, (method, slope) in zip(rows, SLOPES.values(), strict=True):
            look, value = style.look(method), float(slope(instance))
            right.hlines([row + shift], 0, [value], color=look.colour, linewidth=1)
            right.plot(
                [value],
                [row + shift],
                color=look.colour,
                marker=look.marker,
                linestyle="",
                markerfacecolor=face or look.colour,
            )
            right.annotate(
                f"${value:.3f}$",
                (value, row + shift),
                (5 if value > 0 else -5, 0),
                textcoords="offset points",
                ha="left" if value > 0 else "right",
                va="center",
                fontsize=style.SMALLEST,
            )
        right.plot(
            [],
            [],
            color=style.GREY,
            marker="o",
            linestyle="",
            markerfacecolor=face or style.GREY,
            label=f"shifts of {name}",
        )
    right.axvline(0, color=style.GREY, linewidth=0.8)
    right.set_yticks(rows, list(SLOPES))
    right.set(xlabel="slope of the mean step on the diagonal", ylim=(-0.6, len(SLOPES) - 0.2))
    right.margins(x=0.32)
    right.grid(False, axis="y")
    right.legend(loc="upper left")
    style.panel(right, "b", "below 0: away from the minimum")


def _caption(data: Data) -> str:
    run = data[RUNS].value.runs[0]
    return (
        r"Interpolating least squares, $f_i(w) = \langle a_i, w \rangle^2 + \frac{1}{2} \|w\|^2$ with $a_i$ the shifts "
        r"of one row, one unit of three drawn: all terms share the minimiser 0, where the noise vanishes. (a) Runs "
        rf"from $(1, 1, 1)$ with the row $(-8, 5, 5)$, means over {run.replicates} replicates "
        rf"with {style.CONFIDENCE:.0%} Student intervals; lines: twice the predicted exponent of "
        r"$\log \|w\|$ of a typical run, from the first checkpoint on; a mean lies above it by Jensen's inequality. "
        r"(b) The mean step on the diagonal, exactly; filled for this row, open for $(-3, 2, 2)$ with a penalty of "
        r"half the size, on which top-1 was known "
        r"to diverge."
    )


def _alt(data: Data) -> str:
    parts = [
        f"{style.look(run.method).label} at stepsize {run.stepsize:g}: {start(STEEP):.3g} at the start, "
        f"{run.energy[-1]:.3g} at time {run.checkpoints[-1] * run.stepsize:g}"
        for run in data[RUNS].value.runs
    ]
    slopes = [f"{label} {float(slope(STEEP)):.3f}" for label, (_, slope) in SLOPES.items()]
    return f"Mean squared gradient. {'; '.join(parts)}. Slopes on the diagonal: {', '.join(slopes)}."


def _configuration(data: Data) -> dict[str, Any]:
    found = data[RUNS].value
    fields = ("objective", "noise", "method", "keep", "stepsize", "replicates", "checkpoints")
    return {
        found.name: {"seed": found.seed, "runs": [{key: getattr(run, key) for key in fields} for run in found.runs]}
    }


FIGURE = Figure(
    name="divergence",
    title="Divergence against contraction",
    claims=("amss-diverges", "amss-diverges-interpolating"),
    draw=_draw,
    caption=_caption,
    alt=_alt,
    configuration=_configuration,
    size=(style.PAGE, 2.8),
    shape=(1, 2),
    sources=(RUNS,),
)
