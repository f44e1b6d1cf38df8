"""Excluding a bias: the error by summing over all sequences of small laws, and the bound over all directions."""

import math
from fractions import Fraction

import numpy as np
import pytest

from amss_min.testing.betting import Array, log_mean, psi
from amss_min.testing.evidence import Guarantee
from amss_min.testing.exclusion import Sums, largest_bias, log_excluded, stakes
from amss_min.testing.reach import Reach


def reach_of(radius: float = math.inf, omega: float | None = None, attempt: int = 0) -> Reach:
    none = np.zeros(1)
    kind = Guarantee.BOUNDED if omega is None else Guarantee.VARIANCE_BOUNDED
    return Reach(guarantee=kind, below=none, above=none, radius=radius, energy=math.inf, omega=omega, attempt=attempt)


def sums_of(deviations: Array) -> Sums:
    """The sums over deviations (n, p)."""
    widest = float(np.linalg.eigvalsh(deviations.T @ deviations)[-1])
    return Sums(draws=len(deviations), norm=float(np.linalg.norm(deviations.sum(0))), widest=widest)


Law = list[tuple[tuple[float, ...], Fraction]]
"""Deviations, with dyadic probabilities."""

EIGHTH = Fraction(1, 8)
LINE: Law = [((1.0,), 6 * EIGHTH), ((-1.0,), 2 * EIGHTH)]
AGAINST: Law = [((-4.0,), 2 * EIGHTH), ((0.5,), 6 * EIGHTH)]
PLANE: Law = [((1.0, 0.0), 5 * EIGHTH), ((-1.0, 0.0), EIGHTH), ((0.0, 1.0), EIGHTH), ((0.0, -1.0), EIGHTH)]
FAR: Law = [((4.0,), 2 * EIGHTH), ((-0.5,), 6 * EIGHTH)]


def error(law: Law, n: int, alpha: float, reach: Reach, horizon: int) -> float:
    """P(a bias of the size of the true one is excluded after 1, 2, ... or n draws), carried from draw to draw.

    The sums depend on how often each value was drawn, so those counts are all that a path has to remember.
    """
    values, shares = np.array([value for value, _ in law]), [p for _, p in law]
    chances = np.array([[float(p)] for p in shares])
    true = float(np.linalg.norm((chances * values).sum(0)))
    chosen = stakes(float(np.linalg.eigvalsh((values * chances).T @ values)[-1]), horizon, alpha)
    alive, excluded = {(0,) * len(law): Fraction(1)}, Fraction(0)
    for _ in range(n):
        moved: dict[tuple[int, ...], Fraction] = {}
        for counts, chance in alive.items():
            for place, share in enumerate(shares):
                after = (*counts[:place], counts[place] + 1, *counts[place + 1 :])
                moved[after] = moved.get(after, Fraction(0)) + chance * share
        alive = {}
        for counts, chance in moved.items():
            sums = sums_of(np.repeat(values, counts, axis=0))
            if largest_bias(sums, chosen, reach, alpha) <= true:
                excluded += chance
            else:
                alive[counts] = chance
    return float(excluded)


@pytest.mark.parametrize(
    ("law", "n", "alpha", "reach"),
    [
        (LINE, 24, 0.5, reach_of(1.0)),
        (LINE, 24, 0.3, reach_of(1.0)),
        (LINE, 24, 0.3, reach_of(omega=1.0)),
        (PLANE, 9, 0.5, reach_of(1.0)),
        (PLANE, 9, 0.6, reach_of(omega=1.0)),
        (FAR, 24, 0.4, reach_of(omega=4.1875)),
        (FAR, 24, 0.5, reach_of(4.0)),
        (AGAINST, 24, 0.5, reach_of(4.0)),
    ],
)
def test_the_true_norm_is_excluded_with_probability_alpha_at_most(law: Law, n: int, alpha: float, reach: Reach) -> None:
    """At every number of draws, and whatever the norms that were tried on the way; exactly."""
    found = error(law, n, alpha, reach, n)
    assert 0 < found <= alpha  # above 0: some paths do mislead, so the bound is put to the test


def test_an_understated_radius_or_omega_misleads_more_often_than_alpha() -> None:
    assert error([((8.0,), EIGHTH), ((0.0,), 7 * EIGHTH)], 16, 0.1, reach_of(1.5), 16) > 0.1
    assert error(FAR, 24, 0.1, reach_of(omega=0.4), 16) > 0.1


