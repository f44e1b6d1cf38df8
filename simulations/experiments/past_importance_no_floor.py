"""AMSS with the importance of the gradient before, on the skewed instance and on a non-convex objective."""

from simulations.experiments.base import Cell, Experiment
from simulations.experiments.biased_methods import LAGGED, LAGGED_MIXED
from simulations.methods import METHODS, Method
from simulations.noise import Noise, TwoPoint, skewed
from simulations.objectives import BlockCosine, IsotropicQuadratic, Objective
from theory import mean_field
from theory.claims import past_importance_no_floor
from theory.measurement import Array, Run

_PAIR, _COSINE = IsotropicQuadratic(n=2), BlockCosine()
_SKEWED = TwoPoint((0.1, 0.5), (1.0, 1.0))
_LENGTH = 12.0  # steps times stepsize: the mean field of AMSS contracts at rate 0.5 or more


def _cell(
    objective: Objective,
    noise: Noise,
    method: Method,
    stepsize: float,
    start: float,
    checkpoints: tuple[int, ...],
    replicates: int,
) -> Cell:
    return Cell(
        experiment="past-importance-no-floor",
        objective=objective,
        noise=noise,
        method=method,
        keep=0.5,
        start=start,
        stepsize=stepsize,
        checkpoints=checkpoints,
        replicates=replicates,
    )


def _pair(method: Method, stepsize: float, replicates: int) -> Cell:
    """The skewed instance, from its optimum."""
    steps = round(_LENGTH / stepsize)
    return _cell(_PAIR, _SKEWED, method, stepsize, 0.0, (steps // 4, steps // 2, steps), replicates)


def _cosine(share: float, replicates: int) -> Cell:
    """Two coupled modalities, at this share of 1 / L."""
    noise = skewed(_COSINE.d, p=0.1, total=4.0)
    return _cell(_COSINE, noise, LAGGED_MIXED, share / _COSINE.L, 1.0, (8, 32, 128, 512), replicates)


def _cells(replicates: int, *stepsizes: float) -> tuple[Cell, ...]:
    smallest = stepsizes[-1]
    return (
        *(_pair(LAGGED_MIXED, stepsize, replicates) for stepsize in stepsizes),
        *(_cosine(share, replicates) for share in (1.0, 0.25)),
        _pair(LAGGED, smallest, replicates),
        _pair(METHODS["amss"], smallest, replicates),
    )


def _theory(run: Run) -> dict[str, Array | float]:
    if run.method.name in ("amss", "amss-lagged"):
        return {"least of AMSS": mean_field.least_energy(0.0, past_importance_no_floor.P)}
    return {"bound": past_importance_no_floor.predicted(run)}


PAST_IMPORTANCE_NO_FLOOR = Experiment(
    name="past-importance-no-floor",
    claim="past-importance-no-floor",
    summary="AMSS with lagged importance, and with its own",
    quick=_cells(256, 0.05, 0.01),
    cells=_cells(512, 0.05, 0.01, 0.005),
    deep=_cells(1024, 0.05, 0.01, 0.002),
    theory=_theory,
)
