"""Small blocks and outcomes for the tests of the store."""

import numpy as np

from simulations.sweeps.moments import Moments
from simulations.sweeps.outcome import Block, Outcome, task_id
from simulations.sweeps.sketch import Sketch

CONFIGURATION = {"name": "sample"}


def block(number: int, keep: float = 0.25) -> Block:
    cell = {"noise": {"name": "skewed", "skew": 2.0}, "keep": keep}
    identity = task_id("sleep", cell, number)
    return Block(id=identity, kind="sleep", cell=cell, number=number, payload={"first": 4 * number}, estimate_s=2.0)


def blocks(count: int, keep: float = 0.25) -> list[Block]:
    return [block(number, keep) for number in range(count)]


def values(number: int, keep: float = 0.25) -> np.ndarray:  # type: ignore[type-arg]
    return np.random.default_rng([number, int(1000 * keep)]).lognormal(size=(4, 3))


def done(of: Block, size: int = 0) -> Outcome:
    """The outcome of a block, with `size` more numbers to take up room."""
    rows = values(of.number, float(of.cell["keep"]))
    return Outcome(
        id=of.id,
        status="done",
        seconds=0.5,
        versions={"numpy": "2"},
        summary={"replicates": 4, "worst": float("inf")},
        curves={"checkpoints": np.array([1, 10, 100]), "room": np.full(size, 0.5)},
        moments={"energy": Moments.of(rows)},
        sketches={"energy": Sketch.of(rows)},
    )


def failed(of: Block, error: str = "Traceback\nValueError: no") -> Outcome:
    return Outcome(id=of.id, status="failed", seconds=0.1, versions={"numpy": "2"}, error=error)
