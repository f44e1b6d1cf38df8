"""How far draws may lie: what a declaration implies, and what a burn-in does."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from amss_min.testing.betting import Array
from amss_min.testing.estimator import Estimator, EstimatorError
from amss_min.testing.evidence import Guarantee
from amss_min.testing.functionals import Functionals
from amss_min.testing.ledger import measured
from amss_min.testing.reach import MARGIN, ROUNDING, Reach, burned_in, declared

G = torch.tensor([[3.0, -1.0], [0.0, 2.0], [-1.0, 0.5]], dtype=torch.float64)
FUNCTIONALS = Functionals.of(G)
NORM = float(G.norm())


def same(gradient: torch.Tensor, *, generator: torch.Generator) -> torch.Tensor:
    return gradient


def declaring(**declared: Any) -> Estimator:
    return Estimator(function=same, batched=True, **declared)


def outside(reach: Reach, draws: Array) -> NDArray[np.bool_]:
    _, values, noises, energies = measured(FUNCTIONALS, torch.from_numpy(draws))
    return reach.exceeded(values, noises, energies)


def on_sphere(radius: float, count: int = 500) -> Array:
    rng = np.random.default_rng(0)
    directions = rng.standard_normal((count, *G.shape))
    directions[0], directions[1] = G.numpy(), -G.numpy()
    sizes: Array = np.linalg.norm(directions.reshape(count, -1), axis=1)[:, None, None]
    return radius * directions / sizes


def test_nothing_declared_is_no_reach() -> None:
    assert declared(declaring(), FUNCTIONALS) is None


@pytest.mark.parametrize("bound", [2.0, lambda gradient: 2.0 * NORM, lambda gradient: torch.tensor(2.0 * NORM)])
def test_a_bound_on_the_norm_holds_all_draws_of_that_norm(bound: Any) -> None:
    reach = declared(declaring(bound=bound), FUNCTIONALS)
    assert reach is not None and reach.guarantee is Guarantee.BOUNDED
    assert reach.handicap == 0
    assert not outside(reach, on_sphere(2.0 * NORM)).any()
    assert outside(reach, on_sphere(2.0 * NORM * (1 + 2 * ROUNDING))).all()
    assert reach.radius == pytest.approx(3.0, rel=2 * ROUNDING)


def test_a_bound_by_entries_is_reached_at_its_corner_and_not_passed() -> None:
    entries = torch.tensor([[6.0, 1.0], [0.5, 4.0], [3.0, 1.0]], dtype=torch.float64)
    reach = declared(declaring(bound=lambda gradient: entries), FUNCTIONALS)
    assert reach is not None and reach.guarantee is Guarantee.BOUNDED
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (300, *G.shape))
    assert not outside(reach, entries.numpy() * signs).any()
    against = -np.where(G.numpy() < 0, -1.0, 1.0) * entries.numpy()
    _, values, noises, _ = measured(FUNCTIONALS, torch.from_numpy(against[None]))
    # All ends are reached by the draw furthest from g, but for the slack of one ROUNDING.
    assert -values[0] == pytest.approx(reach.below, rel=2 * ROUNDING)
    assert math.sqrt(noises[0]) == pytest.approx(reach.radius, rel=2 * ROUNDING)
    for entry in np.ndindex(*G.shape):
        beyond = against.copy()
        beyond[entry] *= 1.01
        assert outside(reach, beyond[None]).all()


def test_a_declared_omega_leaves_every_range_open() -> None:
    for omega in (3.0, lambda gradient: 3.0):
        reach = declared(declaring(omega=omega), FUNCTIONALS)
        assert reach is not None and reach.guarantee is Guarantee.VARIANCE_BOUNDED
        assert (reach.omega, reach.handicap) == (3.0, 0)
        assert not outside(reach, on_sphere(1e9)).any()


def test_a_bound_goes_before_an_omega() -> None:
    reach = declared(declaring(bound=2.0, omega=3.0), FUNCTIONALS)
    assert reach is not None and reach.guarantee is Guarantee.BOUNDED and reach.omega is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"bound": lambda gradient: "far"}, "bound must be a number, found 'far'"),
        ({"bound": lambda gradient: -1.0}, "bound must be a number of at least 0, found -1.0"),
        ({"bound": lambda gradient: math.inf}, "bound must be a number of at least 0, found inf"),
        ({"bound": lambda gradient: torch.ones(2, 2)}, r"of the gradient's shape \(3, 2\), found \(2, 2\)"),
        ({"omega": lambda gradient: None}, "omega must be a number, found None"),
        ({"omega": lambda gradient: math.nan}, "omega must be a number of at least 0, found nan"),
        ({"omega": lambda gradient: 1 / 0}, "omega raised ZeroDivisionError: division by zero"),
    ],
)
def test_declarations_that_say_nothing_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(EstimatorError, match=message):
        declared(declaring(**given), FUNCTIONALS)


def test_a_declaration_cannot_change_the_gradient() -> None:
    before = FUNCTIONALS.gradient.copy()
    declared(declaring(bound=lambda gradient: gradient.mul_(7).abs()), FUNCTIONALS)
    assert (FUNCTIONALS.gradient == before).all()


def caps(draws: Array) -> Reach:
    _, values, noises, energies = measured(FUNCTIONALS, torch.from_numpy(draws))
    return burned_in(FUNCTIONALS, values, noises, energies)


def test_caps_are_three_times_the_largest_value_of_the_burn_in() -> None:
    rng = np.random.default_rng(3)
    draws = G.numpy() * rng.uniform(0.5, 2.0, (50, 3, 1))
    draws[:, 1, 0] = rng.standard_normal(50)  # where the gradient is zero
    _, values, noises, energies = measured(FUNCTIONALS, torch.from_numpy(draws))
    reach = caps(draws)
    assert reach.guarantee is Guarantee.TRUNCATED
    assert (reach.below == MARGIN * np.maximum(-values.min(0), ROUNDING)).all()
    assert (reach.above == MARGIN * np.maximum(values.max(0), ROUNDING)).all()
    assert reach.radius == MARGIN * math.sqrt(noises.max())
    assert reach.energy == MARGIN * energies.max()
    assert not outside(reach, draws).any()


def test_what_was_never_drawn_may_still_come() -> None:
    """A unit that a burn-in of 100 draws left out may have an inclusion of about 1/1000, and not much less."""
    draws = np.repeat(G.numpy()[None], 100, axis=0)
    draws[:, 0] = 0.0
    reach, rare = caps(draws), G.numpy()[None].copy()
    rare[0, 0] *= 990.0
    assert not outside(reach, rare).any()
    rare[0, 0] *= 1.02
    assert outside(reach, rare).all()
    seen = G.numpy()[None].copy()
    seen[0, 1] *= 10.0  # this one was drawn every time, without any noise
    assert outside(reach, seen).all()


def test_an_exact_estimator_has_room_for_rounding() -> None:
    reach = caps(np.repeat(G.numpy()[None], 10, axis=0))
    assert not outside(reach, G.numpy()[None] * (1 + ROUNDING)).any()
    assert outside(reach, G.numpy()[None] * (1 + 4 * ROUNDING)).all()


def test_another_attempt_is_wider_everywhere_and_costs_a_factor_of_two() -> None:
    rng = np.random.default_rng(4)
    first = caps(G.numpy() * rng.uniform(0.5, 1.5, (50, 3, 1)))
    later = G.numpy() * rng.uniform(0.9, 20.0, (50, 3, 1))
    _, values, noises, energies = measured(FUNCTIONALS, torch.from_numpy(later))
    second = first.widened(FUNCTIONALS, values, noises, energies)
    assert outside(first, later).any() and not outside(second, later).any()
    assert (second.below >= first.below).all() and (second.above >= first.above).all()
    assert second.radius >= first.radius and second.energy >= first.energy
    assert (first.attempt, second.attempt) == (1, 2)
    shares = [math.exp(-reach.handicap) for reach in (first, second)]
    assert shares == pytest.approx([1 / 2, 1 / 4], rel=2.0**-50)  # the i-th has 2^-i, 1 in all
