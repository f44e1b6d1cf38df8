"""Steps of order 1 / t on Polyak-Lojasiewicz functions."""

from dataclasses import replace

from simulations.experiments.base import Cell, Experiment
from simulations.experiments.factor import factor
from simulations.methods import METHODS
from simulations.noise import Gaussian, Noise, SampledTerms, skewed
from simulations.objectives import InterpolatingLeastSquares, IsotropicQuadratic, Objective, PLSine, Quadratic
from simulations.stepsizes import InverseTime
from theory.abc_bounds import masked, pl_decreasing_shift
from theory.claims import pl_decreasing_bound
from theory.curvature import stated_mu

_SINE = PLSine(n=8)
_QUADRATIC = Quadratic((1.0,) * 6 + (0.25,) * 2 + (1.0,) * 6 + (0.25,) * 2, sizes=(8, 8))
_ALONG = ((0.0,) * 6 + (2.0,) * 2) * 2
_TIGHT = IsotropicQuadratic(n=8, modalities=2)


def _cell(objective: Objective, noise: Noise, name: str, times: float, start: float | tuple[float, ...]) -> Cell:
    """One run; gamma is this many times the least that the bound allows."""
    method, keep = METHODS[name], 0.25
    mu = stated_mu(objective)
    abc = masked(noise.abc(objective), factor(objective, method, keep))
    return Cell(
        experiment="pl-decreasing-bound",
        objective=objective,
        noise=noise,
        method=method,
        keep=keep,
        start=start,
        stepsize=InverseTime(2 / mu, times * pl_decreasing_shift(L=objective.L, mu=mu, abc=abc)),
        checkpoints=(4, 16, 64, 256),
        replicates=256,
    )


_CELLS = (
    *(
        _cell(objective, noise, name, times, start)
        for objective, start, sigma2 in ((_SINE, 2.1, 4.0), (_QUADRATIC, _ALONG, 0.5), (_TIGHT, 2.0, 16.0))
        for noise in (skewed(objective.d, p=0.1, total=sigma2), Gaussian(objective.d, total=sigma2))
        for name, times in (("amss+", 1.001), ("uniform-ht", 1.001), ("amss+", 4.0))
    ),
    # From the minimum on, where the term of the noise is the bound, and a third of it is reached.
    replace(_cell(_TIGHT, Gaussian(_TIGHT.d, total=16.0), "uniform-ht", 1.001, 0.0), replicates=1024),
    _cell(InterpolatingLeastSquares(), SampledTerms(3, 3), "amss+", 1.001, 1.0),
)

PL_DECREASING_BOUND = Experiment(
    name="pl-decreasing-bound",
    claim="pl-decreasing-bound",
    summary="the gap under steps 2 / (mu (gamma + t)), against its bound of order 1 / T",
    cells=_CELLS,
    quick=(_CELLS[0], _CELLS[6], _CELLS[12], _CELLS[18]),
    theory=lambda run: {"gap bound": pl_decreasing_bound.predicted(run)},
)
