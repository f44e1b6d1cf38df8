"""The non-convex bound and the exact oracle against what runs measured."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from paper_figs import style
from paper_figs.figure import Figure, Panels, axes
from paper_figs.reading import Data, Source
from paper_figs.records import Experiment, ExperimentRun
from theory import oracles
from theory.bounds import nonconvex_bound

BOUND = Source("experiments/nonconvex-bound.json", Experiment, "python -m simulations audit nonconvex-bound")
ORACLE = Source("experiments/quadratic-oracle.json", Experiment, "python -m simulations audit quadratic-oracle")
COLUMNS = 4
_NOISES = ("Gaussian", "two-point")
_QUADRATIC = "isotropic quadratic"
_SAME = (
    1e-9  # relative; a stepsize is a share of 1/(L (1 + omega)), and omega carries fixed-point rounding of 2^-40 n^2
)


def bound_curve(run: ExperimentRun, horizon: NDArray[np.float64]) -> NDArray[np.float64]:
    """The bound between the checkpoints: its two constants follow from the curve that the run carries.

    bound(T) = Delta A(T) + floor with A(T) = 2 (1 - (1 - eta L)^T) / (eta T): two checkpoints give Delta and the floor.
    Raises ValueError for a curve with fewer than two values.
    """
    known = np.array(run.curve("bound"))
    ends = np.array([run.checkpoints[0], run.checkpoints[-1]], dtype=np.float64)
    if len(known) < 2:
        raise ValueError(f"a bound needs two checkpoints, found {len(known)} in the run of {run.method}")

    def transient(t: NDArray[np.float64]) -> NDArray[np.float64]:
        return nonconvex_bound(t, L=run.L, gap=1.0, stepsize=run.stepsize, factor=1.0, sigma2=0.0)

    first, last = transient(ends)
    gap = (known[0] - known[-1]) / (first - last)
    curve: NDArray[np.float64] = known[-1] + gap * (transient(horizon) - last)
    return curve


def oracle_curve(run: ExperimentRun, horizon: NDArray[np.float64]) -> NDArray[np.float64]:
    """R_T of a uniform mask on an isotropic quadratic, from the constants of the run.

    The average over one step is |grad F(w_0)|^2 in every replicate. Raises ValueError where T = 1 was not recorded.
    """
    if run.checkpoints[0] != 1:
        raise ValueError(f"the oracle needs a checkpoint at T = 1, the run begins at {run.checkpoints[0]}")
    return oracles.average_energy(
        horizon, start=run.average[0], L=run.L, stepsize=run.stepsize, factor=1 / run.keep, sigma2=run.sigma2
    )


def grouped(runs: Sequence[ExperimentRun]) -> list[list[ExperimentRun]]:
    """Runs of the same stepsize together, the smallest stepsize first."""
    groups: list[list[ExperimentRun]] = []
    for run in sorted(runs, key=lambda run: run.stepsize):
        if groups and run.stepsize <= groups[-1][0].stepsize * (1 + _SAME):
            groups[-1].append(run)
        else:
            groups.append([run])
    return groups


def _draw(panels: Panels, data: Data) -> None:
    runs, oracle = data[BOUND].value.runs, data[ORACLE].value.runs
    tight = [run for run in runs if run.objective.startswith(_QUADRATIC)]
    shown = next((run.objective for run in runs if run not in tight), "")
    letters = iter("abcdefghijkl")
    for noise, row in zip(_NOISES, panels, strict=False):
        found = [run for run in runs if run.objective == shown and run.noise.startswith(noise)]
        groups = grouped(found)
        if len(groups) != COLUMNS - 1:
            raise ValueError(f"the figure shows {COLUMNS - 1} stepsizes for {noise} noise, found {len(groups)}")
        for axes_, group in zip(row, groups, strict=False):
            _bounded(axes_, group)
            style.panel(axes_, next(letters), rf"{noise}, $\eta = {group[0].stepsize:.3g}$")
        if noise == _NOISES[0]:
            if len(tight) != 1:
                raise ValueError(f"the figure shows one run on a quadratic with the bound, found {len(tight)}")
            _bounded(row[-1], tight)
            style.panel(row[-1], next(letters), rf"quadratic, $\eta = {tight[0].stepsize:.3g}$")
    if len(oracle) != COLUMNS:
        raise ValueError(f"the figure shows {COLUMNS} runs of the oracle, found {len(oracle)}")
    for axes_, run in zip(panels[2], oracle, strict=True):
        horizon = np.geomspace(run.checkpoints[0], run.checkpoints[-1], 100)
        axes_.plot(horizon, oracle_curve(run, horizon), color=style.GREY, linestyle="--", label="closed form")
        _measured(axes_, run)
        style.panel(axes_, next(letters), rf"oracle, $x = {run.stepsize * run.L / run.keep:.3g}$")
    for axes_ in axes(panels):
        axes_.set_xscale("log", base=2)
        axes_.set_yscale("log")
    for axes_ in (*panels[0, -1:], *panels[1, :-1], *panels[2]):
        axes_.set_xlabel("steps $T$")
    for axes_ in panels[:, 0]:
        axes_.set_ylabel(r"mean of $\|\nabla F\|^2$")
    _legend(panels[1, -1], [panels[0, 0], panels[2, 0]])


def _bounded(axes_: Axes, runs: Sequence[ExperimentRun]) -> None:
    horizon = np.geomspace(runs[0].checkpoints[0], runs[0].checkpoints[-1], 100)
    axes_.plot(horizon, bound_curve(runs[0], horizon), color=style.GREY, label="bound")
    for run in runs:
        _measured(axes_, run)


def _measured(axes_: Axes, run: ExperimentRun) -> None:
    look = style.look(run.method)
    half = [style.half_width(error, run.replicates) for error in run.average_error]
    axes_.errorbar(
        run.checkpoints,
        run.average,
        half,
        color=look.colour,
        marker=look.marker,
        linestyle="",
        markerfacecolor="none",
        label=f"{look.label}, measured",
    )


def _legend(axes_: Axes, shown: Sequence[Axes]) -> None:
    entries = {
        label: handle for panel in shown for handle, label in zip(*panel.get_legend_handles_labels(), strict=True)
    }
    first = ("bound", "closed form")
    order = [*(label for label in first if label in entries), *(label for label in entries if label not in first)]
    axes_.axis("off")
    axes_.legend([entries[label] for label in order], order, loc="center left")


def _caption(data: Data) -> str:
    runs, oracle = data[BOUND].value.runs, data[ORACLE].value.runs
    return (
        r"Running average $\frac{1}{T} \sum_{t<T} \|\nabla F(w_t)\|^2$, mean over "
        f"{runs[0].replicates} replicates (below: {oracle[0].replicates}) with {style.CONFIDENCE:.0%} Student "
        r"intervals, mostly narrower than the markers. Above: uniform masks and AMSS+ on two coupled blocks, one of "
        r"them not convex, under Gaussian and skewed two-point noise, against the bound "
        r"$\frac{2 \Delta}{\eta T} (1 - (1 - \eta L)^T) + L \eta (1 + \omega) \sigma^2$; the largest stepsize is the "
        r"limit $1/(L (1 + \omega))$. On the isotropic quadratic the bound is attained but for a term of order $1/T$. "
        r"Below: uniform masks on isotropic quadratics against the closed form, with $x = \eta L n / k$."
    )


def _alt(data: Data) -> str:
    runs = data[BOUND].value.runs
    ratio = max(run.average[i] / bound for run in runs for i, bound in enumerate(run.curve("bound")))
    oracle = max(
        abs(measured / predicted - 1)
        for run in data[ORACLE].value.runs
        for measured, predicted in zip(run.average, run.curve("average"), strict=True)
    )
    return (
        "Eleven small panels over the number of steps. Largest measured average over its bound, in the bound's panels: "
        f"{ratio:.3f}. Largest deviation of a measured average from the closed form, in the oracle's: {oracle:.1%}."
    )


def _configuration(data: Data) -> dict[str, Any]:
    return {
        found.value.name: {
            "seed": found.value.seed,
            "runs": [
                {
                    "objective": run.objective,
                    "noise": run.noise,
                    "method": run.method,
                    "keep": run.keep,
                    "stepsize": run.stepsize,
                    "replicates": run.replicates,
                    "steps": run.checkpoints[-1],
                }
                for run in found.value.runs
            ],
        }
        for found in (data[BOUND], data[ORACLE])
    }


FIGURE = Figure(
    name="bound_vs_measurement",
    title="Bound and oracle against measurement",
    claims=("nonconvex-bound", "quadratic-oracle"),
    draw=_draw,
    caption=_caption,
    alt=_alt,
    configuration=_configuration,
    size=(style.PAGE, 4.9),
    shape=(3, COLUMNS),
    sources=(BOUND, ORACLE),
    grid={"sharey": "row"},
)
