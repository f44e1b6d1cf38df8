"""AMSS with mixed sizes under skewed noise, on a convex and a non-convex objective."""

from simulations.experiments.base import Cell, Experiment
from simulations.experiments.biased_methods import MIXED, MIXED_SYSTEMATIC
from simulations.methods import Method, counts
from simulations.noise import skewed
from simulations.objectives import BlockCosine, IsotropicQuadratic, Objective
from theory.claims import self_importance_bound
from theory.least_inclusion import least_inclusion

_KEEP = 0.75
_PAIRS = (
    (IsotropicQuadratic(n=8), MIXED),
    (IsotropicQuadratic(n=8), MIXED_SYSTEMATIC),
    (BlockCosine(), MIXED_SYSTEMATIC),
)


def _cell(objective: Objective, method: Method, share: float, replicates: int) -> Cell:
    """One run at this share of d / L, the limit of the step."""
    units = zip(objective.units, counts(objective.units, _KEEP), strict=True)
    least = min(least_inclusion(method, n, k) for n, k in units)
    return Cell(
        experiment="self-importance-bound",
        objective=objective,
        noise=skewed(objective.d, p=0.1, total=1.0),
        method=method,
        keep=_KEEP,
        start=2.0,
        stepsize=share * least / objective.L,
        checkpoints=(4, 16, 64, 256),
        replicates=replicates,
    )


def _cells(replicates: int) -> tuple[Cell, ...]:
    return tuple(
        _cell(objective, method, share, replicates) for objective, method in _PAIRS for share in (0.25, 0.0625)
    )


SELF_IMPORTANCE_BOUND = Experiment(
    name="self-importance-bound",
    claim="self-importance-bound",
    summary="AMSS with mixed sizes against its bound with a floor",
    quick=_cells(512),
    cells=_cells(1024),
    theory=lambda run: {"bound": self_importance_bound.predicted(run)},
)
