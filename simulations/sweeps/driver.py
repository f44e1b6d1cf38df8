"""The driver: hands blocks to an executor and writes what comes back, until nothing is left."""

import queue
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from simulations.sweeps.executors import Executor, LostExecutor, Work
from simulations.sweeps.outcome import Block, Outcome
from simulations.sweeps.store import Store
from simulations.sweeps.tasks import failed, run_block

FLUSH_S = 0.5
"""An outcome waits this long, at most, for others to be written with it."""

_MOST_HELD = 256  # outcomes of one transaction


@dataclass
class Tally:
    """Where a study stands.

    total: blocks. before: of them done before this run. skipped: failed before and not tried again. done, failed: in
    this run, written. estimate: seconds of work, by the estimates of the blocks done in this run. retried: those that
    had failed before and are done now.
    """

    total: int
    before: int = 0
    skipped: int = 0
    done: int = 0
    failed: int = 0
    estimate: float = 0.0

    @property
    def finished(self) -> int:
        """Blocks that are done."""
        return self.before + self.done

    @property
    def left(self) -> int:
        """Blocks that have no outcome yet."""
        return self.total - self.finished - self.skipped - self.failed


class Stopped(Exception):
    """The study was stopped before its end, by Ctrl-C or because nobody was left to work; tally: where it stands."""

    def __init__(self, reason: str, tally: Tally, *, asked: bool) -> None:
        """asked: by Ctrl-C or SIGTERM."""
        super().__init__(reason)
        self.tally, self.asked = tally, asked


def drive(
    store: Store,
    blocks: Iterable[Block],
    executor: Executor,
    *,
    total: int,
    retry_failed: bool = False,
    seen: Callable[[Tally], None] = lambda tally: None,
    work: Work = run_block,
) -> Tally:
    """Do every block of a registered study that has no outcome in the store.

    Blocks are drawn from the iterable when there is room for them, so that memory does not grow with the study.
    Outcomes are written every half second, or after 256 of them; a block is acknowledged once `seen` was called with a
    tally that counts it. The executor is shut down at the end, whatever the end is.

    Ctrl-C and SIGTERM raise Stopped after what has come back is written; blocks in work are given up. So does an
    executor with nobody left. A StoreError passes through: what it could not write is not acknowledged.
    """
    run = _Run(store, executor, Tally(total), seen, work)
    try:
        with _terminated():
            run.go(blocks, retry_failed)
    except KeyboardInterrupt:
        run.give_up()
        raise Stopped("interrupted", run.tally, asked=True) from None
    except LostExecutor as error:
        run.give_up()
        raise Stopped(str(error), run.tally, asked=False) from error
    except BaseException:
        executor.shutdown(wait=False, cancel_futures=True)
        raise
    executor.shutdown()
    return run.tally


class _Run:
    def __init__(
        self, store: Store, executor: Executor, tally: Tally, seen: Callable[[Tally], None], work: Work
    ) -> None:
        self.store, self.executor, self.tally, self.seen, self.work = store, executor, tally, seen, work
        self.arrived: queue.SimpleQueue[tuple[Block, Future[Outcome]]] = queue.SimpleQueue()
        self.out = 0
        self.held: list[tuple[Block, Outcome]] = []
        self.flushed = time.monotonic()

    def go(self, blocks: Iterable[Block], retry_failed: bool) -> None:
        todo = self.todo(blocks, retry_failed)
        waiting = next(todo, None)
        while waiting is not None or self.out:
            room = self.executor.in_flight - self.out
            while waiting is not None and room > 0:
                self.submit(waiting)
                room -= 1
                waiting = next(todo, None)
                if self.held and time.monotonic() - self.flushed >= FLUSH_S:
                    break
            self.take(FLUSH_S)
            if self.held and (len(self.held) >= _MOST_HELD or time.monotonic() - self.flushed >= FLUSH_S):
                self.flush()
        self.flush()

    def todo(self, blocks: Iterable[Block], retry_failed: bool) -> Iterator[Block]:
        done, bad = self.store.finished(), self.store.failed()
        for block in blocks:
            if block.id in done:
                self.tally.before += 1
            elif block.id in bad and not retry_failed:
                self.tally.skipped += 1
            else:
                yield block
        self.seen(self.tally)

    def submit(self, block: Block) -> None:
        future = self.executor.submit(self.work, block)
        self.out += 1
        future.add_done_callback(lambda done: self.arrived.put((block, done)))

    def take(self, seconds: float) -> None:
        """Wait for an outcome, then take all that are there."""
        try:
            block, future = self.arrived.get(timeout=seconds)
            while True:
                self.out -= 1
                self.held.append((block, _outcome(block, future)))
                block, future = self.arrived.get_nowait()
        except queue.Empty:
            return

    def flush(self) -> None:
        if self.held:
            self.store.add([outcome for _, outcome in self.held])
            for block, outcome in self.held:
                self.tally.estimate += block.estimate_s
                if outcome.status == "done":
                    self.tally.done += 1
                else:
                    self.tally.failed += 1
            self.held = []
        self.flushed = time.monotonic()
        self.seen(self.tally)

    def give_up(self) -> None:
        """Write what is here and end the executor."""
        with _deaf():
            while True:
                try:
                    block, future = self.arrived.get_nowait()
                except queue.Empty:
                    break
                if not future.cancelled() and future.exception() is None:
                    self.held.append((block, future.result()))
            try:
                self.flush()
            finally:
                self.executor.shutdown(wait=False, cancel_futures=True)


def _outcome(block: Block, future: Future[Outcome]) -> Outcome:
    try:
        return future.result()
    except LostExecutor:
        raise
    except Exception as error:  # of the executor: what the block raises is in its outcome
        return failed(block, " ".join(f"{type(error).__name__}: {error}".split()))


@contextmanager
def _terminated() -> Iterator[None]:
    """SIGTERM, which batch systems send, is answered as Ctrl-C is."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _deaf() -> Iterator[None]:
    """A second Ctrl-C does not interrupt the writing of what came back."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = [(number, signal.signal(number, signal.SIG_IGN)) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)
