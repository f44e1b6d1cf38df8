"""Exact means: from finite supports and injected uniforms, and what contradicts them."""

import itertools
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from amss_min.designs import Systematic
from amss_min.testing.estimator import Estimator, EstimatorError
from amss_min.testing.exact import EPS, Law, law

G = torch.tensor([[3.0], [-1.0], [0.5]], dtype=torch.float64)
Pairs = list[tuple[Any, Any]]


def one_of_three(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
    """One unit, all of them with probability 1/4, none with 1/4; weight 4."""
    words = torch.randint(4, (*gradient.shape[:-2], 1, 1), generator=generator)
    return 4 * gradient * (torch.arange(gradient.shape[-2])[:, None] == words)


def support(gradient: Tensor) -> Pairs:
    units = torch.arange(len(gradient))[:, None]
    return [(Fraction(1, 4), 4 * gradient * (units == j)) for j in range(4)]


def supported(given: Any) -> Estimator:
    return Estimator(function=one_of_three, batched=True, support=given)


def found(estimator: Estimator, gradient: Tensor = G) -> Law:
    known = law(estimator, gradient)
    assert known is not None
    return known


def draws(count: int, gradient: Tensor = G) -> Tensor:
    return one_of_three(gradient.expand(count, -1, -1), generator=torch.Generator().manual_seed(0))


def test_nothing_declared_gives_no_law() -> None:
    assert law(Estimator(function=one_of_three, batched=True), G) is None
    assert law(Estimator(function=one_of_three, batched=True, cuts=lambda gradient: [0.5]), G) is None


def test_a_support_is_summed_in_rationals() -> None:
    known = found(supported(support))
    assert known.path == "support"
    assert known.probabilities == (Fraction(1, 4),) * 4
    difference, allowed = known.bias()
    assert difference == [0, 0, 0]
    assert allowed == [Fraction(EPS) * 2 * abs(Fraction(value)) for value in (3, -1, 0.5)]
    assert known.second_moment() == 4.0


def test_a_bias_of_one_part_in_a_billion_is_seen() -> None:
    def biased(gradient: Tensor) -> Pairs:
        return [(p, outcome * (1 + 2.0**-30)) for p, outcome in support(gradient)]

    difference, allowed = found(supported(biased)).bias()
    assert difference == [Fraction(value) * Fraction(1, 2**30) for value in (3, -1, 0.5)]
    assert all(abs(off) > most for off, most in zip(difference, allowed, strict=True))


def test_probabilities_may_be_floats_and_equal_outcomes_are_merged() -> None:
    given = [(0.1, G), (0.2, -0.0 * G), (0.3, 0.0 * G), (0.4, 2 * G)]
    known = found(supported(lambda gradient: given))
    assert len(known.outcomes) == 3
    assert sorted(known.probabilities) == sorted([Fraction(0.1), Fraction(0.2) + Fraction(0.3), Fraction(0.4)])


def test_impossible_outcomes_are_left_out() -> None:
    known = found(supported(lambda gradient: [*support(gradient), (0, 100 * gradient)]))
    assert len(known.outcomes) == 4
    assert known.contradiction(torch.stack([100 * G]), 0.5) == "a draw that is none of the 4 outcomes"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (lambda g: [(0.5, g), (0.4, 2 * g)], "must be at least 0 and sum to 1, found 0.9"),
        (lambda g: [(-0.5, g), (1.5, g)], "must be at least 0 and sum to 1, found 1.0"),
        (lambda g: [], "must be at least 0 and sum to 1, found 0.0"),
        (lambda g: [(1, g[:2])], r"must have the gradient's shape \(3, 1\), found \(2, 1\)"),
        (lambda g: [(float("nan"), g)], "support of estimate raised ValueError"),
        (lambda g: g.no_such_thing, "support of estimate raised AttributeError"),
        (lambda g: [(1, None)], "support of estimate raised"),
    ],
)
def test_a_support_that_is_no_law_is_refused(given: Any, message: str) -> None:
    with pytest.raises(EstimatorError, match=message):
        law(supported(given), G)


def test_a_support_cannot_change_the_gradient() -> None:
    before = G.clone()
    found(supported(lambda gradient: [(1, gradient.mul_(3))]))
    assert torch.equal(G, before)


def test_draws_of_the_law_do_not_contradict_it() -> None:
    assert found(supported(support)).contradiction(draws(4000), 1e-12) == ""


