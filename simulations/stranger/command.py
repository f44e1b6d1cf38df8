"""The command `audit --objective FILE.py:NAME`: a stranger's constants, and what rests on them."""

import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from amss_min.testing import Status
from amss_min.testing.files import check_file, json_to
from amss_min.testing.python_file import BadInput, object_of, one_line
from simulations.audit import exit_code
from simulations.console import progress, say, show, show_surprises, verdict_table, written_to
from simulations.experiments.base import Cell
from simulations.results import write_json
from simulations.stranger.constants import F_STAR, MU, L, Searched, measured_again, searched
from simulations.stranger.dependants import DEPENDANTS, NOT_RUN, Dependant
from simulations.stranger.loading import load_start
from simulations.stranger.objective import Stated, stated
from theory.measurement import Run
from theory.verdict import Verdict


@dataclass(frozen=True, kw_only=True)
class Request:
    """What was asked for on the command line; None where an option was left out."""

    target: str
    d: int | None = None
    L: float | None = None
    f_star: float | None = None
    mu: float | None = None
    radius: float | None = None
    start: str | None = None
    seed: int = 0

    def objective(self) -> Stated:
        """The objective; raises BadInput."""
        given, name, _ = object_of(self.target, "--objective")
        return stated(given, name, d=self.d, L=self.L, f_star=self.f_star, mu=self.mu, radius=self.radius)

    def command(self) -> str:
        """The command that was asked for."""
        options: dict[str, Any] = {"--dim": self.d, "--L": self.L, "--f-star": self.f_star, "--mu": self.mu}
        options |= {"--radius": self.radius, "--start": self.start, "--seed": self.seed or None}
        given = " ".join(f"{option} {value}" for option, value in options.items() if value is not None)
        return f"python -m simulations audit --objective {self.target} {given}".rstrip()

    def constants(self) -> dict[str, Any]:
        """What a witness holds of it, in JSON types."""
        kept = {"objective": self.target, "dim": self.d, "L": self.L, "f_star": self.f_star, "mu": self.mu}
        return {**kept, "radius": self.radius}


@dataclass(frozen=True, kw_only=True)
class ObjectiveAudit:
    """The outcome: constants with their searches, then the verdicts on what rests on them."""

    objective: Stated
    searches: tuple[Searched, ...]
    dependants: tuple[Verdict, ...]
    conditions: dict[str, str] = field(default_factory=dict)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """All of them."""
        return (*(one.verdict for one in self.searches), *self.dependants)

    def condition(self, verdict: Verdict) -> str:
        """What a verdict is conditional on; empty for constants, and for what was not run."""
        return self.conditions.get(verdict.claim.id, "") if verdict.status is Status.CONSISTENT else ""

    def as_json(self) -> list[dict[str, Any]]:
        """The verdicts as in results/verdicts.json, the condition within the scope and as a key of its own."""
        records = []
        for verdict in self.verdicts:
            record, condition = verdict.as_json(), self.condition(verdict)
            scope = f"{condition}; {record['scope']}" if condition else record["scope"]
            records.append({**record, "scope": scope, "condition": condition})
        return records


def audit_objective(request: Request, json_file: Path | None = None, witness_file: Path | None = None) -> int:
    """Audit a stranger's objective, print the verdicts, and return the exit code.

    0: nothing contradicted. 1: a constant or a bound is refuted; the points that show it go to `witness_file`
    (NAME.witness.json unless given). 3: something could not be decided. Raises BadInput, and Unwritable for files.
    """
    torch.set_num_threads(1)
    began = time.monotonic()
    objective = request.objective()
    start = _start(objective, request.start)
    place = witness_file or Path(f"{request.target.rpartition(':')[2]}.witness.json")
    check_file(place)
    with json_to(json_file) as write:
        found = verdicts_on(objective, start, request)
        _show(found)
        write(found.as_json())
        for number, one in enumerate(one for one in found.searches if one.refuted):
            _show_witness(one, place.with_name(f"{one.constant.name}-{place.name}") if number else place)
        as_expected = sum(verdict.as_expected for verdict in found.verdicts)
        say(f"{as_expected} of {len(found.verdicts)} as expected, {time.monotonic() - began:.0f} s")
    return exit_code(found.verdicts)


