"""The mask before and after the momentum average: energies over time, and what each place costs once settled."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from paper_figs import style
from paper_figs.figure import Figure, Panels, axes
from paper_figs.reading import Data, Source
from paper_figs.records import Experiment, ExperimentRun
from theory import momentum

RUNS = Source("experiments/momentum-energy.json", Experiment, "python -m simulations audit momentum-energy")
BETA = 0.9
"""That of the experiment; the file does not hold it, and `place` refuses runs of another."""

LOOKS = {
    "no mask": style.Look("no mask", "#000000", "o"),
    "before": style.Look("mask before the average", style.look("uniform").colour, "s"),
    "after": style.Look("mask after the average", style.look("uniform+").colour, "d"),
}
_RULES = {"no mask": momentum.before, "before": momentum.before, "after": momentum.after}
_SAME = 1e-9  # relative; both sides are the same recursion in floats


def rule(run: ExperimentRun, where: str, beta: float) -> momentum.Averaged[float]:
    """The recursion of a run's constants with the mask in this place."""
    factor = 1.0 if where == "no mask" else 1 / run.keep
    return _RULES[where](L=run.L, stepsize=run.stepsize, beta=beta, factor=factor, sigma2=run.sigma2)


def energies(run: ExperimentRun, where: str) -> NDArray[np.float64]:
    """E |grad F(w_t)|^2 for t = 1, 2, ... to the last checkpoint, from w_0 = 0."""
    step, moments, found = rule(run, where, BETA), (0.0, 0.0, 0.0), []
    for _ in range(run.checkpoints[-1]):
        moments = step.after_step(moments)
        found.append(run.L**2 * moments[0])
    return np.array(found)


def place(run: ExperimentRun) -> str:
    """Where the mask stands: the place whose recursion is the curve that the run carries.

    Raises ValueError where there is none.
    """
    known = np.array(run.curve("energy"))
    for where in ("no mask",) if run.method == "sgd" else ("before", "after"):
        if np.allclose(energies(run, where)[np.array(run.checkpoints) - 1], known, rtol=_SAME, atol=0):
            return where
    raise ValueError(f"a run must follow the recursion of {BETA} from 0, found none for {run.method}")


def _draw(panels: Panels, data: Data) -> None:
    left, right = axes(panels)
    runs = data[RUNS].value.runs
    for run in runs:
        where = place(run)
        look, curve = LOOKS[where], energies(run, where)
        left.plot(np.arange(1, len(curve) + 1), curve, color=look.colour, linewidth=0.9)
        half = [style.half_width(error, run.replicates) for error in run.energy_error]
        left.errorbar(
            run.checkpoints, run.energy, half, color=look.colour, marker=look.marker, linestyle="", label=look.label
        )
    left.set(xscale="log", yscale="log", xlabel="steps $t$", ylabel=r"$E\,\|\nabla F(w_t)\|^2$")
    left.set_xlim(8, None)
    left.set_ylim(4e-4, None)
    style.panel(left, "a", rf"over time, $\beta = {BETA}$")
    betas = np.linspace(0, 0.99, 100)
    run = next(run for run in runs if place(run) != "no mask")
    for where, look in LOOKS.items():
        settled = np.array([rule(run, where, beta).settled() for beta in betas])
        plain = np.array([rule(run, "no mask", beta).settled() for beta in betas])
        right.plot(betas, settled / plain, color=look.colour)
        right.plot(betas[::20], (settled / plain)[::20], color=look.colour, marker=look.marker, linestyle="")
    limit = [momentum.small_step_ratio(beta=float(beta), factor=1 / run.keep) for beta in betas]
    right.plot(betas, limit, color=style.GREY, linestyle="--", label="limit for small steps")
    right.axhline(1 / run.keep, color=style.GREY, linestyle="--", linewidth=0.8)
    right.set(xlabel=r"momentum $\beta$", ylabel="energy / that without mask", ylim=(0.8, None))
    style.panel(right, "b", "what a mask costs once settled")
    handles, labels = left.get_legend_handles_labels()
    more, names = right.get_legend_handles_labels()
    left.figure.legend([*handles, *more], [*labels, *names], loc="outside upper center", ncols=4)


def _caption(data: Data) -> str:
    run = data[RUNS].value.runs[0]
    return (
        r"Averaged momentum $v \leftarrow \beta v + (1 - \beta) x$ on the isotropic quadratic with uniform "
        rf"Horvitz-Thompson masks, $n/k = {1 / run.keep:g}$, $\eta = {run.stepsize:g}$. (a) Lines: the exact recursion "
        f"of second moments; points: means over {run.replicates} replicates with {style.CONFIDENCE:.0%} Student "
        r"intervals. (b) The settled $E\|\nabla F\|^2$ over that without a mask, in closed form; dashed: for small "
        r"steps, $1 + \omega$ before the average and $1 + \omega (1 - \beta)/(1 + \beta)$ after it. The average takes "
        "noise away before the mask can multiply it."
    )


def _alt(data: Data) -> str:
    parts = []
    for run in data[RUNS].value.runs:
        where = place(run)
        parts.append(
            f"{LOOKS[where].label}: {run.energy[-1]:.4f} measured at t = {run.checkpoints[-1]}, settling at "
            f"{rule(run, where, BETA).settled():.4f}"
        )
    return f"Energy of momentum by the place of the mask. {'; '.join(parts)}."


def _configuration(data: Data) -> dict[str, Any]:
    found = data[RUNS].value
    runs = [
        {"mask": place(run), "keep": run.keep, "stepsize": run.stepsize, "replicates": run.replicates}
        for run in found.runs
    ]
    return {found.name: {"seed": found.seed, "beta": BETA, "runs": runs}}


FIGURE = Figure(
    name="momentum",
    title="The mask before and after momentum",
    claims=("momentum-energy", "mask-after-momentum"),
    draw=_draw,
    caption=_caption,
    alt=_alt,
    configuration=_configuration,
    size=(style.PAGE, 2.7),
    shape=(1, 2),
    sources=(RUNS,),
)
