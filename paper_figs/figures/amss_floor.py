"""The floor of AMSS under skewed noise, against the stepsize, and the wrong point where it settles."""

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from scipy import optimize

from amss_min.designs import Successive
from amss_min.importance import SquaredGradient
from amss_min.weightings import ShiftedInverse, Weighting
from paper_figs import style
from paper_figs.figure import Figure, Panels, axes
from paper_figs.reading import Data, Source
from paper_figs.records import Experiment, ExperimentRun
from theory import mean_field
from theory.claims import skewed_noise_wrong_point as claim

RUNS = Source(
    "experiments/skewed-noise-wrong-point.json", Experiment, "python -m simulations audit skewed-noise-wrong-point"
)
_SKEWED = "two-point"
_ORDER = ("amss", "released", "amss+", "sgd")


def series(experiment: Experiment) -> dict[tuple[str, bool], list[ExperimentRun]]:
    """Runs by (method, whether the noise is skewed), methods in a fixed order, the smallest stepsize first.

    Raises ValueError where AMSS under skewed noise, which the figure is about, is not among them.
    """
    found: dict[tuple[str, bool], list[ExperimentRun]] = {}
    known = [*_ORDER, *sorted({run.method for run in experiment.runs} - set(_ORDER))]
    for run in sorted(experiment.runs, key=lambda run: (known.index(run.method), run.stepsize)):
        found.setdefault((run.method, run.noise.startswith(_SKEWED)), []).append(run)
    if ("amss", True) not in found:
        raise ValueError("the figure needs runs of amss under two-point noise, found none")
    return found


def first_coordinate(run: ExperimentRun) -> tuple[float, float]:
    """The mean of w_1 at the end, and half an interval around it that may be too wide but is not too narrow.

    F = |w|^2 / 2, so Var(w_1) <= E |grad F(w)|^2 - (E w_1)^2, and the energy of the last step is recorded.
    """
    mean = run.iterate[-1][0]
    deviation = max(0.0, run.energy[-1] - mean**2) ** 0.5
    return mean, style.half_width(deviation / run.replicates**0.5, run.replicates)


def mean_step(w: float, weighting: Weighting) -> float:
    """E[M_1 g_1] at w = (w, 0) under the skewed noise, from production sizes, inclusion probabilities and weights.

    >>> from amss_min.weightings import Indicator
    >>> round(mean_step(0.0, Indicator()), 12)
    0.24
    """
    values, chances = zip(*((float(value), float(p)) for value, p in mean_field.two_point(claim.P)), strict=True)
    g = torch.tensor([[w + value, 1.0] for value in values], dtype=torch.float64)
    draw = Successive().select(SquaredGradient()(g.abs()), 1, torch.zeros(g.shape, dtype=torch.int64))
    everything = replace(draw, drawn=torch.ones_like(draw.drawn))
    masked = draw.inclusion * weighting(everything) * g
    return float(torch.tensor(chances, dtype=torch.float64) @ masked[:, 0])


@lru_cache(1)
def released_root() -> float:
    """Where the mean step of the released AMSS+ weight vanishes.

    >>> round(released_root(), 4)
    -0.2482
    """
    return float(optimize.brentq(mean_step, -1.0, 0.0, args=(ShiftedInverse(),)))


def _draw(panels: Panels, data: Data) -> None:
    left, right = axes(panels)
    found = series(data[RUNS].value)
    steps = sorted({run.stepsize for runs in found.values() for run in runs})
    _predictions(left, right, steps, found["amss", True][0].sigma2)
    for (method, skewed), runs in found.items():
        _points(left, method, skewed, runs, [(run.window, _half(run)) for run in runs])
        _points(right, method, skewed, runs, [first_coordinate(run) for run in runs])
    left.set_yscale("log")
    for panel in (left, right):
        panel.set_xscale("log")
        panel.set_xlim(steps[0] / 1.5, steps[-1] * 1.5)
        panel.set_xticks(steps, [f"{step:g}" for step in steps])
        panel.set_xticks([], minor=True)
        panel.set_xlabel(r"stepsize $\eta$")
    left.set_ylabel(r"$E\,\|\nabla F\|^2$ once settled")
    right.set_ylabel("mean of $w_1$ at the end")
    right.set_ylim(_root() - 0.1, 0.1)
    style.panel(left, "a", "distance from the optimum")
    style.panel(right, "b", "where the runs settle")
    handles, labels = left.get_legend_handles_labels()
    left.figure.legend(handles, labels, loc="outside right upper")


