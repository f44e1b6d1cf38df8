"""The released weights are caught at their wrong point, and repaired ones are told apart."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from amss_min.designs import Draw
from amss_min.testing import Evidence, Status
from amss_min.weightings import ShiftedInverse
from simulations.experiments import Cell
from simulations.experiments.released_weights_settle import RELEASED_WEIGHTS_SETTLE
from simulations.methods import METHODS
from simulations.noise import Gaussian
from theory.claims.released_weights_settle import CLAIM
from theory.measurement import Measurement

(CELL,) = RELEASED_WEIGHTS_SETTLE.quick or ()


def evidence(change: Callable[[Cell], Cell] = lambda cell: cell) -> list[Evidence]:
    return list(CLAIM.verify(Measurement(runs=[change(CELL).run()])).evidence)


def test_production_is_consistent_with_it() -> None:
    found = evidence()
    assert [item.status for item in found] == [Status.CONSISTENT] * 2
    assert f"{found[0].expected:.4f}" == "-0.2482"


@pytest.mark.parametrize(
    "weight",
    [
        lambda draw: 1.0 / (draw.q + 0.1),
        lambda draw: torch.ones_like(draw.q),
    ],
    ids=["another shift", "none"],
)
def test_other_weights_refute_it(monkeypatch: pytest.MonkeyPatch, weight: Callable[[Draw], Tensor]) -> None:
    monkeypatch.setattr(ShiftedInverse, "__call__", lambda self, draw: torch.where(draw.drawn, weight(draw), 0.0))
    assert evidence()[0].status is Status.REFUTED


def test_repaired_weights_refute_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def repaired(self: ShiftedInverse, draw: Draw) -> Tensor:
        return torch.where(draw.drawn, 1.0 / draw.q.clamp_min(0.01), 0.0)

    monkeypatch.setattr(ShiftedInverse, "__call__", repaired)
    assert Status.REFUTED in [item.status for item in evidence()]


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (lambda cell: replace(cell, start=0.5), "from the optimum"),
        (lambda cell: replace(cell, noise=Gaussian(2, total=2.0)), "skewed noise"),
        (lambda cell: replace(cell, method=METHODS["amss+"]), "released weights"),
    ],
)
def test_it_refuses_other_instances(change: Callable[[Cell], Cell], finding: str) -> None:
    (item,) = evidence(lambda cell: replace(change(cell), checkpoints=(1, 2)))
    assert item.status is Status.INCONCLUSIVE
    assert finding in str(item.measured)
