"""What the machinery of sweeps costs: blocks handed out, brought back and stored, beside the same blocks alone."""

import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from simulations.sweeps.driver import drive
from simulations.sweeps.executors import Executor
from simulations.sweeps.outcome import Block
from simulations.sweeps.pool import Pool
from simulations.sweeps.store import Store
from simulations.sweeps.studies import Plan, plan_of
from simulations.sweeps.tasks import run_block

_SLEEP: dict[str, Any] = {"kind": "sleep", "cell": {"columns": 4}}
_SIMULATE: dict[str, Any] = {
    "cell": {
        "objective": {"name": "block-cosine", "n": 8, "amplitude": 0.0, "coupling": 0.0, "kappa": [1.0, 1.0]},
        "noise": {"name": "skewed", "total": 16.0},
        "method": "amss",
        "stepsize": 0.1,
        "start": 0.0,
    }
}


def bench(*, repeats: int = 3, blocks: int = 12, seconds: float = 1.0) -> dict[str, Any]:
    """Measure, and return what docs and tables read, in JSON types; about 4 repeats blocks seconds in all.

    blocks: in each measurement; seconds: about the time of a block.

    sleep: blocks that sleep, on one worker: overhead is the wall time of the driver from the first block handed out to
    the last one stored, over the time inside blocks, less 1. It takes no part in the competition for a core.
    simulate: real blocks, on one worker, the same way; the time inside blocks is that of the worker.
    two: real blocks on two workers, beside two processes that do half of the same blocks each in a plain loop. Both are
    measured in turns, `repeats` times; efficiency is the time of the loops over that of the driver, the median of the
    pairs; fastest is the least time of the loops over the least of the driver, which other load on the machine, always
    an addition, disturbs less. per_block: seconds that a block of no work costs, with everything (many such blocks on
    one worker). stored_bytes: of a block of each kind in the store.
    """
    steps = _steps(seconds)
    simulated = _plan({**_SIMULATE, "cell": {**_SIMULATE["cell"], "checkpoints": [steps // 2, steps]}}, blocks, 256)
    slept = _plan({**_SLEEP, "cell": {**_SLEEP["cell"], "seconds": seconds}}, blocks, 1)
    empty = _plan({**_SLEEP, "cell": {**_SLEEP["cell"], "seconds": 0.0}}, 50 * blocks, 1)
    overheads: dict[str, list[float]] = {"sleep": [], "simulate": []}
    sizes: dict[str, float] = {}
    for _ in range(repeats):
        for name, plan in (("sleep", slept), ("simulate", simulated)):
            wall, inside, size = _driven(plan, 1)
            overheads[name].append(wall / inside - 1)
            sizes[name] = size / blocks
    wall, _, _ = _driven(empty, 1)
    pairs = []
    for turn in range(repeats):
        measured = {}
        for what in ("loops", "driver") if turn % 2 else ("driver", "loops"):
            measured[what] = _alone(simulated, 2) if what == "loops" else _driven(simulated, 2)[0]
        pairs.append(measured)
    return {
        "cores": os.cpu_count(),
        "blocks": blocks,
        "seconds": seconds,
        "repeats": repeats,
        "overhead": {name: _summary(values) for name, values in overheads.items()},
        "per_block": wall / (50 * blocks),
        "stored_bytes": sizes,
        "two_workers": {
            "driver_seconds": [pair["driver"] for pair in pairs],
            "loops_seconds": [pair["loops"] for pair in pairs],
            "efficiency": statistics.median(pair["loops"] / pair["driver"] for pair in pairs),
            "fastest": min(pair["loops"] for pair in pairs) / min(pair["driver"] for pair in pairs),
        },
    }


def table(record: dict[str, Any]) -> Table:
    """The measurement as a table."""
    found = Table(title=f"sweeps: blocks of about {record['seconds']:g} s, {record['blocks']} a measurement")
    for heading in ("what", "median", "of", "runs"):
        found.add_column(heading)
    for name, values in record["overhead"].items():
        runs = ", ".join(f"{value:.2%}" for value in values["runs"])
        found.add_row(
            f"overhead, kind {name}, one worker", f"{values['median']:.2%}", "of the time inside blocks", runs
        )
    two = record["two_workers"]
    runs = ", ".join(f"{a / b:.3f}" for a, b in zip(two["loops_seconds"], two["driver_seconds"], strict=True))
    found.add_row("two workers", f"{two['efficiency']:.3f}", "of two loops side by side", runs)
    found.add_row("two workers, fastest runs", f"{two['fastest']:.3f}", "of two loops side by side", "")
    found.add_row("a block of no work", f"{1e3 * record['per_block']:.2f} ms", "of wall time, one worker", "")
    for name, size in record["stored_bytes"].items():
        found.add_row(f"store, kind {name}", f"{size / 1e3:.1f} kB", "a block", "")
    return found


def _steps(seconds: float) -> int:
    """Steps that take about so long here, even."""
    plan = _plan({**_SIMULATE, "cell": {**_SIMULATE["cell"], "checkpoints": [500, 1000]}}, 1, 256)
    return max(2, 2 * round(500 * seconds / plan.kind.measured(plan.cells[0])))


def _plan(values: dict[str, Any], blocks: int, size: int) -> Plan:
    return plan_of("bench", {**values, "replicates": blocks * size})


def _driven(plan: Plan, workers: int) -> tuple[float, float, float]:
    """Wall time of the driver, time inside blocks and bytes stored; workers are ready before the clock starts."""
    pool = Pool(workers)
    _warm(pool, plan, workers)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.sqlite"
        with Store.open(path, write=True) as store:
            store.register(plan.name, plan.configuration, plan.blocks())
            clock = _Clock(pool)
            drive(store, plan.blocks(), clock, total=sum(plan.counts))
            inside = sum(block.seconds for block in store.blocks())
            store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return clock.last - clock.first, inside, float(path.stat().st_size)


class _Clock(Executor):
    """A pool, and the times at which the first block was asked for and everything was stored."""

    def __init__(self, pool: Pool) -> None:
        self.pool, self.first, self.last = pool, 0.0, 0.0

    @property
    def workers(self) -> int:
        return self.pool.workers

    def submit(self, function: Any, /, block: Block) -> Any:  # type: ignore[override]
        self.first = self.first or time.perf_counter()
        return self.pool.submit(function, block)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self.last = time.perf_counter()
        self.pool.shutdown(wait, cancel_futures=cancel_futures)


def _warm(pool: Pool, plan: Plan, workers: int) -> None:
    """Every worker has imported what it needs and has done a short block."""
    values = plan.study.model_dump()
    cell = {**values["cell"], **({"seconds": 0.5} if plan.study.kind == "sleep" else {"checkpoints": [1, 32]})}
    warm = plan_of(
        "warm", {**values, "cell": cell, "replicates": 2 * workers * (values["replicates"] // plan.counts[0])}
    )
    while len(pool.pids) < workers:
        time.sleep(0.01)
    for future in [pool.submit(run_block, block) for block in warm.blocks()]:
        future.result()


def _alone(plan: Plan, processes: int) -> float:
    """Wall time of plain loops over the same blocks, side by side, from a common start to the last end."""
    context = multiprocessing.get_context("spawn")
    blocks = list(plan.blocks())
    barrier, ends = context.Barrier(processes + 1), context.SimpleQueue()
    parts = [blocks[first::processes] for first in range(processes)]
    loops = [context.Process(target=_loop, args=(part, barrier, ends), daemon=True) for part in parts]
    for loop in loops:
        loop.start()
    barrier.wait()
    began = time.perf_counter()
    for _ in loops:
        ends.get()
    took = time.perf_counter() - began
    for loop in loops:
        loop.join()
    return took


def _loop(blocks: Sequence[Block], barrier: Any, ends: Any) -> None:
    run_block(blocks[0])  # as the workers of the pool have done
    barrier.wait()
    for block in blocks:
        run_block(block)
    ends.put(None)


def _summary(values: Sequence[float]) -> dict[str, Any]:
    return {"median": statistics.median(values), "runs": list(values)}
