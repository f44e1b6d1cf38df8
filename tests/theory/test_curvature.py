"""Hypotheses on curvature hold where the docstrings prove them, and fail where a constant is overstated."""

from dataclasses import dataclass

import pytest

from simulations.objectives import (
    BlockCosine,
    HardChain,
    IsotropicQuadratic,
    MatrixFactorisation,
    Objective,
    PLSine,
    Quadratic,
    SmoothRastrigin,
    Welsch,
)
from theory.curvature import CONVEX, GLOBAL, MINIMISED, POLYAK_LOJASIEWICZ, STRONGLY_CONVEX

CONVEX_COSINE = BlockCosine(n=4, kappa=(1.5, 1.0))
FLAT = Quadratic((4.0, 1.0, 0.0))


@dataclass(frozen=True)
class Stated(PLSine):
    """PLSine with other constants."""

    mu_: float | None = None
    convexity_: float | None = None
    at: float = 0.0

    @property
    def mu(self) -> float | None:  # type: ignore[override]
        return self.mu_

    @property
    def convexity(self) -> float | None:
        return self.convexity_

    @property
    def minimiser(self) -> tuple[float, ...]:
        return (self.at,) * self.d


@pytest.mark.parametrize("objective", [PLSine(), IsotropicQuadratic(), FLAT, Quadratic((4.0, 1.0), center=3.0)])
def test_proved_polyak_lojasiewicz_constants_stand(objective: Objective) -> None:
    assert POLYAK_LOJASIEWICZ.holds_on(objective)


@pytest.mark.parametrize("objective", [SmoothRastrigin(), Stated(mu_=0.5), Stated(mu_=9.0), Stated(mu_=-1.0)])
def test_unknown_or_overstated_ones_fail(objective: Objective) -> None:
    assert not POLYAK_LOJASIEWICZ.holds_on(objective)


@pytest.mark.parametrize("objective", [CONVEX_COSINE, FLAT, IsotropicQuadratic()])
def test_convex_objectives_are_known(objective: Objective) -> None:
    assert CONVEX.holds_on(objective) and MINIMISED.holds_on(objective)
    assert STRONGLY_CONVEX.holds_on(objective) == bool(objective.convexity)


@pytest.mark.parametrize("objective", [BlockCosine(), Stated(convexity_=0.0), Stated(convexity_=9.0), HardChain()])
def test_others_are_not(objective: Objective) -> None:
    assert not CONVEX.holds_on(objective) and not STRONGLY_CONVEX.holds_on(objective)


def test_an_overstated_strong_convexity_fails() -> None:
    @dataclass(frozen=True)
    class Rounder(Quadratic):
        @property
        def convexity(self) -> float:
            return 1.01

    assert not STRONGLY_CONVEX.holds_on(Rounder((4.0, 1.0)))


def test_minimisers_are_looked_at() -> None:
    assert MINIMISED.holds_on(Welsch()) and MINIMISED.holds_on(Stated())
    assert not MINIMISED.holds_on(Stated(at=1e-6)) and not MINIMISED.holds_on(HardChain())


def test_a_ball_is_not_the_whole_space() -> None:
    assert GLOBAL.holds_on(BlockCosine()) and not GLOBAL.holds_on(MatrixFactorisation())
