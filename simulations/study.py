"""A study: a small grid of objectives, noises, methods, optimisers, stepsizes and keep fractions, from TOML."""

import itertools
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from amss_min.testing.loading import BadInput
from simulations import registry
from simulations.audit import UnknownName
from simulations.experiments.base import Cell
from simulations.methods import counts
from simulations.optimisers import Descent

Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Fraction = Annotated[float, Field(gt=0, le=1)]
Spec = str | dict[str, Any]

MOST_CELLS = 200
MOST_NUMBERS = 2**27
"""Numbers that one run may keep, replicates times checkpoints times coordinates: 1 GiB."""


class Study(BaseModel):
    """What to run; every list is one axis of the grid, and a single value is a list of one.

    objective, noise, methods, optimiser: names of simulations.registry, or tables {name = ..., parameter = ...}.
    stepsizes: numbers, or tables such as {name = "inverse-time", scale = 2, shift = 100}. keep: fractions, each a
    number or a list with one for each modality. horizon: T, seen at about T/64, T/16, T/4 and T; or checkpoints, the
    steps themselves. start: a number for all coordinates or one number for each. replicates, seed: as everywhere.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    objective: tuple[Spec, ...]
    noise: tuple[Spec, ...]
    methods: tuple[Spec, ...]
    stepsizes: tuple[Positive | dict[str, Any], ...]
    optimiser: tuple[Spec, ...] = ("descent",)
    keep: tuple[Fraction | tuple[Fraction, ...], ...] = (0.25,)
    horizon: Count | None = None
    checkpoints: tuple[Count, ...] | None = None
    replicates: Annotated[int, Field(ge=1, le=10**6)] = 256
    seed: Annotated[int, Field(ge=0)] = 0
    start: Finite | tuple[Finite, ...] = 1.0

    @field_validator("objective", "noise", "methods", "stepsizes", "optimiser", "keep", "checkpoints", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return value if isinstance(value, list | tuple) or value is None else [value]

    @field_validator("objective", "noise", "methods", "stepsizes", "optimiser", "keep")
    @classmethod
    def _something(cls, value: tuple[Any, ...]) -> tuple[Any, ...]:
        if not value:
            raise ValueError("at least one is needed, found none")
        return value

    @model_validator(mode="after")
    def _one_length(self) -> "Study":
        if (self.horizon is None) == (self.checkpoints is None):
            found = "none" if self.horizon is None else "both"
            raise ValueError(f"either horizon or checkpoints must be given, found {found}")
        steps = self.steps
        if list(steps) != sorted(set(steps)):
            raise ValueError(f"checkpoints must increase, found {list(steps)}")
        return self

    @property
    def steps(self) -> tuple[int, ...]:
        """The checkpoints."""
        if self.checkpoints is not None:
            return self.checkpoints
        assert self.horizon is not None  # validated
        return seen_at(self.horizon)

    def cells(self, name: str) -> tuple[Cell, ...]:
        """The grid, in the order of the lists, objectives outermost; name: that of the random streams.

        Every cell is tried for one step. Raises BadInput for what does not fit together, and UnknownName.
        """
        axes = (self.objective, self.noise, self.methods, self.optimiser, self.stepsizes, self.keep)
        sizes = [len(axis) for axis in axes]
        total = 1
        for size in sizes:
            total *= size
        if total > MOST_CELLS:
            grid = " x ".join(map(str, sizes))
            raise BadInput(f"a study must have at most {MOST_CELLS} runs, found {grid} = {total}: split it")
        found = []
        for number, point in enumerate(itertools.product(*axes), start=1):
            cell = built(name, *point, start=self.start, checkpoints=self.steps, replicates=self.replicates)
            refuse(cell, f"run {number} of {total}")
            found.append(cell)
        return tuple(found)


def seen_at(horizon: int) -> tuple[int, ...]:
    """The checkpoints of a horizon T: about T/64, T/16, T/4 and T.

    >>> seen_at(512)
    (8, 32, 128, 512)
    """
    return tuple(sorted({max(1, horizon // part) for part in (64, 16, 4, 1)}))


def built(
    name: str,
    objective: Spec,
    noise: Spec,
    method: Spec,
    optimiser: Spec,
    stepsize: float | dict[str, Any],
    keep: float | tuple[float, ...],
    *,
    start: float | tuple[float, ...],
    checkpoints: tuple[int, ...],
    replicates: int,
) -> Cell:
    """The cell of these parts by name, not tried; name: that of the random streams. Raises BadInput or UnknownName."""
    function, kind = registry.objective(objective), registry.optimiser(optimiser)
    return Cell(
        experiment=name,
        objective=function,
        noise=registry.noise_on(noise, function),
        method=registry.method(method),
        keep=keep,
        start=start,
        stepsize=registry.stepsize(stepsize),
        checkpoints=checkpoints,
        replicates=replicates,
        optimiser=None if isinstance(kind, Descent) else kind,
    )


def read_study(path: Path, overrides: Sequence[str] = ()) -> Study:
    """The study of a TOML file with the overrides of `overridden`; raises BadInput, one line with the close names."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        beside = [found.name for found in sorted(path.parent.glob("*.toml"))] if path.parent.is_dir() else []
        told = f"; there is {', '.join(beside[:8])}" if beside else ""
        raise BadInput(f"no study {str(path)!r}{told}") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadInput(f"cannot read the study {path}: {getattr(error, 'strerror', None) or error}") from error
    return study_of(overridden(values, overrides))


