"""Blocks of the kind "train": one full-model training each."""

import json
import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from amss_min.testing.loading import BadInput
from simulations.sweeps.kind import Found, Kind, normal
from simulations.sweeps.moments import Moments
from simulations.sweeps.outcome import canonical


class Train(Kind):
    """A method on a data set, for the seed that is the number of the block.

    A cell has the sections data, model, training, options and the number root of `simulations.multimodal.settings`
    (data may be a name alone), a method, and lr in place of that of training, or none. Seeds are paired: block b of all
    cells with the same data, model, batch and root share the split, the initial weights and the order of the batches.

    Moments: train_loss, validation_loss and validation_metric by epoch, where epochs are fixed (no patience); test and
    test_loss, one column. Curves: checkpoints (the epochs), and the same by epoch whatever their number. Summary: as
    `simulations.multimodal.training.Run`, without its history and its times. A number of the training that is not
    finite fails the block.
    """

    name = "train"
    settings = ("data", "method", "lr", "model", "training", "options", "root")

    def cell(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The settings with their defaults; raises BadInput."""
        values = {name: value for name, value in given.items() if name not in ("method", "lr")}
        for name in ("data", "method"):
            if not given.get(name):
                raise BadInput(f"setting {name}: it must be given, found none")
        if isinstance(values["data"], str):
            values["data"] = {"name": values["data"]}
        lr = given.get("lr")
        if lr is not None and (isinstance(lr, bool) or not isinstance(lr, int | float) or not 0 < lr < math.inf):
            raise BadInput(f"setting lr: it must be a number > 0, found {lr!r}")
        found = _settings(canonical({**values, "methods": [given["method"]]}))
        kept = found.model_dump(mode="json", include={"data", "model", "training", "root"})
        own = {name: options for name, options in found.options.items() if name == given["method"]}
        return {**kept, "options": own, "method": given["method"], "lr": lr}

    def family(self, cell: Mapping[str, Any]) -> str:
        """The data set and the method."""
        return f"{canonical(cell['data'])} {cell['method']}"

    def seconds(self, cell: Mapping[str, Any]) -> float:
        """1 s for every ten epochs: networks are as different as data sets, and nothing here knows either."""
        return 0.1 * float(cell["training"]["epochs"])

    def measured(self, cell: Mapping[str, Any]) -> float:
        """Loads the data set, which raises BadInput where it cannot; the time remains a guess."""
        _dataset(canonical(cell["data"]))
        return self.seconds(cell)

    def size(self, cell: Mapping[str, Any]) -> float:
        """Three curves and three moments by epoch."""
        return 5000.0 + 100.0 * float(cell["training"]["epochs"])

    def resources(self, cell: Mapping[str, Any]) -> dict[str, float]:
        """One GPU for a training on cuda."""
        return {"GPU": 1} if str(cell["training"]["device"]).startswith("cuda") else {}

    def run(self, cell: Mapping[str, Any], number: int) -> Found:
        """Train."""
        from simulations.multimodal.nonfinite import Finding
        from simulations.multimodal.training import train

        values = {name: value for name, value in cell.items() if name not in ("method", "lr")}
        settings = _settings(canonical({**values, "methods": [cell["method"]]}))
        run = train(_dataset(canonical(cell["data"])), cell["method"], number, settings, cell["lr"])
        if isinstance(run, Finding):
            raise ArithmeticError(str(run))
        said = run.as_json()
        history = said.pop("history")
        names = ("train_loss", "validation_loss", "validation_metric")
        curves = {name: np.array(history[name], dtype=np.float64) for name in names}
        metric = next(iter(run.test.metrics.values()))
        moments = {"test": Moments.of([metric]), "test_loss": Moments.of([run.test.loss])}
        if not settings.training.patience:
            moments |= {name: Moments.of(values[None]) for name, values in curves.items()}
        said["cost"] = {name: value for name, value in said["cost"].items() if name == "parameters"}
        return Found(
            summary={"replicates": 1, **normal(said)},
            curves={"checkpoints": np.arange(1, run.epochs + 1, dtype=np.int64), **curves},
            moments=moments,
        )


def _settings(text: str) -> Any:
    from simulations.multimodal.settings import settings_from

    return settings_from(json.loads(text))


@lru_cache(maxsize=2)
def _dataset(text: str) -> Any:
    """The data set of a section `data`; a worker keeps the last two."""
    from simulations.multimodal.sources import load

    data = json.loads(text)
    return load(data["name"], data["options"])
