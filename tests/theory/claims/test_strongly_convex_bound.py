"""The bound holds up on production code, and wrong constants or weights refute it."""

from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor

from amss_min.designs import Draw
from amss_min.testing import Status
from amss_min.weightings import HorvitzThompson
from simulations.experiments import STRONGLY_CONVEX_BOUND, Cell
from simulations.noise import Gaussian, Multiplicative
from simulations.objectives import BlockCosine, IsotropicQuadratic, LogisticNonconvex, Quadratic, SmoothRastrigin
from simulations.stepsizes import InverseSquareRoot
from theory.claims.strongly_convex_bound import CLAIM, DOMINANCE, predicted
from theory.measurement import Measurement, Run

COSINE = next(cell for cell in STRONGLY_CONVEX_BOUND.cells if isinstance(cell.objective, BlockCosine))
PLAIN = next(cell for cell in STRONGLY_CONVEX_BOUND.cells if isinstance(cell.objective, Quadratic))


def status(*runs: Run) -> Status:
    return CLAIM.verify(Measurement(runs=runs)).status


def test_production_is_consistent_with_it() -> None:
    assert status(COSINE.run(), PLAIN.run()) is Status.CONSISTENT


def test_every_planned_run_satisfies_the_hypotheses() -> None:
    for cell in STRONGLY_CONVEX_BOUND.cells:
        run = replace(cell, replicates=1, checkpoints=(1, 2)).run()
        assert (predicted(run) > 0).all()
    for objective in {cell.objective for cell in STRONGLY_CONVEX_BOUND.cells}:
        assert all(assumption.holds_on(objective) for assumption in CLAIM.assumptions)


def test_weights_far_too_large_refute_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def enlarged(self: HorvitzThompson, draw: Draw) -> Tensor:
        return torch.where(draw.drawn, 12.0 / draw.inclusion, 0.0)

    monkeypatch.setattr(HorvitzThompson, "__call__", enlarged)
    assert status(replace(PLAIN, checkpoints=(64, 256)).run()) is Status.REFUTED


@dataclass(frozen=True)
class Understated(Gaussian):
    """Says a sixteenth of its second moment."""

    @property
    def sigma2(self) -> float:
        return self.total / 16


def test_an_understated_noise_refutes_it() -> None:
    objective = IsotropicQuadratic(n=8, modalities=2)
    cell = replace(PLAIN, objective=objective, noise=Understated(16, total=16.0), start=0.0, stepsize=0.2)
    assert status(replace(cell, checkpoints=(2, 8)).run()) is Status.REFUTED


@dataclass(frozen=True)
class Bent(SmoothRastrigin):
    """Says that it is convex."""

    @property
    def convexity(self) -> float:
        return 4.0


def test_an_objective_that_is_not_convex_is_found_out_and_refutes_the_bound_where_it_is_trusted() -> None:
    """Away from the origin Rastrigin's function keeps iterates in another minimum."""
    cell = replace(COSINE, objective=Bent(n=8), noise=Gaussian(16, total=0.01), start=12.0, stepsize=0.05)
    measurement = Measurement(runs=[replace(cell, checkpoints=(64, 256)).run()])
    assert CLAIM.verify(measurement).status is Status.INCONCLUSIVE
    assert DOMINANCE.check(measurement, trusting=True)[0].status is Status.REFUTED


@pytest.mark.parametrize(
    ("cell", "finding"),
    [
        (replace(COSINE, stepsize=1.0), "the stepsize must be in"),
        (replace(COSINE, stepsize=InverseSquareRoot(0.01)), "constant stepsize"),
        (replace(COSINE, noise=Multiplicative(16)), "the variance must be bounded"),
        (replace(COSINE, objective=BlockCosine()), "the claim does not apply"),
        (replace(COSINE, objective=LogisticNonconvex(penalty=0.0)), "the claim does not apply"),
    ],
)
def test_it_refuses_runs_outside_its_hypotheses(cell: Cell, finding: str) -> None:
    verdict = CLAIM.verify(Measurement(runs=[replace(cell, checkpoints=(1, 2)).run()]))
    assert verdict.status is Status.INCONCLUSIVE
    assert finding in str(verdict.evidence[0].measured)
