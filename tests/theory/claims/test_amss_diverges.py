"""Growth and contraction are found in production runs, and other weights, draws or instances are told apart."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from amss_min.designs import Draw, Successive
from amss_min.testing import Evidence, Status
from amss_min.weightings import HorvitzThompson, Indicator
from simulations.experiments.amss_diverges import AMSS_DIVERGES
from simulations.experiments.base import Cell
from simulations.methods import METHODS
from simulations.objectives import InterpolatingLeastSquares
from theory.claims.amss_diverges import CLAIM, exponent
from theory.measurement import Measurement

CELLS = [replace(cell, stepsize=8e-4, checkpoints=(125, 625), replicates=256) for cell in AMSS_DIVERGES.quick or ()]


def evidence(change: Callable[[Cell], Cell] = lambda cell: cell) -> dict[str, Evidence]:
    runs = [change(cell).run() for cell in CELLS]
    return {item.what: item for item in CLAIM.verify(Measurement(runs=runs)).evidence}


def refuted(found: dict[str, Evidence]) -> list[str]:
    return [what.split(",")[0] for what, item in found.items() if item.status is Status.REFUTED]


def test_production_is_consistent_with_it() -> None:
    found = evidence()
    assert [item.status for item in found.values()] == [Status.CONSISTENT] * 4


def test_the_known_slopes() -> None:
    runs = [replace(cell, checkpoints=(1, 2), replicates=1).run() for cell in CELLS]
    assert [round(float(exponent(run).limit), 3) for run in runs] == [2.038, -3.667]


def test_a_draw_that_ignores_the_sizes_refutes_the_growth(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Successive.select

    def blind(self: Successive, p: Tensor, k: int, bits: Tensor) -> Draw:
        return honest(self, torch.ones_like(p), k, bits)

    monkeypatch.setattr(Successive, "select", blind)
    assert refuted(evidence()) == ["growth of log |w| a unit of time: amss"]


def test_repaired_weights_refute_the_growth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Indicator, "__call__", lambda self, draw: torch.where(draw.drawn, 1.0 / draw.q, 0.0))
    assert refuted(evidence()) == ["growth of log |w| a unit of time: amss"]


def test_weights_too_small_by_a_fifth_refute_the_contraction(monkeypatch: pytest.MonkeyPatch) -> None:
    def smaller(self: HorvitzThompson, draw: Draw) -> Tensor:
        return torch.where(draw.drawn, 0.8 / draw.inclusion, 0.0)

    monkeypatch.setattr(HorvitzThompson, "__call__", smaller)
    assert "E of the mean coordinate: amss+" in refuted(evidence())


def test_plus_without_weights_refutes_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HorvitzThompson, "__call__", lambda self, draw: draw.drawn.to(torch.float64))
    assert len(refuted(evidence())) == 3


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (lambda cell: replace(cell, start=(1.0, 1.0, 0.5)), "must start at (1, 1, 1)"),
        (lambda cell: replace(cell, keep=2 / 3), "1 of 3 units"),
        (lambda cell: replace(cell, objective=InterpolatingLeastSquares((-3.0, 2.0, 2.0))), "one term a step; found"),
        (lambda cell: replace(cell, method=METHODS["amss"]), "runs of AMSS and of AMSS+"),
        (lambda cell: replace(cell, replicates=255), "at least 256 replicates"),
    ],
)
def test_it_refuses_other_instances(change: Callable[[Cell], Cell], finding: str) -> None:
    (item,) = evidence(lambda cell: replace(change(cell), checkpoints=(1, 2))).values()
    assert item.status is Status.INCONCLUSIVE
    assert finding in str(item.measured)
