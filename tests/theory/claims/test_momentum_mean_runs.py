"""Mean trajectories are those of the full gradient, and weights off by a tenth refute that."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from amss_min.designs import Draw
from amss_min.testing import Evidence, Status
from amss_min.weightings import HorvitzThompson
from simulations.experiments import Cell
from simulations.experiments.momentum_mean_runs import MOMENTUM_MEAN_RUNS
from simulations.methods import METHODS
from simulations.noise import Gaussian
from simulations.objectives import BlockCosine
from theory.claims.momentum_mean_runs import CLAIM, predicted
from theory.measurement import Measurement

CELLS = list(MOMENTUM_MEAN_RUNS.quick or ())
BEFORE, AFTER, ZERO_ONE = CELLS[:3]


def evidence(*cells: Cell) -> list[Evidence]:
    return list(CLAIM.verify(Measurement(runs=[cell.run() for cell in cells])).evidence)


def test_production_is_consistent_with_it() -> None:
    assert [item.status for item in evidence(*CELLS)] == [Status.CONSISTENT] * 5


def test_the_known_values() -> None:
    short = [replace(cell, replicates=1).run() for cell in (BEFORE, ZERO_ONE)]
    assert [round(float(predicted(run)[1, 0]), 4) for run in short] == [0.0995, 0.6187]


@pytest.mark.parametrize("cell", CELLS[:2] + CELLS[3:])
def test_weights_wrong_by_a_tenth_refute_it(monkeypatch: pytest.MonkeyPatch, cell: Cell) -> None:
    def larger(self: HorvitzThompson, draw: Draw) -> Tensor:
        return torch.where(draw.drawn, 1.1 / draw.inclusion, 0.0)

    monkeypatch.setattr(HorvitzThompson, "__call__", larger)
    assert [item.status for item in evidence(cell)] == [Status.REFUTED]


@pytest.mark.parametrize(
    ("cell", "finding"),
    [
        (replace(BEFORE, objective=BlockCosine(n=4), noise=Gaussian(8, total=0.0)), "is a quadratic"),
        (replace(BEFORE, method=METHODS["amss"]), "uniform masks"),
        (replace(BEFORE, optimiser=None), "averaged momentum"),
    ],
)
def test_it_refuses_runs_outside_its_hypotheses(cell: Cell, finding: str) -> None:
    (item,) = evidence(replace(cell, checkpoints=(1, 2)))
    assert item.status is Status.INCONCLUSIVE
    assert finding in str(item.measured)
