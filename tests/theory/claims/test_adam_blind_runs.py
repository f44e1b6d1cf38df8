"""Adam does not see constant weights of the engine's masks, and sees weights that change."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from amss_min.designs import Draw
from amss_min.testing import Evidence, Status
from amss_min.weightings import HorvitzThompson
from simulations.experiments import Cell
from simulations.experiments.adam_blind_runs import ADAM_BLIND_RUNS
from simulations.methods import METHODS
from simulations.optimisers import Adam
from theory.claims.adam_blind_runs import CLAIM
from theory.measurement import Measurement

CELLS = [replace(cell, checkpoints=(1, 30)) for cell in ADAM_BLIND_RUNS.cells]


def evidence(*cells: Cell) -> list[Evidence]:
    return list(CLAIM.verify(Measurement(runs=[cell.run() for cell in cells])).evidence)


def test_production_is_consistent_with_it() -> None:
    assert [item.status for item in evidence(*CELLS)] == [Status.CONSISTENT] * 4


def test_weights_that_change_from_draw_to_draw_refute_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def unsteady(self: HorvitzThompson, draw: Draw) -> Tensor:
        first = draw.drawn[..., :1].to(torch.float64)
        return torch.where(draw.drawn, (1 + first) / draw.inclusion, 0.0)

    monkeypatch.setattr(HorvitzThompson, "__call__", unsteady)
    assert [item.status for item in evidence(*CELLS[:2])] == [Status.REFUTED]


def test_weights_of_one_refute_the_contrast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HorvitzThompson, "__call__", lambda self, draw: draw.drawn.to(torch.float64))
    found = [item.status for item in evidence(*CELLS)]
    assert found == [Status.CONSISTENT] * 2 + [Status.REFUTED] * 2


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (lambda cell: replace(cell, method=METHODS["amss"]), "uniform 0/1 and Horvitz-Thompson masks"),
        (lambda cell: replace(cell, keep=0.375), "powers of two"),
        (lambda cell: replace(cell, optimiser=Adam(epsilon=1e-8)), "eps = 0"),
        (lambda cell: replace(cell, optimiser=None), "needs a pair of runs"),
        (lambda cell: replace(cell, method=METHODS["uniform-ht"]), "pairs of the two weights"),
    ],
)
def test_it_refuses_other_runs(change: Callable[[Cell], Cell], finding: str) -> None:
    (item,) = evidence(*(replace(change(cell), checkpoints=(1, 2)) for cell in CELLS[:2]))
    assert item.status is Status.INCONCLUSIVE
    assert finding in str(item.measured)
