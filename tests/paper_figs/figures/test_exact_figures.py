"""Numbers of the figures that are drawn from formulas, against other ways to the same numbers."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

from amss_min.importance import SquaredGradient
from paper_figs.figures import floors, joint_inclusion, second_moment, trajectories, weight_tails, worst_case
from theory import mean_field, released_field
from theory.claims.skewed_noise_wrong_point import P


def test_the_tail_of_rank_conditioned_weights_is_that_of_two_clocks() -> None:
    # n = 2, k = 1: the other clock is exponential, so U is uniform and P(M > x) = int_0^(1/x) u du = 1 / (2 x^2).
    x = np.array([1.0, 2.0, 10.0])
    # The incomplete beta function of scipy is good to a few dozen roundings at small integer arguments.
    assert np.allclose(weight_tails.ranked_tail(x, 2, 1), 1 / (2 * x**2), rtol=2.0**-46, atol=0)
    assert weight_tails.ranked_second_moment(2, 1) == np.inf


def test_second_moments_of_rank_conditioned_weights_are_the_integral_of_their_tail() -> None:
    # E M^2 = 2 int x P(M > x) dx = k/n + 2 int_1 x P(M > x) dx, by the midpoint rule in v = 1/x on 20000 cells.
    for n, k in ((20, 5), (20, 10)):
        v = (np.arange(20000) + 0.5) / 20000
        integral = np.mean(2 * weight_tails.ranked_tail(1 / v, n, k) / v**3)
        # The integrand is a polynomial of degree at most n over v^0: the rule errs by h^2 sup|f''| / 24 < 20^4 h^2.
        assert abs(k / n + integral - weight_tails.ranked_second_moment(n, k)) <= 20**4 / 20000**2


def test_the_tail_of_inverse_weights_starts_at_the_mean_inclusion_of_what_weighs_more_than_one() -> None:
    norms = second_moment.gradients()[second_moment.LAW]
    found = weight_tails.inverse_tail(norms, "uniform", np.array([1.0, 9.0, 11.0]))
    share = second_moment.K / second_moment.N
    assert found[2] == 0
    assert np.allclose(found[:2], share, rtol=second_moment.N * 2.0**-40, atol=0)  # fixed point of 2^-40 a unit
    assert SquaredGradient(mix=1.0)(torch.ones(2, dtype=torch.float64)).tolist() == [0.5, 0.5]


def test_joint_inclusion_is_that_of_designs_of_fixed_size() -> None:
    q = np.array(joint_inclusion.SIZES)
    for name, table in joint_inclusion.tables().items():
        assert np.array_equal(table, table.T)
        if name != "Poisson":  # a sum of joint probabilities over i is k pi_j; 2^-30 covers fixed point and thresholds
            assert np.allclose(table.sum(0), joint_inclusion.COUNT * np.diag(table), rtol=0, atol=2.0**-30)
        if name not in ("simple random", "successive (AMSS)"):
            assert np.allclose(np.diag(table), joint_inclusion.COUNT * q, rtol=0, atol=2.0**-30)
    table = joint_inclusion.tables()["Poisson"]
    assert np.allclose(table[0, 1], table[0, 0] * table[1, 1], rtol=0, atol=2.0**-30)


@pytest.mark.parametrize(("method", "field"), [("amss", mean_field.drift), ("released", released_field.drift)])
def test_mean_steps_are_the_fields_of_the_theory(method: str, field: Any) -> None:
    for w in (Fraction(-1, 2), Fraction(0), Fraction(1, 4)):
        found = trajectories.mean_step(method, np.array([float(w), 0.0]))
        assert abs(found[0] - float(field(w, P))) <= 64 * 2.0**-53 * 4  # four terms of size at most 4, few roundings
        assert abs(found[1]) <= 64 * 2.0**-53 * 4


def test_paths_end_where_the_mean_step_vanishes() -> None:
    roots = {
        "sgd": 0.0,
        "amss+": 0.0,
        "amss": float(mean_field.root(P)[0]),
        "released": float(released_field.root(P)[0]),
    }
    for method, root in roots.items():
        ends = trajectories.paths(method)[-1]
        # A path contracts at rate 1/4 or more around its end (slopes .35 to 1): from 4 to 4 exp(-30/4) = .0023 at most.
        assert np.abs(ends - [root, 0.0]).max() < 0.0023


def test_floors_vanish_where_noise_is_symmetric_and_where_all_is_kept() -> None:
    for k in (1, 4, floors.N):
        assert floors.floor(k, 0.5) <= 1e-18  # a bisection to 1e-12 (1 + 1), squared, with room
    assert floors.floor(floors.N, 0.1) <= 1e-18
    assert floors.floor(1, 0.1) > floors.floor(4, 0.1) > 0


def test_worst_cases_are_attained() -> None:
    for curve in worst_case.DESCENT.values():
        assert [curve.form(n) for n in (1, 2, 7)] == [curve.attains(n) for n in (1, 2, 7)]
