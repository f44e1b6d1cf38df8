"""Average iterates on convex functions, from directions of small curvature."""

from simulations.experiments.base import Cell, Experiment
from simulations.experiments.factor import factor
from simulations.methods import METHODS
from simulations.noise import Gaussian, Noise, skewed
from simulations.objectives import BlockCosine, Objective, Quadratic
from theory.bounds import largest_stepsize
from theory.claims import convex_bound

_FLAT = Quadratic((4.0, 2.0, 1.0, 1.0, 0.5, 0.5, 0.25, 0.0) * 2, sizes=(8, 8))
_ALONG = (0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0) * 2
_COSINE = BlockCosine(n=8, kappa=(1.5, 1.0))
"""Convex: the curvature of the second modality is 1 + cos w."""


def _cell(objective: Objective, noise: Noise, name: str, share: float, start: float | tuple[float, ...]) -> Cell:
    """One run at this share of the largest stepsize."""
    method, keep = METHODS[name], 0.25
    return Cell(
        experiment="convex-bound",
        objective=objective,
        noise=noise,
        method=method,
        keep=keep,
        start=start,
        stepsize=share * largest_stepsize(objective.L, factor(objective, method, keep)),
        checkpoints=(4, 16, 64, 256),
        replicates=512,
    )


_CELLS = tuple(
    _cell(objective, noise, name, share, start)
    for objective, start in ((_FLAT, _ALONG), (_COSINE, 2.0))
    for noise in (skewed(objective.d, p=0.1, total=0.5), Gaussian(objective.d, total=0.5))
    for name, share in (("amss+", 1.0), ("amss+", 0.25), ("uniform-ht", 1.0), ("sgd", 1.0))
)

CONVEX_BOUND = Experiment(
    name="convex-bound",
    claim="convex-bound",
    summary="the gap at the average iterate on convex functions",
    cells=_CELLS,
    quick=(_CELLS[0], _CELLS[6], _CELLS[8]),
    theory=lambda run: {"gap bound": convex_bound.predicted(run)},
)
