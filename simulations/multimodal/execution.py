"""All runs of a command, in worker processes with one thread each."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing.synchronize import Event

import torch

from simulations.multimodal.datasets import Dataset, load
from simulations.multimodal.nonfinite import Finding
from simulations.multimodal.settings import Settings
from simulations.multimodal.training import Run, train

Task = tuple[str, int]
_worker: tuple[Dataset, Settings, Event] | None = None


def run_all(
    dataset: Dataset, settings: Settings, tasks: Sequence[Task], done: Callable[[Run | Finding], None]
) -> list[Run | Finding]:
    """Train every (method, seed) and return the outcomes in the order of the tasks.

    `done` is called in this process with each outcome as it arrives. Every run uses one thread, so that the numbers
    are the same with any number of workers. Worker processes read the data set by its name, and end with this process.
    On KeyboardInterrupt they end after their current epoch, and it is raised again. BrokenProcessPool is raised when a
    worker dies.
    """
    workers = min(settings.workers, len(tasks))
    outcomes: dict[Task, Run | Finding] = {}
    if workers == 1:
        with _one_thread():
            for method, number in tasks:
                outcomes[method, number] = train(dataset, method, number, settings)
                done(outcomes[method, number])
        return [outcomes[task] for task in tasks]
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    # By name: this process would wait, deaf to Ctrl-C, until a new worker has imported enough to read the arrays.
    pool = ProcessPoolExecutor(workers, context, _start, (dataset.name, settings, stop))
    try:
        with _interrupts_ignored():
            futures = {pool.submit(_work, task): task for task in tasks}
        for future in as_completed(futures):
            outcomes[futures[future]] = future.result()
            done(outcomes[futures[future]])
    except BaseException:
        stop.set()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return [outcomes[task] for task in tasks]


def _start(name: str, settings: Settings, stop: Event) -> None:
    global _worker
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    torch.set_num_threads(1)
    _worker = load(name), settings, stop


def _work(task: Task) -> Run | Finding:
    assert _worker is not None
    dataset, settings, stop = _worker
    return train(dataset, *task, settings, stop=stop.is_set)


def _end_with_the_parent() -> None:
    # A pool's worker waits for its next task for ever, even when nobody is left to send one.
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Processes started inside inherit that Ctrl-C is not for them: it is answered here, once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
