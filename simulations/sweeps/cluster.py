"""Blocks on a Dask cluster: one that runs already, or one of processes on this machine."""

import importlib.util
import logging
import time
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from typing import Any

from amss_min.testing.loading import BadInput
from simulations.audit import MissingExtra
from simulations.sweeps.executors import Executor, LostBlock, LostExecutor, Work
from simulations.sweeps.outcome import Block, Outcome, canonical

_CONNECT_S = 10
_ASK_S = 3.0

_LOCAL = {
    # A worker is given one block at a time, so that a block is never blamed for the end of another one's worker ...
    "distributed.scheduler.worker-saturation": 1.0,
    # ... and a block that has ended two workers is given up, as in a pool.
    "distributed.scheduler.allowed-failures": 1,
}


class Cluster(Executor):
    """The scheduler at this address, or, without one, a scheduler and `workers` processes of one thread each here.

    The scheduler gives a block whose worker was lost to another one, and gives a block up that has lost too many of
    them (two here; elsewhere its own setting distributed.scheduler.allowed-failures). A block whose payload names
    resources goes to workers that offer them: `dask worker --resources GPU=1`.

    Raises MissingExtra without the packages, and BadInput where no scheduler answers.
    """

    def __init__(self, workers: int, scheduler: str | None = None) -> None:
        """Connect."""
        if importlib.util.find_spec("distributed") is None:
            raise MissingExtra("engine 'dask' needs the extra 'cluster', found no distributed")
        import dask
        import distributed

        dask_of: Any = distributed  # it has no types

        self._cluster: Any = None
        self._address = scheduler or "this machine"
        try:
            if scheduler is None:
                with dask.config.set(_LOCAL):
                    self._cluster = dask_of.LocalCluster(
                        n_workers=workers,
                        threads_per_worker=1,
                        processes=True,
                        dashboard_address=None,
                        silence_logs=logging.CRITICAL,
                    )
            self.client: Any = dask_of.Client(self._cluster or scheduler, timeout=_CONNECT_S, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            if self._cluster is not None:
                self._cluster.close()
            reason = " ".join(str(error).split()) or type(error).__name__
            raise BadInput(f"no Dask scheduler at {self._address}: {reason}") from error
        self._executors: dict[str, Any] = {}
        self._workers, self._asked = 1, -_ASK_S

    @property
    def workers(self) -> int:
        """Threads of all workers that the scheduler has, at least 1; asked for every few seconds."""
        if time.monotonic() - self._asked > _ASK_S:
            with suppress(Exception):  # a scheduler that is gone is noticed elsewhere
                self._workers = max(1, sum(int(threads) for threads in self.client.nthreads().values()))
            self._asked = time.monotonic()
        return self._workers

    @property
    def in_flight(self) -> int:
        """Four for each worker: outcomes come back over the network."""
        return 4 * self.workers + 4

    def submit(self, function: Work, /, block: Block) -> Future[Outcome]:  # type: ignore[override]
        """Ask the scheduler for function(block)."""
        needs = dict(block.payload.get("resources", {}))
        key = canonical(needs)
        if key not in self._executors:
            extra = {"resources": needs} if needs else {}
            self._executors[key] = self.client.get_executor(pure=False, **extra)
        if self.client.status != "running":
            raise LostExecutor(f"the Dask scheduler at {self._address} does not answer")
        asked: Future[Outcome] = self._executors[key].submit(function, block)
        given: Future[Outcome] = Future()
        given.set_running_or_notify_cancel()
        asked.add_done_callback(lambda done: _pass_on(done, given, self._address))
        return given

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Leave the scheduler, and end it where it was started here."""
        for each in self._executors.values():
            each.shutdown(wait=wait and not cancel_futures)  # without wait it cancels
        self.client.close()
        if self._cluster is not None:
            self._cluster.close()


def _pass_on(done: "Future[Outcome]", given: "Future[Outcome]", address: str) -> None:
    from distributed import KilledWorker

    try:
        given.set_result(done.result())
    except CancelledError:
        given.set_exception(LostExecutor(f"the Dask scheduler at {address} gave up its blocks"))
    except KilledWorker as error:
        given.set_exception(LostBlock(f"the block ended its workers: {' '.join(str(error).split())}"))
    except Exception as error:
        given.set_exception(error)
