"""Declared constants of the second moment: omega, contraction, ABC."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from amss_min.testing.estimator import Estimator, EstimatorError
from amss_min.testing.second_moment import Held, assert_abc, assert_contraction, assert_omega
from amss_min.testing.status import Status
from amss_min.testing.unbiased import Undecided
from tests.masks import bernoulli, norms, times, uniform

ALPHA = 1e-12
ONES = torch.ones(12, 1, dtype=torch.float64)
SETTINGS: dict[str, Any] = {"alpha": ALPHA, "detect": 0.1, "draws": 50_000, "batched": True}
"""Z below has a mean of about 1 and a variance below 4: 2 * 4 * log(1/alpha) / 0.1^2 = 22,000 draws."""


def quarter(gradient: Tensor, *, generator: Generator) -> Tensor:
    """omega = 1 / pi - 1 = 3; on twelve equal units Z = 1 + 8 |S| / 12, with variance 1."""
    return times(gradient, bernoulli(gradient, 0.25, generator) * 4)


def top_three(gradient: Tensor, *, generator: Generator) -> Tensor:
    largest = norms(gradient).topk(3, -1).indices
    return times(gradient, torch.zeros_like(norms(gradient)).scatter(-1, largest, 1.0))


def three_of_twelve(gradient: Tensor, *, generator: Generator) -> Tensor:
    """Three units at random, unweighted: E|C - g|^2 = (1 - 3/12) |g|^2 for every gradient."""
    return times(gradient, uniform(gradient, 3, generator))


def identity(gradient: Tensor, *, generator: Generator) -> Tensor:
    return gradient


def test_the_true_omega_is_agreed_with_and_its_interval_holds_it() -> None:
    held = assert_omega(quarter, 3.0, ONES, **SETTINGS)
    assert held.status is Status.CONSISTENT and held.limit == 3.0
    assert held.low <= 3 <= held.high <= 3.3
    assert held.low <= held.mean <= held.high
    assert 0 < held.left_out < 1 and held.draws <= 50_000


@pytest.mark.parametrize("omega", [1.0, 2.5, 2.9])
def test_an_omega_too_small_is_refuted(omega: float) -> None:
    message = rf"quarter is REFUTED: E\|C - g\|\^2 / \|g\|\^2 must be at most {omega:g}, found [23]\.\d+ \["
    with pytest.raises(AssertionError, match=message) as caught:
        assert_omega(quarter, omega, ONES, **SETTINGS)
    assert not isinstance(caught.value, Undecided)


def test_few_draws_are_undecided() -> None:
    with pytest.raises(Undecided, match=r"quarter is INCONCLUSIVE: .* in 500 draws"):
        assert_omega(quarter, 3.0, ONES, **{**SETTINGS, "draws": 500})


def test_an_omega_far_too_large_is_agreed_with_at_once() -> None:
    assert assert_omega(quarter, 30.0, ONES, **SETTINGS).draws <= 5_000


def test_no_noise_at_all_is_omega_zero() -> None:
    """Within 2^-20 |g|^2, what rounding is allowed."""
    assert assert_omega(identity, 0.0, ONES, **SETTINGS).mean == 0.0
    with pytest.raises(AssertionError, match="must be at most 0, found 3"):
        assert_omega(quarter, 0.0, ONES, **SETTINGS)


@pytest.mark.parametrize("scale", [2.0**-40, 2.0**40])
def test_omega_has_no_scale(scale: float) -> None:
    held, at_one = (assert_omega(quarter, 3.0, ONES * factor, **SETTINGS) for factor in (scale, 1.0))
    assert held == at_one  # a power of two rounds nothing


def test_a_bias_counts_as_noise() -> None:
    """The zero estimate is off by all of g: E|C - g|^2 = |g|^2."""
    assert assert_omega(lambda gradient, *, generator: 0 * gradient, 1.0, ONES, **SETTINGS).mean == 1.0


def test_top_k_contracts_by_k_in_n_and_equal_units_by_no_more() -> None:
    held = assert_contraction(top_three, 3 / 12, ONES, **SETTINGS)
    assert held.mean == 0.75
    with pytest.raises(AssertionError, match=r"must be at most 0\.7, found 0\.75"):
        assert_contraction(top_three, 0.3, ONES, **SETTINGS)


def test_top_k_contracts_by_more_where_units_differ() -> None:
    """Of 1 to 12 the three largest hold 365 of 650."""
    rising = torch.arange(1.0, 13.0)
    assert assert_contraction(top_three, 3 / 12, rising, **SETTINGS).mean == pytest.approx(1 - 365 / 650, rel=1e-12)


def test_a_random_contraction_holds_in_the_mean_only() -> None:
    """With one large unit single draws are off by all of it; the mean is 9/12 all the same."""
    uneven = torch.tensor([100.0] + [1.0] * 11)
    held = assert_contraction(three_of_twelve, 3 / 12, uneven, **SETTINGS)
    assert held.low <= 0.75 <= held.high
    with pytest.raises(AssertionError, match=r"must be at most 0\.7, found 0\.7"):
        assert_contraction(three_of_twelve, 0.3, uneven, **SETTINGS)


@pytest.mark.parametrize("delta", [0.0, -0.1, 1.1, math.nan])
def test_a_contraction_is_a_share(delta: float) -> None:
    with pytest.raises(ValueError, match=r"delta must be in \(0, 1\], found delta="):
        assert_contraction(identity, delta, ONES)


def test_a_contraction_to_nothing_is_the_identity() -> None:
    assert assert_contraction(identity, 1.0, ONES, **SETTINGS).mean == 0.0


@pytest.mark.parametrize(
    "constants",
    [
        {"b": 4.0},
        {"b": 0.0, "c": 48.0},
        {"a": 2.0, "b": 0.0, "gap": 12.0},
        {"a": 1.0, "b": 1.0, "c": 12.0, "gap": 12.0},
    ],
)
def test_constants_that_add_up_to_the_second_moment(constants: dict[str, float]) -> None:
    """E|C|^2 = 4 |g|^2 = 48 = 2 A gap + B |g|^2 + C."""
    held = assert_abc(quarter, ONES, **constants, **SETTINGS)
    assert held.limit == 48.0 and held.low <= 48 <= held.high
    short = {name: value * (0.9 if name in "abc" else 1.0) for name, value in constants.items()}
    with pytest.raises(AssertionError, match=r"E\|C\|\^2 must be at most 43\.2, found 4\d"):
        assert_abc(quarter, ONES, **short, **SETTINGS)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: assert_omega(identity, -1.0, ONES), "omega"),
        (lambda: assert_omega(identity, math.inf, ONES), "omega"),
        (lambda: assert_abc(identity, ONES, a=-1.0), "a"),
        (lambda: assert_abc(identity, ONES, b=math.nan), "b"),
        (lambda: assert_abc(identity, ONES, c=-1.0), "c"),
        (lambda: assert_abc(identity, ONES, gap=-1.0), "gap"),
    ],
)
def test_constants_are_numbers_of_at_least_zero(call: Callable[[], Held], name: str) -> None:
    with pytest.raises(ValueError, match=rf"^{name} must be a number of at least 0, found {name}="):
        call()


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"alpha": 0.0}, "alpha must be"), ({"detect": -1.0}, "detect must be"), ({"draws": 0}, "draws must be")],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        assert_omega(identity, 0.0, ONES, **settings)


def test_a_seed_decides_and_a_vector_is_a_column() -> None:
    first, again, other = (assert_omega(quarter, 3.0, ONES[:, 0], **SETTINGS, seed=seed) for seed in (1, 1, 2))
    assert first == again and first.mean != other.mean


def test_an_estimator_may_be_given_or_a_plain_function() -> None:
    def plain(gradient: Tensor, *, generator: Generator) -> Tensor:
        return quarter(gradient.unsqueeze(0), generator=generator)[0]

    settings = {"alpha": ALPHA, "detect": 1.0, "draws": 3_000}
    assert assert_omega(plain, 3.0, ONES, **settings).status is Status.CONSISTENT
    assert assert_omega(Estimator.of(quarter, batched=True), 3.0, ONES, **settings).status is Status.CONSISTENT


def test_what_cannot_be_called_is_an_error_and_no_verdict() -> None:
    def no_tensor(gradient: Tensor, *, generator: Generator) -> Any:
        return 1.0

    with pytest.raises(EstimatorError, match=r"must return a torch\.Tensor, found float"):
        assert_omega(no_tensor, 1.0, ONES)


def test_what_lies_beyond_the_caps_is_as_rare_as_is_said() -> None:
    """Z = 10,000 once in 10,000 draws has the mean 1: where that goes unseen, left_out is no less than 1/10,000."""

    def jackpot(gradient: Tensor, *, generator: Generator) -> Tensor:
        hit = torch.rand(len(gradient), 1, 1, generator=generator) < 1e-4
        return gradient * (1 + 100.0 * hit)

    unseen = 0
    for seed in range(8):
        try:
            held = assert_omega(jackpot, 0.5, ONES, **SETTINGS, seed=seed)
        except AssertionError:
            continue
        unseen += 1
        assert held.mean == 0 and held.left_out >= 1e-4
    assert unseen  # 3000 draws are enough to agree, and see none with probability 0.74
