"""All tables worked out, by as many processes as there are cores, into one record in JSON types."""

import multiprocessing
import os
import platform
import signal
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from datetime import UTC, datetime
from typing import Any

import numpy as np
import scipy
import torch

from simulations.seeding import seed
from simulations.statistics.row import Part, Row

Job = tuple[str, int, int]
"""Table, row and part."""


def jobs(tables: Mapping[str, Sequence[Row]]) -> list[Job]:
    """Every part of every row of these tables."""
    return [
        (name, place, number)
        for name, rows in tables.items()
        for place, row in enumerate(rows)
        for number in range(row.parts)
    ]


def measure(
    tables: Mapping[str, Sequence[Row]], *, root: int = 0, workers: int = 0, done: Callable[[], None] = lambda: None
) -> dict[str, Any]:
    """The record of these tables.

    root: the seed of everything. workers: processes with one torch thread each; 0 for one a core, 1 for none beside
    this one. done: called after each of `jobs(tables)`. The tables do not depend on `workers`.
    Raises BrokenProcessPool when a worker dies.
    """
    found = _worked_out(tables, root, workers, done)
    wholes = {
        name: [row.whole([found[name, place, number] for number in range(row.parts)]) for place, row in enumerate(rows)]
        for name, rows in tables.items()
    }
    versions = {"python": platform.python_version()}
    versions |= {package.__name__: package.__version__ for package in (torch, np, scipy)}
    date = datetime.now(UTC).date().isoformat()
    return {"seed": root, "date": date, "versions": versions, "tables": wholes}


def _worked_out(
    tables: Mapping[str, Sequence[Row]], root: int, workers: int, done: Callable[[], None]
) -> dict[Job, Part]:
    todo = jobs(tables)
    workers = min(workers or os.cpu_count() or 1, len(todo))
    found: dict[Job, Part] = {}
    if workers <= 1:
        for job in todo:
            found[job] = _one(tables[job[0]][job[1]], job, root)
            done()
        return found
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _begin)
    try:
        futures: dict[Future[Part], Job] = {pool.submit(_one, tables[job[0]][job[1]], job, root): job for job in todo}
        for future in as_completed(futures):
            found[futures[future]] = future.result()
            done()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return found


def _one(row: Row, job: Job, root: int) -> Part:
    table, place, number = job
    return row.part(number, seed(root, table=table, row=place))


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is answered by the first process
    torch.set_num_threads(1)
