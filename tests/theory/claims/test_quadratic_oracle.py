"""The closed form is met by production code, in rationals and statistically, and small errors refute it."""

from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor

from amss_min.designs import Draw, SimpleRandom
from amss_min.testing import Status
from amss_min.weightings import HorvitzThompson
from simulations.experiments import QUADRATIC_ORACLE, Cell
from simulations.methods import METHODS
from simulations.noise import Gaussian
from simulations.objectives import BlockCosine
from theory.claims.quadratic_oracle import CLAIM
from theory.measurement import Measurement, Run

CELL = QUADRATIC_ORACLE.cells[1]


def run(cell: Cell, replicates: int = 4096) -> Run:
    return replace(cell, replicates=replicates, checkpoints=(1, 2, 8, 32)).run()


def statuses(run: Run) -> list[Status]:
    return [item.status for item in CLAIM.verify(Measurement(runs=[run])).evidence]


def test_production_is_consistent_with_it() -> None:
    assert statuses(run(CELL)) == [Status.HOLDS, Status.CONSISTENT]


def test_weights_wrong_by_a_twentieth_refute_both_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    def larger(self: HorvitzThompson, draw: Draw) -> Tensor:
        return torch.where(draw.drawn, 1.05 / draw.inclusion, 0.0)

    monkeypatch.setattr(HorvitzThompson, "__call__", larger)
    assert statuses(run(CELL)) == [Status.REFUTED, Status.REFUTED]


def test_one_unit_too_many_refutes_both_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = SimpleRandom.select

    def greedy(self: SimpleRandom, p: Tensor, k: int, bits: Tensor) -> Draw:
        return replace(honest(self, p, k, bits), drawn=honest(self, p, k + 1, bits).drawn)

    monkeypatch.setattr(SimpleRandom, "select", greedy)
    assert statuses(run(CELL)) == [Status.REFUTED, Status.REFUTED]


@dataclass(frozen=True)
class Misstated(Gaussian):
    """Says a tenth too much, or too little."""

    share: float = 1.0

    @property
    def sigma2(self) -> float:
        return self.total * self.share


@pytest.mark.parametrize("share", [0.9, 1.1])
def test_a_second_moment_off_by_a_tenth_refutes_it_either_way(share: float) -> None:
    verdict = CLAIM.verify(Measurement(runs=[run(replace(CELL, noise=Misstated(8, 1.0, share)))]))
    assert verdict.status is Status.REFUTED
    assert verdict.witness is not None
    assert verdict.witness["replicates"] == 4096


@pytest.mark.parametrize(
    ("cell", "finding"),
    [
        (replace(CELL, objective=BlockCosine(n=4)), "the closed form does not apply"),
        (replace(CELL, method=METHODS["amss+"]), "needs a uniform mask"),
        (replace(CELL, stepsize=0.6), "settles only for"),
    ],
)
def test_it_refuses_runs_outside_its_hypotheses(cell: Cell, finding: str) -> None:
    verdict = CLAIM.verify(Measurement(runs=[run(cell, 256)]))
    assert verdict.status is Status.INCONCLUSIVE
    assert finding in str(verdict.evidence[0].measured)


def test_it_refuses_too_few_replicates() -> None:
    verdict = CLAIM.verify(Measurement(runs=[run(CELL, 255)]))
    assert verdict.status is Status.INCONCLUSIVE
    assert "at least 256 replicates" in str(verdict.evidence[0].measured)
