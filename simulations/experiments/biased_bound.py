"""Uniform 0/1 masks and AMSS with mixed sizes against the bound for biased gradients."""

from simulations.experiments.base import Cell, Experiment
from simulations.experiments.biased_methods import MIXED_SYSTEMATIC, PLAIN_MASK
from simulations.methods import Method, counts
from simulations.noise import skewed
from simulations.objectives import BlockCosine, IsotropicQuadratic, Objective
from theory.claims import biased_bound
from theory.least_inclusion import least_inclusion

_KEEP = 0.75


def _cell(objective: Objective, method: Method, share: float, replicates: int) -> Cell:
    """One run at this share of the largest step, 1 / ((M + 1) L)."""
    units = zip(objective.units, counts(objective.units, _KEEP), strict=True)
    least = min(least_inclusion(method, n, k) for n, k in units)
    limit = least if method is PLAIN_MASK else least**2 / 2
    return Cell(
        experiment="biased-bound",
        objective=objective,
        noise=skewed(objective.d, p=0.1, total=1.0),
        method=method,
        keep=_KEEP,
        start=2.0,
        stepsize=share * limit * (1 - 2.0**-40) / objective.L,
        checkpoints=(4, 16, 64, 256),
        replicates=replicates,
    )


def _cells(replicates: int) -> tuple[Cell, ...]:
    return tuple(
        _cell(objective, method, share, replicates)
        for objective in (IsotropicQuadratic(n=8), BlockCosine())
        for method in (PLAIN_MASK, MIXED_SYSTEMATIC)
        for share in (1.0, 0.25)
    )


BIASED_BOUND = Experiment(
    name="biased-bound",
    claim="biased-bound",
    summary="0/1 masks against the bound for biased gradients",
    quick=_cells(256),
    cells=_cells(512),
    theory=lambda run: {"bound": biased_bound.predicted(run)},
)