def _predictions(left: Axes, right: Axes, steps: list[float], sigma2: float) -> None:
    grid = np.geomspace(steps[0] / 1.5, steps[-1] * 1.5, 100)
    dashed: dict[str, Any] = {"linestyle": "--", "linewidth": 0.9}
    amss, released, plus, sgd = (style.look(name).colour for name in ("amss", "released", "amss+", "sgd"))
    left.axhline(_root() ** 2, color=amss, label="limit of AMSS", **dashed)
    lowest = mean_field.least_energy(0.0, claim.P)
    left.axhline(lowest, color=amss, linestyle=":", linewidth=0.9, label="lower bound, any step")
    left.axhline(released_root() ** 2, color=released, label="limit, as released", **dashed)
    left.plot(grid, [claim.ceiling(step, sigma2) for step in grid], color=plus, label="ceiling of AMSS+", **dashed)
    left.plot(grid, grid * sigma2 / (2 - grid), color=sgd, label="SGD, closed form", **dashed)
    right.axhline(_root(), color=amss, **dashed)
    right.axhline(released_root(), color=released, **dashed)
    right.axhline(0, color=style.GREY, linewidth=0.8)
    notes = ((_root(), f"root for AMSS, ${_root():.4f}$"), (released_root(), f"as released, ${released_root():.4f}$"))
    for height, text in (*notes, (0.0, "optimum")):
        right.annotate(text, (steps[0], height), (9, -10), textcoords="offset points", fontsize=7)


def _root() -> float:
    return float(mean_field.root(claim.P)[0])


def _points(
    panel: Axes, method: str, skewed: bool, runs: list[ExperimentRun], values: list[tuple[float, float]]
) -> None:
    look = style.look(method)
    panel.errorbar(
        [run.stepsize for run in runs],
        [mean for mean, _ in values],
        [half for _, half in values],
        color=look.colour,
        marker=look.marker,
        markerfacecolor=look.colour if skewed else "white",
        markersize=4 if skewed else 7,
        zorder=2.5 if skewed else 2.2,  # the control lies where SGD lies: larger, and behind
        linestyle="",
        label=look.label if skewed else f"{look.label}, Gaussian noise",
    )


def _half(run: ExperimentRun) -> float:
    return style.half_width(run.window_error, run.replicates)


def _caption(data: Data) -> str:
    runs = data[RUNS].value.runs
    fewest, most = (choose(run.replicates for run in runs) for choose in (min, max))
    return (
        r"$F = \frac12 \|w\|^2$ in two coordinates, one drawn with $q_j \propto g_j^2$, from the optimum; noise skewed "
        r"in the first coordinate, or Gaussian. (a) $E\|\nabla F\|^2$, averaged over the second half of a run: SGD and "
        r"AMSS+ shrink with the stepsize, AMSS does not. Lines are formulas: the limit and the lower bound for AMSS, "
        r"$\eta \sigma^2 / (1 - \eta)$ for AMSS+ (and for AMSS under Gaussian noise), $\eta \sigma^2 / (2 - \eta)$ for "
        r"SGD, and the limit for the released weight, whose mean step vanishes at another wrong point. (b) The mean of "
        r"$w_1$ at the end, with the points where the mean step vanishes. Intervals: Student, "
        f"{style.CONFIDENCE:.0%}, over {fewest} to {most} replicates; in (b) with a standard deviation bounded by the "
        "energy."
    )


def _alt(data: Data) -> str:
    found = series(data[RUNS].value)
    parts = []
    for (method, skewed), runs in found.items():
        name = style.look(method).label + ("" if skewed else " under Gaussian noise")
        values = ", ".join(f"{run.window:.2g} at stepsize {run.stepsize:g}" for run in runs)
        parts.append(f"{name}: {values}")
    return (
        f"Mean squared gradient against the stepsize. {'; '.join(parts)}. "
        f"AMSS ends near w_1 = {found['amss', True][0].iterate[-1][0]:.3f}; the predicted root is "
        f"{_root():.4f}, and for the released weight {released_root():.4f}."
    )


def _configuration(data: Data) -> dict[str, Any]:
    found = data[RUNS].value
    fields = ("objective", "noise", "method", "keep", "stepsize", "replicates")
    runs = [{**{name: getattr(run, name) for name in fields}, "steps": run.checkpoints[-1]} for run in found.runs]
    return {found.name: {"seed": found.seed, "runs": runs}}


FIGURE = Figure(
    name="amss_floor",
    title="The floor of AMSS",
    claims=("skewed-noise-wrong-point",),
    draw=_draw,
    caption=_caption,
    alt=_alt,
    configuration=_configuration,
    size=(style.PAGE, 2.7),
    shape=(1, 2),
    sources=(RUNS,),
)
