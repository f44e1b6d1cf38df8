"""Predictions and series of the figure on the floor of AMSS."""

import pytest

from amss_min.weightings import Indicator
from paper_figs import style
from paper_figs.figures import amss_floor
from paper_figs.records import Experiment
from tests.paper_figs.samples import skewed
from theory import mean_field
from theory.claims.skewed_noise_wrong_point import P


def test_released_runs_are_drawn_where_there_are_any() -> None:
    found = amss_floor.series(Experiment.model_validate(skewed(["amss", "sgd", "released"])))
    assert list(found) == [("amss", True), ("amss", False), ("released", True), ("sgd", True)]


def test_the_mean_step_is_the_mean_field_of_the_theory() -> None:
    for w in (-0.5, 0.0, 0.25):
        # Sums of two terms of size at most |w| + 3, a few roundings of 2^-53 each.
        assert abs(amss_floor.mean_step(w, Indicator()) - mean_field.drift(w, P)) <= 32 * 2.0**-53 * (abs(w) + 3)


def test_the_interval_of_the_first_coordinate_covers_its_spread() -> None:
    run = Experiment.model_validate(skewed()).runs[0]
    mean, half = amss_floor.first_coordinate(run.model_copy(update={"energy": [*run.energy[:-1], 0.39**2 + 0.01]}))
    assert mean == -0.39
    assert half == pytest.approx(style.half_width(0.1 / 8, 64), rel=1e-12)
