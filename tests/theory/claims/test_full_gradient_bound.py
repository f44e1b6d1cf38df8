"""AMSS without noise keeps its bound, and masks that keep less than they say refute it."""

from dataclasses import dataclass, replace

import pytest

from amss_min.testing import Status
from amss_min.weightings import Indicator
from simulations.experiments import Cell
from simulations.experiments.full_gradient_bound import FULL_GRADIENT_BOUND
from simulations.methods import METHODS
from simulations.noise import Gaussian
from simulations.objectives import IsotropicQuadratic
from theory.claims.full_gradient_bound import CLAIM, DOMINANCE
from theory.measurement import Measurement, Run

TIGHT = replace(FULL_GRADIENT_BOUND.cells[0], checkpoints=(4, 16))
COSINE = replace(FULL_GRADIENT_BOUND.cells[2], checkpoints=(4, 16))


def status(*runs: Run) -> Status:
    return CLAIM.verify(Measurement(runs=runs)).status


def test_production_is_consistent_with_it() -> None:
    verdict = CLAIM.verify(Measurement(runs=[TIGHT.run(), COSINE.run()]))
    assert verdict.status is Status.CONSISTENT
    assert len(verdict.evidence) == 2


def test_a_mask_that_shrinks_what_it_keeps_refutes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Indicator, "__call__", lambda self, draw: 0.25 * draw.drawn)
    assert status(TIGHT.run()) is Status.REFUTED


@dataclass(frozen=True)
class Smoother(IsotropicQuadratic):
    """Says a quarter of its L."""

    @property
    def L(self) -> float:
        return self.curvature / 4


def test_an_understated_smoothness_refutes_it_where_it_is_taken_on_trust() -> None:
    run = replace(TIGHT, objective=Smoother(n=8, modalities=2)).run()
    assert [item.status for item in DOMINANCE.check(Measurement(runs=[run]), trusting=True)] == [Status.REFUTED]
    assert status(run) is Status.INCONCLUSIVE


@pytest.mark.parametrize(
    ("cell", "finding"),
    [
        (replace(TIGHT, stepsize=2.0), "the stepsize must be in"),
        (replace(TIGHT, noise=Gaussian(16, total=1.0)), "exact gradients"),
        (replace(TIGHT, method=METHODS["amss+"]), "0/1 masks that prefer large entries"),
    ],
)
def test_it_refuses_runs_outside_its_hypotheses(cell: Cell, finding: str) -> None:
    verdict = CLAIM.verify(Measurement(runs=[cell.run()]))
    assert verdict.status is Status.INCONCLUSIVE
    assert finding in str(verdict.evidence[0].measured)
