"""AMSS with exact gradients on convex and non-convex objectives."""

from simulations.experiments.base import Cell, Experiment
from simulations.experiments.biased_methods import SYSTEMATIC
from simulations.methods import METHODS, Method
from simulations.noise import Gaussian
from simulations.objectives import BlockCosine, IsotropicQuadratic, Objective, PLSine
from theory.claims import full_gradient_bound

_SINE = PLSine(scales=(1.0, 0.8))


def _cell(objective: Objective, method: Method, share: float, horizon: int) -> Cell:
    """One run at this share of 1 / L, from where the curvature is near L."""
    return Cell(
        experiment="full-gradient-bound",
        objective=objective,
        noise=Gaussian(objective.d, total=0.0),
        method=method,
        keep=0.25,
        start=2.0 if objective.mu is None or objective.convexity else 0.3,
        stepsize=share / objective.L,
        checkpoints=tuple(T for T in (4, 16, 64, 256) if horizon >= T),
        replicates=256,
    )


def _cells(horizon: int) -> tuple[Cell, ...]:
    amss = METHODS["amss"]
    return (
        _cell(IsotropicQuadratic(n=8, modalities=2), amss, 0.25, horizon),
        *(_cell(F, amss, share, horizon) for F in (BlockCosine(), _SINE) for share in (1.0, 1.5)),
        *(_cell(F, SYSTEMATIC, 1.0, horizon) for F in (BlockCosine(), _SINE)),
    )


FULL_GRADIENT_BOUND = Experiment(
    name="full-gradient-bound",
    claim="full-gradient-bound",
    summary="AMSS without noise, at steps up to 1.5 / L",
    quick=_cells(64),
    cells=_cells(256),
    theory=lambda run: {"bound": full_gradient_bound.predicted(run)},
)
