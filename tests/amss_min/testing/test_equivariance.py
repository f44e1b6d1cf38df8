"""Equivariant estimators pass, others do not, and false alarms stay within the stated probability."""

import math
import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from torch import Tensor

from amss_min.designs import TopK
from amss_min.importance import GradientNorm
from amss_min.testing.adapters import from_design
from amss_min.testing.budget import Budget
from amss_min.testing.contract import PROBE
from amss_min.testing.equivariance import (
    SCALES,
    _Differences,
    assert_permutation_equivariant,
    assert_scale_equivariant,
)
from amss_min.testing.strategies import gradients
from amss_min.weightings import Indicator
from tests.amss_min.testing.estimators import DESIGNS, PLAIN, Estimate, bernoulli, dithered, identity

UNTIED = torch.tensor([[4.0], [-3.0], [2.0], [1.0], [0.5]], dtype=torch.float64)
RANDOM = [name for name in DESIGNS if name not in ("top", "everything")]


def sizes(gradient: Tensor) -> Tensor:
    norms: Tensor = torch.linalg.vector_norm(gradient, dim=-1)
    return norms


def kept(gradient: Tensor, probability: Tensor, generator: torch.Generator) -> Tensor:
    """Batched: units kept with these probabilities (K,), and weighted by their inverses."""
    drawn = torch.rand(gradient.shape[:-1], dtype=torch.float64, generator=generator) < probability
    return gradient * (drawn / probability).unsqueeze(-1)


