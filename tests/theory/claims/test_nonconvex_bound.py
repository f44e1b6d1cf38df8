"""The claim holds up on production code, and wrong weights or constants refute it."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch import Tensor

from amss_min.designs import Draw
from amss_min.testing import Status
from amss_min.weightings import HorvitzThompson
from simulations.experiments import NONCONVEX_BOUND, Cell
from simulations.methods import METHODS
from simulations.noise import Gaussian
from simulations.objectives import IsotropicQuadratic
from theory.claims.nonconvex_bound import CLAIM, predicted
from theory.measurement import Measurement, Run

TIGHT = NONCONVEX_BOUND.cells[-1]
PLUS = next(c for c in NONCONVEX_BOUND.cells if c.method.name == "amss+" and c.noise.name.startswith("two-point"))


def run(cell: Cell) -> Run:
    return replace(cell, replicates=128, checkpoints=(8, 512)).run()


def status(*runs: Run) -> Status:
    return CLAIM.verify(Measurement(runs=runs)).status


def test_production_is_consistent_with_it() -> None:
    verdict = CLAIM.verify(Measurement(runs=[run(PLUS), run(TIGHT)]))
    assert verdict.status is Status.CONSISTENT
    assert len(verdict.evidence) == 2


def test_every_planned_run_satisfies_the_hypotheses() -> None:
    for cell in NONCONVEX_BOUND.cells:
        bound = predicted(replace(cell, replicates=1, checkpoints=(1, 2)).run())
        assert (bound > 0).all()
        assert np.isfinite(bound).all()


def test_weights_twice_too_large_refute_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def doubled(self: HorvitzThompson, draw: Draw) -> Tensor:
        return torch.where(draw.drawn, 2.0 / draw.inclusion, 0.0)

    monkeypatch.setattr(HorvitzThompson, "__call__", doubled)
    verdict = CLAIM.verify(Measurement(runs=[run(TIGHT)]))
    assert verdict.status is Status.REFUTED
    assert verdict.witness is not None
    assert verdict.witness["method"] == "uniform-ht"


def test_an_overflow_refutes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HorvitzThompson, "__call__", lambda self, draw: draw.drawn * 1e200)
    assert status(run(PLUS)) is Status.REFUTED


@dataclass(frozen=True)
class Understated(Gaussian):
    """Says half of its second moment."""

    @property
    def sigma2(self) -> float:
        return self.total / 2


@dataclass(frozen=True)
class Smoother(IsotropicQuadratic):
    """Says half of its L."""

    @property
    def L(self) -> float:
        return self.curvature / 2


def test_an_understated_noise_refutes_it() -> None:
    assert status(run(replace(TIGHT, noise=Understated(TIGHT.noise.d, total=4.0)))) is Status.REFUTED


def test_an_understated_smoothness_is_found_out_and_decides_nothing() -> None:
    assert status(run(replace(TIGHT, objective=Smoother(n=8, modalities=2)))) is Status.INCONCLUSIVE


def test_a_run_that_could_not_have_refuted_its_bound_decides_nothing() -> None:
    assert status(replace(TIGHT, replicates=1, checkpoints=(8, 512)).run()) is Status.INCONCLUSIVE


@pytest.mark.parametrize(
    ("cell", "finding"),
    [
        (replace(TIGHT, stepsize=1.01 * TIGHT.stepsize), "the stepsize must be in"),
        (replace(PLUS, method=METHODS["amss"]), "method 'amss'"),
    ],
)
def test_it_refuses_runs_outside_its_hypotheses(cell: Cell, finding: str) -> None:
    verdict = CLAIM.verify(Measurement(runs=[run(cell)]))
    assert verdict.status is Status.INCONCLUSIVE
    assert finding in str(verdict.evidence[0].measured)


@dataclass(frozen=True)
class Bottomless(IsotropicQuadratic):
    """Knows no lower bound."""

    @property
    def f_star(self) -> float:
        return None  # type: ignore[return-value]


def test_it_refuses_an_objective_without_a_lower_bound() -> None:
    verdict = CLAIM.verify(Measurement(runs=[run(replace(TIGHT, objective=Bottomless(n=8, modalities=2)))]))
    assert verdict.status is Status.INCONCLUSIVE
    assert "the claim does not apply" in str(verdict.evidence[0].measured)
