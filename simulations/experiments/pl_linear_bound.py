"""Constant steps on Polyak-Lojasiewicz functions, from where these are flattest."""

from simulations.experiments.base import Cell, Experiment
from simulations.experiments.factor import factor
from simulations.methods import METHODS
from simulations.noise import Gaussian, Noise, SampledTerms, skewed
from simulations.objectives import InterpolatingLeastSquares, IsotropicQuadratic, Objective, PLSine, Quadratic
from theory.abc_bounds import masked
from theory.claims import pl_linear_bound
from theory.curvature import stated_mu

_FLATTEST = 2.1
"""About where x^2 + 3 sin^2 x has the least slope for its height."""

_SINE = PLSine(n=8)
_QUADRATIC = Quadratic((1.0,) * 6 + (0.25,) * 2 + (1.0,) * 6 + (0.25,) * 2, sizes=(8, 8))
_ALONG = ((0.0,) * 6 + (2.0,) * 2) * 2
_TIGHT = IsotropicQuadratic(n=8, modalities=2)
_LINEAR = InterpolatingLeastSquares()


def _cell(objective: Objective, noise: Noise, name: str, share: float, start: float | tuple[float, ...]) -> Cell:
    """One run at this share of 1 / (L B')."""
    method, keep = METHODS[name], 0.25
    A, B, _ = masked(noise.abc(objective), factor(objective, method, keep))
    return Cell(
        experiment="pl-linear-bound",
        objective=objective,
        noise=noise,
        method=method,
        keep=keep,
        start=start,
        stepsize=share / (objective.L * (B + A / stated_mu(objective))),
        checkpoints=(4, 16, 64, 256),
        replicates=256,
    )


_CELLS = (
    *(
        _cell(objective, noise, name, share, start)
        for objective, start, sigma2 in ((_SINE, _FLATTEST, 4.0), (_QUADRATIC, _ALONG, 0.5), (_TIGHT, 2.0, 4.0))
        for noise in (skewed(objective.d, p=0.1, total=sigma2), Gaussian(objective.d, total=sigma2))
        for name, share in (("amss+", 1.0), ("amss+", 0.25), ("uniform-ht", 1.0))
    ),
    *(_cell(_LINEAR, SampledTerms(3, 3), "amss+", share, 1.0) for share in (1.5, 0.5)),
)

PL_LINEAR_BOUND = Experiment(
    name="pl-linear-bound",
    claim="pl-linear-bound",
    summary="the gap under a constant step, against the linear rate and its floor",
    cells=_CELLS,
    quick=(_CELLS[0], _CELLS[6], _CELLS[12], _CELLS[14], _CELLS[18]),
    theory=lambda run: {"gap bound": pl_linear_bound.predicted(run)},
)
