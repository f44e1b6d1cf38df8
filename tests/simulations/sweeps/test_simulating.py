"""Blocks of simulations: the engine's numbers, whatever block they come in."""

import numpy as np
import pytest
import torch

from simulations.engine import simulate
from simulations.methods import METHODS
from simulations.noise import skewed
from simulations.objectives import Quadratic
from simulations.sweeps.kind import cell_hash
from simulations.sweeps.moments import Moments, merged
from simulations.sweeps.simulating import Simulate
from simulations.sweeps.studies import plan_of
from simulations.sweeps.tasks import run_block
from tests.simulations.sweeps.numbers import SIMULATE


def test_a_block_holds_the_replicates_of_the_engine() -> None:
    cell = plan_of("x", SIMULATE).cells[0]
    found = Simulate().run(cell, 1)
    trace = simulate(
        Quadratic((4.0, 4.0, 1.0, 1.0), (2, 2)),
        skewed(4, total=4.0),
        METHODS["amss"],
        start=[1.0] * 4,
        stepsize=0.1,
        checkpoints=[2, 4],
        replicates=range(4, 8),
        keep=0.5,
        axes={"cell": cell_hash(cell)},
    )
    for name, values in {
        "energy": trace.squared_gradient,
        "average": trace.average,
        "gap": trace.value,
        "iterate": trace.iterate[:, -1],
        "window": (4 * trace.average[:, 1:] - 2 * trace.average[:, :1]) / 2,
    }.items():
        expected = Moments.of(values.numpy())
        for part in ("n", "mean", "M2"):
            assert getattr(found.moments[name], part).tobytes() == getattr(expected, part).tobytes(), (name, part)
    assert found.curves["checkpoints"].tolist() == [2, 4]
    assert found.summary["finite"] == found.summary["replicates"] == 4
    assert found.summary["drawn"] == [1, 1]


def test_a_block_has_its_own_replicates_and_a_cell_its_own_streams() -> None:
    first, second = plan_of("x", SIMULATE).cells[:2]
    energies = [
        Simulate().run(cell, number).moments["energy"].mean.tolist() for cell in (first, second) for number in (0, 1)
    ]
    assert len({tuple(energy) for energy in energies}) == 4


def test_the_outcome_of_a_block_says_what_it_took() -> None:
    block = next(plan_of("x", SIMULATE).blocks())
    before = torch.get_num_threads()
    outcome = run_block(block)
    assert (outcome.id, outcome.status, outcome.error) == (block.id, "done", "")
    assert outcome.seconds > 0
    assert set(outcome.versions) == {"python", "torch", "numpy"}
    assert torch.get_num_threads() == before


def test_replicates_that_overflow_are_counted_and_fail_nothing() -> None:
    values = {**SIMULATE, "axes": [], "cell": {**SIMULATE["cell"], "stepsize": 1e200}}
    found = Simulate().run(plan_of("x", values).cells[0], 0)
    assert found.summary["finite"] == 0
    assert not np.isfinite(found.moments["energy"].mean).any()


def test_moments_of_blocks_merge_to_those_of_all_replicates() -> None:
    cell = plan_of("x", SIMULATE).cells[0]
    whole = plan_of("x", {**SIMULATE, "axes": SIMULATE["axes"]}).cells[0]
    assert whole == cell
    parts = [Simulate().run(cell, number).moments["energy"] for number in range(3)]
    trace = simulate(
        Quadratic((4.0, 4.0, 1.0, 1.0), (2, 2)),
        skewed(4, total=4.0),
        METHODS["amss"],
        start=[1.0] * 4,
        stepsize=0.1,
        checkpoints=[2, 4],
        replicates=range(12),
        keep=0.5,
        axes={"cell": cell_hash(cell)},
    )
    together = merged(parts)
    assert together.n.tolist() == [12, 12]
    # Twelve numbers, each in at most two merges: the relative error is a small multiple of the unit roundoff.
    np.testing.assert_allclose(together.mean, trace.squared_gradient.numpy().mean(0), rtol=64 * np.finfo(float).eps)


def test_a_cell_of_a_family_that_cannot_run_is_found_out_on_one_step() -> None:
    values = {**SIMULATE, "axes": [], "cell": {**SIMULATE["cell"], "start": [1.0, 2.0]}}
    plan = plan_of("x", values)
    with pytest.raises(Exception, match="the start must have the objective's d = 4"):
        plan.kind.measured(plan.cells[0])


def test_what_a_block_raises_is_its_outcome() -> None:
    values = {**SIMULATE, "axes": [], "cell": {**SIMULATE["cell"], "start": [1.0, 2.0]}}
    outcome = run_block(next(plan_of("x", values).blocks()))
    assert outcome.status == "failed"
    assert "Traceback" in outcome.error
    assert "d = 4" in outcome.error
