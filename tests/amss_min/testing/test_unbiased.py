"""The check as a function and as an assertion: the four outcomes, what is counted, and what is refused."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from amss_min.testing.budget import Budget
from amss_min.testing.estimator import Estimator, EstimatorError
from amss_min.testing.evidence import Guarantee
from amss_min.testing.families import FAMILIES
from amss_min.testing.result import CheckResult
from amss_min.testing.status import Status
from amss_min.testing.unbiased import Undecided, assert_unbiased, estimate_bias, matrix

ALPHA = 1e-12
PAIR = torch.tensor([[3.0, -1.0], [1.0, 2.0]], dtype=torch.float64)
QUICK: dict[str, Any] = {"alpha": ALPHA, "detect": 0.2, "draws": 20_000, "batched": True}
"""For masks of pi = 1/2 the variance in the widest direction is at most 1: 2 * log(1/alpha) / 0.2^2 = 1400 draws."""


def halves(gradient: Tensor, *, generator: Generator) -> Tensor:
    """Units kept with probability 1/2: unbiased, E|C|^2 = 2 |g|^2."""
    return gradient * (torch.rand(*gradient.shape[:-1], 1, generator=generator) < 0.5) * 2


def tenth_low(gradient: Tensor, *, generator: Generator) -> Tensor:
    """Biased by -0.1 g."""
    return 0.9 * halves(gradient, generator=generator)


def second_low(gradient: Tensor, *, generator: Generator) -> Tensor:
    """Unit 1 is biased by -0.4 of itself."""
    return halves(gradient, generator=generator) * torch.tensor([[1.0], [0.6]])


def in_place(gradient: Tensor, *, generator: Generator) -> Tensor:
    return gradient.mul_(torch.rand(*gradient.shape[:-1], 1, generator=generator) * 2)


def rare(gradient: Tensor, *, generator: Generator) -> Tensor:
    """Unbiased, with inclusions of 1/1000."""
    return gradient * (torch.rand(*gradient.shape[:-1], 1, generator=generator) < 0.001) * 1000


# Four outcomes


def test_an_unbiased_estimator_is_returned_as_consistent() -> None:
    result = assert_unbiased(halves, PAIR, **QUICK)
    assert result.status is Status.CONSISTENT and result.guarantee is Guarantee.TRUNCATED
    assert result.violations == [] and result.estimator == "halves"
    assert re.match(r"a bias of norm above 0.2 \|g\| is excluded at alpha = 1e-12; truncated: ", result.text)
    (family,) = result.families
    low, high = family.interval
    assert low <= 0 <= high and family.bias_at_most <= 0.2
    assert 0 < family.left_out < 1


def test_a_bias_is_an_assertion_error_that_says_where_and_how_large() -> None:
    message = (
        r"second_low is REFUTED: unit 1 of family given is off by -0\.\d+ of itself \[-\d\S*, -0\S*\] after \d+ draws"
    )
    with pytest.raises(AssertionError, match=message) as caught:
        assert_unbiased(second_low, PAIR[:, :1], **QUICK)
    assert not isinstance(caught.value, Undecided)


def test_the_measured_bias_and_its_interval_hold_the_true_one() -> None:
    result = estimate_bias(tenth_low, PAIR, **{**QUICK, "patient": True, "draws": 100_000})
    assert result.status is Status.REFUTED and result.bias is not None
    bias, (low, high) = result.bias
    assert low <= -0.1 <= high < 0 and low <= bias <= high


def test_the_second_moment_and_its_optimum() -> None:
    (family,) = estimate_bias(halves, PAIR, **QUICK).families
    least, most = family.second_moment_interval
    assert least <= 2 <= most and least <= family.second_moment <= most
    # One unit of two on average, both of norms sqrt(10) and sqrt(5): (sqrt(10) + sqrt(5))^2 / 15 at the best pi.
    size, norms = family.expected_size, PAIR.norm(dim=1)
    assert family.optimum == pytest.approx(float(norms.sum() ** 2 / size / norms.square().sum()), rel=1e-12)


def test_a_broken_contract_is_an_assertion_error_with_rule_finding_and_reason() -> None:
    message = r"in_place is REFUTED: the gradient must be left as it is; found entry .* in place, .* \(family given\)"
    with pytest.raises(AssertionError, match=message):
        assert_unbiased(in_place, PAIR, **QUICK)


def test_too_few_draws_are_undecided_and_no_pass() -> None:
    with pytest.raises(Undecided, match=r"halves is INCONCLUSIVE after 60 draws: neither refuted nor consistent"):
        assert_unbiased(halves, PAIR, **{**QUICK, "draws": 60})
    assert issubclass(Undecided, AssertionError)


def test_a_support_gives_an_exact_answer_and_draws_are_held_against_it() -> None:
    def support(gradient: Tensor) -> list[tuple[float, Tensor]]:
        return [(0.5, 1.8 * gradient), (0.5, 0 * gradient)]

    def estimate(gradient: Tensor, *, generator: Generator) -> Tensor:
        return gradient * (torch.rand(len(gradient), 1, 1, generator=generator) < 0.5) * 1.8

    result = estimate_bias(estimate, PAIR, **QUICK, support=support)
    assert (result.status, result.guarantee, result.violations) == (Status.REFUTED, Guarantee.EXACT, [])
    assert result.families[0].relative_bias == pytest.approx(-0.1, rel=1e-12)
    assert result.draws == 20_000
    with pytest.raises(AssertionError, match=r"unit \d of family given: -0.1"):
        assert_unbiased(estimate, PAIR, **QUICK, support=support)


def test_what_is_drawn_once_in_a_thousand_is_not_refuted_for_not_being_seen() -> None:
    """In the 500 and 2000 draws of the two burn-ins some of 24 units is not drawn with probability above 0.97."""
    for draws in (2_000, 20_000):
        result = estimate_bias(rare, torch.ones(24, 1), alpha=1e-6, draws=draws, batched=True)
        assert result.status is Status.INCONCLUSIVE, result.text


# What is counted


@pytest.mark.parametrize("draws", [1_000, 12_345])
def test_all_draws_are_counted_and_none_is_made_beyond(draws: int) -> None:
    made = 0

    def counted(gradient: Tensor, *, generator: Generator) -> Tensor:
        nonlocal made
        made += len(gradient)
        return halves(gradient, generator=generator)

    result = estimate_bias(counted, PAIR, **{**QUICK, "draws": draws, "detect": 1e-6})
    assert result.draws == draws
    (family,) = result.families
    assert family.draws == draws - result.burn_in
    # The contract is looked at in a fixed number of rows before, and the type of a result in one call.
    beside = made - draws
    made = 0
    estimate_bias(counted, PAIR, **{**QUICK, "draws": 2 * draws, "detect": 1e-6})
    assert made - 2 * draws == beside


def test_a_patient_check_goes_on_where_a_hasty_one_ends() -> None:
    hasty, patient = (estimate_bias(halves, PAIR, **QUICK, patient=patient) for patient in (False, True))
    assert hasty.draws < patient.draws == 20_000
    assert hasty.status is patient.status is Status.CONSISTENT


def test_seconds_limit_the_draws_of_a_slow_estimator() -> None:
    def slow(gradient: Tensor, *, generator: Generator) -> Tensor:
        for _ in range(200):
            gradient = gradient + 0
        return halves(gradient, generator=generator)

    result = estimate_bias(slow, PAIR, seconds=0.2, alpha=ALPHA, patient=True)
    assert result.draws < 100_000 and result.status is Status.INCONCLUSIVE


def comparable(result: CheckResult) -> dict[str, Any]:
    return {key: value for key, value in result.as_json().items() if key != "seconds_per_draw"}


def test_the_seed_decides_everything() -> None:
    first, again, other = (comparable(estimate_bias(halves, PAIR, **QUICK, seed=seed)) for seed in (3, 3, 4))
    assert first == again != other


def test_neither_the_gradient_nor_the_global_generator_is_touched() -> None:
    gradient, state = PAIR.clone(), torch.get_rng_state()
    estimate_bias(halves, gradient, **QUICK)
    assert torch.equal(gradient, PAIR) and torch.equal(torch.get_rng_state(), state)


def test_a_budget_gives_alpha_and_seed_and_is_spent() -> None:
    share = Budget(alpha=1e-9, tests=10, seed=5).test("tests/test_mask.py::test_unbiased")
    first, second = (estimate_bias(halves, PAIR, detect=0.2, batched=True, budget=share) for _ in range(2))
    assert share.calls == 2
    assert first.settings.alpha + second.settings.alpha == pytest.approx(share.spent, rel=1e-12)
    assert second.settings.alpha < first.settings.alpha < 1e-10
    assert first.settings.seed != second.settings.seed


# What it is tried on


def test_without_a_gradient_every_family_is_tried() -> None:
    result = estimate_bias(halves, **QUICK, units=4, dim=2)
    assert [family.family for family in result.families] == list(FAMILIES)
    assert all(0 <= family.worst_unit < 4 for family in result.families)


def test_gradients_may_have_names() -> None:
    result = estimate_bias(halves, {"first": PAIR, "second": torch.ones(2, 2)}, **QUICK)
    assert [family.family for family in result.families] == ["first", "second"]


@pytest.mark.parametrize("kind", [torch.float32, torch.int64, torch.bfloat16])
def test_a_gradient_of_any_type_becomes_float64(kind: torch.dtype) -> None:
    given = torch.tensor([1, 2, 3], dtype=kind)
    assert torch.equal(matrix(given), torch.tensor([[1.0], [2.0], [3.0]], dtype=torch.float64))


def test_a_matrix_is_left_as_it_is_and_a_graph_behind() -> None:
    given = PAIR.clone().requires_grad_()
    assert torch.equal(matrix(given), PAIR) and not matrix(given).requires_grad


@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (3, 0), (2, 2, 2)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=re.escape(f"must be of shape (K, d) or (K,), found {shape}")):
        matrix(torch.ones(shape))


@pytest.mark.parametrize("gradient", [torch.zeros(3), torch.tensor([1.0, float("nan")])])
def test_a_gradient_without_a_direction_is_refused(gradient: Tensor) -> None:
    with pytest.raises(ValueError, match="a gradient must be finite and not all zero"):
        estimate_bias(halves, gradient, **QUICK)


def test_no_gradient_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one gradient, found none"):
        estimate_bias(halves, {}, **QUICK)


# Declarations and settings


@pytest.mark.parametrize(
    ("declared", "guarantee"),
    [({"bound": 2.0}, Guarantee.BOUNDED), ({"omega": 1.0}, Guarantee.VARIANCE_BOUNDED), ({}, Guarantee.TRUNCATED)],
)
def test_the_guarantee_is_that_of_the_declaration(declared: Mapping[str, Any], guarantee: Guarantee) -> None:
    result = assert_unbiased(halves, PAIR, **QUICK, **declared)
    assert result.guarantee is guarantee and guarantee.value in result.text
    assert (result.families[0].left_out > 0) == (guarantee is Guarantee.TRUNCATED)


def test_an_estimator_may_be_given_with_its_declarations() -> None:
    estimator = Estimator.of(halves, batched=True, name="mine", bound=2.0)
    result = assert_unbiased(estimator, PAIR, alpha=ALPHA, detect=0.2, draws=20_000)
    assert (result.estimator, result.guarantee) == ("mine", Guarantee.BOUNDED)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"alpha": 0.0}, "alpha must be above 0 and below 1, found alpha=0.0"),
        ({"alpha": 1.0}, "alpha must be above 0 and below 1"),
        ({"detect": 0.0}, "detect must be above 0"),
        ({"detect": float("nan")}, "detect must be above 0"),
        ({"seconds": float("inf")}, "seconds must be above 0 and below inf"),
        ({"draws": 0}, "draws must be at least 1, found draws=0"),
        ({"seed": -1}, "seed must be at least 0, found seed=-1"),
        ({"units": 0}, "units must be at least 1, found units=0"),
        ({"dim": 0}, "dim must be at least 1, found dim=0"),
        ({"omega": -1.0}, "omega must be a number of at least 0, found omega=-1.0"),
        ({"bound": float("inf")}, "bound must be a number of at least 0, found bound=inf"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        estimate_bias(halves, **settings)


@pytest.mark.parametrize(
    ("estimate", "message"),
    [
        (lambda gradient, *, generator: gradient.numpy(), "must return a torch.Tensor, found ndarray"),
        (lambda gradient, *, generator: gradient[0], r"the shape of its gradient \(2, 2\), found \(2,\)"),
        (lambda gradient, *, generator: gradient.repeat(2, 1, 1), "a batch of draws needs --batched"),
        (lambda gradient, *, generator: 1 / 0, "raised ZeroDivisionError: division by zero"),
    ],
)
def test_what_is_no_estimator_is_an_error_and_no_verdict(estimate: Callable[..., Any], message: str) -> None:
    with pytest.raises(EstimatorError, match=message):
        estimate_bias(estimate, PAIR)


# Results


def test_a_result_has_no_truth_value_and_fits_into_json() -> None:
    result = estimate_bias(halves, PAIR, **{**QUICK, "draws": 4})
    with pytest.raises(TypeError, match="four outcomes"):
        bool(result)
    stored = json.loads(json.dumps(result.as_json(), allow_nan=False))
    keys = "status guarantee worst_unit relative_bias interval omega draws alpha families violations witness"
    assert set(keys.split()) <= set(stored)
    (family,) = stored["families"]  # the burn-in took all four draws: nothing is excluded, and JSON has no infinity
    assert (family["draws"], family["bias_at_most"], family["left_out"]) == (0, None, 1.0)