def test_a_draw_from_elsewhere_contradicts_the_law() -> None:
    known, drawn = found(supported(support)), draws(10)
    drawn[3] *= 1 + 2.0**-30
    assert known.contradiction(drawn, 0.5) == "a draw that is none of the 4 outcomes"


def test_a_negative_zero_is_a_zero() -> None:
    assert found(supported(support)).contradiction(draws(10) * 1.0 + -0.0 * G, 0.01) == ""


def test_wrong_frequencies_contradict_the_law() -> None:
    def skewed(gradient: Tensor) -> Pairs:
        return [(p + (j - 1.5) / 50, outcome) for j, (p, outcome) in enumerate(support(gradient))]

    assert "an outcome of probability 0." in found(supported(skewed)).contradiction(draws(20_000), 1e-12)


# Injected uniform


def at(gradient: Tensor, *, uniform: float) -> Tensor:
    """Systematic sampling of one of three units of inclusion 1/2, 1/4 and 1/4 from one uniform number."""
    ends = [0.0, 0.5, 0.75, 1.0]
    unit = sum(uniform >= end for end in ends[1:3])
    weight = torch.zeros(3, 1, dtype=torch.float64)
    weight[unit] = 1 / (ends[unit + 1] - ends[unit])
    return gradient * weight


def injected(function: Any = at, cuts: Iterable[Any] = (0.5, 0.75)) -> Estimator:
    def estimate(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
        return at(gradient, uniform=float(torch.rand((), dtype=torch.float64, generator=generator)))

    return Estimator(function=estimate, cuts=lambda gradient: cuts, at=function)


@pytest.mark.parametrize(
    "cuts",
    [
        (0.5, 0.75),
        (0.75, 0.5, 0.1, 0.5),
        [Fraction(1, 2), Fraction(3, 4)],
        torch.tensor([0.5, 0.75]),
        np.array([0, 0.5, 0.75, 1]),
    ],
)
def test_pieces_of_the_uniform_are_summed(cuts: Any) -> None:
    known = found(injected(cuts=cuts))
    assert known.path == "injected uniform"
    assert sorted(known.probabilities) == [Fraction(1, 4), Fraction(1, 4), Fraction(1, 2)]
    assert known.bias()[0] == [0, 0, 0]
    drawn = injected().draws(G, 500, torch.Generator().manual_seed(1))
    assert known.contradiction(drawn, 1e-12) == ""


def test_a_missing_cut_is_found() -> None:
    with pytest.raises(
        EstimatorError, match=r"at must be constant between cuts, found it different within \(0.5, 1.0\)"
    ):
        law(injected(cuts=(0.5,)), G)


@pytest.mark.parametrize("cut", [-0.1, 1.5])
def test_cuts_outside_the_unit_interval_are_refused(cut: float) -> None:
    with pytest.raises(EstimatorError, match=r"cuts must be in \[0, 1\]"):
        law(injected(cuts=(0.5, cut)), G)


def test_what_at_raises_is_named() -> None:
    def broken(gradient: Tensor, *, uniform: float) -> Tensor:
        raise RuntimeError("no uniform today")

    with pytest.raises(EstimatorError, match="cuts or at of estimate raised RuntimeError: no uniform today"):
        law(injected(broken), G)


def test_a_production_design_is_exact_through_its_support() -> None:
    """Systematic sampling at dyadic inclusions: Horvitz-Thompson weights have mean 1 without any rounding."""
    p, k = torch.tensor([4.0, 2.0, 1.0, 1.0], dtype=torch.float64), 2
    inclusion = Systematic(random_order=False).inclusion(p, k)
    ends = torch.cat([torch.zeros(1, dtype=torch.float64), inclusion.cumsum(0)])

    def given(gradient: Tensor) -> Pairs:
        cuts = sorted({0.0, 1.0, *(1 - ends.remainder(1.0)).remainder(1.0).tolist()})
        pairs: Pairs = []
        for left, right in itertools.pairwise(cuts):
            drawn = (ends + (left + right) / 2).floor().diff()
            pairs.append((Fraction(right) - Fraction(left), gradient * (drawn / inclusion)[:, None]))
        return pairs

    gradient = torch.tensor([[1.0], [-2.0], [0.0], [5.0]], dtype=torch.float64)
    known = found(Estimator(function=one_of_three, support=given), gradient)
    assert known.bias()[0] == [0, 0, 0, 0]
    assert known.second_moment() == pytest.approx(float((gradient[:, 0] ** 2 / inclusion).sum() / 30), rel=1e-14)
