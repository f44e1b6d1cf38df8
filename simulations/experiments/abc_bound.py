"""Noises without a uniform variance against the bound for expected smoothness, with the weights it is about."""

import math
from dataclasses import dataclass

import numpy as np

from simulations.experiments.base import Cell, Experiment
from simulations.experiments.factor import factor
from simulations.experiments.starts import steepest, uphill
from simulations.experiments.weighted import WeightedCell
from simulations.methods import METHODS
from simulations.noise import ModalityDropout, Multiplicative, Noise, ProgressOracle, SampledTerms
from simulations.objectives import (
    BlockCosine,
    FiniteSum,
    GemanMcClure,
    HardChain,
    InterpolatingLeastSquares,
    LogisticNonconvex,
    Objective,
    SmoothRastrigin,
    Welsch,
)
from theory.abc_bounds import abc_weights, masked
from theory.claims import abc_bound
from theory.measurement import Array


@dataclass(frozen=True, kw_only=True)
class _Cell(WeightedCell):
    """Weights q^-(t+1) from its own objective, noise, method and stepsize."""

    def weigh(self, steps: int) -> Array:
        """The weights of the bound."""
        assert isinstance(self.stepsize, float) and isinstance(self.keep, float)
        A = masked(self.noise.abc(self.objective), factor(self.objective, self.method, self.keep))[0]
        return abc_weights(np.arange(steps, dtype=np.float64), L=self.objective.L, A=A, stepsize=self.stepsize)


def _cell(
    objective: Objective,
    noise: Noise,
    share: float,
    *,
    start: float | tuple[float, ...],
    steps: int = 128,
    keep: float = 0.25,
    name: str = "amss+",
) -> Cell:
    """One run; the stepsize is share / (L B') where B' > 0, and else such that q^T = exp(share^2), about."""
    method = METHODS[name]
    A, B, _ = masked(noise.abc(objective), factor(objective, method, keep))
    return _Cell(
        experiment="abc-bound",
        objective=objective,
        noise=noise,
        method=method,
        keep=keep,
        start=start,
        stepsize=share / (objective.L * B) if B else share / math.sqrt(objective.L * A * steps),
        checkpoints=(steps // 8, steps // 4, steps // 2, steps),
        replicates=256,
    )


def _terms(objective: FiniteSum) -> SampledTerms:
    return SampledTerms(objective.d, objective.samples)


_WELSCH, _MCCLURE, _LOGISTIC, _LINEAR = Welsch(), GemanMcClure(), LogisticNonconvex(), InterpolatingLeastSquares()
_COSINE, _RASTRIGIN, _CHAIN = BlockCosine(n=8), SmoothRastrigin(), HardChain(length=8)

_USUAL = tuple(
    cell
    for share in (1.0, 0.5)
    for cell in (
        _cell(_WELSCH, _terms(_WELSCH), 2 * share, start=steepest(_WELSCH, 0.5), steps=512),
        _cell(_MCCLURE, _terms(_MCCLURE), 2 * share, start=steepest(_MCCLURE, 0.3), steps=512),
        _cell(_LOGISTIC, _terms(_LOGISTIC), 2 * share, start=uphill(_LOGISTIC, 3.0)),
        _cell(_LINEAR, _terms(_LINEAR), 2 * share, start=steepest(_LINEAR, 1.0)),
        _cell(_COSINE, Multiplicative(_COSINE.d, strength=1.0), share, start=2.0),
        _cell(_COSINE, ModalityDropout(_COSINE.units, (0.8, 0.4)), share, start=2.0),
        _cell(_RASTRIGIN, Multiplicative(_RASTRIGIN.d, strength=0.5), share, start=1.0),
        _cell(_CHAIN, ProgressOracle(_CHAIN.d, p=0.5), share, start=0.9, keep=0.5, steps=256),
        _cell(_WELSCH, _terms(_WELSCH), 2 * share, start=steepest(_WELSCH, 0.5), steps=512, name="uniform-ht"),
        _cell(_COSINE, ModalityDropout(_COSINE.units, (0.8, 0.4)), share, start=2.0, name="uniform-ht"),
    )
)

ABC_BOUND = Experiment(
    name="abc-bound",
    claim="abc-bound",
    summary="single terms, multiplicative noise, dropout and the progress oracle against the bound",
    cells=_USUAL,
    quick=tuple(cell for cell in _USUAL[:8] if cell.objective in (_WELSCH, _COSINE, _CHAIN)),
    theory=lambda run: {"bound": abc_bound.predicted(run)},
)
