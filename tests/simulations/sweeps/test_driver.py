"""The driver, without other processes: order, failures, interrupts, resumption."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulations.sweeps import driver
from simulations.sweeps.driver import Stopped, Tally, drive
from simulations.sweeps.executors import Executor, Inline, LostBlock, LostExecutor, Work
from simulations.sweeps.outcome import Block, Outcome
from simulations.sweeps.store import Store
from simulations.sweeps.store_error import StoreError
from simulations.sweeps.studies import plan_of
from simulations.sweeps.tasks import run_block
from tests.simulations.sweeps.numbers import SIMULATE, SLEEP, numbers


class Shuffled(Executor):
    """Holds blocks back and does them in a random order, in a thread of its own."""

    def __init__(self, seed: int, most: int = 5) -> None:
        self._random, self._most = np.random.default_rng(seed), most
        self._held: list[tuple[Work, Block, Future[Outcome]]] = []
        self._lock = threading.Lock()
        self._over = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        self.most_held = 0

    @property
    def workers(self) -> int:
        return self._most

    @property
    def in_flight(self) -> int:
        return self._most

    def submit(self, function: Work, /, block: Block) -> Future[Outcome]:  # type: ignore[override]
        future: Future[Outcome] = Future()
        with self._lock:
            self._held.append((function, block, future))
            self.most_held = max(self.most_held, len(self._held))
        return future

    def _serve(self) -> None:
        while not self._over:
            with self._lock:
                at = int(self._random.integers(len(self._held))) if self._held else None
                chosen = None if at is None else self._held.pop(at)
            if chosen is None:
                time.sleep(0.001)
                continue
            function, block, future = chosen
            future.set_result(function(block))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._over = True
        self._thread.join()


class Scripted(Inline):
    """Does blocks at once, and raises at one of them."""

    def __init__(self, at: int, error: BaseException, *, of_future: bool = True) -> None:
        self.at, self.error, self.of_future, self.asked, self.ended = at, error, of_future, 0, False

    def submit(self, function: Work, /, block: Block) -> Future[Outcome]:  # type: ignore[override]
        self.asked += 1
        if self.asked - 1 != self.at:
            return super().submit(function, block)
        if not self.of_future:
            raise self.error
        future: Future[Outcome] = Future()
        future.set_exception(self.error)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self.ended = True


def run(path: Path, values: dict[str, Any], executor: Executor, **options: Any) -> Tally:
    plan = plan_of("x", values)
    with Store.open(path, write=True) as store:
        store.register(plan.name, plan.configuration, plan.blocks())
        return drive(store, plan.blocks(), executor, total=sum(plan.counts), **options)


def test_numbers_do_not_depend_on_the_order(tmp_path: Path) -> None:
    tally = run(tmp_path / "a.sqlite", SIMULATE, Inline())
    assert (tally.done, tally.failed, tally.left, tally.finished) == (8, 0, 0, 8)
    expected = numbers(tmp_path / "a.sqlite")
    assert len(expected) > 8 * 3
    for seed in range(3):
        executor = Shuffled(seed)
        run(tmp_path / f"{seed}.sqlite", SIMULATE, executor)
        assert numbers(tmp_path / f"{seed}.sqlite") == expected
        assert executor.most_held <= executor.in_flight


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    run(path, {**SIMULATE, "replicates": 4}, Inline())
    again = Scripted(-1, RuntimeError())
    tally = run(path, SIMULATE, again)
    assert (tally.before, tally.done, again.asked) == (4, 4, 4)
    run(tmp_path / "b.sqlite", SIMULATE, Inline())
    assert numbers(path) == numbers(tmp_path / "b.sqlite")


def test_a_failing_block_keeps_its_traceback_and_stops_no_other(tmp_path: Path) -> None:
    path, needed = tmp_path / "a.sqlite", tmp_path / "needed"
    values = {**SLEEP, "cell": {**SLEEP["cell"], "needs": str(needed)}, "axes": [{"fail": [[], [1]]}]}
    needed.touch()
    tally = run(path, values, Inline())
    assert (tally.done, tally.failed) == (5, 1)
    with Store.open(path) as store:
        (failure,) = store.blocks(failed_only=True)
    assert "Traceback" in failure.error
    assert "RuntimeError: block 1 was told to fail" in failure.error
    tally = run(path, values, Inline())
    assert (tally.before, tally.skipped, tally.done, tally.failed, tally.left) == (5, 1, 0, 0, 0)


def test_failed_blocks_are_tried_again_when_asked(tmp_path: Path) -> None:
    path, needed = tmp_path / "a.sqlite", tmp_path / "needed"
    values = {**SLEEP, "cell": {**SLEEP["cell"], "needs": str(needed)}}
    assert run(path, values, Inline()).failed == 6
    assert run(path, values, Inline()).skipped == 6
    needed.touch()
    tally = run(path, values, Inline(), retry_failed=True)
    assert (tally.done, tally.failed) == (6, 0)
    run(tmp_path / "b.sqlite", values, Inline())
    assert numbers(path) == numbers(tmp_path / "b.sqlite")


def test_a_block_that_ends_its_workers_is_failed_for_that_reason(tmp_path: Path) -> None:
    tally = run(tmp_path / "a.sqlite", SLEEP, Scripted(2, LostBlock("the block ended 2 worker processes")))
    assert (tally.done, tally.failed) == (5, 1)
    with Store.open(tmp_path / "a.sqlite") as store:
        (failure,) = store.blocks(failed_only=True)
    assert failure.error == "LostBlock: the block ended 2 worker processes"


@pytest.mark.parametrize("of_future", [True, False])
@pytest.mark.parametrize(("error", "asked"), [(LostExecutor("nobody is left"), False), (KeyboardInterrupt(), True)])
def test_a_stop_writes_what_came_back_and_says_where_it_stands(
    tmp_path: Path, error: BaseException, asked: bool, of_future: bool
) -> None:
    executor = Scripted(3, error, of_future=of_future)
    seen: list[int] = []
    with pytest.raises(Stopped) as stop:
        run(tmp_path / "a.sqlite", SLEEP, executor, seen=lambda tally: seen.append(tally.done))
    assert executor.ended
    assert stop.value.asked is asked
    with Store.open(tmp_path / "a.sqlite") as store:
        assert len(store.finished()) == stop.value.tally.done == seen[-1] == 3
    assert run(tmp_path / "a.sqlite", SLEEP, Inline()).done == 3


def test_blocks_are_drawn_when_there_is_room_for_them(tmp_path: Path) -> None:
    plan = plan_of("x", {**SLEEP, "replicates": 50})
    drawn = 0

    def blocks() -> Iterator[Block]:
        nonlocal drawn
        for block in plan.blocks():
            drawn += 1
            yield block

    executor = Shuffled(0, most=4)
    ahead = []
    done = 0

    def work(block: Block) -> Outcome:
        nonlocal done
        ahead.append(drawn - done)
        done += 1
        return run_block(block)

    with Store.open(tmp_path / "a.sqlite", write=True) as store:
        store.register("x", {}, plan.blocks())
        drive(store, blocks(), executor, total=100, work=work)
    assert done == 100
    # those in flight, one held by the driver, and what was finished and not yet taken in
    assert max(ahead) <= 2 * executor.in_flight + 1


def test_a_store_that_cannot_be_written_ends_the_run_and_loses_nothing_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.sqlite"
    monkeypatch.setattr(driver, "FLUSH_S", 0.0)
    add = Store.add
    calls = 0

    def full(self: Store, outcomes: Any) -> int:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise StoreError("the disk is full")
        return add(self, outcomes)

    monkeypatch.setattr(Store, "add", full)
    executor = Scripted(-1, RuntimeError())
    acknowledged: list[int] = []
    with pytest.raises(StoreError, match="disk is full"):
        run(path, SLEEP, executor, seen=lambda tally: acknowledged.append(tally.done))
    assert executor.ended
    with Store.open(path) as store:
        assert len(store.finished()) == acknowledged[-1] == 2
    assert run(path, SLEEP, Inline()).done == 4
