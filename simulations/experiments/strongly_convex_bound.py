"""Distances to the minimiser of strongly convex functions."""

from simulations.experiments.base import Cell, Experiment
from simulations.experiments.factor import factor
from simulations.methods import METHODS
from simulations.noise import Gaussian, Noise, skewed
from simulations.objectives import BlockCosine, IsotropicQuadratic, Objective, Quadratic
from theory.bounds import largest_stepsize
from theory.claims import strongly_convex_bound

_TIGHT = IsotropicQuadratic(n=8, modalities=2)
_SPECTRUM = Quadratic((4.0, 4.0, 2.0, 2.0, 1.0, 1.0, 1.0, 1.0) * 2, sizes=(8, 8))
_COSINE = BlockCosine(n=8, kappa=(2.0, 1.5))


def _cell(objective: Objective, noise: Noise, name: str, share: float) -> Cell:
    """One run at this share of 1 / (L f)."""
    method, keep = METHODS[name], 0.25
    return Cell(
        experiment="strongly-convex-bound",
        objective=objective,
        noise=noise,
        method=method,
        keep=keep,
        start=1.5,
        stepsize=share * largest_stepsize(objective.L, factor(objective, method, keep)),
        checkpoints=(4, 16, 64, 256),
        replicates=256,
    )


_CELLS = tuple(
    _cell(objective, noise, name, share)
    for objective in (_TIGHT, _SPECTRUM, _COSINE)
    for noise in (skewed(objective.d, p=0.1, total=4.0), Gaussian(objective.d, total=4.0))
    for name, share in (("amss+", 1.0), ("uniform-ht", 1.5), ("uniform-ht", 0.25))
)

STRONGLY_CONVEX_BOUND = Experiment(
    name="strongly-convex-bound",
    claim="strongly-convex-bound",
    summary="the distance to the minimiser, against its contraction and floor",
    cells=_CELLS,
    quick=(_CELLS[0], _CELLS[1], _CELLS[8], _CELLS[12]),
    theory=lambda run: {"distance bound": strongly_convex_bound.predicted(run)},
)
