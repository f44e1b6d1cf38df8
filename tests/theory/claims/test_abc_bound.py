"""The bound for expected smoothness holds up on production code, and wrong constants or weights refute it."""

from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor

from amss_min.designs import Draw
from amss_min.testing import Status
from amss_min.weightings import HorvitzThompson
from simulations.experiments import ABC_BOUND, Cell
from simulations.noise import ExpectedSmoothness, Multiplicative, SampledTerms
from simulations.objectives import InterpolatingLeastSquares, IsotropicQuadratic, Objective
from theory.claims.abc_bound import CLAIM, DOMINANCE, predicted
from theory.measurement import Measurement, Run

PRODUCT = next(cell for cell in ABC_BOUND.cells if isinstance(cell.noise, Multiplicative))
TERMS = next(cell for cell in ABC_BOUND.cells if isinstance(cell.objective, InterpolatingLeastSquares))
TIGHT = replace(PRODUCT, objective=IsotropicQuadratic(n=8, modalities=2), stepsize=1 / 16, checkpoints=(32, 128))


def verdict_of(*runs: Run) -> Status:
    return CLAIM.verify(Measurement(runs=runs)).status


def test_production_is_consistent_with_it() -> None:
    assert verdict_of(replace(PRODUCT, checkpoints=(16, 64)).run(), TERMS.run()) is Status.CONSISTENT


def test_every_planned_run_satisfies_the_hypotheses() -> None:
    for cell in ABC_BOUND.cells:
        run = replace(cell, replicates=1, checkpoints=(1, 2)).run()
        assert (predicted(run) > 0).all()
    for objective in {cell.objective for cell in ABC_BOUND.cells}:
        assert all(assumption.holds_on(objective) for assumption in CLAIM.assumptions)


def test_both_kinds_of_weights_are_run() -> None:
    kinds = {cell.noise.abc(cell.objective)[0] > 0 for cell in ABC_BOUND.cells}
    assert kinds == {True, False}


@dataclass(frozen=True)
class Understated(Multiplicative):
    """Says a part of its B, and has no C to make up for it."""

    def abc(self, objective: Objective) -> ExpectedSmoothness:
        return ExpectedSmoothness(0.0, 1.0, 0.0)


def test_an_understated_noise_refutes_it() -> None:
    """With s = 3 the second moment is 10 |grad F|^2: runs at eta = 1 / (8 L) grow where the bound decays."""
    cell = replace(TIGHT, noise=Understated(16, strength=3.0), stepsize=1 / 8)
    assert verdict_of(cell.run()) is Status.REFUTED


def test_weights_twice_too_large_refute_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def doubled(self: HorvitzThompson, draw: Draw) -> Tensor:
        return torch.where(draw.drawn, 4.0 / draw.inclusion, 0.0)

    monkeypatch.setattr(HorvitzThompson, "__call__", doubled)
    assert verdict_of(replace(TIGHT, stepsize=1 / 8).run()) is Status.REFUTED


@dataclass(frozen=True)
class Milder(InterpolatingLeastSquares):
    """Says a hundredth of its components' L."""

    @property
    def component_L(self) -> float:
        return super().component_L / 100


def test_understated_components_refute_it() -> None:
    """At the stepsize that the stated A allows, single terms of the true size blow up."""
    objective = Milder()
    cell = replace(TERMS, objective=objective, noise=SampledTerms(3, 3), stepsize=0.02)
    found = DOMINANCE.check(Measurement(runs=[cell.run()]))
    assert found[0].status is Status.REFUTED


def short(cell: Cell) -> Run:
    return replace(cell, replicates=256, checkpoints=(2, 4)).run()


def test_other_weights_are_refused() -> None:
    run = short(TERMS)
    assert run.weights is not None
    for weights in (None, run.weights**2):
        found = CLAIM.verify(Measurement(runs=[replace(run, weights=weights)]))
        assert found.status is Status.INCONCLUSIVE
        assert "weights q^-(t+1)" in str(found.evidence[0].measured)


def test_reshuffled_terms_are_refused() -> None:
    found = CLAIM.verify(Measurement(runs=[replace(short(TERMS), noise=SampledTerms(3, 3, reshuffled=True))]))
    assert found.status is Status.INCONCLUSIVE
    assert "independent terms" in str(found.evidence[0].measured)
