"""Production runs keep the bound; broken masks or constants refute it, and runs without its hypotheses are refused."""

from dataclasses import dataclass, replace

import pytest

from amss_min.testing import Status
from amss_min.weightings import Indicator
from simulations.experiments import Cell
from simulations.experiments.biased_abc_bound import BIASED_ABC_BOUND
from simulations.methods import METHODS
from simulations.noise import SampledTerms
from simulations.noise.base import ExpectedSmoothness
from simulations.objectives import Objective
from theory.claims.biased_abc_bound import CLAIM
from theory.measurement import Measurement, Run

CELLS = [replace(cell, checkpoints=(4, 16, 64)) for cell in BIASED_ABC_BOUND.quick or ()]
TERMS, MIXED = CELLS[0], CELLS[2]


def status(*runs: Run) -> Status:
    return CLAIM.verify(Measurement(runs=runs)).status


def test_production_is_consistent_with_it() -> None:
    assert status(*(cell.run() for cell in CELLS)) is Status.CONSISTENT


def test_an_overflow_refutes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Indicator, "__call__", lambda self, draw: draw.drawn * 1e200)
    assert status(MIXED.run()) is Status.REFUTED


@dataclass(frozen=True)
class Understated(SampledTerms):
    """Says nothing of the part that grows with the value."""

    def abc(self, objective: Objective) -> ExpectedSmoothness:
        return super().abc(objective)._replace(A=0.0)


def test_an_understated_growth_refutes_it() -> None:
    cell = replace(TERMS, noise=Understated(3, 3), stepsize=2 * TERMS.stepsize)
    assert status(cell.run()) is Status.REFUTED


def test_it_refuses_other_weights() -> None:
    (item,) = CLAIM.verify(Measurement(runs=[replace(TERMS.run(), weights=None)])).evidence
    assert item.status is Status.INCONCLUSIVE
    assert "must be weighted by" in str(item.measured)


@pytest.mark.parametrize(
    ("cell", "finding"),
    [
        (replace(MIXED, stepsize=2.0), "the stepsize must be in"),
        (replace(MIXED, method=METHODS["amss"]), "d_min > 0 fails"),
        (replace(TERMS, method=MIXED.method), "the variance must be bounded uniformly"),
    ],
)
def test_it_refuses_runs_outside_its_hypotheses(cell: Cell, finding: str) -> None:
    verdict = CLAIM.verify(Measurement(runs=[cell.run()]))
    assert verdict.status is Status.INCONCLUSIVE
    assert finding in str(verdict.evidence[0].measured)