def study_of(values: Mapping[str, Any]) -> Study:
    """The study of these settings; raises BadInput, or UnknownName for a setting that there is not."""
    for name in values:
        if name not in Study.model_fields:
            raise UnknownName("setting", name, Study.model_fields)
    try:
        return Study(**values)
    except ValidationError as error:
        raise BadInput(told(error)) from error


def told(error: ValidationError) -> str:
    """The first thing wrong, in one line: which setting, why, and what was found."""
    first = error.errors(include_url=False)[0]
    reason = first["msg"].removeprefix("Value error, ")
    field, *rest = first["loc"] or ("",)
    where = ".".join([str(field), *(str(part) for part in rest if isinstance(part, int))])
    named = f"setting {where}: {reason}" if where else reason
    found = "" if first["type"] in ("value_error", "missing") else f", found {first['input']!r}"
    return f"{named}{found}"


def overridden(values: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Settings with `name=value` or `part.parameter=value` over them; values are read as TOML, else taken as text.

    >>> overridden({"objective": "block-cosine"}, ["objective.n=4", "keep=0.5"])
    {'objective': {'name': 'block-cosine', 'n': 4}, 'keep': 0.5}

    Raises BadInput for another form, or a part that is a list of several.
    """
    found = dict(values)
    for override in overrides:
        path, sign, text = override.partition("=")
        name, dot, parameter = path.strip().partition(".")
        if not sign or not name or (dot and not parameter):
            raise BadInput(f"--set must be NAME=VALUE or PART.PARAMETER=VALUE, found {override!r}")
        name = _FIELD.get(name, name)
        if not dot:
            found[name] = _value(text.strip())
            continue
        part = found.get(name, "descent" if name == "optimiser" else None)
        if isinstance(part, list | tuple) and len(part) == 1:
            part = part[0]
        if isinstance(part, str):
            part = {"name": part}
        if not isinstance(part, Mapping):
            raise BadInput(f"--set {path.strip()} must belong to one part of a study, found {part!r}")
        found[name] = {**part, parameter: _value(text.strip())}
    return found


_FIELD = {"method": "methods", "stepsize": "stepsizes"}


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def refuse(cell: Cell, where: str) -> None:
    """Raise BadInput for a cell that cannot run, found out on one step with two replicates; where: which cell it is."""
    where = f"{where}, {cell.objective.name}, {cell.noise.name}, {cell.method.name}"
    numbers = cell.replicates * len(cell.checkpoints) * cell.objective.d
    if numbers > MOST_NUMBERS:
        raise BadInput(f"{where}: replicates x checkpoints x d must be at most {MOST_NUMBERS}, found {numbers}")
    try:
        counts(cell.objective.units, cell.keep)
        replace(cell, replicates=2, checkpoints=(1,)).run()
    except (ValueError, TypeError, RuntimeError, IndexError, AssertionError) as error:
        raise BadInput(f"{where}: {' '.join(str(error).split()) or type(error).__name__}") from error
