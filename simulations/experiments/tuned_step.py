"""Runs with the step tuned to their horizon, one independent set of runs for every horizon."""

from dataclasses import dataclass, replace

import numpy as np
import torch

from simulations.experiments.base import Cell, Experiment
from simulations.experiments.factor import factor
from simulations.methods import METHODS
from simulations.noise import Gaussian, Noise, skewed
from simulations.objectives import BlockCosine, IsotropicQuadratic, Objective, SmoothRastrigin
from theory.bounds import tuned_stepsize
from theory.claims import nonconvex_bound
from theory.measurement import Run

HORIZONS = tuple(2**power for power in range(6, 14))
"""T of a deep audit; the usual one stops at 2^11 and a quick one at 2^9."""


@dataclass(frozen=True, kw_only=True)
class _Horizon(Cell):
    """A cell with random streams of its own: those of an experiment are shared, and a slope needs independent runs."""

    def run(self, root: int = 0, device: str = "cpu") -> Run:
        """Simulate this cell."""
        apart = Cell.run(replace(self, experiment=f"{self.experiment}, T={self.checkpoints[-1]}"), root, device)
        command = f"python -m simulations run {self.experiment} --seed {root}"
        return replace(apart, replay={**apart.replay, "command": command})


def _cell(objective: Objective, noise: Noise, name: str, start: float, horizon: int) -> Cell:
    """One run of this horizon, with its step."""

    method, keep = METHODS[name], 0.25
    value = float(objective.value(torch.full((objective.d,), start, dtype=torch.float64)))
    stepsize = tuned_stepsize(
        np.array([float(horizon)]),
        L=objective.L,
        gap=value - objective.f_star,
        factor=factor(objective, method, keep),
        sigma2=noise.sigma2 or 0.0,
    )
    return _Horizon(
        experiment="tuned-step",
        objective=objective,
        noise=noise,
        method=method,
        keep=keep,
        start=start,
        stepsize=float(stepsize[0]),
        checkpoints=(horizon // 2, horizon),
        replicates=512,
    )


_TIGHT, _COSINE, _RASTRIGIN = IsotropicQuadratic(n=8, modalities=2), BlockCosine(n=8), SmoothRastrigin()
_ALL = tuple(
    _cell(objective, noise, name, start, horizon)
    for objective, noise, name, start in (
        (_TIGHT, Gaussian(16, total=4.0), "uniform-ht", 1.0),
        (_COSINE, skewed(16, p=0.1, total=8.0), "amss+", 1.5),
        (_RASTRIGIN, Gaussian(16, total=8.0), "amss+", 1.0),
    )
    for horizon in HORIZONS
)
_USUAL = tuple(cell for cell in _ALL if cell.checkpoints[-1] <= 2**11)

TUNED_STEP = Experiment(
    name="tuned-step",
    claim="tuned-step",
    summary="the mean squared gradient with a step tuned to each of six horizons",
    cells=_USUAL,
    quick=tuple(cell for cell in _USUAL if cell.checkpoints[-1] <= 2**9 and cell.objective != _RASTRIGIN),
    deep=_ALL,
    theory=lambda run: {"bound": nonconvex_bound.predicted(run)},
)
