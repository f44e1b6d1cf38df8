"""AMSS with mixed sizes under skewed noise, on two objectives with a Polyak-Lojasiewicz constant."""

from simulations.experiments.base import Cell, Experiment
from simulations.experiments.biased_methods import MIXED_SYSTEMATIC
from simulations.methods import counts
from simulations.noise import skewed
from simulations.objectives import IsotropicQuadratic, Objective, PLSine
from theory.claims import pl_self_importance_bound
from theory.least_inclusion import least_inclusion

_KEEP = 0.75


def _cell(objective: Objective, share: float, replicates: int) -> Cell:
    """One run at this share of d / L, the limit of the step."""
    units = zip(objective.units, counts(objective.units, _KEEP), strict=True)
    least = min(least_inclusion(MIXED_SYSTEMATIC, n, k) for n, k in units)
    return Cell(
        experiment="pl-self-importance-bound",
        objective=objective,
        noise=skewed(objective.d, p=0.1, total=1.0),
        method=MIXED_SYSTEMATIC,
        keep=_KEEP,
        start=2.0,
        stepsize=share * least / objective.L,
        checkpoints=(1, 4, 16, 64, 256),
        replicates=replicates,
    )


def _cells(replicates: int) -> tuple[Cell, ...]:
    return tuple(
        _cell(objective, share, replicates)
        for objective in (IsotropicQuadratic(n=8), PLSine())
        for share in (0.5, 0.125)
    )


PL_SELF_IMPORTANCE_BOUND = Experiment(
    name="pl-self-importance-bound",
    claim="pl-self-importance-bound",
    summary="the value that AMSS with mixed sizes reaches, against its linear rate and floor",
    quick=_cells(256),
    cells=_cells(512),
    theory=lambda run: {"bound": pl_self_importance_bound.predicted(run)},
)
