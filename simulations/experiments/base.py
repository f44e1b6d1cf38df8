"""What an experiment is: cells to run, and what is kept of them for figures."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
import torch

from simulations.engine import simulate
from simulations.methods import Method, counts
from simulations.noise import Noise
from simulations.objectives import Objective
from simulations.optimisers import Optimiser
from simulations.stepsizes import Constant, Stepsize
from theory.measurement import Array, Measurement, Run


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One configuration, run for many replicates; see `simulations.engine.simulate` for the parameters.

    start: the start, a number for all coordinates or one number for each. experiment: names the random streams,
    together with the root seed: all cells of an experiment see the same random numbers. weights: those of the weighted
    average, from the number of steps.
    """

    experiment: str
    objective: Objective
    noise: Noise
    method: Method
    keep: float | tuple[float, ...]
    start: float | tuple[float, ...]
    stepsize: float | Stepsize
    checkpoints: tuple[int, ...]
    replicates: int
    optimiser: Optimiser | None = None
    weights: tuple[float, ...] | None = None

    def run(self, root: int = 0, device: str = "cpu") -> Run:
        """Simulate this cell."""
        d = self.objective.d
        start = list(self.start) if isinstance(self.start, tuple) else [self.start] * d
        schedule = self.stepsize if isinstance(self.stepsize, Stepsize) else Constant(self.stepsize)
        weights = None if self.weights is None else torch.tensor(self.weights, dtype=torch.float64)
        trace = simulate(
            self.objective,
            self.noise,
            self.method,
            start=start,
            stepsize=schedule,
            checkpoints=self.checkpoints,
            replicates=range(self.replicates),
            keep=self.keep,
            optimiser=self.optimiser,
            weights=weights,
            root=root,
            axes={"experiment": self.experiment},
            device=device,
        )
        return Run(
            objective=self.objective,
            noise=self.noise,
            method=self.method,
            drawn=counts(self.objective.units, self.keep),
            stepsize=schedule.first,
            schedule=None if isinstance(schedule, Constant) else schedule,
            optimiser=self.optimiser,
            start=np.array(start),
            checkpoints=self.checkpoints,
            squared_gradient=trace.squared_gradient.numpy(),
            average=trace.average.numpy(),
            weighted=trace.weighted.numpy(),
            weights=None if weights is None else weights.numpy(),
            value=trace.value.numpy(),
            iterate=trace.iterate.numpy(),
            average_iterate=trace.average_iterate.numpy(),
            replay={
                "command": f"python -m simulations run {self.experiment} --seed {root}",
                "objective": self.objective.name,
                "noise": self.noise.name,
                "method": self.method.name,
                "optimiser": None if self.optimiser is None else self.optimiser.name,
                "keep": self.keep,
                "start": self.start,
                "stepsize": schedule.first,
                "schedule": schedule.name,
                "replicates": self.replicates,
                "steps": self.checkpoints[-1],
            },
        )

    @property
    def cost(self) -> float:
        """Coordinates updated, the order in which cells are handed out."""
        return self.checkpoints[-1] * (self.objective.d * self.replicates + 2000.0) * (2 if self.method.design else 1)


class Level(Enum):
    """How much an audit runs: `quick` fits into a minute and a half for all claims together, `usual` into five."""

    QUICK = "quick"
    USUAL = "usual"
    DEEP = "deep"


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """The runs behind one empirical claim.

    name: also the name of the file in results/experiments. claim: its id. cells: the runs of a usual audit; quick and
    deep: those of a quick and a deep one, the same unless given.
    theory: the theoretical curves that belong to a run, each with one value a checkpoint (or a single number).
    """

    name: str
    claim: str
    summary: str
    cells: tuple[Cell, ...]
    theory: Callable[[Run], Mapping[str, Array | float]]
    quick: tuple[Cell, ...] | None = None
    deep: tuple[Cell, ...] | None = None

    def at(self, level: Level) -> tuple[Cell, ...]:
        """The runs of an audit at this level."""
        chosen = {Level.QUICK: self.quick, Level.USUAL: self.cells, Level.DEEP: self.deep}[level]
        return self.cells if chosen is None else chosen

    def record(self, measurement: Measurement, root: int) -> dict[str, Any]:
        """What figures read, in JSON types; means over replicates, with standard errors of these means.

        {name, claim, seed, runs: [{objective, noise, sigma2, method, keep, stepsize, L, replicates, checkpoints,
        energy, energy_error, average, average_error, iterate (C x d), window, window_error, theory: {name: curve}}]}.
        energy is |grad F(w_t)|^2 at the checkpoints, average its mean over the steps before; window is its mean between
        the last two checkpoints. A number that is not finite is null.
        """
        return {
            "name": self.name,
            "claim": self.claim,
            "seed": root,
            "runs": [self._record(run) for run in measurement.runs],
        }

    def _record(self, run: Run) -> dict[str, Any]:
        window = run.window(run.average, -2, -1)
        curves = {
            "energy": run.squared_gradient.mean(0),
            "energy_error": _error(run.squared_gradient),
            "average": run.average.mean(0),
            "average_error": _error(run.average),
            "iterate": run.iterate.mean(0),
            "window": window.mean(),
            "window_error": _error(window),
        }
        return {
            **{name: run.replay[name] for name in ("objective", "noise", "method", "keep", "stepsize", "replicates")},
            "sigma2": run.noise.sigma2,
            "L": run.objective.L,
            "checkpoints": list(run.checkpoints),
            **{name: _finite(np.asarray(curve).tolist()) for name, curve in curves.items()},
            "theory": {name: _finite(np.asarray(curve).tolist()) for name, curve in self.theory(run).items()},
        }


def _error(values: Array) -> Array:
    with np.errstate(invalid="ignore", over="ignore"):
        error: Array = values.std(0, ddof=1) / np.sqrt(len(values))
    return error


def _finite(value: Any) -> Any:
    """Numbers that JSON lacks become null."""
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return value if math.isfinite(value) else None
