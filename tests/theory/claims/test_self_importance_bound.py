"""Production runs keep the bound; broken masks or constants refute it, and runs without its hypotheses are refused."""

from dataclasses import dataclass, replace

import pytest

from amss_min.testing import Status
from amss_min.weightings import Indicator
from simulations.experiments import Cell
from simulations.experiments.self_importance_bound import SELF_IMPORTANCE_BOUND
from simulations.methods import METHODS
from simulations.noise import TwoPoint
from theory.claims.self_importance_bound import CLAIM
from theory.measurement import Measurement, Run

CELLS = [replace(cell, checkpoints=(4, 16)) for cell in SELF_IMPORTANCE_BOUND.quick or ()]
TIGHT = CELLS[3]


def status(*runs: Run) -> Status:
    return CLAIM.verify(Measurement(runs=runs)).status


def test_production_is_consistent_with_it() -> None:
    assert status(*(cell.run() for cell in CELLS[1::2])) is Status.CONSISTENT


def test_an_overflow_refutes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Indicator, "__call__", lambda self, draw: draw.drawn * 1e200)
    assert status(TIGHT.run()) is Status.REFUTED


@dataclass(frozen=True)
class Understated(TwoPoint):
    """Says a thousandth of its second moment."""

    @property
    def sigma2(self) -> float:
        return super().sigma2 / 1000


def test_an_understated_noise_refutes_it() -> None:
    noise = TIGHT.noise
    assert isinstance(noise, TwoPoint)
    loud = Understated(noise.probabilities, tuple(10 * scale for scale in noise.scales))
    cell = replace(TIGHT, noise=loud, start=0.1, checkpoints=(16, 64))
    assert status(cell.run()) is Status.REFUTED


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
