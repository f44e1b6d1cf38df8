"""The predicted phase diagram: exact laws beside enumeration, and the engine beside the prediction."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
import torch

from amss_min.designs import Successive
from simulations.engine import simulate
from simulations.methods import METHODS
from simulations.noise import skewed
from simulations.objectives import BlockCosine
from simulations.sweeps.phase import _first, _masked, drawn_of, floor, plus_factor, predicted
from theory import mean_field
from theory.enumeration import successive_law

EPS = np.finfo(float).eps


@pytest.mark.parametrize(("counts", "sizes", "k"), [((2, 2), (9.0, 1.0), 2), ((1, 2, 1), (4.0, 0.0, 1.0), 2)])
def test_the_law_by_classes_is_that_of_successive_sampling(
    counts: tuple[int, ...], sizes: tuple[float, ...], k: int
) -> None:
    law = drawn_of(counts, sizes, k)
    units = [Fraction(size) for count, size in zip(counts, sizes, strict=True) for _ in range(count)]
    starts = [sum(counts[:at]) for at in range(len(counts) + 1)]
    exact: dict[tuple[int, ...], Fraction] = {}
    for mask, probability in successive_law(units, k).items():
        drawn = tuple(sum(mask[a:b]) for a, b in itertools.pairwise(starts))
        exact[drawn] = exact.get(drawn, Fraction(0)) + probability
    assert {drawn: p for drawn, p in law.items() if p} == pytest.approx(
        {drawn: float(p) for drawn, p in exact.items() if p}, rel=16 * EPS
    )


def test_h_is_the_sum_over_all_values_of_the_noise() -> None:
    n, k, p, g = 4, 2, 0.2, -0.3
    up, down = math.sqrt((1 - p) / p), -math.sqrt(p / (1 - p))
    outcomes = list(itertools.product([True, False], repeat=n))
    values = torch.tensor([[g + (up if one else down) for one in signs] for signs in outcomes], dtype=torch.float64)
    weights = torch.tensor([math.prod(p if one else 1 - p for one in signs) for signs in outcomes])
    pi = Successive().inclusion(values.square(), k)
    h = float((weights.to(torch.float64) * pi[:, 0] * values[:, 0]).sum())
    squares = float((weights.to(torch.float64)[:, None] * pi * values.square()).sum())
    # sixteen values, each probability and each inclusion probability rounded: 1e3 roundings at most, in float32 weights
    slack = 1e3 * float(np.finfo(np.float32).eps)
    assert _masked(n, k, p, g)[:2] == pytest.approx((h, squares), rel=slack)
    assert _first(n, k, p, g, 0.0) == pytest.approx(_masked(n, k, p, g)[0], rel=1e3 * EPS)


def test_two_units_with_fair_signs_in_one_are_not_the_case_of_theory_but_equal_noise_has_no_floor() -> None:
    for k in (1, 2, 3):
        assert abs(floor(4, k, 0.5)[0]) < 1e-11


def test_everything_kept_is_gradient_descent() -> None:
    root, along, across, q_1, q_2 = floor(4, 4, 0.1)
    assert abs(root) < 1e-11
    # slopes by central differences: rounding 1e-16 / 1e-4, and h is linear
    assert (along, across) == pytest.approx((1.0, 1.0), abs=1e-10)
    assert (q_1, q_2) == pytest.approx((1.0, 1.0), rel=1e-9)
    assert plus_factor(4, 4, 0.1) == pytest.approx(1.0, rel=64 * EPS)


def test_the_floor_moves_with_the_skew_as_the_mean_field_has_it() -> None:
    # theory.mean_field has fair signs in the second unit, so signs agree and values do not
    low, high = mean_field.root(Fraction(1, 10))
    assert high < 0
    assert low < floor(2, 1, 0.1)[0] < 0


def settled(p: float, method: str, x: float) -> tuple[float, float]:
    """Measured over predicted energy, and the standard error of that."""
    n, steps = 4, round(48 / x)
    trace = simulate(
        BlockCosine(n=n, kappa=(1.0, 1.0), amplitude=0.0, coupling=0.0),
        skewed(2 * n, p=p, total=2.0 * n),
        METHODS[method],
        start=[0.0] * (2 * n),
        stepsize=x,
        checkpoints=[steps // 3, steps],
        replicates=range(256),
        keep=0.5,
        paths=False,
    )
    average = trace.average.numpy()
    window = (steps * average[:, 1] - steps // 3 * average[:, 0]) / (steps - steps // 3)
    said = predicted(method, (1.0, 1.0), (2, 2), n, p, x)
    return float(window.mean()) / said, float(window.std()) / math.sqrt(len(window) - 1) / said


@pytest.mark.slow
@pytest.mark.parametrize(("p", "method"), [(0.5, "amss"), (0.1, "amss"), (0.1, "amss+")])
def test_the_engine_settles_where_it_is_predicted_to_first_order(p: float, method: str) -> None:
    (wide, wide_error), (narrow, narrow_error) = settled(p, method, 0.08), settled(p, method, 0.02)
    # What a prediction of first order leaves out falls with the stepsize: a quarter of it is left, and half is allowed
    # for what is of second order. Six standard errors of both.
    assert abs(narrow - 1) < abs(wide - 1) / 2 + 6 * (narrow_error + wide_error / 2)
    assert narrow_error < 0.02, "the runs are too few to say anything"


def test_the_prediction_is_exact_where_nothing_is_masked() -> None:
    x, n = 0.3, 4
    for method in ("amss", "amss+"):
        said = predicted(method, (1.0,), (n,), n, 0.1, x)
        assert said == pytest.approx(n * x / (2 - x), rel=1e-8)  # slopes by central differences
