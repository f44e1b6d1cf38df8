"""The parts of an objective's audit: the objective as stated, the searches, the runs that rest on them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from amss_min.testing import Status
from amss_min.testing.files import check_file
from simulations.console import Unwritable
from simulations.stranger.constants import measured_again
from simulations.stranger.dependants import DEPENDANTS
from simulations.stranger.objective import Stated, stated
from simulations.stranger.pl_search import refute_pl


def square(w: torch.Tensor) -> torch.Tensor:
    return w.square().sum(-1)


def made(**changes: Any) -> Stated:
    return stated(square, "square", **{"d": 3, "L": 2.0, "f_star": 0.0, **changes})


@pytest.mark.parametrize("name", ["nonconvex-bound", "full-gradient-bound"])
def test_a_run_refutes_an_understated_constant_too(name: str) -> None:
    (one,) = (dependant for dependant in DEPENDANTS if dependant.claim.id == name)
    for L, status in ((2.0, Status.CONSISTENT), (0.5, Status.REFUTED)):
        cells = [replace(cell, checkpoints=(2, 8)) for cell in one.cells(made(L=L), (1.0, 1.0, 1.0))]
        assert one.verdict([cell.run() for cell in cells]).status is status


def test_a_run_below_the_bound_of_the_values_decides_nothing() -> None:
    one = DEPENDANTS[0]
    cells = [replace(cell, checkpoints=(2, 64)) for cell in one.cells(made(f_star=2.0), (1.0, 1.0, 1.0))]
    verdict = one.verdict([cell.run() for cell in cells])
    assert verdict.status is Status.INCONCLUSIVE
    assert "F must be at least f_star = 2" in str(verdict.evidence[0].measured)


def test_a_witness_has_points_of_its_constant() -> None:
    assert measured_again(made(), "L", [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]]) == (2.0, 2.0)
    assert measured_again(made(), "f_star", [[1.0, 0.0, 0.0]]) == (1.0, 0.0)
    assert measured_again(made(mu=2.0), "mu", [[1.0, 0.0, 0.0]]) == (2.0, 2.0)
    for constant, points in (("L", [[0.0] * 3]), ("mu", [[0.0] * 3]), ("f_star", [[0.0] * 2]), ("x", [[0.0] * 3])):
        with pytest.raises(ValueError, match="witness"):
            measured_again(made(), constant, points)


def test_the_search_for_mu_finds_the_edge() -> None:
    assert not refute_pl(made(mu=2.0)).refuted
    finding = refute_pl(made(f_star=-0.5, mu=0.5))  # no minimum is at f_star
    assert finding.refuted
    assert finding.found < 0.5
    with pytest.raises(ValueError, match="needs a stated mu"):
        refute_pl(made())


def test_the_ball_scales_nothing_but_where_the_function_is_tried() -> None:
    whole, ball = made(), made(radius=0.01)
    w = 0.003 * torch.randn(5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    assert torch.equal(whole.value(w), ball.value(w))
    assert torch.equal(whole.gradient(w), ball.gradient(w))


def test_gradients_work_inside_of_inference_mode() -> None:
    objective = made()
    with torch.inference_mode():
        w = torch.ones(2, 3, dtype=torch.float64)
        assert torch.equal(objective.gradient(w), 2 * w)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(Unwritable, match="it is a folder"):
        check_file(tmp_path)
