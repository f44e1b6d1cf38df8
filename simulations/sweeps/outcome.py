"""A block of work, and what comes back from it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from simulations.sweeps.moments import Moments
from simulations.sweeps.sketch import Sketch

VERSION = 1
"""Of the content of a task: another one gives other ids, so that blocks are computed anew."""

Curve = NDArray[np.float64 | np.float32 | np.int64 | np.int32 | np.bool_]


def canonical(value: Any) -> str:
    """JSON of a value in its one spelling: sorted keys, no spaces, ASCII.

    >>> canonical({"b": 1.0, "a": [True, None]})
    '{"a":[true,null],"b":1.0}'

    Raises ValueError for a number that JSON lacks (inf, nan), TypeError for what is no JSON value. Integers and floats
    are different values: 1 is not 1.0.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def task_id(kind: str, cell: Mapping[str, Any], number: int) -> str:
    """The id of a block: blake2b of what it computes, 32 hexadecimal digits.

    >>> task_id("sleep", {"a": 1, "b": 2}, 0) == task_id("sleep", {"b": 2, "a": 1}, 0)
    True
    >>> len(task_id("sleep", {}, 0))
    32
    """
    text = canonical({"kind": kind, "cell": dict(cell), "block": number, "version": VERSION})
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Block:
    """A piece of one cell, 1 to 30 s of work.

    id: as from `task_id`. kind: which function does it ("simulate", "train" or "sleep"). cell: the configuration, JSON
    values. number: from 0 within the cell. payload: what the worker needs beside the cell, JSON values.
    estimate_s: expected time, seconds.
    """

    id: str
    kind: str
    cell: Mapping[str, Any]
    number: int
    payload: Mapping[str, Any] = field(default_factory=dict)
    estimate_s: float = 1.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """What a worker sends back, by the id of the block.

    status: "done" or "failed". seconds: time of the work. versions: packages and their versions. error: "", or the
    traceback of a failed block.

    summary: JSON values by name. curves: arrays by name, thinned (dtype float64, float32, int64, int32 or bool). By
    convention curves["checkpoints"] (C,) int64 holds the steps that moments and sketches belong to.
    moments, sketches: by quantity, one column for each checkpoint (or one column alone); merged over the blocks of a
    cell, so all blocks of a cell must have the same columns.
    """

    id: str
    status: Literal["done", "failed"]
    seconds: float = 0.0
    versions: Mapping[str, str] = field(default_factory=dict)
    summary: Mapping[str, Any] = field(default_factory=dict)
    curves: Mapping[str, Curve] = field(default_factory=dict)
    moments: Mapping[str, Moments] = field(default_factory=dict)
    sketches: Mapping[str, Sketch] = field(default_factory=dict)
    error: str = ""
