"""The one function that every executor calls: a block in, an outcome out."""

import platform
import time
import traceback
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

import numpy as np
import torch

from simulations.sweeps.kind import Kind, one_thread
from simulations.sweeps.outcome import Block, Outcome
from simulations.sweeps.simulating import Simulate
from simulations.sweeps.sleeping import Sleep
from simulations.sweeps.training import Train

KINDS: Mapping[str, Kind] = MappingProxyType({kind.name: kind for kind in (Simulate(), Sleep(), Train())})
"""The kinds of work by name."""


def run_block(block: Block) -> Outcome:
    """Do a block with one thread of torch; an exception inside becomes a failed outcome with its traceback.

    The numbers follow from the kind, the cell and the number of the block; the time does not.
    """
    began = time.perf_counter()
    try:
        with one_thread():
            found = KINDS[block.kind].run(block.cell, block.number)
    except Exception:
        return failed(block, traceback.format_exc(), time.perf_counter() - began)
    return Outcome(
        id=block.id,
        status="done",
        seconds=time.perf_counter() - began,
        versions=versions(),
        summary=found.summary,
        curves=found.curves,
        moments=found.moments,
        sketches=found.sketches,
    )


def failed(block: Block, error: str, seconds: float = 0.0) -> Outcome:
    """The outcome of a block that did not end well; error: a traceback, or a sentence."""
    return Outcome(id=block.id, status="failed", seconds=seconds, versions=versions(), error=error)


@cache
def versions() -> dict[str, str]:
    """Those that numbers may depend on."""
    return {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__}