def verdicts_on(objective: Stated, start: tuple[float, ...], request: Request) -> ObjectiveAudit:
    """Search the constants, then run what rests on those that withstood.

    Cost for d = 20: a second or two a constant, and some 8 runs of 512 steps, together under half a minute.
    """
    wanted = [L, F_STAR] + ([MU] if objective.mu is not None else [])
    todo = {dependant.claim.id: dependant.refusal(objective) for dependant in DEPENDANTS}
    cells: dict[str, tuple[Cell, ...]] = {
        one.claim.id: one.cells(objective, start) for one in DEPENDANTS if not todo[one.claim.id]
    }
    kept: dict[tuple[Any, ...], Run] = {}
    with progress("audit", len(wanted) + len({_key(cell) for group in cells.values() for cell in group})) as advance:
        searches = []
        for constant in wanted:
            searches.append(searched(constant, objective, request.seed, request.constants()))
            advance()
        refuted = {one.constant.name: one for one in searches if one.refuted}
        verdicts = []
        for one in DEPENDANTS:
            reason = todo[one.claim.id]
            wrong = [refuted[name] for name in one.needs if name in refuted]
            if reason:
                verdicts.append(one.left_out(reason, expected=Status.INCONCLUSIVE))
            elif wrong:
                told = " and ".join(item.finding.sentence() for item in wrong)
                verdicts.append(one.left_out(told, expected=Status.CONSISTENT))
            else:
                for cell in cells[one.claim.id]:
                    if _key(cell) not in kept:
                        run = cell.run(request.seed)
                        kept[_key(cell)] = replace(run, replay={**run.replay, "command": request.command()})
                        advance()
                verdicts.append(one.verdict([kept[_key(cell)] for cell in cells[one.claim.id]]))
    conditions = {} if objective.certificate else {one.claim.id: _condition(one, searches) for one in DEPENDANTS}
    return ObjectiveAudit(
        objective=objective, searches=tuple(searches), dependants=tuple(verdicts), conditions=conditions
    )


def replayed(path: Path) -> int:
    """Take the points of a witness again: exit code 1 where they contradict the constant again, else 0."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        constant, points = str(record["constant"]), record["points"]
        request = Request(
            target=str(record["objective"]),
            d=record["dim"],
            **{name: record[name] for name in ("L", "f_star", "mu", "radius")},
        )
        objective = request.objective()
        found, limit = measured_again(objective, constant, points)
    except OSError as error:
        raise BadInput(f"--replay: cannot read {path}: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"--replay: {path} is not a witness: {one_line(error)}") from error
    again = found > limit if constant == "L" else found < limit
    say(
        f"{constant} = {limit:.9g} as stated, {found:.9g} at the points of {path}: "
        f"{'contradicted again' if again else 'not contradicted any more'}"
    )
    return 1 if again else 0


def _start(objective: Stated, text: str | None) -> tuple[float, ...]:
    size = 1.0 if math.isinf(objective.radius) else min(1.0, objective.radius / (4 * math.sqrt(objective.d)))
    start = [size] * objective.d if text is None else load_start(text, objective.d)
    length = math.sqrt(math.fsum(x * x for x in start))
    if not length <= objective.radius:
        raise BadInput(f"--start must lie in the ball |w| <= {objective.radius:g}, found |start| = {length:.6g}")
    value = float(objective.value(torch.tensor(start, dtype=torch.float64)))
    slope = objective.gradient(torch.tensor(start, dtype=torch.float64))
    if not math.isfinite(value) or not bool(slope.isfinite().all()):
        raise BadInput(f"F and its gradient must be finite at --start, found F = {value}")
    if not bool(slope.any()):
        raise BadInput("--start must not be a stationary point, found a zero gradient: nothing would move")
    return tuple(start)


def _key(cell: Cell) -> tuple[Any, ...]:
    return cell.method.name, cell.noise, cell.stepsize


def _condition(dependant: Dependant, searches: Sequence[Searched]) -> str:
    needed = [one for one in searches if one.constant.name in dependant.needs]
    names = [one.constant.name for one in needed]
    listed = " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
    return f"conditional on {listed} (not contradicted by {min(one.finding.points for one in needed)} points)"


def _show(found: ObjectiveAudit) -> None:
    rows = []
    for verdict in found.verdicts:
        condition = found.condition(verdict)
        status = verdict.status.value + (", not run" if verdict.scope.startswith(NOT_RUN) else "")
        rows.append((verdict, status + (f", {condition}" if condition else ""), verdict.scope.removeprefix(NOT_RUN)))
    say(f"{found.objective.name}, f_star={found.objective.f_star:g} as stated")
    show(verdict_table(rows))
    refuted = [verdict for verdict in found.verdicts if verdict.status is Status.REFUTED]
    show_surprises(refuted)
    broken = [v for v in found.verdicts if v.status is Status.INCONCLUSIVE and not v.as_expected and "broke" in v.scope]
    show_surprises(broken)
    constants = {one.constant.claim for one in found.searches}
    if any(verdict.claim.id not in constants for verdict in refuted):
        say("a bound is a theorem given its constants: one of them is wrong there, although the search missed it")


def _show_witness(one: Searched, place: Path) -> None:
    witness = one.verdict.witness
    assert witness is not None  # a refuted constant has one
    with written_to(place):
        write_json(place, dict(witness))
    for name, point in zip(("x", "y"), witness["points"], strict=False):
        largest = sorted(sorted(range(len(point)), key=lambda j: -abs(point[j]))[:8])
        shown = ", ".join(f"{name}[{j}] = {point[j]:.6g}" for j in largest)
        say(f"  {shown}{', the others are smaller' if len(point) > 8 else ''}")
    say(f"  the points are in {place}; replay: python -m simulations audit --replay {place}")
