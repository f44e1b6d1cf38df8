"""Unbiased masks against the non-convex bound: seven objectives that are not convex, and one without slack.

Starts and noises are chosen so that most of the gap is run down within the horizons: a bound that is far above what
any run can reach would be met without being tested.
"""

from dataclasses import replace

from simulations.experiments.base import Cell, Experiment
from simulations.experiments.factor import factor
from simulations.experiments.starts import steepest, uphill
from simulations.methods import METHODS
from simulations.noise import Gaussian, Noise, ProgressOracle, skewed
from simulations.objectives import (
    BlockCosine,
    GemanMcClure,
    HardChain,
    IsotropicQuadratic,
    LogisticNonconvex,
    Objective,
    SmoothRastrigin,
    TeacherStudent,
    Welsch,
)
from theory.bounds import largest_stepsize
from theory.claims import nonconvex_bound

SHARES = (1.0, 0.5, 0.25)
"""Stepsizes, as shares of the largest that the bound allows."""

_KEEP = 0.25
_COSINE = BlockCosine(n=8)
_NOISES = (Gaussian(_COSINE.d, total=4.0), skewed(_COSINE.d, p=0.1, total=4.0))
_TIGHT = IsotropicQuadratic(n=8, modalities=2)
"""At the limit of the stepsize the bound is attained here but for a term that vanishes as 1/T: a test without slack."""

_CHAIN = HardChain(length=8)


def _cell(
    objective: Objective,
    noise: Noise,
    name: str,
    share: float,
    *,
    keep: float = _KEEP,
    start: float | tuple[float, ...] = 2.0,
    checkpoints: tuple[int, ...] = (8, 32, 128, 512),
    replicates: int = 512,
) -> Cell:
    """One run at this share of the largest stepsize that the bound allows."""
    method = METHODS[name]
    return Cell(
        experiment="nonconvex-bound",
        objective=objective,
        noise=noise,
        method=method,
        keep=keep,
        start=start,
        stepsize=share * largest_stepsize(objective.L, factor(objective, method, keep)),
        checkpoints=checkpoints,
        replicates=replicates,
    )


def _others(name: str, share: float, *, only_skewed: bool = False) -> list[Cell]:
    """Runs on the objectives beside the cosine, with Gaussian and skewed noise or the latter alone."""
    logistic, welsch, mcclure, network = LogisticNonconvex(), Welsch(), GemanMcClure(), TeacherStudent()
    cases: tuple[tuple[Objective, float | tuple[float, ...], float, float, int], ...] = (
        (SmoothRastrigin(), 1.0, 0.3, _KEEP, 128),
        (logistic, uphill(logistic, 2.0), 0.01, _KEEP, 128),
        (welsch, steepest(welsch, 1.0), 0.01, _KEEP, 128),
        (mcclure, steepest(mcclure, 0.7), 0.003, _KEEP, 128),
        (network, steepest(network, 1.0), 0.0005, _KEEP, 256),
        (_CHAIN, 0.9, 1e-4, 0.5, 256),
    )
    return [
        _cell(
            objective,
            noise,
            name,
            share,
            keep=keep,
            start=start,
            checkpoints=(steps // 8, steps // 4, steps // 2, steps),
            replicates=256,
        )
        for objective, start, sigma2, keep, steps in cases
        for noise in (skewed(objective.d, p=0.1, total=sigma2), Gaussian(objective.d, total=sigma2))
        if not (only_skewed and isinstance(noise, Gaussian))
    ]


_FIRST = (
    *(_cell(_COSINE, noise, name, share) for name in ("uniform-ht", "amss+") for noise in _NOISES for share in SHARES),
    _cell(_TIGHT, Gaussian(_TIGHT.d, total=4.0), "uniform-ht", 1.0),
)
_ORACLE = tuple(
    _cell(
        _CHAIN,
        # Beyond the progress one derivative at most is not 0, so `steepest` bounds the norm of all of them.
        ProgressOracle(_CHAIN.d, p=0.99, largest=_CHAIN.steepest),
        "amss+",
        share,
        keep=0.5,
        start=(0.9,) * 4 + (0.0,) * 4,
        checkpoints=(steps // 8, steps // 4, steps // 2, steps),
        replicates=256,
    )
    for share, steps in ((1.0, 256), (0.5, 512))
)

NONCONVEX_BOUND = Experiment(
    name="nonconvex-bound",
    claim="nonconvex-bound",
    summary="AMSS+ and uniform masks against the non-convex bound",
    cells=(
        *_FIRST,
        *(cell for share in SHARES for cell in _others("amss+", share)),
        *_others("uniform-ht", 1.0, only_skewed=True),
        *_ORACLE,
    ),
    quick=(*(replace(cell, replicates=256) for cell in _FIRST), *_others("amss+", 1.0, only_skewed=True)),
    theory=lambda run: {"bound": nonconvex_bound.predicted(run)},
)
