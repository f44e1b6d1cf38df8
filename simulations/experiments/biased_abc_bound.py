"""0/1 masks of single terms of a finite sum, and of gradients with skewed noise, under expected smoothness."""

from dataclasses import dataclass

import numpy as np

from simulations.experiments.base import Cell, Experiment
from simulations.experiments.biased_methods import MIXED_SYSTEMATIC, PLAIN_MASK
from simulations.experiments.weighted import WeightedCell
from simulations.methods import Method, counts
from simulations.noise import Noise, SampledTerms, skewed
from simulations.objectives import (
    BlockCosine,
    FiniteSum,
    InterpolatingLeastSquares,
    IsotropicQuadratic,
    LogisticNonconvex,
    Objective,
)
from theory.abc_bounds import abc_weights
from theory.claims import biased_abc_bound
from theory.least_inclusion import least_inclusion
from theory.measurement import Array

_KEEP = 0.75


@dataclass(frozen=True, kw_only=True)
class _Cell(WeightedCell):
    """Weights (1 + L A eta^2)^-(t+1) from its own objective, noise, method and stepsize."""

    def weigh(self, steps: int) -> Array:
        """The weights of the bound."""
        assert isinstance(self.stepsize, float)
        units = self.objective.units
        shares = [k / n for n, k in zip(units, counts(units, self.keep), strict=True)]
        A = self.noise.abc(self.objective).A * (max(shares) if self.method.importance is None else 1.0)
        return abc_weights(np.arange(steps, dtype=np.float64), L=self.objective.L, A=A, stepsize=self.stepsize)


def _cell(
    objective: Objective,
    noise: Noise,
    method: Method,
    stepsize: float,
    start: float | tuple[float, ...],
    replicates: int,
) -> Cell:
    return _Cell(
        experiment="biased-abc-bound",
        objective=objective,
        noise=noise,
        method=method,
        keep=_KEEP,
        start=start,
        stepsize=stepsize,
        checkpoints=(4, 16, 64, 256),
        replicates=replicates,
    )


def _terms(objective: FiniteSum, share: float, start: float | tuple[float, ...], replicates: int) -> Cell:
    """Uniform masks of single terms, at this share of 1 / L."""
    noise = SampledTerms(objective.d, objective.samples)
    return _cell(objective, noise, PLAIN_MASK, share / objective.L, start, replicates)


def _mixed(objective: Objective, replicates: int) -> Cell:
    """AMSS with mixed sizes at an eighth of d / L, the limit."""
    units = zip(objective.units, counts(objective.units, _KEEP), strict=True)
    least = min(least_inclusion(MIXED_SYSTEMATIC, n, k) for n, k in units)
    noise = skewed(objective.d, p=0.1, total=1.0)
    return _cell(objective, noise, MIXED_SYSTEMATIC, 0.125 * least / objective.L, 2.0, replicates)


def _cells(replicates: int) -> tuple[Cell, ...]:
    return (
        _terms(InterpolatingLeastSquares(), 0.25, (1.0, -1.0, 0.0), replicates),
        _terms(LogisticNonconvex(), 0.05, 0.0, replicates),
        _mixed(IsotropicQuadratic(n=8), replicates),
        _mixed(BlockCosine(), replicates),
    )


BIASED_ABC_BOUND = Experiment(
    name="biased-abc-bound",
    claim="biased-abc-bound",
    summary="0/1 masks against the bound for biased gradients under expected smoothness",
    quick=_cells(512),
    cells=_cells(1024),
    theory=lambda run: {"bound": biased_abc_bound.predicted(run)},
)
