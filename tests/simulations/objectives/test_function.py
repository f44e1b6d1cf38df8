"""A stranger's function: what it becomes, and what is refused with which words."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from simulations.engine import simulate
from simulations.methods import METHODS
from simulations.noise import Gaussian
from simulations.objectives import FunctionObjective, SmoothRastrigin


def bowl(w: Tensor) -> Tensor:
    return (w - 1).square().sum(-1)


def test_value_and_gradient_are_those_of_the_function() -> None:
    known = SmoothRastrigin(n=2)
    stranger = FunctionObjective(known.value, 4, L=known.L, f_star=0.0, units=(2, 2))
    w = torch.randn(3, 5, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert torch.equal(stranger.value(w), known.value(w))
    # Both gradients are a few operations of size at most L |w| + A omega.
    assert float((stranger.gradient(w) - known.gradient(w)).abs().max()) <= 16 * 2.0**-53 * (
        4.4 * float(w.abs().max()) + 2
    )
    assert stranger.units == (2, 2) and stranger.d == 4
    assert stranger.gradient(w[0, 0]).shape == (4,)


def test_nothing_is_claimed_beyond_what_was_stated() -> None:
    objective = FunctionObjective(bowl, 3, L=2, f_star=0)
    assert (objective.certificate, objective.mu, objective.convexity, objective.minimiser) == ("", None, None, None)
    assert objective.radius == math.inf
    assert FunctionObjective(bowl, 3, L=2, f_star=0, mu=2).mu == 2
    assert objective.name == "bowl, L=2 as stated, d=3"


def test_gradients_work_where_the_caller_has_switched_them_off() -> None:
    objective = FunctionObjective(bowl, 2, L=2, f_star=0)
    with torch.no_grad():
        assert torch.equal(
            objective.gradient(torch.zeros(1, 2, dtype=torch.float64)), torch.full((1, 2), -2.0).double()
        )


def test_a_row_that_is_not_used_has_gradient_zero() -> None:
    objective = FunctionObjective(lambda w: w[:, 0].square(), 2, L=2, f_star=0)
    assert objective.gradient(torch.ones(1, 2, dtype=torch.float64)).tolist() == [[2.0, 0.0]]


def detached_mean(w: Tensor) -> Tensor:
    return w.square().sum(-1) + w.detach().mean()


def in_place(w: Tensor) -> Tensor:
    with torch.no_grad():
        w.mul_(2)
    return w.square().sum(-1)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda w: w.square().sum(), "must map"),
        (lambda w: w.square(), "one value a row"),
        (lambda w: 1.0, "found float"),
        (lambda w: w.float().square().sum(-1), "must keep the dtype"),
        (lambda w: w.sum(-1) * math.inf, "must be finite"),
        (lambda w: w.log().sum(-1), "must be finite"),
        (lambda w: torch.tensor(w.detach().numpy()).sum(-1), "must be differentiable"),
        (lambda w: (0 * w).abs().sqrt().sum(-1), "finite gradients"),
        (lambda w: w.square().sum(-1) + w.mean(), "gradient reaches other rows"),
        (lambda w: (w - w.mean(0)).square().sum(-1), "one by one"),
        (detached_mean, "alone"),
        (in_place, "changed in place"),
    ],
)
def test_what_is_no_objective_is_refused(function: Callable[[Tensor], Tensor], words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        FunctionObjective(function, 3, L=1.0, f_star=0.0)
    assert "found" in str(caught.value)


@pytest.mark.parametrize(
    "constants",
    [
        {"L": 0.0, "f_star": 0.0},
        {"L": math.inf, "f_star": 0.0},
        {"L": 1.0, "f_star": -math.inf},
        {"L": 1.0, "f_star": math.nan},
        {"L": 1.0, "f_star": 0.0, "mu": 2.0},
        {"L": 1.0, "f_star": 0.0, "mu": 0.0},
        {"L": 1.0, "f_star": 0.0, "units": (1, 1)},
        {"L": 1.0, "f_star": 0.0, "units": (3, 0)},
    ],
)
def test_constants_without_sense_are_refused(constants: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="found"):
        FunctionObjective(bowl, 3, **constants)


def test_an_error_of_the_function_is_passed_on() -> None:
    with pytest.raises(ZeroDivisionError):
        FunctionObjective(lambda w: w.sum(-1) * (1 // 0), 3, L=1.0, f_star=0.0)


def test_the_engine_takes_it() -> None:
    objective = FunctionObjective(lambda w: w.square().sum(-1) / 2, 3, L=1.0, f_star=0.0)
    options = {"start": [1.0, 2.0, 3.0], "stepsize": 0.5, "checkpoints": (1,), "replicates": range(2)}
    trace = simulate(objective, Gaussian(3, total=0.0), METHODS["sgd"], **options)  # type: ignore[arg-type]
    assert trace.iterate[1, 0].tolist() == [0.5, 1.0, 1.5]
