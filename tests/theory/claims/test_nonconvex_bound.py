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
from simulations.noise import Gaussian, TwoPoint
from simulations.objectives import (
    BlockCosine,
    GemanMcClure,
    HardChain,
    IsotropicQuadratic,
    LogisticNonconvex,
    SmoothRastrigin,
    TeacherStudent,
    Welsch,
)
from simulations.optimisers import Momentum
from simulations.stepsizes import InverseSquareRoot
from theory.claims.nonconvex_bound import CLAIM, DOMINANCE, predicted
from theory.measurement import Measurement, Run

TIGHT = next(c for c in NONCONVEX_BOUND.cells if c.objective.name.startswith("isotropic"))
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
        assert cell.replicates >= 256 and len(cell.checkpoints) == 4
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


@dataclass(frozen=True)
class Quarter(IsotropicQuadratic):
    """Says a quarter of its L."""

    @property
    def L(self) -> float:
        return self.curvature / 4


@pytest.mark.parametrize("share", [1.0, 0.25])
def test_a_smoothness_understated_by_four_refutes_it_at_stationarity(share: float) -> None:
    """From the minimum on, with a stepsize that the true L allows too: the floor x / (2 - x) against x / 4."""
    cell = replace(TIGHT, objective=Quarter(n=8, modalities=2), start=0.0, stepsize=share * TIGHT.stepsize)
    measurement = Measurement(runs=[replace(cell, replicates=256, checkpoints=(64, 256)).run()])
    # The search for points finds the wrong L first, and then nothing is decided; without it, the measurement does.
    assert CLAIM.verify(measurement).status is Status.INCONCLUSIVE
    (found,) = DOMINANCE.check(measurement, trusting=True)
    assert found.status is Status.REFUTED
    assert found.witness is not None
    true = Measurement(runs=[replace(cell, objective=TIGHT.objective, replicates=256, checkpoints=(64, 256)).run()])
    assert DOMINANCE.check(true, trusting=True)[0].status is Status.CONSISTENT


def test_an_understated_smoothness_is_found_out_and_decides_nothing() -> None:
    assert status(run(replace(TIGHT, objective=Smoother(n=8, modalities=2)))) is Status.INCONCLUSIVE


def test_a_run_that_could_not_have_refuted_its_bound_decides_nothing() -> None:
    assert status(replace(TIGHT, replicates=1, checkpoints=(8, 512)).run()) is Status.INCONCLUSIVE


def test_seven_objectives_are_run_at_three_steps_with_both_noises() -> None:
    plus = [cell for cell in NONCONVEX_BOUND.cells if cell.method.name == "amss+"]
    for kind in (BlockCosine, SmoothRastrigin, LogisticNonconvex, Welsch, GemanMcClure, TeacherStudent, HardChain):
        for noise in (Gaussian, TwoPoint):
            runs = [cell for cell in plus if isinstance(cell.objective, kind) and isinstance(cell.noise, noise)]
            assert len({cell.stepsize for cell in runs}) == 3


@pytest.mark.parametrize(
    ("cell", "finding"),
    [
        (replace(TIGHT, stepsize=InverseSquareRoot(0.25)), "constant stepsize"),
        (replace(TIGHT, optimiser=Momentum()), "plain descent"),
        (replace(PLUS, method=replace(PLUS.method, lagged=True)), "importance from the masked gradient"),
        (replace(TIGHT, stepsize=1.01 * TIGHT.stepsize), "the stepsize must be in"),
        (replace(PLUS, method=METHODS["amss"]), "method 'amss'"),
    ],
)
def test_it_refuses_runs_outside_its_hypotheses(cell: Cell, finding: str) -> None:
    verdict = CLAIM.verify(Measurement(runs=[replace(cell, replicates=2, checkpoints=(1, 2)).run()]))
    assert verdict.status is Status.INCONCLUSIVE
    assert finding in str(verdict.evidence[0].measured)


@dataclass(frozen=True)
class Bottomless(IsotropicQuadratic):
    """Knows no lower bound."""

    @property
    def f_star(self) -> float:
        return None  # type: ignore[return-value]


def test_it_refuses_an_objective_without_a_lower_bound() -> None:
    cell = replace(TIGHT, objective=Bottomless(n=8, modalities=2), replicates=2, checkpoints=(1, 2))
    verdict = CLAIM.verify(Measurement(runs=[cell.run()]))
    assert verdict.status is Status.INCONCLUSIVE
    assert "the claim does not apply" in str(verdict.evidence[0].measured)
