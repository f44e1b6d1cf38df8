"""Curves between checkpoints go through the checkpoints."""

import numpy as np
import pytest

from paper_figs.figures import bound_vs_measurement
from paper_figs.records import Experiment
from tests.paper_figs.samples import bound, oracle


def test_the_bound_between_checkpoints_goes_through_them() -> None:
    for run in Experiment.model_validate(bound()).runs:
        curve = bound_vs_measurement.bound_curve(run, np.array(run.checkpoints, dtype=np.float64))
        # Two of four values fix the curve; the sum and difference of terms up to 10 times the value lose few digits.
        assert np.allclose(curve, run.curve("bound"), rtol=1e-12, atol=0)


def test_the_closed_form_goes_through_what_the_oracle_predicts() -> None:
    for run in Experiment.model_validate(oracle()).runs:
        curve = bound_vs_measurement.oracle_curve(run, np.array(run.checkpoints, dtype=np.float64))
        assert np.allclose(curve, run.curve("average"), rtol=1e-12, atol=0)


def test_runs_that_differ_by_rounding_of_the_stepsize_share_a_panel() -> None:
    runs = [run for run in Experiment.model_validate(bound()).runs if run.noise.startswith("two-point")]
    groups = bound_vs_measurement.grouped(runs)
    assert [[run.method for run in group] for group in groups] == [["amss+", "uniform-ht"]] * 3
    assert [group[0].stepsize for group in groups] == pytest.approx([0.0625, 0.125, 0.25], rel=1e-9)
