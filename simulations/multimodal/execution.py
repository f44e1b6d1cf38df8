"""All runs of a command, in worker processes with one thread each."""

import multiprocessing
import os
import re
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import torch

from simulations.multimodal.checkpoint import Folder, identity
from simulations.multimodal.datasets import Dataset
from simulations.multimodal.nonfinite import Finding
from simulations.multimodal.settings import Settings
from simulations.multimodal.sources import load
from simulations.multimodal.training import Watch, train


@dataclass(frozen=True)
class Task:
    """A run that is asked for: a method on a seed, and a stepsize in place of the settings' own."""

    method: str
    seed: int
    lr: float | None = None

    @property
    def folder(self) -> str:
        """A name for its folder."""
        safe = re.sub(r"[^A-Za-z0-9_.-]+", "_", self.method.replace("+", "-plus"))
        return f"{safe}-{self.seed}" + ("" if self.lr is None else f"-lr{self.lr:g}")


@dataclass(frozen=True)
class Place:
    """Where runs write, and what else they do: see Watch. Without a folder they write nothing."""

    folder: Path | None = None
    resume: bool = False
    tensorboard: bool = False
    diagnose: bool = False


Outcome = dict[str, Any] | Finding
"""The JSON of a Run, or what stopped it."""

_worker: tuple[Dataset, Settings, Place, Event] | None = None


def run_all(
    dataset: Dataset,
    settings: Settings,
    tasks: Sequence[Task],
    done: Callable[[Outcome], None],
    place: Place | None = None,
) -> list[Outcome]:
    """Train every task and return the outcomes in their order: the JSON of a Run, or a Finding.

    `done` is called in this process with each outcome as it arrives. Every run uses one thread, so that the numbers
    are the same with any number of workers. Worker processes read the data set by its name, and end with this process.
    On KeyboardInterrupt they end after their current epoch, and it is raised again. BrokenProcessPool is raised when a
    worker dies.
    """
    place = place or Place()
    workers = 1 if settings.training.device != "cpu" else min(settings.workers, len(tasks))
    outcomes: dict[Task, Outcome] = {}
    if workers == 1:
        with _one_thread():
            for task in tasks:
                outcomes[task] = _outcome(dataset, settings, place, task, lambda: False)
                done(outcomes[task])
        return [outcomes[task] for task in tasks]
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    # By name: this process would wait, deaf to Ctrl-C, until a new worker has imported enough to read the arrays.
    pool = ProcessPoolExecutor(workers, context, _start, (settings, place, stop))
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


def _outcome(dataset: Dataset, settings: Settings, place: Place, task: Task, stop: Callable[[], bool]) -> Outcome:
    folder = None
    if place.folder is not None:
        folder = Folder(place.folder / task.folder, _identity(dataset, settings, task, place))
        ended = folder.outcome() if place.resume else None
        if ended is not None:
            return _read(ended)
    board = place.folder / task.folder / "tensorboard" if place.tensorboard and place.folder is not None else None
    watch = Watch(folder, place.resume, stop, board, place.diagnose)
    found = train(dataset, task.method, task.seed, settings, task.lr, watch)
    if folder is not None:
        folder.finish({"finding": found.as_json()} if isinstance(found, Finding) else found.as_json())
    return found if isinstance(found, Finding) else found.as_json()


def _identity(dataset: Dataset, settings: Settings, task: Task, place: Place) -> str:
    """Of what the numbers of a run follow from: not the other methods, the number of seeds or the workers."""
    kept = settings.model_dump(mode="json", include={"data", "model", "training", "root"})
    _, options = settings.method(task.method)
    return identity(
        dataset.sha256, kept, task.method, options.model_dump(mode="json"), task.seed, task.lr, place.diagnose
    )


def _read(ended: dict[str, Any]) -> Outcome:
    if "finding" in ended:
        return Finding(**{name: value for name, value in ended["finding"].items() if name != "line"})
    return {name: value for name, value in ended.items() if name != "identity"}


def _start(settings: Settings, place: Place, stop: Event) -> None:
    global _worker
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    torch.set_num_threads(1)
    _worker = load(settings.data.name, settings.data.options), settings, place, stop


def _work(task: Task) -> Outcome:
    assert _worker is not None
    dataset, settings, place, stop = _worker
    return _outcome(dataset, settings, place, task, stop.is_set)


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
