"""The check of an estimator from beginning to end: its four outcomes, what it rests on, and that it repeats.

Statistical outcomes are at alpha = 1e-12 or less where an unbiased estimator could be called biased.
"""

import json
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
import torch
from torch import Tensor

from amss_min.testing import contract
from amss_min.testing.check import check
from amss_min.testing.estimator import Estimator, EstimatorError
from amss_min.testing.evidence import Guarantee
from amss_min.testing.families import FAMILIES, gradients
from amss_min.testing.result import CheckResult
from amss_min.testing.settings import Settings
from amss_min.testing.status import Status

ALPHA = 1e-12
G = torch.tensor([[3.0, -1.0], [0.5, 2.0], [-2.0, 0.0], [0.0, 0.0]], dtype=torch.float64)


def halves(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
    """Unbiased: units of inclusion 1/2, E|C - g|^2 = |g|^2."""
    kept = torch.rand(*gradient.shape[:-1], 1, dtype=torch.float64, generator=generator) < 0.5
    return gradient * kept * 2


def too_large(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
    """10 % too much in unit 1."""
    factor = torch.ones(gradient.shape[-2], 1, dtype=torch.float64)
    factor[1] = 1.1
    return halves(gradient, generator=generator) * factor


def identity(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
    return gradient.clone()


def checked(
    function: Callable[..., Tensor], draws: int, *, alpha: float = ALPHA, seed: int = 0, **more: Any
) -> CheckResult:
    """A check on one gradient (4, 2); more: declarations, or detect and patient of the settings."""
    settings = {name: more.pop(name) for name in ("detect", "patient", "burn_in") if name in more}
    estimator = Estimator(function=function, batched=True, **more)
    return check(estimator, {"mine": G}, Settings(alpha=alpha, draws=draws, seed=seed, **settings))


def without_times(result: CheckResult) -> dict[str, Any]:
    found = result.as_json()
    del found["seconds_per_draw"]
    return found


# Four outcomes


def test_few_draws_decide_nothing() -> None:
    result = checked(halves, 1500)
    assert result.status is Status.INCONCLUSIVE
    assert result.draws == 1500
    assert 0.05 < result.families[0].bias_at_most < math.inf
    assert "more draws may decide" in result.text


def test_more_draws_exclude_a_bias() -> None:
    result = checked(halves, 60_000)
    assert result.status is Status.CONSISTENT
    assert result.families[0].bias_at_most <= 0.05
    assert "a bias of norm above 0.05 |g| is excluded at alpha = 1e-12" in result.text
    assert result.log_e < math.log(1 / ALPHA)
    assert result.finding is not None and result.bias is not None
    assert result.bias[1][0] <= 0 <= result.bias[1][1]


def test_a_bias_is_refuted_in_its_unit() -> None:
    result = checked(too_large, 60_000)
    assert result.status is Status.REFUTED
    assert result.log_e >= math.log(1 / ALPHA)
    assert result.finding is not None and result.bias is not None
    assert (result.finding.family, result.finding.unit) == ("mine", 1)
    bias, (low, high) = result.bias
    assert 0 < low < bias < high
    assert low < 0.1 < high
    assert result.draws < 60_000  # it ends when the interval shows the bias
    assert result.families[0].status is Status.REFUTED
    assert result.families[0].worst_unit == 1


def test_an_exact_estimator_holds_by_its_support() -> None:
    result = checked(identity, 500, support=lambda gradient: [(1, gradient)])
    assert (result.status, result.guarantee) == (Status.HOLDS, Guarantee.EXACT)
    assert result.families[0].bias_at_most == 0.0
    assert result.families[0].second_moment == 1.0


# Exact paths


def tosses(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
    """Everything or nothing, each with probability 1/2."""
    kept = torch.rand(*gradient.shape[:-2], 1, 1, dtype=torch.float64, generator=generator) < 0.5
    return gradient * kept * 2


def test_a_support_holds_with_its_second_moment() -> None:
    result = checked(tosses, 500, support=lambda gradient: [(Fraction(1, 2), 2 * gradient), (0.5, 0 * gradient)])
    assert result.status is Status.HOLDS
    assert result.families[0].second_moment == 2.0
    assert result.families[0].expected_size == 1.5  # three units that are not zero, half of the time


def test_a_biased_support_is_refuted_exactly() -> None:
    def biased(gradient: Tensor) -> list[tuple[float, Tensor]]:
        higher = gradient.clone()
        higher[1, 0] *= 1 + 2.0**-40
        return [(0.5, 2 * higher), (0.5, 0 * gradient)]

    def estimate(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
        kept = torch.rand(len(gradient), 1, 1, dtype=torch.float64, generator=generator) < 0.5
        return 2 * biased(gradient[0])[0][1] / 2 * kept

    result = checked(estimate, 500, support=biased)
    assert (result.status, result.guarantee) == (Status.REFUTED, Guarantee.EXACT)
    assert result.families[0].worst_unit == 1
    assert not result.violations


def test_draws_that_are_not_of_the_support_refute() -> None:
    result = checked(halves, 500, support=lambda gradient: [(1, gradient)])
    assert result.status is Status.REFUTED
    assert result.violations[0]["rule"] == "draws must come from the declared support"
    assert "none of the 1 outcomes" in result.violations[0]["finding"]


def test_an_injected_uniform_holds() -> None:
    def at(gradient: Tensor, *, uniform: float) -> Tensor:
        return gradient * (2.0 if uniform < 0.5 else 0.0)

    result = checked(tosses, 500, cuts=lambda gradient: [0.5], at=at)
    assert (result.status, result.guarantee) == (Status.HOLDS, Guarantee.EXACT)


# Declarations


@pytest.mark.parametrize(
    ("declared", "guarantee"),
    [
        ({}, Guarantee.TRUNCATED),
        ({"bound": 2.0}, Guarantee.BOUNDED),
        ({"bound": lambda gradient: 2 * gradient.abs()}, Guarantee.BOUNDED),
        ({"omega": 1.0}, Guarantee.VARIANCE_BOUNDED),
    ],
)
def test_the_guarantee_follows_what_is_declared(declared: dict[str, Any], guarantee: Guarantee) -> None:
    result = checked(halves, 100_000, **declared)
    assert (result.status, result.guarantee) == (Status.CONSISTENT, guarantee)
    family = result.families[0]
    low, high = family.second_moment_interval
    assert low < 2.0 <= high  # E|C|^2 / |g|^2 = 1 / pi
    assert (family.left_out > 0) == (guarantee is Guarantee.TRUNCATED)
    if guarantee is Guarantee.TRUNCATED:
        # An event that n draws did not show has probability 1 - a^(1/n) at most; the first attempt has a = alpha/2.
        assert family.left_out == pytest.approx(1 - (ALPHA / 2) ** (1 / family.draws), rel=1e-9)
        assert "assumed to carry no mean" in result.text


@pytest.mark.parametrize("bound", [1.5, lambda gradient: 1.9 * gradient.abs()])
def test_a_bound_that_is_broken_is_a_violation(bound: Any) -> None:
    result = checked(halves, 5000, bound=bound)
    assert result.status is Status.REFUTED
    assert result.violations[0]["rule"] == "no draw may lie beyond the declared bound"


def test_an_omega_that_is_too_small_is_a_violation() -> None:
    result = checked(halves, 60_000, omega=0.8)
    assert result.status is Status.REFUTED
    assert "at most the declared omega" in result.violations[0]["rule"]
    assert checked(halves, 5000, omega=1.0).violations == []


def test_an_omega_is_called_too_small_at_alpha_only() -> None:
    """0.99 is too small, every draw has noise 1: 3000 draws are some evidence of that, e^12 or so, and not 1e12."""
    assert checked(halves, 3000, omega=0.99).violations == []
    assert checked(halves, 3000, omega=0.99, alpha=1e-3).violations


def test_what_was_cut_off_is_counted_and_the_attempt_begins_again() -> None:
    def outliers(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
        uniform = torch.rand(len(gradient), 1, 1, dtype=torch.float64, generator=generator)
        return gradient * (1 + 50.0 * (uniform < 1e-3) - 50.0 * (uniform > 1 - 1e-3))

    result = checked(outliers, 20_000, burn_in=50)
    assert result.families[0].beyond > 0
    assert result.families[0].draws < 20_000 - 50
    assert result.status is not Status.REFUTED


def test_evidence_from_caps_that_did_not_hold_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first round is biased, enough for E >= 1 / alpha but not for the interval; then a draw lies beyond."""

    def by_round(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
        rows = len(gradient)
        wobble = 0.5 - (torch.arange(rows, dtype=torch.float64) % 2)
        shift = 0.087 if rows == 500 else 0.0
        far = 30.0 * (torch.arange(rows) == 0) * (rows == 40)
        return gradient * (1 + wobble + shift + far)[:, None, None]

    monkeypatch.setattr(contract, "violations", lambda *_, **__: [])  # it sees that rows depend on their number
    one, estimator = {"one": torch.ones(1, 1).double()}, Estimator(function=by_round, batched=True)
    before, after = (
        check(estimator, one, Settings(alpha=0.3, draws=draws, burn_in=60)) for draws in (60 + 500, 60 + 500 + 40)
    )
    assert before.status is Status.REFUTED and before.bias is not None
    assert before.bias[1][0] <= 0 <= before.bias[1][1]
    assert after.families[0].beyond == 1
    assert (after.status, after.log_e) == (Status.INCONCLUSIVE, 0.0)


# Violations and bad input


def test_an_undefined_entry_is_a_violation() -> None:
    def undefined(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
        uniform = torch.rand(len(gradient), 1, 1, dtype=torch.float64, generator=generator)
        return torch.where(uniform < 1e-2, torch.nan, gradient)

    result = checked(undefined, 5000)
    assert result.status is Status.REFUTED
    assert any("finite" in violation["rule"] for violation in result.violations)


def test_a_broken_contract_ends_the_check() -> None:
    def in_place(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
        return gradient.mul_(2.0)

    result = checked(in_place, 5000)
    assert result.status is Status.REFUTED
    assert result.violations and result.draws == 0
    assert result.text == "the contract of an estimator is broken"


@pytest.mark.parametrize("bad", [{}, {"a": torch.zeros(2, 1, dtype=torch.float64)}, {"a": G, "b": G * math.nan}])
def test_gradients_that_make_no_sense_are_refused(bad: dict[str, Tensor]) -> None:
    with pytest.raises(ValueError, match=r"at least one gradient|must be finite and not all zero"):
        check(Estimator(function=halves, batched=True), bad, Settings(draws=100))


def test_a_function_that_is_no_estimator_is_named() -> None:
    def flat(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
        return gradient.flatten()

    with pytest.raises(EstimatorError, match="must return the shape of its gradient"):
        checked(flat, 100)


def test_a_declaration_that_says_nothing_is_named() -> None:
    with pytest.raises(EstimatorError, match="the declared omega must be a number"):
        checked(halves, 100, omega=lambda gradient: "much")


# How it is run


def test_a_seed_decides_everything() -> None:
    results = [without_times(checked(too_large, 20_000, seed=seed)) for seed in (1, 1, 2)]
    assert results[0] == results[1]
    assert results[0] != results[2]


def test_plain_and_batched_functions_of_one_law_agree() -> None:
    plain = check(Estimator(function=halves), {"mine": G}, Settings(alpha=ALPHA, draws=3000))
    batched = checked(halves, 3000)
    assert plain.status is batched.status is Status.INCONCLUSIVE
    assert plain.draws == batched.draws


def test_patience_spends_all_draws_and_impatience_stops() -> None:
    patient, impatient = (checked(halves, 100_000, patient=patient) for patient in (True, False))
    assert patient.status is impatient.status is Status.CONSISTENT
    assert impatient.draws < patient.draws == 100_000


def test_a_looser_detect_needs_fewer_draws() -> None:
    found = [checked(halves, 200_000, detect=detect, patient=False).draws for detect in (0.2, 0.1, 0.05)]
    assert found == sorted(found)
    assert found[0] * 4 < found[2]  # a quarter of the bias, some sixteen times the draws


def test_every_family_counts_and_a_bias_in_one_refutes_the_whole() -> None:
    def wrong_with_ties(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
        tied = (gradient.abs() == gradient[..., :1, :1].abs()).all(-1).all(-1)
        return halves(gradient, generator=generator) * torch.where(tied, 1.2, 1.0)[..., None, None]

    made = gradients(4, 1, seed=0)
    result = check(Estimator(function=wrong_with_ties, batched=True), made, Settings(alpha=ALPHA, draws=40_000, seed=3))
    assert [family.family for family in result.families] == list(FAMILIES)
    assert result.status is Status.REFUTED
    refuted = [family.family for family in result.families if family.status is Status.REFUTED]
    assert refuted == ["ties"]


def test_gradients_that_have_nothing_somewhere_are_checked_elsewhere() -> None:
    """A unit that is zero on all gradients, and signs that some of them lack."""
    made = {"a": torch.tensor([[0.0], [2.0], [1.0]]).double(), "b": torch.tensor([[0.0], [1.0], [-3.0]]).double()}
    for declared in ({}, {"bound": lambda gradient: 2 * gradient.abs()}):
        estimator = Estimator(function=halves, batched=True, **declared)
        result = check(estimator, made, Settings(alpha=ALPHA, draws=200_000))
        assert result.status is Status.CONSISTENT
        assert result.bias is not None and result.bias[1][0] <= 0 <= result.bias[1][1]


def test_progress_is_told_and_never_passes_the_total() -> None:
    told: list[tuple[int, int]] = []
    estimator = Estimator(function=halves, batched=True)
    check(estimator, {"mine": G}, Settings(alpha=ALPHA, draws=9000), lambda done, total: told.append((done, total)))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1] == (9000, 9000)


def test_a_result_is_json_whatever_it_found() -> None:
    for result in (
        checked(halves, 10),
        checked(halves, 1500),
        checked(too_large, 20_000),
        checked(halves, 500, bound=1.0),
    ):
        assert json.loads(json.dumps(result.as_json(), allow_nan=False))["status"] == result.status.value


def test_a_result_has_no_truth_value() -> None:
    with pytest.raises(TypeError, match="no truth value"):
        bool(checked(halves, 100))
