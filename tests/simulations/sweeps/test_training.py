"""Blocks of full-model trainings: the run of `train`, on paired seeds."""

from typing import Any

import numpy as np
import pytest

from amss_min.testing.loading import BadInput
from simulations.multimodal.settings import settings_from
from simulations.multimodal.sources import load
from simulations.multimodal.training import Run, train
from simulations.sweeps.kind import one_thread
from simulations.sweeps.studies import plan_of
from simulations.sweeps.tasks import run_block

TRAIN: dict[str, Any] = {
    "kind": "train",
    "replicates": 2,
    "cell": {"data": "htad", "training": {"epochs": 2}, "lr": 0.02},
    "axes": [{"method": ["joint", "amss+"]}],
}


def test_a_block_is_the_training_of_its_seed() -> None:
    plan = plan_of("x", TRAIN)
    block = next(block for block in plan.blocks() if block.cell["method"] == "amss+" and block.number == 1)
    outcome = run_block(block)
    assert outcome.status == "done", outcome.error
    settings = settings_from({"data": {"name": "htad"}, "training": {"epochs": 2}, "methods": ["amss+"]})
    with one_thread():
        run = train(load("htad"), "amss+", 1, settings, 0.02)
    assert isinstance(run, Run)
    assert outcome.summary["test"]["metrics"] == pytest.approx(run.test.metrics, rel=0, abs=0)
    assert outcome.summary["seed"] == 1
    assert outcome.moments["test"].mean.tolist() == [next(iter(run.test.metrics.values()))]
    np.testing.assert_array_equal(outcome.curves["train_loss"], run.history["train_loss"])
    np.testing.assert_array_equal(outcome.moments["validation_metric"].mean, run.history["validation_metric"])
    assert outcome.curves["checkpoints"].tolist() == [1, 2]
    assert "seconds_per_step" not in outcome.summary["cost"]


def test_methods_share_what_a_seed_pairs() -> None:
    plan = plan_of("x", TRAIN)
    paired = [run_block(block).summary["paired"] for block in plan.blocks() if block.number == 0]
    assert len(paired) == 2
    assert paired[0] == paired[1]


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ({"method": "ams"}, "ams"),
        ({"data": None}, "setting data: it must be given"),
        ({"lr": -1}, "setting lr: it must be a number > 0, found -1"),
        ({"training": {"epoch": 2}}, "training.epoch"),
        ({"options": {"joint": {"no": 1}}}, "no"),
    ],
)
def test_what_cannot_be_trained_is_refused(cell: dict[str, Any], told: str) -> None:
    given = {**TRAIN["cell"], "method": "joint", **cell}
    with pytest.raises(BadInput, match=told):
        plan_of("x", {**TRAIN, "cell": {name: value for name, value in given.items() if value}, "axes": []})


def test_a_data_set_that_there_is_not_is_found_out_before_the_study() -> None:
    plan = plan_of("x", {**TRAIN, "cell": {**TRAIN["cell"], "data": "htat"}})
    with pytest.raises(BadInput, match=r"did you mean .*htad"):
        plan.kind.measured(plan.cells[0])


def test_options_of_other_methods_are_no_part_of_a_cell() -> None:
    options = {"amss+": {"temperature": 0.5}}
    plain, given = (plan_of("x", {**TRAIN, "cell": {**TRAIN["cell"], **extra}}) for extra in ({}, {"options": options}))
    assert plain.cells[0] == given.cells[0]
    assert plain.cells[1] != given.cells[1]
