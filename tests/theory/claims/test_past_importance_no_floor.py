"""Lagged importance leaves no floor; importance from the current gradient does, and broken masks are found out."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from torch import Tensor

from amss_min.testing import Evidence, Status
from amss_min.weightings import Indicator
from simulations.experiments import Cell
from simulations.experiments.past_importance_no_floor import PAST_IMPORTANCE_NO_FLOOR
from simulations.methods import Method
from simulations.noise import Gaussian
from theory.claims.past_importance_no_floor import CLAIM, noise_share
from theory.measurement import Measurement

QUICK = PAST_IMPORTANCE_NO_FLOOR.quick or ()
CELLS = [replace(QUICK[0], checkpoints=(60, 240)), QUICK[-2], QUICK[-1]]


def evidence(change: Callable[[Cell], Cell] = lambda cell: cell) -> list[Evidence]:
    return list(CLAIM.verify(Measurement(runs=[change(cell).run() for cell in CELLS])).evidence)


def test_production_is_consistent_with_it() -> None:
    assert [item.status for item in evidence()] == [Status.CONSISTENT] * 3


def test_a_mask_that_follows_the_current_noise_refutes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Method.estimate

    def current(
        self: Method,
        x: Tensor,
        units: Sequence[int],
        drawn: Sequence[int | Tensor],
        bits: Tensor,
        sized_by: Tensor | None = None,
    ) -> Tensor:
        return honest(self, x, units, drawn, bits)

    monkeypatch.setattr(Method, "estimate", current)
    found = [item for item in evidence() if "below the least of AMSS" in item.what]
    assert [item.status for item in found] == [Status.REFUTED]


def test_a_mask_that_enlarges_what_it_keeps_refutes_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Indicator, "__call__", lambda self, draw: 8.0 * draw.drawn)
    assert evidence(lambda cell: replace(cell, checkpoints=(60, 240)))[0].status is Status.REFUTED


def test_only_equal_scales_lower_the_share_of_the_noise() -> None:
    run = replace(CELLS[0], checkpoints=(1,), replicates=1).run()
    assert noise_share(run) == 0.5
    other = replace(CELLS[0], checkpoints=(1,), replicates=1, noise=Gaussian(2, total=2.0)).run()
    assert noise_share(other) == 1.0


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (lambda cell: replace(cell, start=0.5), "from the optimum"),
        (lambda cell: replace(cell, noise=Gaussian(2, total=2.0)), "skewed noise"),
        (lambda cell: replace(cell, method=CELLS[1].method), "needs runs of lagged AMSS"),
        (
            lambda cell: replace(cell, method=replace(cell.method, lagged=False)),
            "importance from the gradient before",
        ),
    ],
)
def test_it_refuses_other_runs(change: Callable[[Cell], Cell], finding: str) -> None:
    (item,) = evidence(lambda cell: replace(change(cell), checkpoints=(1, 2)))
    assert item.status is Status.INCONCLUSIVE
    assert finding in str(item.measured)
