"""Blocks of the kind "simulate": replicates of one configuration of the engine."""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Self

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from amss_min.testing.loading import BadInput
from simulations import study
from simulations.engine import simulate
from simulations.experiments.base import Cell
from simulations.methods import counts
from simulations.study import Count, Finite, Fraction, Positive, Spec
from simulations.sweeps.kind import Found, Kind, cell_hash, one_thread
from simulations.sweeps.moments import Moments
from simulations.sweeps.sketch import Sketch

MOST_COORDINATES = 256
"""The mean last iterate is kept where there are no more coordinates than this."""

_TRIED = 32  # steps of a quick measurement


class Settings(BaseModel):
    """What a cell says; names and tables of parts as in `simulations.study.Study`, one of each.

    horizon: T, seen at about T/64, T/16, T/4 and T; or checkpoints, the steps themselves. block: replicates of a block.
    The engine simulates in groups of 256 (fewer where there are more than 512 coordinates), so a multiple of that
    wastes nothing. quantiles: keep a sketch of |grad F|^2 at every checkpoint. seed: root of the random streams.
    device: cpu or cuda; a block for cuda asks a Dask scheduler for one unit of the resource GPU.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    objective: Spec
    noise: Spec
    method: Spec
    stepsize: Positive | dict[str, Any]
    optimiser: Spec = "descent"
    keep: Fraction | tuple[Fraction, ...] = 0.25
    horizon: Count | None = None
    checkpoints: Annotated[tuple[Count, ...], Field(min_length=1)] | None = None
    start: Finite | tuple[Finite, ...] = 1.0
    block: Annotated[int, Field(ge=1, le=2**20)] = 256
    quantiles: bool = True
    seed: Annotated[int, Field(ge=0)] = 0
    device: Annotated[str, Field(pattern="^(cpu|cuda)$")] = "cpu"

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if (self.horizon is None) == (self.checkpoints is None):
            found = "none" if self.horizon is None else "both"
            raise ValueError(f"either horizon or checkpoints must be given, found {found}")
        if list(self.steps) != sorted(set(self.steps)):
            raise ValueError(f"checkpoints must increase, found {list(self.steps)}")
        return self

    @property
    def steps(self) -> tuple[int, ...]:
        """The checkpoints."""
        return self.checkpoints or study.seen_at(self.horizon or 1)

    def built(self, name: str) -> Cell:
        """The configuration of one block; name: that of the random streams. Raises BadInput or UnknownName."""
        parts = (self.objective, self.noise, self.method, self.optimiser, self.stepsize, self.keep)
        return study.built(name, *parts, start=self.start, checkpoints=self.steps, replicates=self.block)


class Simulate(Kind):
    """Replicates [b block, (b + 1) block) of a cell, for block number b.

    The random streams are those of (seed of the cell, hash of the cell): a cell's numbers depend on nothing but its
    settings, and a replicate's on nothing but the cell and its number.

    Moments: energy |grad F(w_t)|^2, average (its mean over the steps before) and gap F(w_t) - f_star at the
    checkpoints; window, the mean energy between the last two checkpoints, where there are two; iterate, the last w_t by
    coordinate. Sketches: energy at the checkpoints, and window. Curves: checkpoints. Summary: replicates, drawn (units
    by modality), L, d, sigma2, f_star, and finite, how many replicates have a finite last value.
    """

    name = "simulate"
    settings = tuple(Settings.model_fields)

    def cell(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The settings with their defaults, a horizon as its checkpoints; raises BadInput or UnknownName."""
        found = _settings(given)
        found.built("")
        return {**found.model_dump(mode="json", exclude={"horizon"}), "checkpoints": list(found.steps)}

    def count(self, cell: Mapping[str, Any], replicates: int) -> int:
        """Blocks of so many replicates; raises BadInput unless they are a multiple of the block."""
        size = int(cell["block"])
        if replicates % size:
            raise BadInput(f"replicates must be a multiple of block, found {replicates} and block = {size}")
        return replicates // size

    def family(self, cell: Mapping[str, Any]) -> str:
        """Kinds of objective, noise, method and optimiser."""
        parts = [cell[part] for part in ("objective", "noise", "method", "optimiser")]
        return " ".join(str(part if isinstance(part, str) else sorted(map(str, part.items()))) for part in parts)

    def seconds(self, cell: Mapping[str, Any]) -> float:
        """Steps times 0.05 ms and, with a mask, 0.4 ms and 0.1 us a coordinate and replicate.

        Constants measured on one core at 2.1 GHz; they divide nothing and appear in no number but estimates.
        """
        made = _settings(cell).built("")
        masked = made.method.design is not None
        numbers = made.objective.d * max(made.replicates, 256)
        return made.checkpoints[-1] * (5e-5 + 5e-9 * numbers + (4e-4 + 1e-7 * numbers if masked else 0.0))

    def measured(self, cell: Mapping[str, Any]) -> float:
        """Seconds of a block on a core of this machine, from its first steps; raises BadInput where it cannot run.

        Time that the core gives to other programs is not counted.
        """
        made = _settings(cell).built("trial")
        with one_thread():
            study.refuse(made, "a cell")
            steps = min(_TRIED, made.checkpoints[-1])
            short = replace(made, checkpoints=(steps,))
            took = []
            for _ in range(3):
                began = time.process_time()
                short.run()
                took.append(time.process_time() - began)
        return min(took) * made.checkpoints[-1] / steps

    def size(self, cell: Mapping[str, Any]) -> float:
        """Bytes of a block in the store, about: 24 a column of moments, and 2.5 kB a column of a sketch."""
        made = _settings(cell)
        columns = len(made.steps)
        return 1500.0 + len(str(cell)) + 24.0 * (3 * columns + 8) + (2500.0 * (columns + 1) if made.quantiles else 0)

    def resources(self, cell: Mapping[str, Any]) -> dict[str, float]:
        """One GPU for a cell on cuda."""
        return {"GPU": 1} if cell["device"] == "cuda" else {}

    def run(self, cell: Mapping[str, Any], number: int) -> Found:
        """Simulate the replicates of a block."""
        settings = _settings(cell)
        made = settings.built(cell_hash(cell))
        start = made.start if isinstance(made.start, tuple) else (made.start,) * made.objective.d
        trace = simulate(
            made.objective,
            made.noise,
            made.method,
            start=list(start),
            stepsize=made.stepsize,
            checkpoints=made.checkpoints,
            replicates=range(number * settings.block, (number + 1) * settings.block),
            keep=made.keep,
            optimiser=made.optimiser,
            root=settings.seed,
            axes={"cell": made.experiment},
            device=settings.device,
        )
        with np.errstate(invalid="ignore", over="ignore"):
            values = {
                "energy": trace.squared_gradient.numpy(),
                "average": trace.average.numpy(),
                "gap": trace.value.numpy() - made.objective.f_star,
            }
            if len(made.checkpoints) > 1:
                values["window"] = _window(made.checkpoints, values["average"])
            sketched = ("energy", "window") if settings.quantiles else ()
            sketches = {str(name): Sketch.of(values[name]) for name in sketched if name in values}
            if made.objective.d <= MOST_COORDINATES:
                values["iterate"] = trace.iterate[:, -1].numpy()
            moments = {name: Moments.of(each) for name, each in values.items()}
        return Found(
            summary={
                "replicates": settings.block,
                "drawn": list(counts(made.objective.units, made.keep)),
                "L": made.objective.L,
                "d": made.objective.d,
                "sigma2": made.noise.sigma2,
                "f_star": made.objective.f_star,
                "finite": int(torch.isfinite(trace.value[:, -1]).sum()),
            },
            curves={"checkpoints": np.array(made.checkpoints, dtype=np.int64)},
            moments=moments,
            sketches=sketches,
        )


def _window(checkpoints: tuple[int, ...], average: np.ndarray[Any, np.dtype[np.float64]]) -> Any:
    """(R, 1): the mean of what `average` averages, between the last two checkpoints."""
    before, last = checkpoints[-2:]
    return (last * average[:, -1:] - before * average[:, -2:-1]) / (last - before)


def _settings(cell: Mapping[str, Any]) -> Settings:
    try:
        return Settings(**cell)
    except ValidationError as error:
        raise BadInput(study.told(error)) from error
