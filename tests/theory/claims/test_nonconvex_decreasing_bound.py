"""The bound for decreasing steps holds up on production code, and wrong constants or weights refute it."""

from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor

from amss_min.designs import Draw
from amss_min.testing import Status
from amss_min.weightings import HorvitzThompson
from simulations.experiments import NONCONVEX_DECREASING_BOUND
from simulations.noise import Gaussian, SampledTerms
from simulations.objectives import IsotropicQuadratic, Welsch
from simulations.stepsizes import InverseSquareRoot
from theory.claims.nonconvex_decreasing_bound import CLAIM, DOMINANCE, predicted
from theory.measurement import Measurement, Run

PLUS = NONCONVEX_DECREASING_BOUND.cells[0]
TIGHT = replace(
    PLUS,
    objective=IsotropicQuadratic(n=8, modalities=2),
    noise=Gaussian(16, total=4.0),
    stepsize=InverseSquareRoot(1 / 5),
    checkpoints=(32, 128),
)


def status(*runs: Run) -> Status:
    return CLAIM.verify(Measurement(runs=runs)).status


def test_production_is_consistent_with_it() -> None:
    assert status(replace(PLUS, checkpoints=(8, 64)).run(), TIGHT.run()) is Status.CONSISTENT


def test_every_planned_run_satisfies_the_hypotheses() -> None:
    for cell in NONCONVEX_DECREASING_BOUND.cells:
        run = replace(cell, replicates=1, checkpoints=(1, 2)).run()
        assert (predicted(run) > 0).all()
    for objective in {cell.objective for cell in NONCONVEX_DECREASING_BOUND.cells}:
        assert all(assumption.holds_on(objective) for assumption in CLAIM.assumptions)


def test_weights_six_times_too_large_refute_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def enlarged(self: HorvitzThompson, draw: Draw) -> Tensor:
        return torch.where(draw.drawn, 6.0 / draw.inclusion, 0.0)

    monkeypatch.setattr(HorvitzThompson, "__call__", enlarged)
    assert status(TIGHT.run()) is Status.REFUTED


@dataclass(frozen=True)
class Smoother(IsotropicQuadratic):
    """Says a quarter of its L."""

    @property
    def L(self) -> float:
        return self.curvature / 4


def test_an_understated_smoothness_is_found_out_and_refutes_the_bound_where_it_is_trusted() -> None:
    cell = replace(TIGHT, objective=Smoother(n=8, modalities=2), start=0.0)
    measurement = Measurement(runs=[cell.run()])
    assert CLAIM.verify(measurement).status is Status.INCONCLUSIVE
    assert DOMINANCE.check(measurement, trusting=True)[0].status is Status.REFUTED


def refusal(run: Run) -> str:
    verdict = CLAIM.verify(Measurement(runs=[run]))
    assert verdict.status is Status.INCONCLUSIVE
    return str(verdict.evidence[0].measured)


def test_it_refuses_runs_outside_its_hypotheses() -> None:
    short = replace(TIGHT, checkpoints=(1, 2))
    run = short.run()
    assert run.weights is not None
    assert "weights eta_0 / sqrt(t + 1), found others" in refusal(replace(run, weights=run.weights**2))
    assert "weights eta_0 / sqrt(t + 1), found others" in refusal(replace(run, weights=None))
    assert "steps eta_0 / sqrt(t + 1), found others" in refusal(replace(run, schedule=None))
    assert "the stepsize must be in" in refusal(replace(short, stepsize=InverseSquareRoot(0.51)).run())
    welsch = Welsch()
    terms = replace(short, objective=welsch, noise=SampledTerms(welsch.d, welsch.samples))
    assert "A = 0" in refusal(terms.run())
