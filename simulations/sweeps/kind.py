"""What a kind of work is: how a cell of it is checked, divided into blocks, estimated and run."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch

from simulations.sweeps.moments import Moments
from simulations.sweeps.outcome import Curve, canonical
from simulations.sweeps.sketch import Sketch


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a block finds; fields as in `Outcome`."""

    summary: Mapping[str, Any] = field(default_factory=dict)
    curves: Mapping[str, Curve] = field(default_factory=dict)
    moments: Mapping[str, Moments] = field(default_factory=dict)
    sketches: Mapping[str, Sketch] = field(default_factory=dict)


class Kind(ABC):
    """A kind of work. Cells are tables of JSON values; blocks of a cell have the numbers 0, 1, ...

    A kind holds no state, and what `run` returns follows from the cell and the number of the block alone.
    """

    name: ClassVar[str]
    settings: ClassVar[tuple[str, ...]]
    """The settings of a cell."""

    @abstractmethod
    def cell(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The cell with its defaults, as JSON values; raises BadInput or UnknownName for what cannot be."""

    def count(self, cell: Mapping[str, Any], replicates: int) -> int:
        """Blocks of so many replicates: one each, unless a kind says otherwise."""
        return replicates

    @abstractmethod
    def seconds(self, cell: Mapping[str, Any]) -> float:
        """The expected time of a block, seconds, from constants: the same on every machine."""

    def family(self, cell: Mapping[str, Any]) -> str:
        """Cells of one family fail and cost alike: one of each is tried before a study begins."""
        return ""

    def measured(self, cell: Mapping[str, Any]) -> float:
        """The expected time of a block on this machine, seconds, from a trial; raises BadInput where it cannot run."""
        return self.seconds(cell)

    def size(self, cell: Mapping[str, Any]) -> float:
        """Bytes of a block in the store, about."""
        return 2000.0

    def resources(self, cell: Mapping[str, Any]) -> dict[str, float]:
        """What a worker of a Dask cluster must offer, by name."""
        return {}

    @abstractmethod
    def run(self, cell: Mapping[str, Any], number: int) -> Found:
        """Do a block; what it raises fails that block alone."""


def normal(value: Any) -> Any:
    """JSON values with whole floats as integers: 1.0 and 1 in a study are the same cell.

    >>> normal({"keep": 1.0, "stepsize": 0.5, "start": (0.0, 2)})
    {'keep': 1, 'stepsize': 0.5, 'start': [0, 2]}
    """
    if isinstance(value, Mapping):
        return {str(key): normal(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [normal(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value


def cell_hash(cell: Mapping[str, Any]) -> str:
    """blake2b of the cell in its one spelling, 32 hexadecimal digits.

    >>> cell_hash({"a": 1, "b": 2}) == cell_hash({"b": 2, "a": 1})
    True
    """
    return hashlib.blake2b(canonical(dict(cell)).encode(), digest_size=16).hexdigest()


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread of torch: workers share the cores, and threads that wait for one another would hold them."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
