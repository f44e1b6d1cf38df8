"""Every way to break the contract is found and named; whoever keeps it is left alone, and so is the world."""

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from amss_min.testing import contract
from amss_min.testing.contract import PROBE, Violation, generator_only, input_unchanged, shape_and_dtype
from amss_min.testing.estimator import Estimator, EstimatorError
from amss_min.testing.strategies import gradients
from tests.amss_min.testing.estimators import DESIGNS, PLAIN, SEVERAL, Estimate, bernoulli
from tests.amss_min.testing.faults import GENERATOR_FAULTS, WORLD, mask

INPUT = "the gradient must be left as it is"
FORM = "the result must be a floating-point tensor of the gradient's shape"
FINITE = "a finite gradient must give a finite result"


@pytest.mark.parametrize("fault", GENERATOR_FAULTS)
@pytest.mark.parametrize("seed", range(5))
def test_the_fault_with_the_generator_is_named(fault: str, seed: int) -> None:
    factory, rules = GENERATOR_FAULTS[fault]
    # Masks of 48 units: two of them are equal with probability 2^-48.
    found = generator_only(factory(), torch.linspace(-1.0, 2.0, 48, dtype=torch.float64).unsqueeze(1), seed)
    assert {violation.rule for violation in found} == rules
    with pytest.raises(AssertionError, match="must"):
        contract.assert_generator_only(factory(), torch.ones(48, 1), seed=seed)