@pytest.mark.parametrize("seed", range(4))
def test_no_direction_has_won_less_than_is_said(seed: int) -> None:
    """log_excluded is at most the log capital of the bets on <u, D>, for every direction u."""
    rng = np.random.default_rng(seed)
    draws = rng.choice([-0.2, 0.0, 1.0], size=(60, 3)) * rng.uniform(0.2, 1, 3)
    radius, delta = math.sqrt(3.0), 0.6
    directions = rng.standard_normal((2000, 3))
    directions = np.concatenate([directions, draws.sum(0)[None], np.linalg.eigh(draws.T @ draws)[1].T])
    along = draws @ (directions / np.linalg.norm(directions, axis=1, keepdims=True)).T
    chosen = stakes(0.3, 60, 1e-3)[:, None]
    total, squares = (delta - along).sum(0), np.square(delta - along).sum(0)
    share = np.minimum(chosen * (radius - delta), 0.5)
    bounded = log_mean(share * (total / (radius - delta)) - psi(share) * squares / (radius - delta) ** 2)
    omega = 2.0
    free = log_mean(chosen * total - chosen**2 * (squares / 6 + 60 * (omega - delta**2) / 3))
    # Sums of 60 numbers below 3 in size, and of their squares: 64 roundings of 60 * 9, times stakes below 1.
    rounding = 64 * 2.0**-53 * 540
    assert log_excluded(delta, sums_of(draws), chosen[:, 0], reach_of(radius)) <= bounded.min() + rounding
    assert log_excluded(delta, sums_of(draws), chosen[:, 0], reach_of(omega=omega)) <= free.min() + rounding


def test_one_stake_is_the_bound_that_is_stated() -> None:
    """s (n delta - |S|) less psi(s) or its counterpart times n delta^2 + 2 delta |S| + mu, in units of the room."""
    sums, delta, stake = Sums(draws=50, norm=4.0, widest=30.0), 0.25, np.array([0.5])
    centred, squares = 50 * 0.25 - 4.0, 50 * 0.0625 + 2.0 + 30.0
    share, room = 0.5 * 1.75, 1.75  # a share is at most 1/2 of the room
    assert share > 0.5
    ranged = 0.5 * centred / room - (math.log(2) - 0.5) * squares / room**2
    free = 0.5 * centred - 0.25 * (squares / 6 + 50 * (3.0 - 0.0625) / 3)
    # Ten roundings of numbers below 20.
    assert log_excluded(delta, sums, stake, reach_of(2.0)) == pytest.approx(ranged, abs=200 * 2.0**-53)
    assert log_excluded(delta, sums, stake, reach_of(2.0, attempt=2)) == pytest.approx(
        ranged - 2 * math.log(2), abs=200 * 2.0**-53
    )
    assert log_excluded(delta, sums, stake, reach_of(omega=3.0)) == pytest.approx(free, abs=200 * 2.0**-53)


def test_what_is_returned_is_excluded_and_hardly_less_is_not() -> None:
    sums, alpha, reach = Sums(draws=10_000, norm=50.0, widest=10_000.0), 1e-6, reach_of(2.0)
    chosen = stakes(1.0, 10_000, alpha)
    found = largest_bias(sums, chosen, reach, alpha)
    needed = math.log(1 / alpha)
    assert log_excluded(found, sums, chosen, reach) >= needed
    assert log_excluded(found * (1 - 2e-3), sums, chosen, reach) < needed  # bisection ends at a relative 1e-3


def test_more_draws_of_the_same_kind_exclude_more() -> None:
    found = []
    for n in (1000, 10_000, 100_000, 1_000_000):
        sums = Sums(draws=n, norm=math.sqrt(n), widest=float(n))
        found.append(largest_bias(sums, stakes(1.0, n, 1e-6), reach_of(2.0), 1e-6))
    assert found == sorted(found, reverse=True)
    # About sqrt(2 log(1/alpha) v / n) and the mean itself: a hundred times the draws, a tenth of the bias.
    assert 8 < found[1] / found[3] < 12


def test_a_stricter_alpha_another_attempt_and_a_wider_reach_exclude_less() -> None:
    sums, chosen = Sums(draws=5000, norm=20.0, widest=5000.0), stakes(1.0, 5000, 1e-3)
    first = largest_bias(sums, chosen, reach_of(3.0), 1e-3)
    assert largest_bias(sums, chosen, reach_of(3.0), 1e-6) > first
    assert largest_bias(sums, chosen, reach_of(3.0, attempt=3), 1e-3) > first
    assert largest_bias(sums, chosen, reach_of(30.0), 1e-3) >= first


def test_without_evidence_no_bias_is_excluded_short_of_the_reach() -> None:
    nothing = Sums(draws=0, norm=0.0, widest=0.0)
    assert largest_bias(nothing, stakes(1.0, 100, 1e-3), reach_of(omega=1.0), 1e-3) == math.inf
    excluded = largest_bias(nothing, stakes(1.0, 100, 1e-3), reach_of(2.0), 1e-3)
    assert 2.0 <= excluded <= 2.0 * (1 + 2e-3)


def test_stakes_follow_the_horizon_and_stay_finite_without_noise() -> None:
    assert stakes(1.0, 400, 1e-6) == pytest.approx(stakes(1.0, 100, 1e-6) / 2, rel=4 * 2.0**-53)
    assert np.isfinite(stakes(0.0, 0, 1e-6)).all()
