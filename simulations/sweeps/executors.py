"""Where blocks are done: in this process, in processes beside it, or on a Dask cluster; one interface for all."""

from abc import abstractmethod
from collections.abc import Callable
from concurrent.futures import Executor as FuturesExecutor
from concurrent.futures import Future

from amss_min.testing.loading import BadInput
from simulations.audit import UnknownName
from simulations.sweeps.outcome import Block, Outcome

Work = Callable[[Block], Outcome]

ENGINES = ("pool", "inline", "dask")


class LostBlock(Exception):
    """The process that did a block ended before the block did, more often than is borne; the message says how."""


class LostExecutor(Exception):
    """Nobody is left to do blocks; the message says why. What had come back before is not lost."""


class Executor(FuturesExecutor):
    """An executor of concurrent.futures that takes one block a call.

    A future raises LostBlock where the block has ended its process too often, and LostExecutor (submit too) where there
    is nobody left. What a block raises itself does not come here: `run_block` returns it.
    """

    @property
    @abstractmethod
    def workers(self) -> int:
        """How many blocks are done at the same time, now."""

    @property
    def in_flight(self) -> int:
        """How many blocks are handed over at most, so that no worker waits for the next one."""
        return 2 * self.workers + 2

    @abstractmethod
    def submit(self, function: Work, /, block: Block) -> Future[Outcome]:  # type: ignore[override]
        """Ask for function(block)."""

    @abstractmethod
    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End: wait for the blocks that were asked for, or cancel those not begun; wait=False gives up all of them."""


class Inline(Executor):
    """Everything in this process, when it is asked for: for debugging."""

    @property
    def workers(self) -> int:
        """1."""
        return 1

    @property
    def in_flight(self) -> int:
        """1: a block is done when `submit` returns."""
        return 1

    def submit(self, function: Work, /, block: Block) -> Future[Outcome]:  # type: ignore[override]
        """Do it now."""
        future: Future[Outcome] = Future()
        future.set_running_or_notify_cancel()
        try:
            future.set_result(function(block))
        except Exception as error:
            future.set_exception(error)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Nothing is left to end."""


def executor(engine: str, *, workers: int, scheduler: str | None = None) -> Executor:
    """The executor of an engine of ENGINES; workers: processes, unless there is a scheduler with workers of its own.

    Raises UnknownName for another engine, BadInput for a scheduler that is not there or has no use, and MissingExtra
    for dask where it is not installed.
    """
    if engine not in ENGINES:
        raise UnknownName("engine", engine, ENGINES)
    if scheduler is not None and engine != "dask":
        raise BadInput(f"--scheduler belongs to --engine dask, found it with --engine {engine}")
    if engine == "inline":
        return Inline()
    if engine == "pool":
        from simulations.sweeps.pool import Pool

        return Pool(workers)
    from simulations.sweeps.cluster import Cluster

    return Cluster(workers, scheduler)
