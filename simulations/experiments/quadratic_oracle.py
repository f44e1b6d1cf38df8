"""Uniform masks on isotropic quadratics, where every second moment is known."""

from simulations.experiments.base import Cell, Experiment
from simulations.methods import METHODS
from simulations.noise import Gaussian
from simulations.objectives import IsotropicQuadratic
from simulations.trace import log_spaced
from theory.claims import quadratic_oracle

_N, _KEEP = 8, 0.25
_CASES = ((1.0, 1.0, 0.16), (1.0, 1.0, 0.4), (1.0, 1.0, 0.8), (3.0, 0.5, 1.25))
"""Curvature L, sigma2, and x = stepsize L n / k."""


QUADRATIC_ORACLE = Experiment(
    name="quadratic-oracle",
    claim="quadratic-oracle",
    summary="uniform masks on isotropic quadratics against the closed form",
    cells=tuple(
        Cell(
            experiment="quadratic-oracle",
            objective=IsotropicQuadratic(curvature=curvature, n=_N),
            noise=Gaussian(_N, total=sigma2),
            method=METHODS["uniform-ht"],
            keep=_KEEP,
            start=0.5,
            stepsize=x * _KEEP / curvature,
            checkpoints=log_spaced(128),
            replicates=4096,
        )
        for curvature, sigma2, x in _CASES
    ),
    theory=lambda run: dict(zip(("energy", "average"), quadratic_oracle.predicted(run), strict=True)),
)
