"""Every fusion with every task and three modalities: a run goes through, and learns something."""

from typing import Any

import pytest

from simulations.multimodal.fusions import FUSIONS
from simulations.multimodal.settings import settings_from
from simulations.multimodal.sources import load
from simulations.multimodal.training import Run, train


@pytest.mark.parametrize("fusion", list(FUSIONS))
@pytest.mark.parametrize(
    ("data", "options"),
    [("mfeat", {"views": ["kar", "fou", "mor"]}), ("yeast", {}), ("bikeshare", {})],
    ids=["three modalities", "multi-label", "regression"],
)
@pytest.mark.parametrize("method", ["joint", "amss+"])
def test_a_run_learns_something(fusion: str, data: str, options: dict[str, Any], method: str) -> None:
    settings = settings_from(
        {
            "data": {"name": data, "options": options},
            "model": {"features": 16, "fusion": fusion},
            "training": {"epochs": 2, "batch": 64, "lr": 0.02},
        }
    )
    run = train(load(data, options), method, 0, settings)
    assert isinstance(run, Run)
    losses = run.history["train_loss"]
    assert losses[1] < losses[0]
    assert set(run.test.modality) == set(run.test.shapley) == set(run.history["keep"])
    worth = next(iter(run.test.metrics.values()))
    # What a constant prediction reaches: a tenth of ten classes, the share of positive labels (.303), R2 of 0.
    assert worth > {"mfeat": 0.1, "yeast": 0.303, "bikeshare": 0.0}[data]
