"""Steps eta_0 / sqrt(t + 1), and the average with these weights."""

from dataclasses import dataclass

from simulations.experiments.base import Cell, Experiment
from simulations.experiments.factor import factor
from simulations.experiments.starts import steepest
from simulations.experiments.weighted import WeightedCell
from simulations.methods import METHODS
from simulations.noise import Gaussian, Multiplicative, Noise, skewed
from simulations.objectives import BlockCosine, GemanMcClure, Objective, SmoothRastrigin
from simulations.stepsizes import InverseSquareRoot, Stepsize
from theory.claims import nonconvex_decreasing_bound
from theory.measurement import Array


@dataclass(frozen=True, kw_only=True)
class _Cell(WeightedCell):
    """Weights proportional to the steps."""

    def weigh(self, steps: int) -> Array:
        """eta_t."""
        assert isinstance(self.stepsize, Stepsize)
        return self.stepsize.values(steps).numpy()


def _cell(objective: Objective, noise: Noise, name: str, share: float, start: float | tuple[float, ...]) -> Cell:
    """One run; eta_0 is this share of 1 / (L B')."""
    method, keep = METHODS[name], 0.25
    largest = 1 / (objective.L * noise.abc(objective).B * factor(objective, method, keep))
    return _Cell(
        experiment="nonconvex-decreasing-bound",
        objective=objective,
        noise=noise,
        method=method,
        keep=keep,
        start=start,
        stepsize=InverseSquareRoot(share * largest),
        checkpoints=(8, 32, 128, 512),
        replicates=256,
    )


_COSINE, _RASTRIGIN, _MCCLURE = BlockCosine(n=8), SmoothRastrigin(), GemanMcClure()
_CELLS = tuple(
    _cell(objective, noise, name, share, start)
    for objective, start, sigma2 in (
        (_COSINE, 2.0, 2.0),
        (_RASTRIGIN, 1.0, 0.5),
        (_MCCLURE, steepest(_MCCLURE, 0.5), 0.001),
    )
    for noise, name, share in (
        (skewed(objective.d, p=0.1, total=sigma2), "amss+", 1.0),
        (Gaussian(objective.d, total=sigma2), "amss+", 0.5),
        (skewed(objective.d, p=0.1, total=sigma2), "uniform-ht", 1.0),
        (Multiplicative(objective.d, strength=0.5), "amss+", 1.0),
    )
)

NONCONVEX_DECREASING_BOUND = Experiment(
    name="nonconvex-decreasing-bound",
    claim="nonconvex-decreasing-bound",
    summary="the average with weights eta_t under decreasing steps, against the bound with its logarithm",
    cells=_CELLS,
    quick=(_CELLS[0], _CELLS[5], _CELLS[8]),
    theory=lambda run: {"weighted bound": nonconvex_decreasing_bound.predicted(run)},
)
