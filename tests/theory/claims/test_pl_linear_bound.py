"""The bound on the gap holds up on production code, and wrong constants or weights refute it."""

from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor

from amss_min.designs import Draw
from amss_min.testing import Status
from amss_min.weightings import HorvitzThompson
from simulations.experiments import PL_LINEAR_BOUND, Cell
from simulations.noise import Gaussian
from simulations.objectives import BlockCosine, IsotropicQuadratic, PLSine
from simulations.stepsizes import InverseSquareRoot
from theory.claims.pl_linear_bound import CLAIM, DOMINANCE, predicted
from theory.measurement import Measurement, Run

SINE = next(cell for cell in PL_LINEAR_BOUND.cells if isinstance(cell.objective, PLSine))
TIGHT = next(
    cell
    for cell in PL_LINEAR_BOUND.cells[12:]
    if isinstance(cell.objective, IsotropicQuadratic) and cell.method.name == "uniform-ht"
)


def status(*runs: Run) -> Status:
    return CLAIM.verify(Measurement(runs=runs)).status


def test_production_is_consistent_with_it() -> None:
    assert status(replace(SINE, checkpoints=(4, 16)).run(), TIGHT.run()) is Status.CONSISTENT


def test_every_planned_run_satisfies_the_hypotheses() -> None:
    for cell in PL_LINEAR_BOUND.cells:
        run = replace(cell, replicates=1, checkpoints=(1, 2)).run()
        assert (predicted(run) > 0).all()
    for objective in {cell.objective for cell in PL_LINEAR_BOUND.cells}:
        assert all(assumption.holds_on(objective) for assumption in CLAIM.assumptions)


def test_weights_twice_too_large_refute_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def doubled(self: HorvitzThompson, draw: Draw) -> Tensor:
        return torch.where(draw.drawn, 2.5 / draw.inclusion, 0.0)

    monkeypatch.setattr(HorvitzThompson, "__call__", doubled)
    assert status(TIGHT.run()) is Status.REFUTED


@dataclass(frozen=True)
class Understated(Gaussian):
    """Says a part of its second moment."""

    @property
    def sigma2(self) -> float:
        return self.total / 8


def test_an_understated_noise_refutes_it() -> None:
    assert status(replace(TIGHT, noise=Understated(TIGHT.noise.d, total=TIGHT.noise.sigma2 or 0.0)).run()) is (
        Status.REFUTED
    )


@dataclass(frozen=True)
class Sharper(PLSine):
    """Says 32 times its mu."""

    @property
    def mu(self) -> float:
        return 32 * super().mu


def test_an_overstated_constant_is_found_out_and_refutes_the_bound_where_it_is_trusted() -> None:
    cell = replace(SINE, objective=Sharper(n=8), noise=Gaussian(16, total=0.01), checkpoints=(4, 8))
    measurement = Measurement(runs=[cell.run()])
    assert CLAIM.verify(measurement).status is Status.INCONCLUSIVE
    assert DOMINANCE.check(measurement, trusting=True)[0].status is Status.REFUTED


@pytest.mark.parametrize(
    ("cell", "finding"),
    [
        (replace(SINE, stepsize=1 / 16), "the stepsize must be in"),
        (replace(SINE, stepsize=InverseSquareRoot(0.01)), "constant stepsize"),
        (replace(SINE, objective=BlockCosine()), "the claim does not apply"),
    ],
)
def test_it_refuses_runs_outside_its_hypotheses(cell: Cell, finding: str) -> None:
    verdict = CLAIM.verify(Measurement(runs=[replace(cell, checkpoints=(1, 2)).run()]))
    assert verdict.status is Status.INCONCLUSIVE
    assert finding in str(verdict.evidence[0].measured)
