"""The search refutes constants that are wrong and leaves alone constants that are right."""

import math
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from simulations.objectives import FunctionObjective, IsotropicQuadratic, LogisticNonconvex, Objective
from tests.simulations.objectives.instances import DEFAULTS, UNBALANCED, label
from theory.falsification import Finding, refute_lower_bound, refute_smoothness


@dataclass(frozen=True)
class Stated:
    """An objective with other constants than its own."""

    objective: Any
    L: float
    f_star: float

    @property
    def units(self) -> tuple[int, ...]:
        return tuple(self.objective.units)

    @property
    def radius(self) -> float:
        return float(self.objective.radius)

    def value(self, w: Tensor) -> Tensor:
        F: Tensor = self.objective.value(w)
        return F

    def gradient(self, w: Tensor) -> Tensor:
        g: Tensor = self.objective.gradient(w)
        return g


def stated(objective: Any, L: float = 1.0, f_star: float = 0.0) -> Stated:
    """L times its own, f_star raised."""
    return Stated(objective, L * objective.L, objective.f_star + f_star)


def typical_gap(objective: Objective) -> float:
    w = torch.randn(200, objective.d, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    return float(objective.value(w).mean()) - objective.f_star


def replays(objective: Any, finding: Finding) -> bool:
    """Whether the points of a refutation show it again."""
    at = [torch.tensor(point, dtype=torch.float64) for point in finding.at]
    if finding.constant == "f_star":
        return bool(float(objective.value(at[0])) == finding.found < objective.f_star - finding.error)
    change = objective.gradient(at[0]) - objective.gradient(at[1])
    return bool(change.norm() / (at[0] - at[1]).norm() > objective.L + finding.error / 2)


@pytest.mark.parametrize(
    "objective", [*DEFAULTS, *(pytest.param(F, marks=pytest.mark.slow) for F in UNBALANCED)], ids=label
)
def test_right_constants_are_not_refuted(objective: Objective) -> None:
    for finding in (refute_smoothness(objective), refute_lower_bound(objective)):
        assert not finding.refuted, finding.sentence()
        assert f"not contradicted by {finding.points} points" in finding.sentence()
        assert all(math.hypot(*point) <= objective.radius for point in finding.at)


@pytest.mark.parametrize(
    "objective", [F for F in DEFAULTS if not any(word in F.name for word in ("teacher", "phase"))], ids=label
)
def test_an_L_understated_by_less_than_a_third_is_refuted(objective: Objective) -> None:
    wrong = stated(objective, L=1 / 1.3)
    finding = refute_smoothness(wrong)
    assert finding.refuted and finding.constant == "L" and finding.ratio > 1
    assert replays(wrong, finding)
    assert "is contradicted" in finding.sentence()


@pytest.mark.parametrize(
    "objective", [F for F in DEFAULTS if any(w in F.name for w in ("teacher", "phase"))], ids=label
)
def test_a_loose_certificate_is_refuted_once_it_is_below_what_occurs(objective: Objective) -> None:
    seen = refute_smoothness(objective, seed=1).ratio
    assert seen < 1 / 1.3
    wrong = stated(objective, L=seen / 1.3)
    assert replays(wrong, refute_smoothness(wrong))


def test_the_planted_violation_is_refuted() -> None:
    finding = refute_smoothness(stated(IsotropicQuadratic(), L=1 / 4))
    assert finding.refuted
    assert abs(finding.ratio - 4) <= 4 * (finding.error / finding.stated + 2.0**-40)


@pytest.mark.parametrize("objective", [F for F in DEFAULTS if not isinstance(F, LogisticNonconvex)], ids=label)
def test_an_f_star_overstated_by_a_hundredth_of_the_gap_is_refuted(objective: Objective) -> None:
    wrong = stated(objective, f_star=0.01 * typical_gap(objective))
    finding = refute_lower_bound(wrong)
    assert finding.refuted and finding.constant == "f_star"
    assert replays(wrong, finding)


def test_an_f_star_above_what_descent_reaches_is_refuted() -> None:
    objective = LogisticNonconvex()
    least = refute_lower_bound(objective, seed=1).found
    assert 0 < least < math.log(2)
    assert refute_lower_bound(stated(objective, f_star=least + 0.01 * (math.log(2) - least))).refuted


class Moved:
    """amplitude F(scale Q (w - center)) with its exact constants."""

    def __init__(self, objective: Any, shift: float, scale: float, amplitude: float, rotated: bool) -> None:
        generator = torch.Generator().manual_seed(1)
        d = objective.d
        turn = torch.linalg.qr(torch.randn(d, d, dtype=torch.float64, generator=generator)).Q
        self.center = shift * torch.randn(d, dtype=torch.float64, generator=generator)
        self.map = scale * (turn if rotated else torch.eye(d, dtype=torch.float64))
        self.objective, self.amplitude, self.units, self.radius = objective, amplitude, objective.units, math.inf
        # Q is orthogonal to 2^-48.
        self.L = objective.L * scale**2 * amplitude * (1 + 2.0**-40)
        self.f_star = objective.f_star * amplitude

    def value(self, w: Tensor) -> Tensor:
        F: Tensor = self.objective.value((w - self.center) @ self.map)
        return self.amplitude * F

    def gradient(self, w: Tensor) -> Tensor:
        g: Tensor = self.objective.gradient((w - self.center) @ self.map)
        return self.amplitude * g @ self.map.T


MOVES = [
    (3.0, 1.0, 1.0, True),
    (100.0, 1.0, 1.0, True),
    (1e4, 0.1, 1e3, False),
    (1.0, 30.0, 1e-6, True),
    (1e-2, 1e-2, 1e6, True),
    (1e8, 1.0, 1.0, False),
    (1e6, 10.0, 1.0, True),
]


@pytest.mark.slow
@pytest.mark.parametrize("move", MOVES, ids=str)
@pytest.mark.parametrize("objective", [F for F in DEFAULTS if math.isinf(F.radius)], ids=label)
def test_moved_objectives_are_not_refuted(objective: Objective, move: tuple[float, float, float, bool]) -> None:
    moved = Moved(objective, *move)
    for seed in range(2):
        assert not refute_smoothness(moved, seed).refuted
        assert not refute_lower_bound(moved, seed).refuted


@pytest.mark.parametrize("move", MOVES[1:3], ids=str)
def test_moving_does_not_hide_a_wrong_constant(move: tuple[float, float, float, bool]) -> None:
    moved = Moved(IsotropicQuadratic(), *move)
    assert not refute_smoothness(moved).refuted and not refute_lower_bound(moved).refuted
    assert refute_smoothness(stated(moved, L=1 / 1.3)).refuted
    raised = 0.01 * float(moved.value(torch.zeros(8, dtype=torch.float64)))
    assert refute_lower_bound(stated(moved, f_star=raised)).refuted


def log_cosh(w: Tensor) -> Tensor:
    """Overflows for large w: written as people write it."""
    return w.cosh().log().sum(-1)


def far_log_cosh(w: Tensor) -> Tensor:
    z = w - 1e3
    return (z.abs() + torch.log1p(torch.exp(-2 * z.abs())) - math.log(2)).sum(-1)


def softplus_far(w: Tensor) -> Tensor:
    """Infimum 0 at minus infinity, barely above it from -40 on."""
    return torch.nn.functional.softplus(w).sum(-1)


def expanded(w: Tensor) -> Tensor:
    """|w - 1000|^2, expanded: values of size 1 are left over from terms of size 1e7."""
    return (w.square() - 2000 * w + 1e6).sum(-1)


def steep_and_flat(w: Tensor) -> Tensor:
    return 0.5 * (torch.logspace(-8, 4, w.shape[-1], dtype=w.dtype) * w.square()).sum(-1)


def huber(w: Tensor) -> Tensor:
    return torch.where(w.abs() < 1, 0.5 * w.square(), w.abs() - 0.5).sum(-1)


def far_offset(w: Tensor) -> Tensor:
    return 0.5 * (w.square() + 1e9).sum(-1)


def single_inside(w: Tensor) -> Tensor:
    """Computed in float32: quotients of differences are off by factors."""
    return torch.nn.functional.softplus(w.float()).sum(-1).double()


def rounded_argument(w: Tensor) -> Tensor:
    """The argument is rounded to multiples of 1e-7 on the way."""
    return 0.5 * ((w + 1e9) - 1e9).square().sum(-1)


def rotated(w: Tensor) -> Tensor:
    """A full matrix with eigenvalues from 1e-10 to 1e6."""
    d = w.shape[-1]
    turn = torch.linalg.qr(torch.randn(d, d, dtype=w.dtype, generator=torch.Generator().manual_seed(0))).Q
    pulled: Tensor = w @ (turn * torch.logspace(-10, 6, d, dtype=w.dtype)) @ turn.T
    return 0.5 * (pulled * w).sum(-1)


STRANGERS = [
    (log_cosh, 1.0, 0.0),
    (far_log_cosh, 1.0, 0.0),
    (softplus_far, 0.25, 0.0),
    (expanded, 2.0, 0.0),
    (steep_and_flat, 1e4, 0.0),
    (huber, 1.0, 0.0),
    (far_offset, 1.0, 1e10),
    (single_inside, 0.25, 0.0),
    (rounded_argument, 1.0, 0.0),
    (rotated, 1e6, 0.0),
]


def name_of(value: Any) -> str:
    return getattr(value, "__name__", "")


@pytest.mark.parametrize(("function", "L", "f_star"), STRANGERS, ids=name_of)
def test_a_strangers_right_constants_are_not_refuted(function: Any, L: float, f_star: float) -> None:
    objective = FunctionObjective(function, 20, L=L, f_star=f_star)
    for finding in (refute_smoothness(objective), refute_lower_bound(objective)):
        assert not finding.refuted, finding.sentence()


@pytest.mark.parametrize(
    ("function", "L", "f_star"),
    [*STRANGERS[:2], *(pytest.param(*stranger, marks=pytest.mark.slow) for stranger in STRANGERS[2:])],
    ids=name_of,
)
def test_a_strangers_wrong_constants_are_refuted(function: Any, L: float, f_star: float) -> None:
    objective = FunctionObjective(function, 20, L=L / 1.3, f_star=f_star)
    finding = refute_smoothness(objective)
    assert replays(objective, finding)
    raised = 0.01 * (float(objective.value(torch.zeros(20, dtype=torch.float64))) - f_star) or 1.0
    assert refute_lower_bound(stated(objective, f_star=raised)).refuted


class Rosenbrock:
    """(1 - x)^2 + 100 (y - x^2)^2 on a ball of radius R <= 2, with L from the largest entries of the Hessian there.

    Its entries are 2 + 1200 x^2 - 400 y, -400 x and 200: with |x|, |y| <= R the spectral norm is at most the larger row
    sum, 2 + 1200 R^2 + 400 R + 400 R.
    """

    units, radius, f_star = (1, 1), 2.0, 0.0
    L = 2 + 1200 * 4.0 + 1600

    def value(self, w: Tensor) -> Tensor:
        x, y = w[..., 0], w[..., 1]
        return (1 - x).square() + 100 * (y - x.square()).square()

    def gradient(self, w: Tensor) -> Tensor:
        x, y = w[..., 0], w[..., 1]
        bend = 200 * (y - x.square())
        return torch.stack([-2 * (1 - x) - 2 * x * bend, bend], -1)


def test_the_search_stays_in_the_ball() -> None:
    objective = Rosenbrock()
    for finding in (refute_smoothness(objective), refute_lower_bound(objective)):
        assert not finding.refuted
        assert all(math.hypot(*point) <= 2.0 for point in finding.at)
    # At (-2, 0) and (2, 0) the Hessian has the entry 4802: a constant below it is wrong.
    assert refute_smoothness(Stated(objective, 4700.0, 0.0)).refuted
    assert refute_lower_bound(Stated(objective, objective.L, 0.01)).refuted


def test_points_that_are_not_finite_are_counted_apart() -> None:
    finding = refute_lower_bound(FunctionObjective(log_cosh, 4, L=1.0, f_star=0.0))
    assert finding.nonfinite > 0 and "were not finite" in finding.sentence()


def test_the_same_seed_gives_the_same_finding() -> None:
    objective = DEFAULTS[2]
    assert refute_smoothness(objective, 3) == refute_smoothness(objective, 3)
    assert refute_lower_bound(objective, 3) == refute_lower_bound(objective, 3)


def test_one_coordinate_is_enough() -> None:
    one = replace(IsotropicQuadratic(), n=1)
    assert not refute_smoothness(one).refuted and refute_smoothness(stated(one, L=0.9)).refuted
    assert math.isnan(refute_lower_bound(one).ratio)


def test_a_gradient_that_overflows_hides_nothing() -> None:
    steep = SimpleNamespace(units=(3,), L=1.0, f_star=0.0, value=lambda w: w.exp().sum(-1), gradient=lambda w: w.exp())
    finding = refute_smoothness(steep)
    assert finding.refuted and finding.nonfinite > 0
