"""Experiments are named, seeded by their name, and leave records that figures can read."""

import json
from dataclasses import replace

import numpy as np
import pytest

from simulations.experiments import ALL, Experiment
from theory.measurement import Measurement, Run


def short(experiment: Experiment, index: int = 0) -> Run:
    cell = experiment.cells[index]
    weights = None if cell.weights is None else cell.weights[:6]
    return replace(cell, replicates=3, checkpoints=(1, 2, 6), weights=weights).run(root=5)


def test_names_are_different() -> None:
    assert len({experiment.name for experiment in ALL}) == len(ALL)


@pytest.mark.parametrize("experiment", ALL, ids=lambda experiment: experiment.name)
def test_cells_belong_to_their_experiment_and_have_replicates_enough(experiment: Experiment) -> None:
    for cell in experiment.cells:
        assert cell.experiment == experiment.name
        assert cell.replicates >= 256
        assert cell.noise.d == cell.objective.d
        assert len(cell.checkpoints) >= 2


@pytest.mark.parametrize("experiment", ALL, ids=lambda experiment: experiment.name)
def test_a_record_is_json_and_holds_the_means(experiment: Experiment) -> None:
    runs = [short(experiment, index) for index in range(len(experiment.cells))]
    record = json.loads(json.dumps(experiment.record(Measurement(runs=runs), 5), allow_nan=False))
    assert (record["name"], record["claim"], record["seed"]) == (experiment.name, experiment.claim, 5)
    for run, kept in zip(runs, record["runs"], strict=True):
        assert kept["average"] == pytest.approx(run.average.mean(0).tolist(), rel=1e-15)
        assert kept["energy"] == pytest.approx(run.squared_gradient.mean(0).tolist(), rel=1e-15)
        # The window holds steps 2 to 5: averages times their lengths, subtracted.
        window = (6 * run.average[:, 2] - 2 * run.average[:, 1]) / 4
        assert kept["window"] == pytest.approx(window.mean(), rel=1e-12)
        assert kept["average_error"][2] == pytest.approx(run.average[:, 2].std(ddof=1) / np.sqrt(3), rel=1e-12)
        assert kept["theory"]
        for curve in kept["theory"].values():
            assert not isinstance(curve, list) or len(curve) == 3


def test_a_run_that_overflowed_is_recorded_as_null() -> None:
    experiment = ALL[0]
    run = short(experiment)
    run.average[:, 1] = np.inf
    record = experiment.record(Measurement(runs=[run]), 0)
    assert record["runs"][0]["average"][1] is None
    json.dumps(record, allow_nan=False)


def test_a_window_is_the_average_between_its_checkpoints() -> None:
    run = short(ALL[0])
    whole = replace(ALL[0].cells[0], replicates=3, checkpoints=(1, 2, 3, 4, 5, 6)).run(root=5)
    assert run.window(run.average, 1, 2) == pytest.approx(whole.squared_gradient[:, 1:5].mean(1), rel=1e-12)


def test_the_root_seed_and_the_experiment_name_the_streams() -> None:
    cell = replace(ALL[0].cells[0], replicates=2, checkpoints=(1, 4))
    first = cell.run(root=1).average
    assert np.array_equal(first, cell.run(root=1).average)
    assert not np.array_equal(first, cell.run(root=2).average)
    assert not np.array_equal(first, replace(cell, experiment="other").run(root=1).average)


def test_a_replay_names_what_was_run() -> None:
    run = short(ALL[0])
    assert run.replay["command"] == f"python -m simulations run {ALL[0].name} --seed 5"
    assert run.replay["replicates"] == 3
    assert json.dumps(run.replay)
