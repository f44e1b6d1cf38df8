"""AMSS on two units with skewed noise: the floor, the methods without one, and a symmetric control."""

import numpy as np

from simulations.experiments.base import Cell, Experiment
from simulations.methods import METHODS
from simulations.noise import Gaussian, Noise, TwoPoint
from simulations.objectives import IsotropicQuadratic
from theory.claims import skewed_noise_wrong_point
from theory.measurement import Array, Run

REPLICATES = {0.05: 4096, 0.01: 1024, 0.002: 512}
"""Replicates at each stepsize: the larger the step, the shorter the run and the wider the spread."""

_LENGTH = 12.0  # steps times stepsize: the mean field contracts at rate 0.5 or more, so half of it settles
_SKEWED: Noise = TwoPoint((0.1, 0.5), (1.0, 1.0))
_PAIRS = (("amss", _SKEWED), ("amss+", _SKEWED), ("sgd", _SKEWED), ("amss", Gaussian(2, total=2.0)))


def _theory(run: Run) -> dict[str, Array | float]:
    ceiling = skewed_noise_wrong_point.ceiling(run.stepsize, run.sigma2)
    if run.method.name == "amss" and run.noise.name.startswith("two-point"):
        return {"floor": skewed_noise_wrong_point.floor()}
    if run.method.name == "sgd":
        return {"energy": np.array(run.stepsize * run.sigma2 / (2 - run.stepsize))}
    return {"ceiling": ceiling}


def _cell(name: str, noise: Noise, stepsize: float) -> Cell:
    steps = round(_LENGTH / stepsize)
    return Cell(
        experiment="skewed-noise-wrong-point",
        objective=IsotropicQuadratic(n=2),
        noise=noise,
        method=METHODS[name],
        keep=0.5,
        start=0.0,
        stepsize=stepsize,
        checkpoints=(steps // 8, steps // 4, steps // 2, steps),
        replicates=REPLICATES[stepsize],
    )


SKEWED_NOISE_WRONG_POINT = Experiment(
    name="skewed-noise-wrong-point",
    claim="skewed-noise-wrong-point",
    summary="where AMSS settles under skewed noise, at three stepsizes",
    cells=tuple(_cell(name, noise, stepsize) for name, noise in _PAIRS for stepsize in REPLICATES),
    theory=_theory,
)
