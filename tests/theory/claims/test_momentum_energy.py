"""The recursion is met by production masks in every place, and wrong weights or averages refute it."""

from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor

from amss_min.designs import Draw
from amss_min.testing import Evidence, Status
from amss_min.weightings import HorvitzThompson
from simulations.experiments import Cell
from simulations.experiments.momentum_energy import MOMENTUM_ENERGY
from simulations.methods import METHODS
from simulations.noise import Gaussian
from simulations.objectives import BlockCosine
from simulations.optimisers import Adam, Momentum
from theory.claims.momentum_energy import CLAIM
from theory.measurement import Measurement

CELLS = [replace(cell, checkpoints=(50, 100)) for cell in MOMENTUM_ENERGY.quick or ()]
PLAIN, BEFORE, AFTER = CELLS


def evidence(*cells: Cell) -> list[Evidence]:
    return list(CLAIM.verify(Measurement(runs=[cell.run() for cell in cells])).evidence)


def test_production_is_consistent_with_it() -> None:
    found = evidence(*CELLS)
    assert [item.status for item in found] == [Status.CONSISTENT] * 6
    stationary = [round(item.details["stationary"], 5) for item in found[::2]]
    assert stationary == [0.01001, 0.04126, 0.01194]


@pytest.mark.parametrize("cell", [BEFORE, AFTER], ids=["before", "after"])
def test_weights_wrong_by_a_fifth_refute_it(monkeypatch: pytest.MonkeyPatch, cell: Cell) -> None:
    def larger(self: HorvitzThompson, draw: Draw) -> Tensor:
        return torch.where(draw.drawn, 1.2 / draw.inclusion, 0.0)

    monkeypatch.setattr(HorvitzThompson, "__call__", larger)
    assert Status.REFUTED in [item.status for item in evidence(PLAIN, cell)]


@dataclass(frozen=True)
class Misplaced(Momentum):
    """Says that its mask stands on the other side."""

    def update(self, gradient, mask, state, factors):  # type: ignore[no-untyped-def]
        """The update of the other place."""
        return Momentum(self.beta, mask_after=not self.mask_after).update(gradient, mask, state, factors)


@pytest.mark.parametrize("cell", [BEFORE, AFTER], ids=["before", "after"])
def test_a_mask_in_the_other_place_refutes_it(cell: Cell) -> None:
    assert isinstance(cell.optimiser, Momentum)
    wrong = replace(cell, optimiser=Misplaced(0.9, mask_after=cell.optimiser.mask_after))
    assert [item.status for item in evidence(wrong)] == [Status.REFUTED] * 2


@pytest.mark.parametrize(
    ("cell", "finding"),
    [
        (replace(BEFORE, objective=BlockCosine(n=4), noise=Gaussian(8, total=1.0)), "the recursion is one of"),
        (replace(BEFORE, method=METHODS["amss+"]), "needs a uniform Horvitz-Thompson mask"),
        (replace(BEFORE, optimiser=Adam()), "averaged momentum"),
        (replace(BEFORE, optimiser=None), "averaged momentum"),
        (replace(BEFORE, replicates=255), "at least 256 replicates"),
    ],
)
def test_it_refuses_runs_outside_its_hypotheses(cell: Cell, finding: str) -> None:
    (item,) = evidence(replace(cell, checkpoints=(1, 2)))
    assert item.status is Status.INCONCLUSIVE
    assert finding in str(item.measured)
