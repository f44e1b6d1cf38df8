"""Averaged momentum under uniform masks on two quadratics, with Horvitz-Thompson and 0/1 weights."""

from simulations.experiments.base import Cell, Experiment
from simulations.experiments.biased_methods import PLAIN_MASK
from simulations.methods import METHODS, Method
from simulations.noise import Gaussian, skewed
from simulations.objectives import IsotropicQuadratic, Objective, Quadratic
from simulations.optimisers import Momentum
from theory.claims import momentum_mean_runs

_ISOTROPIC, _UNEQUAL = IsotropicQuadratic(n=8), Quadratic((2.0, 1.5, 1.0, 1.0, 0.5, 0.5, 0.25, 0.1), sizes=(4, 4))
_CASES: tuple[tuple[Objective, Method, bool], ...] = (
    (_ISOTROPIC, METHODS["uniform-ht"], False),
    (_ISOTROPIC, METHODS["uniform-ht"], True),
    (_ISOTROPIC, PLAIN_MASK, False),
    (_UNEQUAL, METHODS["uniform-ht"], False),
    (_UNEQUAL, METHODS["uniform-ht"], True),
)


def _cell(objective: Objective, method: Method, after: bool, replicates: int) -> Cell:
    return Cell(
        experiment="momentum-mean-runs",
        objective=objective,
        noise=Gaussian(8, total=0.0) if objective is _ISOTROPIC else skewed(8, p=0.1, total=0.1),
        method=method,
        keep=0.25,
        start=1.0,
        stepsize=0.02,
        checkpoints=(25, 101),
        replicates=replicates,
        optimiser=Momentum(beta=0.9, mask_after=after),
    )


def _cells(replicates: int) -> tuple[Cell, ...]:
    return tuple(_cell(objective, method, after, replicates) for objective, method, after in _CASES)


MOMENTUM_MEAN_RUNS = Experiment(
    name="momentum-mean-runs",
    claim="momentum-mean-runs",
    summary="mean trajectories of masked momentum on quadratics",
    quick=_cells(1024),
    cells=_cells(8192),
    theory=lambda run: {"mean coordinate": momentum_mean_runs.predicted(run).mean(1)},
)
