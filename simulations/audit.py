"""Every empirical claim with its experiment, and the verdicts of all claims, worked out in parallel."""

import difflib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch

from amss_min.testing import Evidence, Status
from simulations.experiments import ALL, Cell, Experiment, Level
from theory.claims import CLAIMS
from theory.measurement import Measurement, Run
from theory.verdict import Claim, Verdict

EXPERIMENTS: Mapping[str, Experiment] = MappingProxyType({experiment.claim: experiment for experiment in ALL})
"""The experiment of every empirical claim, by the id of the claim."""


class UnknownName(KeyError):
    """A claim or experiment that does not exist; the message names the close ones."""

    def __init__(self, what: str, name: str, known: Iterable[str]) -> None:
        """What sort of thing was asked for, by which name, and the names there are.

        >>> str(UnknownName("claim", "ht-unbias", ["ht-unbiased", "ht-second-moment"]))
        "no claim 'ht-unbias'; did you mean 'ht-unbiased'?"
        """
        names = sorted(known)
        close = difflib.get_close_matches(name, names)
        told = f"did you mean {', '.join(map(repr, close))}?" if close else f"there are {', '.join(map(repr, names))}"
        super().__init__(f"no {what} {name!r}; {told}")

    def __str__(self) -> str:
        return str(self.args[0])


class MissingExtra(Exception):
    """A claim that was named needs packages that are not installed; the message says which."""


@dataclass(frozen=True)
class Task:
    """One piece of work for a worker: a cell to simulate, or (cell is None) a claim to verify without simulation."""

    claim: str
    cell: Cell | None = None
    root: int = 0

    def __call__(self) -> Run | tuple[Evidence, ...]:
        """Do it."""
        if self.cell is not None:
            return self.cell.run(self.root)
        verdict: Verdict = next(claim for claim in CLAIMS if claim.id == self.claim).verify()
        return verdict.evidence


@dataclass(frozen=True)
class Audit:
    """Verdicts in the order of CLAIMS, and the measurement behind each empirical one, by claim id."""

    verdicts: tuple[Verdict, ...]
    measurements: Mapping[str, Measurement]


def chosen(ids: Iterable[str]) -> tuple[Claim, ...]:
    """The claims of these ids, in the order of CLAIMS; for no ids all whose extra is installed.

    Raises UnknownName for an id that is not among them, and MissingExtra for a claim that needs an extra.
    """
    wanted, known = set(ids), {claim.id for claim in CLAIMS}
    for name in sorted(wanted - known):
        raise UnknownName("claim", name, known)
    for claim in CLAIMS:
        if claim.id in wanted and claim.missing:
            lacking = " and no ".join(claim.missing)
            raise MissingExtra(f"claim {claim.id!r} needs the extra {claim.extra!r}, found no {lacking}")
    return tuple(claim for claim in CLAIMS if (claim.id in wanted if wanted else not claim.missing))


def record(verdict: Verdict, level: Level) -> dict[str, Any]:
    """The verdict as it stands in results/verdicts.json: `Verdict.as_json` with the level of its audit.

    The key `level` is "quick", "usual" or "deep". The scope of an empirical claim says it too, unless it is usual.
    """
    found = verdict.as_json()
    return {**found, "scope": leveled_scope(verdict, level), "level": level.value}


def leveled_scope(verdict: Verdict, level: Level) -> str:
    """The scope, with the level where an empirical claim was not audited at the usual one."""
    note = f"; {level.value} audit" if verdict.claim.empirical and level is not Level.USUAL else ""
    return f"{verdict.scope}{note}"


def tasks(claims: Sequence[Claim], root: int = 0, level: Level = Level.USUAL) -> list[Task]:
    """The work for these claims at this level: the direct ones first, then the cells, the longest first."""
    direct = [Task(claim.id) for claim in claims if not claim.empirical]
    cells = [
        Task(claim.id, cell, root) for claim in claims if claim.empirical for cell in EXPERIMENTS[claim.id].at(level)
    ]
    return direct + sorted(cells, key=lambda task: -task.cell.cost if task.cell else 0.0)


def audit(
    claims: Sequence[Claim],
    *,
    root: int = 0,
    level: Level = Level.USUAL,
    workers: int = 0,
    done: Callable[[], None] = lambda: None,
) -> Audit:
    """Verify these claims, running the experiments of the empirical ones.

    root: the root seed of the experiments. level: how much is run. workers: processes with one torch thread each; 0
    for one a core, 1 for none beside this one. done: called after each task of `tasks(claims)`. The verdicts do not
    depend on `workers`. Raises BrokenProcessPool when a worker dies.
    """
    outcomes = work(tasks(claims, root, level), workers=workers, done=done)
    measurements: dict[str, Measurement] = {}
    verdicts = []
    with _one_thread():
        for claim in claims:
            if claim.empirical:
                runs = [_run(outcomes[Task(claim.id, cell, root)]) for cell in EXPERIMENTS[claim.id].at(level)]
                measurements[claim.id] = Measurement(runs=runs)
                verdicts.append(claim.verify(measurements[claim.id]))
            else:
                evidence = outcomes[Task(claim.id)]
                assert isinstance(evidence, tuple)  # a task without a cell verifies a claim
                verdicts.append(Verdict(claim=claim, evidence=evidence))
    return Audit(tuple(verdicts), measurements)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Searches take thousands of small operations, on which the threads of torch would wait for one another."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _run(outcome: Run | tuple[Evidence, ...]) -> Run:
    assert isinstance(outcome, Run)  # a task with a cell runs it
    return outcome


def work(
    todo: Sequence[Task], *, workers: int = 0, done: Callable[[], None] = lambda: None
) -> dict[Task, Run | tuple[Evidence, ...]]:
    """The outcome of every task; parameters as in `audit`."""
    workers = min(workers or os.cpu_count() or 1, len(todo))
    outcomes: dict[Task, Run | tuple[Evidence, ...]] = {}
    if workers <= 1:
        for task in todo:
            outcomes[task] = task()
            done()
        return outcomes
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), torch.set_num_threads, (1,))
    try:
        with _interrupts_ignored():
            futures = {pool.submit(task): task for task in todo}
        for future in as_completed(futures):
            outcomes[futures[future]] = future.result()
            done()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return outcomes


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Workers started inside inherit that Ctrl-C is not for them: this process answers it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def exit_code(verdicts: Sequence[Verdict]) -> int:
    """0: all as expected. 1: one refuted, or another status than expected. 3: nothing worse than inconclusive.

    Raises ValueError for no verdicts.
    """
    if not verdicts:
        raise ValueError("an audit needs at least one verdict, found none")
    surprises = [verdict.status for verdict in verdicts if not verdict.as_expected]
    if not surprises:
        return 0
    return 3 if all(status is Status.INCONCLUSIVE for status in surprises) else 1