def test_global_states_are_named_and_put_back() -> None:
    def touches_all(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
        torch.manual_seed(0), np.random.seed(0), random.seed(0)
        return gradient * (torch.rand(1) + np.random.rand() + random.random())

    def states() -> tuple[Any, ...]:
        return torch.rand(3).tolist(), np.random.rand(3).tolist(), random.random()

    before = torch.get_rng_state(), np.random.get_state(), random.getstate()
    expected = states()
    torch.set_rng_state(before[0])
    np.random.set_state(before[1])
    random.setstate(before[2])
    (violation,) = generator_only(touches_all, PROBE)
    assert violation.finding == "the state of numpy and random and torch changed"
    assert states() == expected


def test_global_states_are_put_back_when_the_estimator_raises_and_its_exception_passes() -> None:
    class Special(Exception):
        pass

    def raises(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
        torch.manual_seed(0)
        raise Special

    before = torch.get_rng_state()
    for call in (generator_only, input_unchanged, shape_and_dtype):
        with pytest.raises(Special):
            call(raises, PROBE)
    for assertion in (contract.assert_generator_only, contract.assert_input_unchanged):
        with pytest.raises(Special):
            assertion(raises)
    assert torch.equal(torch.get_rng_state(), before)


def scales_in_place(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
    return gradient.mul_(mask(gradient, generator))


def zeroes_a_unit(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
    result = gradient.clone()
    gradient[-1] = 0.0
    return result


def flips_a_zero(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
    gradient[gradient == 0] *= -1.0
    return gradient


def reshapes_in_place(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
    return gradient.unsqueeze_(0)[0]


@pytest.mark.parametrize(
    ("estimate", "finding"),
    [
        (scales_in_place, "entry ("),
        (zeroes_a_unit, "entry (5, 0) was 0.25 and then 0"),
        (flips_a_zero, "entry (3, 1) was 0 and then -0"),
        (reshapes_in_place, "the shape was (6, 2) and then (1, 6, 2)"),
    ],
)
def test_a_modified_input_is_found(estimate: Estimate, finding: str) -> None:
    (violation,) = input_unchanged(estimate, PROBE)
    assert violation.rule == INPUT and violation.finding.startswith(finding)
    with pytest.raises(AssertionError, match=f"{estimate.__name__}: {INPUT}; found "):
        contract.assert_input_unchanged(estimate)
    assert torch.equal(PROBE[5], torch.tensor([0.25, 0.125], dtype=torch.float64))  # what was probed is a copy


RESULTS: dict[str, tuple[Callable[[Tensor], Any], str, str]] = {
    "a list": (Tensor.tolist, FORM, "list"),
    "nothing": (lambda g: None, FORM, "NoneType"),
    "one coordinate too few": (lambda g: g[:, :1], FORM, "the shape (6, 1) for a gradient of shape (6, 2)"),
    "a batch of one": (lambda g: g.unsqueeze(0), FORM, "the shape (1, 6, 2) for a gradient of shape (6, 2)"),
    "integers": (lambda g: g.round().long(), FORM, "torch.int64"),
    "complex numbers": (lambda g: g + 0j, FORM, "torch.complex128"),
    "0/0 in a zero unit": (
        lambda g: g / g.norm(dim=1, keepdim=True),
        FINITE,
        "nan at entry (4, 0) of a gradient of 0",
    ),
    "an overflow": (lambda g: (1000 * g).exp(), FINITE, "inf at entry (0, 0) of a gradient of 3"),
}


@pytest.mark.parametrize("name", RESULTS)
def test_a_wrong_result_is_found(name: str) -> None:
    function, rule, finding = RESULTS[name]
    (violation,) = shape_and_dtype(lambda gradient, *, generator: function(gradient), PROBE)
    assert (violation.rule, violation.finding) == (rule, finding)


def test_infinite_results_of_infinite_gradients_are_no_violation() -> None:
    broken = torch.tensor([[torch.inf, 1.0], [torch.nan, 2.0]], dtype=torch.float64)
    assert shape_and_dtype(bernoulli, broken) == []
    found = shape_and_dtype(lambda gradient, *, generator: gradient / gradient.norm(), broken)
    assert [violation.rule for violation in found] == [FINITE]


def test_what_is_no_tensor_is_not_compared() -> None:
    listed: Callable[..., Any] = lambda gradient, *, generator: gradient.tolist()  # noqa: E731
    (violation,) = generator_only(listed, PROBE)
    assert violation.rule == FORM


@pytest.mark.parametrize("name", [*PLAIN, *DESIGNS])
def test_who_keeps_the_contract_is_left_alone(name: str) -> None:
    estimate = {**PLAIN, **DESIGNS}[name]
    for seed in range(3):
        assert contract.violations(Estimator.of(estimate), PROBE, seed=seed) == []
    contract.assert_generator_only(estimate)
    contract.assert_input_unchanged(estimate)
    assert shape_and_dtype(estimate, PROBE) == []


def test_several_tensors_keep_the_contract() -> None:
    assert contract.violations(Estimator.of(SEVERAL), torch.arange(8.0).unsqueeze(1)) == []


@given(gradient=gradients(subnormal=True), name=st.sampled_from(list(DESIGNS)))
def test_designs_keep_the_contract_on_every_family(gradient: Tensor, name: str) -> None:
    assert contract.violations(Estimator.of(DESIGNS[name]), gradient) == []


def one_mask_for_all(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
    return gradient * (torch.rand(gradient.shape[-2], 1, generator=generator) < 0.5) * 2


def one_norm_for_all(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
    levels = gradient.abs().amax() / 4
    return (
        torch.floor(gradient / levels + torch.rand(gradient.shape, generator=generator, dtype=gradient.dtype)) * levels
    )


def one_choice_for_all(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
    noisy = gradient.abs() * torch.rand(gradient.shape, generator=generator)
    return gradient * (noisy >= noisy.flatten().topk(gradient.numel() // 2).values[-1])


def drops_a_batch_of_one(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
    return gradient.squeeze(0)


ROWS = {
    one_mask_for_all: "rows of a batch must be separate draws",
    one_norm_for_all: "the law of a row must depend on its own gradient only",
    one_choice_for_all: "the law of a row must depend on its own gradient only",
    drops_a_batch_of_one: FORM,
}


@pytest.mark.parametrize("estimate", ROWS, ids=lambda estimate: estimate.__name__)
def test_rows_that_are_not_separate_are_found(estimate: Estimate) -> None:
    for seed in range(5):
        (violation,) = contract.rows_independent(estimate, PROBE, seed)
        assert violation.rule == ROWS[estimate]


def rarely(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
    """Every 128th row is another: most batches of 32 are constant, and nothing is wrong with that."""
    return gradient * (1 + (torch.rand(len(gradient), 1, 1, generator=generator) < 1 / 128))


def rounds_by_length(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
    """Another length, another rounding: as sums over a batch have it."""
    return gradient * (1 + 2.0**-40 * (len(gradient) > 256))


def test_roundings_that_differ_are_no_violation() -> None:
    assert contract.rows_independent(rounds_by_length, PROBE) == []


def test_rows_that_rarely_differ_are_no_violation() -> None:
    assert all(contract.rows_independent(rarely, PROBE, seed) == [] for seed in range(50))


def test_everything_is_found_at_once_and_through_an_estimator() -> None:
    def broken(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
        random.seed(1)
        return gradient.mul_(torch.rand(gradient.shape[1:], generator=generator)).log()

    found = contract.violations(Estimator.of(broken, batched=True), PROBE)
    assert [violation.rule for violation in found][:3] == [FINITE, INPUT, WORLD]


def test_through_an_estimator_exceptions_and_shapes_are_its_own_errors() -> None:
    for function, text in (
        (lambda gradient, *, generator: gradient / None, "raised TypeError"),
        (lambda g: g, "raised"),
    ):
        with pytest.raises(EstimatorError, match=text):
            contract.violations(Estimator.of(function), PROBE)
    with pytest.raises(EstimatorError, match="must return the shape"):
        contract.violations(Estimator.of(lambda gradient, *, generator: gradient[0]), PROBE)


def test_a_violation_is_text_and_json() -> None:
    violation = Violation("a rule", "this", "that")
    assert str(violation) == "a rule; found this; that"
    assert violation.as_json() == {"rule": "a rule", "finding": "this", "reason": "that"}
