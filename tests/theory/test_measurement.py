"""A run knows its own constants, and a measurement finds runs by method and noise."""

from dataclasses import replace

import numpy as np
import pytest

from simulations.experiments import SKEWED_NOISE_WRONG_POINT, Cell
from simulations.methods import METHODS
from simulations.noise import Gaussian
from simulations.objectives import IsotropicQuadratic
from theory.measurement import Measurement

CELL = Cell(
    experiment="test",
    objective=IsotropicQuadratic(curvature=3.0, n=2),
    noise=Gaussian(2, total=0.0),
    method=METHODS["sgd"],
    keep=1.0,
    start=2.0,
    stepsize=0.1,
    checkpoints=(1, 4),
    replicates=1,
)


def test_gap_and_start_energy_come_from_the_objective() -> None:
    run = CELL.run()
    # F = (3/2) |w|^2 at (2, 2): gap 12, gradient (6, 6). Small integers: exact.
    assert run.gap == 12.0
    assert run.start_energy == 72.0
    assert run.replicates == 1
    assert run.label() == "sgd, Gaussian, sigma2=0, stepsize 0.1"


def test_a_window_averages_the_steps_between_its_checkpoints() -> None:
    run = CELL.run()
    # |grad F(w_t)|^2 = 72 * .7^(2t) without noise; steps 1, 2, 3. A few roundings.
    expected = np.mean([72 * 0.7 ** (2 * t) for t in (1, 2, 3)])
    assert run.window(run.average, 0, 1) == pytest.approx(np.array([expected]), rel=1e-14)


def test_runs_are_found_by_method_and_noise_largest_step_first() -> None:
    cells = [replace(cell, replicates=1, checkpoints=(1, 2)) for cell in SKEWED_NOISE_WRONG_POINT.cells]
    measurement = Measurement(runs=[cell.run() for cell in reversed(cells)])
    assert [run.stepsize for run in measurement.of("amss", "two-point")] == [0.05, 0.01, 0.002]
    assert {run.noise.name for run in measurement.of("amss", "Gaussian")} == {"Gaussian, sigma2=2"}
    assert len(list(measurement.of("amss"))) == 6
    assert list(measurement.of("nothing")) == []