def first_is_large(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
    """10 % too much in unit 0."""
    probability = torch.full(gradient.shape[-2:-1], 0.5)
    result = kept(gradient, probability, generator)
    result[..., 0, :] *= 1.1
    return result


def first_is_rare(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
    """Unbiased, with another second moment in unit 0."""
    probability = torch.full(gradient.shape[-2:-1], 0.5)
    probability[0] = 0.25
    return kept(gradient, probability, generator)


def weight_of_the_neighbour(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
    """Drawn by its own norm, weighted by that of the unit before."""
    norms = sizes(gradient)
    pi = 0.1 + 0.9 * norms / norms.amax(-1, keepdim=True)
    drawn = torch.rand(norms.shape, dtype=torch.float64, generator=generator) < pi
    return gradient * (drawn / pi.roll(1, -1)).unsqueeze(-1)


def first_of_a_tie(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
    """The largest unit always, and of two units that tie the first."""
    norms = sizes(gradient)
    second = norms.topk(2, dim=-1).values[..., 1:]
    first = ((norms == second).cumsum(-1) == 1) & (norms == second)
    return gradient * ((norms > second) | first).unsqueeze(-1)


for function in (first_is_large, first_is_rare, weight_of_the_neighbour, first_of_a_tie):
    vars(function)["batched"] = True


@pytest.mark.parametrize("name", RANDOM)
def test_designs_move_with_their_units(name: str) -> None:
    found = assert_permutation_equivariant(DESIGNS[name], alpha=1e-12)
    assert not found.pathwise and found.draws == 10_000 and found.log_e < math.log(1e12)


@pytest.mark.parametrize("estimate", [bernoulli, dithered, PLAIN["numpy"], PLAIN["jax"]])
def test_plain_estimators_move_with_their_units(estimate: Estimate) -> None:
    found = assert_permutation_equivariant(estimate, alpha=1e-12, draws=1000)
    assert (found.pathwise, found.draws) == (False, 1000)


@given(gradient=gradients(units=4, dim=2))
@settings(max_examples=10)
def test_designs_move_with_their_units_on_every_family(gradient: Tensor) -> None:
    assert_permutation_equivariant(DESIGNS["poisson"], gradient, alpha=1e-12, draws=2000)


def test_what_is_not_random_is_compared_draw_by_draw() -> None:
    assert assert_permutation_equivariant(identity).pathwise
    largest = from_design(TopK(), Indicator(), GradientNorm(), keep=2)
    assert assert_permutation_equivariant(largest, UNTIED).pathwise
    assert assert_permutation_equivariant(DESIGNS["everything"]).pathwise


FAULTS: dict[str, tuple[Estimate, str]] = {
    "10 % in one place": (first_is_large, "0"),
    "another second moment in one place": (first_is_rare, "0"),
    "the weight of the neighbour": (weight_of_the_neighbour, "[0-5]"),
    "the first of a tie": (first_of_a_tie, "[12]"),
    "the first of a tie in TopK": (from_design(TopK(), Indicator(), GradientNorm(), keep=2), "[12]"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("seed", range(3))
def test_what_depends_on_the_place_is_found(fault: str, seed: int) -> None:
    estimate, unit = FAULTS[fault]
    with pytest.raises(AssertionError, match=rf"the law of every unit must move .* found (\||)C_{unit}( |\|)"):
        assert_permutation_equivariant(estimate, alpha=1e-12, seed=seed, draws=40_000)


def test_a_permutation_that_keeps_the_fault_in_place_shows_nothing() -> None:
    assert_permutation_equivariant(first_is_large, permutation=[0, 2, 1, 3, 4, 5], alpha=1e-12)
    with pytest.raises(AssertionError, match="the law of every unit"):
        assert_permutation_equivariant(first_is_large, permutation=[1, 0, 2, 3, 4, 5], draws=40_000)


def doubles_the_first(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
    return gradient * torch.tensor([2.0, 1.0, 1.0, 1.0, 1.0, 1.0]).unsqueeze(1)


def test_the_message_names_the_unit_and_both_means() -> None:
    found = "found |C_0|^2 of mean 40, and 10 where the unit is moved, after "
    with pytest.raises(AssertionError, match=re.escape(found)):
        assert_permutation_equivariant(doubles_the_first, permutation=[1, 0, 2, 3, 4, 5])


def test_an_alarm_is_raised_once_the_evidence_reaches_one_over_alpha() -> None:
    def alarm(alpha: float) -> tuple[int, float]:
        with pytest.raises(AssertionError) as raised:
            assert_permutation_equivariant(first_is_large, alpha=alpha, seed=4, draws=40_000)
        parts = re.search(r"after (\d+) pairs of draws, log e-value ([\d.]+)", str(raised.value))
        assert parts is not None
        return int(parts[1]), float(parts[2])

    pairs, log_e = alarm(1e-9)
    assert log_e >= math.log(1e9)
    assert alarm(math.exp(-0.999 * log_e))[0] <= pairs  # the printed value has four digits


@pytest.mark.parametrize("side", [1, -1])
def test_a_difference_in_either_direction_is_evidence(side: int) -> None:
    differences = _Differences(torch.tensor([[2.0], [1.0]]))
    generator = torch.Generator().manual_seed(0)
    for _ in range(3):
        x, y = torch.rand(2, 1000, 2, 1, dtype=torch.float64, generator=generator)
        differences.add(*(x, y + 0.5)[::side])
    assert differences.log_e()[0] > math.log(1e12)


def most_alarms(runs: int, alpha: float, certainty: float) -> int:
    """The least count that a Binomial(runs, alpha) exceeds with probability at most `certainty`."""
    law = [math.comb(runs, i) * alpha**i * (1 - alpha) ** (runs - i) for i in range(runs + 1)]
    return next(count for count in range(runs + 1) if math.fsum(law[count + 1 :]) <= certainty)


def cauchy(generator: torch.Generator) -> Tensor:
    return torch.empty(100, 2, 1, dtype=torch.float64).cauchy_(generator=generator)


def rare(generator: torch.Generator) -> Tensor:
    return (torch.rand(100, 2, 1, generator=generator) < 0.01).double() * 100


@pytest.mark.parametrize("law", [cauchy, rare])
def test_false_alarms_stay_below_alpha(law: Callable[[torch.Generator], Tensor]) -> None:
    """One law on both sides, with no mean or with rare large values; looked at after every hundred pairs."""
    runs, alpha, alarms = 200, 0.25, 0
    for seed in range(runs):
        generator = torch.Generator().manual_seed(seed)
        differences = _Differences(torch.tensor([[1.0], [-2.0]]))
        differences.add(law(generator), law(generator))
        best = -math.inf
        for _ in range(4):
            differences.add(law(generator), law(generator))
            best = max(best, differences.log_e()[0])
        alarms += best >= math.log(1 / alpha)
    assert alarms <= most_alarms(runs, alpha, 1e-12)


def test_a_share_of_a_budget_gives_alpha_and_seed() -> None:
    budget, same = (Budget(alpha=0.5, tests=1, seed=5) for _ in range(2))
    with pytest.raises(AssertionError) as raised:
        assert_permutation_equivariant(first_of_a_tie, budget=budget.test("x"))
    alpha, seed = same.test("x").spend(), budget.test("x").seed()
    assert f"for alpha = {alpha:.3g}, seed {seed}" in str(raised.value)
    assert budget.calls == {"x": 1}


@pytest.mark.parametrize("name", DESIGNS)
def test_designs_scale_bit_for_bit(name: str) -> None:
    found = assert_scale_equivariant(DESIGNS[name])
    assert found.pathwise and found.draws == 16 * len(SCALES)


@given(gradient=gradients(families=["gaussian", "lognormal", "dominant", "ties", "zeros", "tiny", "huge"]))
@settings(max_examples=10)
def test_designs_scale_bit_for_bit_on_every_family(gradient: Tensor) -> None:
    assert_scale_equivariant(DESIGNS["systematic"], gradient, draws=2)


def test_scales_leave_room_to_the_ends_of_the_normal_range() -> None:
    for power, fitting in ((-1000, 2), (1000, 2), (0, len(SCALES))):
        # 2^-1000 s >= 2^-1022 2^40 leaves 2^40 and 2^520; 2^1000 s <= 2^1024 2^-40 leaves 2^-560 and 2^-40.
        found = assert_scale_equivariant(identity, torch.full((2, 1), 2.0**power, dtype=torch.float64), draws=1)
        assert found.draws == fitting


def plain(function: Callable[[Tensor], Any]) -> Estimate:
    return lambda gradient, *, generator: function(gradient)


SCALE_FAULTS: dict[str, tuple[Callable[[Tensor], Tensor], float]] = {
    "an epsilon": (lambda g: g * (g.norm() / (g.norm() + 1e-12)), 2.0**-560),
    "an epsilon below the rounding of 1": (lambda g: g * (g.norm() / (g.norm() + 1e-30)), 2.0**-560),
    "a clipping level": (lambda g: g.clamp(-10.0, 10.0), 2.0**40),
    "a threshold": (lambda g: g * (g.abs() > 1e-8), 2.0**-560),
    "a square that underflows": (lambda g: g * (g.square().sum() > 0), 2.0**-560),
    "a square that overflows": (lambda g: g * g.square().sum().isfinite(), 2.0**520),
    "single precision": (lambda g: g.float().double(), 2.0**-560),
    "whole numbers": (lambda g: g.round(), 2.0**-560),
}


@pytest.mark.parametrize("fault", SCALE_FAULTS)
def test_an_absolute_constant_is_found(fault: str) -> None:
    function, scale = SCALE_FAULTS[fault]
    with pytest.raises(AssertionError, match=re.escape("C(s g) must be s C(g); found entry (")) as raised:
        assert_scale_equivariant(plain(function))
    assert f"at s = {scale:g}" in str(raised.value)


def test_a_draw_that_depends_on_the_scale_is_found() -> None:
    def flips(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
        size = gradient.abs().amax()
        return gradient * (torch.rand((), dtype=torch.float64, generator=generator) < size / (1 + size))

    with pytest.raises(AssertionError, match="generator seed"):
        assert_scale_equivariant(flips, scales=[2.0])


def test_roundings_are_allowed_where_they_are_stated() -> None:
    def by_logarithms(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
        return gradient.sign() * gradient.abs().log().exp()

    with pytest.raises(AssertionError, match=re.escape("C(s g) must be s C(g)")):
        assert_scale_equivariant(by_logarithms)
    # The logarithm of 2^-563 is -390 with an error of 390 u at most, and its exponential is off by as much.
    assert_scale_equivariant(by_logarithms, roundings=1000)
    assert_scale_equivariant(identity, scales=[3.0], roundings=1)
    with pytest.raises(AssertionError, match=re.escape("C(s g) must be s C(g)")):
        assert_scale_equivariant(plain(lambda g: g + 1e-14), scales=[3.0], roundings=1)


def test_the_seed_of_the_scales_may_come_from_a_budget_and_nothing_is_spent() -> None:
    budget, seen = Budget(seed=1), []

    def notes(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
        seen.append(generator.initial_seed())
        return gradient

    assert_scale_equivariant(notes, budget=budget.test("x"), draws=2, scales=[2.0])
    assert_scale_equivariant(notes, seed=budget.test("x").seed(), draws=2, scales=[2.0])
    assert seen[:4] == seen[4:] and len(set(seen)) == 2
    assert budget.spent == 0


CALLS: dict[str, tuple[Callable[[], Any], str]] = {
    "one unit": (lambda: assert_permutation_equivariant(identity, PROBE[:1]), "K >= 2 to permute, found shape (1, 2)"),
    "a vector": (lambda: assert_permutation_equivariant(identity, PROBE[0]), "K >= 2 to permute, found shape (2,)"),
    "no permutation": (
        lambda: assert_permutation_equivariant(identity, permutation=[0, 0, 1, 2, 3, 4]),
        "a permutation must hold 0 to 5 once each, found [0, 0, 1, 2, 3, 4]",
    ),
    "few draws": (lambda: assert_permutation_equivariant(bernoulli, draws=64), "draws must be above 64"),
    "a shape": (
        lambda: assert_permutation_equivariant(plain(lambda g: g[:, 0])),
        "must return a tensor of shape (6, 2), found (6,)",
    ),
    "no tensor": (lambda: assert_scale_equivariant(plain(lambda g: (g, g))), "of shape (6, 2), found tuple"),
    "a negative scale": (
        lambda: assert_scale_equivariant(identity, scales=[-1.0]),
        "a scale must be positive and keep the gradient in the normal range, found -1.0",
    ),
    "an underflow": (lambda: assert_scale_equivariant(identity, scales=[2.0**-1060]), "in the normal range, found"),
    "three": (
        lambda: assert_scale_equivariant(identity, scales=[3.0]),
        "a scale must be a power of two unless roundings are allowed, found 3.0",
    ),
    "no room": (
        lambda: assert_scale_equivariant(identity, torch.tensor([[1e-300], [1e300]], dtype=torch.float64)),
        "a gradient must leave room to be scaled within the normal range, found none",
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_what_makes_no_sense_is_refused(name: str) -> None:
    call, message = CALLS[name]
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


def test_exceptions_of_the_estimator_pass() -> None:
    for assertion in (assert_permutation_equivariant, assert_scale_equivariant):
        with pytest.raises(ZeroDivisionError):
            assertion(plain(lambda g: g * (1 / 0)))
