"""Production runs keep the bound; broken masks or constants refute it, and runs without its hypotheses are refused."""

from dataclasses import dataclass, replace

import pytest

from amss_min.testing import Status
from amss_min.weightings import Indicator
from simulations.experiments import Cell
from simulations.experiments.pl_self_importance_bound import PL_SELF_IMPORTANCE_BOUND
from simulations.methods import METHODS
from simulations.objectives import IsotropicQuadratic
from theory.claims.pl_self_importance_bound import CLAIM, DOMINANCE
from theory.measurement import Measurement, Run

CELLS = [replace(cell, checkpoints=(4, 16)) for cell in PL_SELF_IMPORTANCE_BOUND.quick or ()]
TIGHT = CELLS[1]


def status(*runs: Run) -> Status:
    return CLAIM.verify(Measurement(runs=runs)).status


def test_production_is_consistent_with_it() -> None:
    assert status(*(cell.run() for cell in CELLS[1::2])) is Status.CONSISTENT


def test_an_overflow_refutes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Indicator, "__call__", lambda self, draw: draw.drawn * 1e200)
    assert status(TIGHT.run()) is Status.REFUTED


@dataclass(frozen=True)
class Steeper(IsotropicQuadratic):
    """Says four times its Polyak-Lojasiewicz constant."""

    @property
    def mu(self) -> float:
        return 4 * self.curvature


def test_an_overstated_constant_refutes_it_where_it_is_taken_on_trust() -> None:
    run = replace(TIGHT, objective=Steeper(n=8), checkpoints=(1, 4, 16)).run()
    monkey = replace(DOMINANCE, assumptions=())
    assert [item.status for item in monkey.check(Measurement(runs=[run]), trusting=True)] == [Status.REFUTED]
    assert status(run) is Status.INCONCLUSIVE


@pytest.mark.parametrize(
    ("cell", "finding"),
    [
        (replace(TIGHT, stepsize=2.0), "the stepsize must be in"),
        (replace(TIGHT, method=METHODS["amss"]), "d_min > 0 fails"),
        (replace(TIGHT, method=METHODS["amss+"]), "0/1 masks"),
    ],
)
def test_it_refuses_runs_outside_its_hypotheses(cell: Cell, finding: str) -> None:
    verdict = CLAIM.verify(Measurement(runs=[cell.run()]))
    assert verdict.status is Status.INCONCLUSIVE
    assert finding in str(verdict.evidence[0].measured)
