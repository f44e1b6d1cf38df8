"""The command `sweep`: do a study, or go on with it."""

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from amss_min.testing.files import json_to
from amss_min.testing.loading import BadInput
from simulations.audit import UnknownName
from simulations.console import Interrupted, plain, say, show, written_to
from simulations.results import write_json
from simulations.sweeps import phase
from simulations.sweeps.driver import Stopped, Tally, drive
from simulations.sweeps.executors import ENGINES, executor
from simulations.sweeps.outcome import canonical
from simulations.sweeps.progress import duration, shown
from simulations.sweeps.store import Store
from simulations.sweeps.studies import Plan, read_plan

_ERRORS_SHOWN = 5
_WIDTH = 120


@dataclass(frozen=True)
class Request:
    """What was asked for; store: None for results/sweeps/NAME.sqlite; json_file: of a dry run."""

    study: str
    store: Path | None = None
    engine: str = "pool"
    scheduler: str | None = None
    workers: int | None = None
    dry_run: bool = False
    retry_failed: bool = False
    overrides: tuple[str, ...] = ()
    json_file: Path | None = None


def sweep_command(request: Request) -> int:
    """Do the blocks of a study that the store lacks; 0: all are done, 1: some failed.

    Raises BadInput and UnknownName for what cannot be run, StoreError for a store that cannot be used, Interrupted for
    Ctrl-C.
    """
    plan = read_plan(request.study, request.overrides)
    path = request.store or Path("results") / "sweeps" / f"{plan.name}.sqlite"
    workers = request.workers or os.cpu_count() or 1
    if request.json_file is not None and not request.dry_run:
        raise BadInput("--json belongs to --dry-run, found it without: `status` and `query` tell what a store holds")
    if request.engine not in ENGINES:
        raise UnknownName("engine", request.engine, ENGINES)
    if request.dry_run:
        with json_to(request.json_file) as write:
            write(_dry_run(plan, path, workers))
        return 0
    _tried(plan)
    began = time.monotonic()
    with Store.open(path, write=True) as store:
        store.register(plan.name, plan.configuration, plan.blocks())
        # after the store, so that a second driver is refused before it starts processes
        engine = executor(request.engine, workers=workers, scheduler=request.scheduler)
        estimate = sum(count * seconds for count, seconds in zip(plan.counts, plan.seconds, strict=True))
        try:
            with shown(plan.name, estimate) as seen:
                tally = drive(
                    store,
                    plan.blocks(),
                    engine,
                    total=sum(plan.counts),
                    retry_failed=request.retry_failed,
                    seen=seen,
                )
        except Stopped as stop:
            kept = f"{stop.tally.finished} of {stop.tally.total} blocks are in {path}"
            if stop.asked:
                raise Interrupted(f"interrupted: {kept}; the same command goes on from there") from None
            say(f"{plan.name}: {stop}: {kept}; the same command goes on from there")
            return 1
        bad = _show_failures(plan, store)
        if plan.name == phase.STUDY:
            # overrides may leave no pair of cells to compare
            with suppress(BadInput), written_to(path.with_suffix(".json")):
                write_json(path.with_suffix(".json"), phase.record(store))  # what the figure reads
    say(f"{plan.name}: {_told(tally)}, {duration(time.monotonic() - began)}; in {path}")
    return 1 if bad else 0


def _told(tally: Tally) -> str:
    parts = [f"{tally.finished} of {tally.total} blocks are done"]
    if tally.before:
        parts.append(f"{tally.before} of them were before")
    if tally.failed:
        parts.append(f"{tally.failed} failed")
    if tally.skipped:
        parts.append(f"{tally.skipped} failed before: --retry-failed tries them again")
    return ", ".join(parts)


def _show_failures(plan: Plan, store: Store) -> int:
    """One line for each of the first failures; how many there are."""
    bad = store.failed()
    mine = {block.id: block for block in plan.blocks() if block.id in bad} if bad else {}
    for number, failure in enumerate(found for found in store.blocks(failed_only=True) if found.id in mine):
        if number == _ERRORS_SHOWN:
            say(f"... and {len(mine) - _ERRORS_SHOWN} more; their tracebacks are in the store")
            break
        cell = canonical(dict(mine[failure.id].cell))
        say(f"failed: block {failure.number} of {_short(cell)}: {failure.error.strip().splitlines()[-1]}")
    return len(mine)


def _short(text: str) -> str:
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 4]} ..."


def _families(plan: Plan) -> dict[str, int]:
    """A cell of each family: the one with the shortest blocks."""
    found: dict[str, int] = {}
    for at, cell in enumerate(plan.cells):
        name = plan.kind.family(cell)
        if name not in found or plan.seconds[at] < plan.seconds[found[name]]:
            found[name] = at
    return found


def _tried(plan: Plan) -> dict[str, float]:
    """Measured over estimated time of each family; raises BadInput for a family that cannot run."""
    found = {}
    for name, at in _families(plan).items():
        try:
            found[name] = plan.kind.measured(plan.cells[at]) / plan.seconds[at]
        except BadInput as error:
            raise BadInput(f"cell {at + 1} of {len(plan.cells)}: {error}") from error
    return found


def _dry_run(plan: Plan, path: Path, workers: int) -> dict[str, Any]:
    """Print what a study would take; the same in JSON types, times in seconds."""
    factors = _tried(plan)
    times = [seconds * factors[plan.kind.family(cell)] for cell, seconds in zip(plan.cells, plan.seconds, strict=True)]
    total = sum(count * seconds for count, seconds in zip(plan.counts, times, strict=True))
    sizes = sum(count * plan.kind.size(cell) for count, cell in zip(plan.counts, plan.cells, strict=True))
    table = Table(title=f"{plan.name}: {plain(plan.study.about) or plan.study.kind}", show_header=False)
    table.add_column("what")
    table.add_column("how much")
    longest = max(max(times), total / workers)
    rows = {
        "cells": f"{len(plan.cells)}",
        "replicates of each": f"{plan.study.replicates}",
        "blocks": f"{sum(plan.counts)}",
        "time of a block, measured here": f"{duration(min(times))} to {duration(max(times))}",
        "work": f"{duration(total)} on one core",
        "time": f"{duration(longest)} with {workers} workers",
        "store": f"{sizes / 1e6:.1f} MB in {path}",
    }
    for what, value in rows.items():
        table.add_row(what, plain(value))
    show(table)
    for said in _advice(plan, times):
        say(said)
    return {
        "study": plan.name,
        "cells": len(plan.cells),
        "replicates": plan.study.replicates,
        "blocks": sum(plan.counts),
        "block_seconds": [min(times), max(times)],
        "core_seconds": total,
        "workers": workers,
        "seconds": longest,
        "store": str(path),
        "bytes": round(sizes),
    }


def _advice(plan: Plan, times: Iterable[float]) -> list[str]:
    every = list(times)
    if max(every) > 30:
        return ["blocks should take 1 to 30 s: a smaller block loses less when a worker is lost"]
    if max(every) < 0.2:
        return ["blocks should take 1 to 30 s: a larger block spends less on being handed out"]
    return []
