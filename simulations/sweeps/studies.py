"""Studies: what a TOML file asks for, as cells and blocks.

    kind = "simulate"            # or "train", or "sleep"
    about = "one line"
    replicates = 256

    [cell]                       # what all cells share
    objective = { name = "quadratic", spectrum = [4, 4, 1, 1], sizes = [2, 2] }
    noise = { name = "skewed", total = 4 }
    stepsize = 0.05
    horizon = 1000

    [[axes]]                     # see simulations.sweeps.axes
    method = ["amss", "amss+"]

Replicates are divided into blocks by the settings of the cell alone, never by the speed of a machine: the division
enters the numbers through rounding, and so it is part of what is computed.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from amss_min.testing.loading import BadInput
from simulations.audit import UnknownName
from simulations.study import told
from simulations.sweeps import axes
from simulations.sweeps.kind import Kind, cell_hash, normal
from simulations.sweeps.outcome import Block, task_id
from simulations.sweeps.tasks import KINDS

MOST_CELLS = 100_000
MOST_BLOCKS = 10_000_000
SHIPPED = Path(__file__).parents[1] / "studies"
"""The studies that come with the suite, NAME.toml."""


class Study(BaseModel):
    """The file, checked for form; replicates: of every cell (blocks, for the kinds sleep and train: seeds)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str = "simulate"
    about: str = ""
    replicates: Annotated[int, Field(ge=1, le=10**9)] = 256
    cell: dict[str, Any] = {}
    axes: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Plan:
    """What a study comes to: a name, the study as it was read, and its cells with their defaults, in order."""

    name: str
    study: Study
    cells: tuple[dict[str, Any], ...]

    @property
    def kind(self) -> Kind:
        """The kind of its work."""
        return KINDS[self.study.kind]

    @cached_property
    def counts(self) -> tuple[int, ...]:
        """Blocks of each cell."""
        return tuple(self.kind.count(cell, self.study.replicates) for cell in self.cells)

    @cached_property
    def seconds(self) -> tuple[float, ...]:
        """The estimated time of a block of each cell."""
        return tuple(self.kind.seconds(cell) for cell in self.cells)

    @property
    def configuration(self) -> dict[str, Any]:
        """The study in JSON values."""
        return self.study.model_dump(mode="json")

    def blocks(self) -> Iterator[Block]:
        """Every block, the cells with the longest blocks first, so that the end is not spent waiting for one."""
        for at in sorted(range(len(self.cells)), key=lambda at: -self.seconds[at]):
            cell, kind = self.cells[at], self.study.kind
            needs = self.kind.resources(cell)
            payload = {"resources": needs} if needs else {}
            for number in range(self.counts[at]):
                yield Block(
                    id=task_id(kind, cell, number),
                    kind=kind,
                    cell=cell,
                    number=number,
                    payload=payload,
                    estimate_s=self.seconds[at],
                )


def read_plan(reference: str, overrides: Sequence[str] = ()) -> Plan:
    """The plan of a TOML file, or of a shipped study by its name, with `a.b=value` over its settings.

    Raises BadInput or UnknownName, one line that names the setting with the close ones.
    """
    path = Path(reference)
    if path.suffix != ".toml" and not path.exists():
        known = [each.stem for each in sorted(SHIPPED.glob("*.toml"))]
        if reference not in known:
            raise UnknownName("study", reference, known)
        path = SHIPPED / f"{reference}.toml"
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        beside = [found.name for found in sorted(path.parent.glob("*.toml"))] if path.parent.is_dir() else []
        there = f"; there is {', '.join(beside[:8])}" if beside else ""
        raise BadInput(f"no study {str(path)!r}{there}") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadInput(f"cannot read the study {path}: {getattr(error, 'strerror', None) or error}") from error
    return plan_of(path.stem, overridden(values, overrides))


def plan_of(name: str, values: Mapping[str, Any]) -> Plan:
    """The plan of these settings; raises BadInput or UnknownName."""
    study = _study(values)
    kind = KINDS[study.kind]
    grid = [axes.axis(table, number) for number, table in enumerate(study.axes, start=1)]
    for path in [*study.cell, *(path for each in grid for path in each)]:
        first = path.partition(".")[0]
        if first not in kind.settings:
            raise UnknownName(f"setting of a cell of kind {kind.name!r} called", first, kind.settings)
    _once(grid)
    total = axes.size(grid)
    if total > MOST_CELLS:
        sizes = " x ".join(str(len(next(iter(each.values())))) for each in grid)
        raise BadInput(f"a study must have at most {MOST_CELLS} cells, found {sizes} = {total}: split it")
    cells: list[dict[str, Any]] = []
    seen: dict[str, int] = {}
    for number, point in enumerate(axes.points(grid), start=1):
        told_as = ", ".join(f"{path}={value}" for path, value in point.items())
        where = f"cell {number} of {total}" + (f" ({told_as})" if told_as else "")
        given: Any = study.cell
        for path, value in point.items():
            given = axes.placed(given, path, value)
        try:
            cell = normal(kind.cell(given))
        except BadInput as error:
            raise BadInput(f"{where}: {error}") from error
        twin = seen.setdefault(cell_hash(cell), number)
        if twin != number:
            raise BadInput(f"{where}: every cell must be there once, found it as cell {twin} too")
        cells.append(cell)
    plan = Plan(name, study, tuple(cells))
    if sum(plan.counts) > MOST_BLOCKS:
        raise BadInput(f"a study must have at most {MOST_BLOCKS} blocks, found {sum(plan.counts)}: split it")
    return plan


def overridden(values: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Settings with `path=value` over them, the value read as TOML, else taken as text.

    >>> overridden({"cell": {"noise": "gaussian"}}, ["cell.noise.total=2.5", "replicates=64"])
    {'cell': {'noise': {'name': 'gaussian', 'total': 2.5}}, 'replicates': 64}

    Raises BadInput for another form, or a path that leads nowhere.
    """
    found: Any = dict(values)
    for override in overrides:
        path, sign, text = override.partition("=")
        if not sign or not path.strip():
            raise BadInput(f"--set must be PATH=VALUE, found {override!r}")
        try:
            value = tomllib.loads(f"value = {text.strip()}")["value"]
        except tomllib.TOMLDecodeError:
            value = text.strip()
        found = axes.placed(found, path.strip(), value)
    return dict(found)


def _study(values: Mapping[str, Any]) -> Study:
    for name in values:
        if name not in Study.model_fields:
            raise UnknownName("setting of a study called", name, Study.model_fields)
    try:
        study = Study(**values)
    except ValidationError as error:
        raise BadInput(told(error)) from error
    if study.kind not in KINDS:
        raise UnknownName("kind of study", study.kind, KINDS)
    return study


def _once(grid: Sequence[axes.Axis]) -> None:
    seen: set[str] = set()
    for each in grid:
        for path in each:
            if path in seen:
                raise BadInput(f"a path belongs to one axis, found {path} in two")
            seen.add(path)
