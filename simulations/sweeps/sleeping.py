"""Blocks of the kind "sleep": they take a given time and give numbers of their seed; for tests and measurements."""

import os
import signal
import time
from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from amss_min.testing.loading import BadInput
from simulations.seeding import stream
from simulations.study import told
from simulations.sweeps.kind import Found, Kind, cell_hash
from simulations.sweeps.moments import Moments
from simulations.sweeps.sketch import Sketch

_ROWS = 16


class Settings(BaseModel):
    """seconds: time of a block. columns: C, of its numbers. seed, tag: tell cells apart.

    fail: blocks that raise. crash: blocks that kill their process. needs: a file without which a block raises.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seconds: Annotated[float, Field(ge=0, le=3600)] = 1.0
    columns: Annotated[int, Field(ge=1, le=10**6)] = 4
    fail: tuple[int, ...] = ()
    crash: tuple[int, ...] = ()
    needs: str = ""
    seed: Annotated[int, Field(ge=0)] = 0
    tag: str = ""


class Sleep(Kind):
    """Sixteen rows of normal numbers from (seed, cell, block), after a sleep."""

    name = "sleep"
    settings = tuple(Settings.model_fields)

    def cell(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The settings with their defaults; raises BadInput."""
        return _settings(given).model_dump(mode="json")

    def seconds(self, cell: Mapping[str, Any]) -> float:
        """As the cell says, and a millisecond at least."""
        return max(1e-3, float(cell["seconds"]))

    def run(self, cell: Mapping[str, Any], number: int) -> Found:
        """Sleep, then draw."""
        settings = _settings(cell)
        time.sleep(settings.seconds)
        if number in settings.fail:
            raise RuntimeError(f"block {number} was told to fail")
        if number in settings.crash:
            os.kill(os.getpid(), signal.SIGKILL)
        if settings.needs and not os.path.exists(settings.needs):
            raise FileNotFoundError(f"block {number} needs {settings.needs}")
        chance = stream(settings.seed, cell=cell_hash(cell), block=number)
        values = chance.standard_normal((_ROWS, settings.columns))
        return Found(
            summary={"replicates": _ROWS},
            curves={"checkpoints": np.arange(1, settings.columns + 1, dtype=np.int64)},
            moments={"value": Moments.of(values)},
            sketches={"value": Sketch.of(values)},
        )


def _settings(cell: Mapping[str, Any]) -> Settings:
    try:
        return Settings(**cell)
    except ValidationError as error:
        raise BadInput(told(error)) from error
