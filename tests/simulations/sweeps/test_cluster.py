"""A Dask cluster of two processes: the same numbers, whatever happens to its workers."""

import importlib.util
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from amss_min.testing.loading import BadInput
from simulations.audit import MissingExtra, UnknownName
from simulations.sweeps.executors import Inline, executor
from simulations.sweeps.outcome import Block, task_id
from simulations.sweeps.store import Store
from simulations.sweeps.tasks import run_block
from tests.simulations.sweeps.numbers import SIMULATE, SLEEP, numbers
from tests.simulations.sweeps.test_pool import Shortened, run

needs_dask = pytest.mark.skipif(
    importlib.util.find_spec("distributed") is None, reason="the extra 'cluster' (dask, distributed) is not installed"
)
# The packages leave sockets and loops to the garbage collector.
quiet = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")


def test_an_engine_that_there_is_not_is_refused() -> None:
    with pytest.raises(UnknownName, match="no engine 'dusk'; did you mean 'dask'"):
        executor("dusk", workers=1)
    with pytest.raises(BadInput, match="--scheduler belongs to --engine dask"):
        executor("pool", workers=1, scheduler="tcp://here:1")


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "distributed" else found(name, *rest)
    )
    with pytest.raises(MissingExtra, match="engine 'dask' needs the extra 'cluster', found no distributed"):
        executor("dask", workers=1)


@needs_dask
@quiet
@pytest.mark.slow
def test_a_scheduler_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from simulations.sweeps import cluster

    monkeypatch.setattr(cluster, "_CONNECT_S", 1)
    with pytest.raises(BadInput, match="no Dask scheduler at tcp"):
        executor("dask", workers=1, scheduler="tcp://127.0.0.1:1")


@needs_dask
@quiet
@pytest.mark.slow
def test_numbers_are_those_of_one_process(tmp_path: Path) -> None:
    run(tmp_path / "inline.sqlite", SIMULATE, Inline())
    assert run(tmp_path / "dask.sqlite", SIMULATE, executor("dask", workers=2)).done == 8
    assert numbers(tmp_path / "dask.sqlite") == numbers(tmp_path / "inline.sqlite")


@needs_dask
@quiet
@pytest.mark.slow
def test_killed_workers_change_no_number(tmp_path: Path) -> None:
    values = {**SLEEP, "replicates": 30, "cell": {"seconds": 0.4}}
    run(tmp_path / "inline.sqlite", values, Shortened())
    from simulations.sweeps.cluster import Cluster

    engine, random, over = Cluster(2), np.random.default_rng(11), threading.Event()
    killed: list[int] = []

    def kill() -> None:
        while not over.wait(float(random.uniform(1.0, 3.0))) and len(killed) < 5:
            pids = sorted(engine.client.run(os.getpid, on_error="ignore").values())
            if pids:
                killed.append(pids[int(random.integers(len(pids)))])
                os.kill(killed[-1], signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        tally = run(tmp_path / "dask.sqlite", values, engine)
    finally:
        over.set()
        killer.join()
    assert len(killed) >= 2
    if tally.failed:  # a block may lose two workers by chance
        assert run(tmp_path / "dask.sqlite", values, executor("dask", workers=2), retry_failed=True).failed == 0
    assert numbers(tmp_path / "dask.sqlite") == numbers(tmp_path / "inline.sqlite")


@needs_dask
@quiet
@pytest.mark.slow
def test_a_block_that_ends_its_workers_is_given_up_and_the_others_go_on(tmp_path: Path) -> None:
    values = {**SLEEP, "axes": [{"crash": [[], [1]]}]}
    tally = run(tmp_path / "a.sqlite", values, executor("dask", workers=2))
    assert (tally.done, tally.failed) == (5, 1)
    with Store.open(tmp_path / "a.sqlite") as store:
        (failure,) = store.blocks(failed_only=True)
    assert failure.number == 1
    assert failure.error.startswith("LostBlock: the block ended its workers")


@pytest.fixture
def scheduler() -> "Iterator[str]":
    """A scheduler in processes of its own, with a worker that offers a GPU and one that does not."""
    import distributed

    dask_of: Any = distributed  # it has no types
    with dask_of.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None, resources={"GPU": 1}
    ) as found:
        yield found.scheduler_address


@needs_dask
@quiet
@pytest.mark.slow
def test_a_running_scheduler_is_used_and_left_and_resources_are_asked_for(scheduler: str) -> None:
    cell = {"seconds": 0.0}
    wanted = [
        Block(id=task_id("sleep", cell, number), kind="sleep", cell=cell, number=number, payload=payload)
        for number, payload in enumerate([{}, {"resources": {"GPU": 1}}, {"resources": {"GPU": 2}}])
    ]
    for _ in range(2):
        with_gpu = executor("dask", workers=0, scheduler=scheduler)
        futures = [with_gpu.submit(run_block, block) for block in wanted]
        assert [future.result(120).status for future in futures[:2]] == ["done", "done"]
        assert not futures[2].done()
        with_gpu.shutdown(wait=False, cancel_futures=True)
