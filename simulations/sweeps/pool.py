"""A pool of worker processes that outlives its workers: a dead one is replaced, and its block alone is done again."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

from simulations.sweeps.executors import Executor, LostBlock, LostExecutor, Work
from simulations.sweeps.outcome import Block, Outcome

MOST_DEATHS = 2
"""Workers that a block may end before it is given up."""

_MOST_STARTS = 3  # workers that end in a row before they are ready: something is wrong with all of them


@dataclass(eq=False)
class _Asked:
    function: Work
    block: Block
    future: Future[Outcome] = field(default_factory=Future)
    deaths: int = 0


@dataclass(eq=False)
class _Worker:
    process: SpawnProcess
    pipe: Connection
    ready: bool = False
    asked: _Asked | None = None


class Pool(Executor):
    """Processes by the start method spawn, each with a pipe of its own, so that it is known what a dead one was doing.

    A block whose worker ended is asked for once more; where it ends a second one its future raises LostBlock. One
    thread of this process hands blocks out and takes outcomes in. Workers end with this process, however it ends.
    Ctrl-C is not for them.

    workers >= 1, ValueError otherwise.
    """

    def __init__(self, workers: int) -> None:
        """Start the thread; it starts the workers."""
        if workers < 1:
            raise ValueError(f"a pool needs a worker, found workers={workers}")
        self._number = workers
        self._context = multiprocessing.get_context("spawn")
        self._workers: list[_Worker] = []
        self._waiting: deque[_Asked] = deque()
        self._lock = threading.Lock()
        self._listens, self._wakes = self._context.Pipe(duplex=False)
        self._ending = self._abandoned = False
        self._bad_starts = 0
        self._broken = ""
        self._thread = threading.Thread(target=self._manage, name="pool of workers", daemon=True)
        self._thread.start()

    @property
    def workers(self) -> int:
        """As many as were asked for."""
        return self._number

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids of the workers that have begun."""
        return tuple(worker.process.pid or 0 for worker in self._workers if worker.ready)

    def submit(self, function: Work, /, block: Block) -> Future[Outcome]:  # type: ignore[override]
        """Ask for function(block); the function is sent by its name."""
        asked = _Asked(function, block)
        with self._lock:
            if self._broken:
                raise LostExecutor(self._broken)
            if self._ending:
                raise RuntimeError("a pool that was shut down takes no blocks")
            self._waiting.append(asked)
        self._wake()
        return asked.future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the workers when they have nothing left to do, or at once without wait."""
        with self._lock:
            self._ending = True
            self._abandoned = self._abandoned or not wait
            if cancel_futures:
                for asked in self._waiting:
                    asked.future.cancel()
                self._waiting.clear()
        self._wake()
        self._thread.join()

    def _wake(self) -> None:
        with suppress(OSError):  # the thread has ended
            self._wakes.send_bytes(b"1")

    def _manage(self) -> None:
        # A mask is inherited: workers started by this thread never see Ctrl-C, not even before their first line. The
        # tracker of resources, started with the first worker otherwise, would take the mask away again.
        resource_tracker.ensure_running()
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            while self._goes_on():
                self._replace()
                self._hand_out()
                ends: list[Any] = [self._listens]
                for worker in self._workers:
                    ends += [worker.pipe, worker.process.sentinel]
                heard = wait(ends)
                if self._listens in heard:
                    self._listens.recv_bytes()
                for worker in list(self._workers):
                    if worker.pipe in heard or worker.process.sentinel in heard:
                        self._listen(worker)
        finally:
            self._end()

    def _goes_on(self) -> bool:
        with self._lock:
            busy = bool(self._waiting) or any(worker.asked for worker in self._workers)
            return not self._broken and not self._abandoned and (busy or not self._ending)

    def _replace(self) -> None:
        while len(self._workers) < self._number:
            mine, theirs = self._context.Pipe()
            process = self._context.Process(target=_work, args=(theirs,), daemon=True)
            process.start()
            theirs.close()
            self._workers.append(_Worker(process, mine))

    def _hand_out(self) -> None:
        for worker in self._workers:
            while worker.ready and worker.asked is None:
                with self._lock:
                    asked = self._waiting.popleft() if self._waiting else None
                if asked is None:
                    return
                if asked.deaths or asked.future.set_running_or_notify_cancel():
                    worker.asked = asked
                    with suppress(OSError):  # it has died: its sentinel says so
                        worker.pipe.send((asked.function, asked.block))

    def _listen(self, worker: _Worker) -> None:
        try:
            while worker.pipe.poll():
                found = worker.pipe.recv()
                if found is None:
                    worker.ready, self._bad_starts = True, 0
                    continue
                asked, worker.asked = worker.asked, None
                assert asked is not None  # a worker answers once
                if isinstance(found, BaseException):
                    asked.future.set_exception(found)
                else:
                    asked.future.set_result(found)
        except (EOFError, OSError):
            worker.process.join(5)  # the pipe may close a moment before the process is gone
            worker.process.kill()
        if not worker.process.is_alive():
            self._bury(worker)

    def _bury(self, worker: _Worker) -> None:
        self._workers.remove(worker)
        worker.process.join()
        worker.pipe.close()
        code = worker.process.exitcode or 0
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        if not worker.ready:
            self._bad_starts += 1
            if self._bad_starts >= _MOST_STARTS * self._number:
                self._broken = f"workers end before they begin, {self._bad_starts} in a row, the last one by {how}"
        asked = worker.asked
        if asked is None:
            return
        asked.deaths += 1
        if asked.deaths >= MOST_DEATHS:
            told = f"the block ended {asked.deaths} worker processes, the last one by {how}"
            asked.future.set_exception(LostBlock(told + (": is there too little memory?" if code == -9 else "")))
        else:
            with self._lock:
                self._waiting.appendleft(asked)

    def _end(self) -> None:
        with self._lock:
            self._ending = True
            self._broken = self._broken or "the pool has ended"
            left = [*self._waiting, *(worker.asked for worker in self._workers if worker.asked)]
            self._waiting.clear()
        for worker in self._workers:
            if self._abandoned or worker.asked:
                worker.process.kill()
            worker.pipe.close()  # a worker that waits for a block ends when it hears nobody
        for worker in self._workers:
            worker.process.join(5)
            worker.process.kill()
            worker.process.join()
            worker.process.close()
        for asked in left:
            if not asked.future.cancel():
                asked.future.set_exception(LostExecutor(self._broken))
        self._wakes.close()
        self._listens.close()


def _work(pipe: Connection) -> None:
    """The life of a worker."""
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    import torch

    import simulations.sweeps.tasks  # noqa: F401  so that the first block does not wait for it

    torch.set_num_threads(1)
    with suppress(EOFError, OSError):
        pipe.send(None)
        while True:
            function, block = pipe.recv()
            try:
                found: object = function(block)
            except Exception as error:
                found = error
            pipe.send(found)


def _end_with_the_parent() -> None:
    # A worker in the middle of a block would otherwise go on for nobody.
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
