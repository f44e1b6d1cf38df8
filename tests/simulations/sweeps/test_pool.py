"""The pool of processes: the same numbers, and what happens when workers die."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulations.sweeps.driver import Tally, drive
from simulations.sweeps.executors import Executor, Inline, LostBlock, LostExecutor
from simulations.sweeps.outcome import Block, Outcome
from simulations.sweeps.pool import Pool
from simulations.sweeps.store import Store
from simulations.sweeps.studies import plan_of
from simulations.sweeps.tasks import run_block
from tests.simulations.sweeps.numbers import SIMULATE, SLEEP, numbers


def run(path: Path, values: dict[str, Any], executor: Executor, **options: Any) -> Tally:
    plan = plan_of("x", values)
    with Store.open(path, write=True) as store:
        store.register(plan.name, plan.configuration, plan.blocks())
        return drive(store, plan.blocks(), executor, total=sum(plan.counts), **options)


def blocks(values: dict[str, Any]) -> list[Block]:
    return list(plan_of("x", values).blocks())


def raises(block: Block) -> Outcome:
    raise ValueError(f"not a block of mine: {block.number}")


def ends(block: Block) -> Outcome:
    os._exit(3)


def test_a_pool_without_workers_is_refused() -> None:
    with pytest.raises(ValueError, match="workers=0"):
        Pool(0)


@pytest.mark.slow
def test_ctrl_c_is_not_for_workers() -> None:
    code = (
        "import os, signal, time\n"
        "from pathlib import Path\n"
        "from simulations.sweeps.pool import Pool\n"
        "if __name__ == '__main__':\n"
        "    pool = Pool(2)\n"
        "    while len(pool.pids) < 2:\n"
        "        time.sleep(0.05)\n"
        "    for pid in pool.pids:\n"
        "        status = Path(f'/proc/{pid}/status').read_text().split('SigBlk:')[1].split()[0]\n"
        "        print(bool(int(status, 16) >> (signal.SIGINT - 1) & 1))\n"
        "    pool.shutdown()\n"
    )  # in a process of its own: multiprocessing's tracker, which takes masks away, may be running in this one
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True"]


@pytest.mark.slow
def test_numbers_are_those_of_one_process(tmp_path: Path) -> None:
    run(tmp_path / "inline.sqlite", SIMULATE, Inline())
    for workers in (1, 2):
        path = tmp_path / f"{workers}.sqlite"
        assert run(path, SIMULATE, Pool(workers)).done == 8
        assert numbers(path) == numbers(tmp_path / "inline.sqlite")


@pytest.mark.slow
def test_futures_hold_what_the_function_returns_or_raises() -> None:
    with Pool(1) as pool:
        first, second, *_ = blocks(SLEEP)
        good, bad, again = pool.submit(run_block, first), pool.submit(raises, second), pool.submit(run_block, second)
        assert good.result(120).id == first.id
        with pytest.raises(ValueError, match="not a block of mine: 1"):
            bad.result(120)
        assert again.result(120).id == second.id
        (pid,) = pool.pids
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(LostExecutor):
        pool.submit(run_block, first)


@pytest.mark.slow
def test_a_block_that_ends_its_worker_twice_is_given_up_and_the_others_go_on(tmp_path: Path) -> None:
    values = {**SLEEP, "axes": [{"crash": [[], [1]]}]}
    path = tmp_path / "a.sqlite"
    tally = run(path, values, Pool(2))
    assert (tally.done, tally.failed) == (5, 1)
    with Store.open(path) as store:
        (failure,) = store.blocks(failed_only=True)
    assert failure.number == 1
    assert failure.error.startswith("LostBlock: the block ended 2 worker processes, the last one by signal SIGKILL")


@pytest.mark.slow
def test_workers_that_end_by_themselves_say_so() -> None:
    with Pool(1) as pool:
        future = pool.submit(ends, blocks(SLEEP)[0])
        with pytest.raises(LostBlock, match="the last one by exit code 3"):
            future.result(120)


@pytest.mark.slow
def test_giving_up_ends_workers_in_the_middle_of_a_block() -> None:
    pool = Pool(2)
    futures = [pool.submit(run_block, block) for block in blocks({**SLEEP, "cell": {"seconds": 300.0}})]
    while len(pool.pids) < 2:
        time.sleep(0.05)
    pids = pool.pids
    began = time.monotonic()
    pool.shutdown(wait=False, cancel_futures=True)
    assert time.monotonic() - began < 60
    assert all(future.done() for future in futures)
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@pytest.mark.slow
def test_killed_workers_change_no_number(tmp_path: Path) -> None:
    values = {**SLEEP, "replicates": 30, "cell": {"seconds": 0.4}}
    run(tmp_path / "inline.sqlite", {**values, "cell": {"seconds": 0.4}}, Shortened())
    pool, random = Pool(2), np.random.default_rng(7)
    killed: list[int] = []
    over = threading.Event()

    def kill() -> None:
        while not over.wait(float(random.uniform(0.3, 1.5))) and len(killed) < 8:
            pids = pool.pids
            if pids:
                killed.append(pids[int(random.integers(len(pids)))])
                os.kill(killed[-1], signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    path = tmp_path / "a.sqlite"
    try:
        tally = run(path, values, pool)
    finally:
        over.set()
        killer.join()
    assert len(killed) >= 3
    # by chance a block may lose two workers; it is then failed, and tried again when asked
    if tally.failed:
        assert run(path, values, Pool(2), retry_failed=True).failed == 0
    assert numbers(path) == numbers(tmp_path / "inline.sqlite")


class Shortened(Inline):
    """Does not sleep: the numbers of a block do not depend on the time that it takes, only on its cell."""

    def submit(self, function: Any, /, block: Block) -> Any:  # type: ignore[override]
        sleep, time.sleep = time.sleep, lambda seconds: None
        try:
            return super().submit(function, block)
        finally:
            time.sleep = sleep
