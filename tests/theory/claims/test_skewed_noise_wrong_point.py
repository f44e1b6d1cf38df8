"""AMSS is caught at the wrong point, the others are not, and repaired or broken weights are told apart."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor

from amss_min.designs import Draw, Successive
from amss_min.testing import Evidence, Status
from amss_min.weightings import HorvitzThompson, Indicator
from simulations.experiments import SKEWED_NOISE_WRONG_POINT, Cell
from simulations.noise import TwoPoint
from theory.claims.skewed_noise_wrong_point import CLAIM, P, ceiling, floor
from theory.mean_field import least_energy
from theory.measurement import Measurement

CELLS = [replace(cell, replicates=256) for cell in SKEWED_NOISE_WRONG_POINT.cells if cell.stepsize == 0.01]


def evidence(change: Callable[[Cell], Cell] = lambda cell: cell, skip: tuple[str, ...] = ()) -> dict[str, Evidence]:
    """Evidence by its subject; methods in `skip` run for two steps only."""
    runs = [change(replace(c, checkpoints=(1, 2)) if c.method.name in skip else c).run() for c in CELLS]
    return {item.what: item for item in CLAIM.verify(Measurement(runs=runs)).evidence}


def refuted(found: dict[str, Evidence]) -> list[str]:
    return [what for what, item in found.items() if item.status is Status.REFUTED]


def test_production_is_consistent_with_it() -> None:
    found = evidence()
    assert [item.status for item in found.values()] == [Status.HOLDS] * 2 + [Status.CONSISTENT] * 5


def test_the_thresholds_separate_the_methods_at_small_steps() -> None:
    assert 0.1558 < floor() < 0.1559
    for stepsize in (0.01, 0.002):
        assert ceiling(stepsize, 2.0) < least_energy(0.0, P) < floor()


def test_repaired_weights_refute_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def repaired(self: Indicator, draw: Draw) -> Tensor:
        return torch.where(draw.drawn, 1.0 / draw.q, 0.0)  # one of two units: pi = q

    monkeypatch.setattr(Indicator, "__call__", repaired)
    found = refuted(evidence(skip=("sgd", "amss+")))
    assert any(what.startswith("mean of w_1: amss") for what in found)
    assert any("below the floor: amss" in what for what in found)
    assert any(what.startswith("h_1(w, 0) through production") for what in found)


def test_plus_without_its_weights_refutes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HorvitzThompson, "__call__", lambda self, draw: draw.drawn.to(torch.float64))
    (what,) = refuted(evidence(skip=("sgd", "amss")))
    assert "shrinks with the step: amss+" in what


def test_a_draw_that_ignores_the_sizes_refutes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Successive.select

    def blind(self: Successive, p: Tensor, k: int, bits: Tensor) -> Draw:
        return honest(self, torch.ones_like(p), k, bits)

    monkeypatch.setattr(Successive, "select", blind)
    found = refuted(evidence(skip=("sgd", "amss+")))
    assert any(what.startswith("mean of w_1: amss") for what in found)
    assert any("below the floor: amss" in what for what in found)


@dataclass(frozen=True)
class Overstated(TwoPoint):
    """Says a third too much."""

    @property
    def sigma2(self) -> float:
        return 4 / 3 * super().sigma2


def test_an_overstated_noise_refutes_the_closed_form() -> None:
    def overstate(cell: Cell) -> Cell:
        return replace(cell, noise=Overstated((0.1, 0.5), (1.0, 1.0))) if cell.method.name == "sgd" else cell

    (what,) = refuted(evidence(overstate, skip=("amss", "amss+")))
    assert "is the closed form: sgd" in what


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (lambda cell: replace(cell, start=0.5), "must start at the optimum"),
        (lambda cell: replace(cell, keep=1.0), "1 of 2 units drawn"),
        (lambda cell: replace(cell, noise=TwoPoint((0.1, 0.5), (1.0, 1.0))), "needs runs of control"),
        (
            lambda cell: (
                replace(cell, noise=TwoPoint((0.2, 0.5), (1.0, 1.0))) if cell.noise.name.startswith("two") else cell
            ),
            "must be two-point with p = 1/10",
        ),
    ],
)
def test_it_refuses_other_instances(change: Callable[[Cell], Cell], finding: str) -> None:
    (item,) = evidence(change, skip=("amss", "amss+", "sgd")).values()
    assert item.status is Status.INCONCLUSIVE
    assert finding in str(item.measured)
