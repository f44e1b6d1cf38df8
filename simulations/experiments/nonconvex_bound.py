"""Unbiased masks on two coupled modalities, one of them non-convex, at stepsizes up to the limit."""

from simulations.experiments.base import Cell, Experiment
from simulations.methods import METHODS, counts
from simulations.noise import Gaussian, Noise, skewed
from simulations.objectives import BlockCosine, IsotropicQuadratic, Objective
from theory.bounds import largest_stepsize, second_moment_factor
from theory.claims import nonconvex_bound

_KEEP = 0.25
_COSINE = BlockCosine(n=8)
_NOISES = (Gaussian(_COSINE.d, total=4.0), skewed(_COSINE.d, p=0.1, total=4.0))
_TIGHT = IsotropicQuadratic(n=8, modalities=2)
"""At the limit of the stepsize the bound is attained here but for a term that vanishes as 1/T: a test without slack."""


def _cell(objective: Objective, noise: Noise, name: str, share: float) -> Cell:
    """One run at this share of the largest stepsize that the bound allows."""
    method, drawn = METHODS[name], counts(objective.units, _KEEP)
    factor = max(second_moment_factor(method, n, k) for n, k in zip(objective.units, drawn, strict=True))
    return Cell(
        experiment="nonconvex-bound",
        objective=objective,
        noise=noise,
        method=method,
        keep=_KEEP,
        start=2.0,
        stepsize=share * largest_stepsize(objective.L, factor),
        checkpoints=(8, 32, 128, 512),
        replicates=512,
    )


NONCONVEX_BOUND = Experiment(
    name="nonconvex-bound",
    claim="nonconvex-bound",
    summary="AMSS+ and uniform masks against the non-convex bound",
    cells=(
        *(
            _cell(_COSINE, noise, name, share)
            for name in ("uniform-ht", "amss+")
            for noise in _NOISES
            for share in (1.0, 0.5, 0.25)
        ),
        _cell(_TIGHT, Gaussian(_TIGHT.d, total=4.0), "uniform-ht", 1.0),
    ),
    theory=lambda run: {"bound": nonconvex_bound.predicted(run)},
)
