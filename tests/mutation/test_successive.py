"""Successive sampling: clocks, and inclusion probabilities from the subset recursion."""

import itertools
import math
from fractions import Fraction

import pytest
import torch

from amss_min.designs import Successive
from amss_min.designs.order_quadrature import inclusion_by_rows, joint_inclusion_by_rows
from amss_min.designs.order_ranks import ExponentialRanks
from amss_min.designs.successive import subset_inclusion, subset_joint_inclusion, subset_law
from theory import enumeration, moments


def clock(word: int, size: float) -> float:
    """-log(u) / q, with u the middle of the word's 53-bit cell."""
    return -math.log(((word >> 9) + 0.5) / 2**53) / size


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_the_earliest_clocks_are_drawn(k: int) -> None:
    sizes = [0.5, 0.25, 0.0, 0.125, 0.125]
    words = [0, 2**62 - 2**30, 2**61, 2**61 + 2**60, 3 * 2**52 + 511]
    p = torch.tensor(sizes, dtype=torch.float64)
    turned = list(itertools.permutations(words))[::3]
    draw = Successive().select(p.expand(len(turned), 5), k, torch.tensor(turned))
    assert draw.log_threshold is not None and draw.log_threshold.shape == (len(turned),)
    assert torch.equal(draw.q, p.expand(len(turned), 5)) and set(draw.k.tolist()) == {k}
    for row, line in enumerate(turned):
        clocks = [clock(word, size) if size else math.inf for word, size in zip(line, sizes, strict=True)]
        ranked = sorted(range(5), key=lambda unit: clocks[unit])
        assert draw.drawn[row].tolist() == [unit in ranked[:k] for unit in range(5)]
        # A logarithm of at most 2^6, rounded to 2^-47: a relative error of a few times that.
        assert math.exp(float(draw.log_threshold[row])) == pytest.approx(clocks[ranked[k]], rel=2**-44, abs=0)
    lone = Successive().select(p, k, torch.tensor(turned[0]))
    assert torch.equal(lone.drawn, draw.drawn[0]) and torch.equal(lone.log_threshold, draw.log_threshold[0])


def test_ties_go_to_the_lower_index_and_rows_stand_apart() -> None:
    p = torch.tensor([[1.0, 1.0, 2.0], [0.0, 1.0, 1.0]])
    draw = Successive().select(p, torch.tensor([1, 2]), torch.tensor([[0, 511, 0], [7, 8, 9]]))
    assert draw.drawn.tolist() == [[False, False, True], [False, True, True]]
    assert draw.log_threshold is not None and math.isinf(float(draw.log_threshold[1]))
    # Words that differ below bit 9 only give one clock.
    tied = Successive().select(torch.ones(5000), 1700, torch.arange(5000) % 512)
    assert tied.drawn.tolist() == [True] * 1700 + [False] * 3300


def test_the_last_words_ring_first_and_never_for_a_unit_of_size_zero() -> None:
    """(2^53 - 1/2) 2^-53 is no float64; the last that is below 1 stands for it, so that no clock is 0."""
    last = torch.full((3,), 2**62 - 1)
    draw = Successive().select(torch.tensor([1.0, 0.0, 1.0]), 2, last)
    assert draw.drawn.tolist() == [True, False, True]
    assert draw.log_threshold is not None and float(draw.log_threshold) == math.inf
    one = Successive().select(torch.tensor([1.0, 0.0, 1.0], dtype=torch.float64), 1, last)
    assert one.drawn.tolist() == [True, False, False] and one.log_threshold is not None
    # -log(1 - 2^-53) / (1/2): about 2^-52.
    assert float(one.log_threshold) == pytest.approx(-52 * math.log(2), rel=2**-50, abs=0)


@pytest.mark.parametrize("k", [1, 2, 4])
def test_inclusion_is_the_rounded_rational_for_eight_units(k: int) -> None:
    # Sixteenths: the sizes and their sum are exact.
    sizes = [Fraction(part, 16) for part in (1, 0, 5, 2, 1, 0, 4, 3)]
    p = torch.tensor([float(size) for size in sizes], dtype=torch.float64)
    exact = moments.inclusion(enumeration.successive_law(sizes, k))
    both = Successive().inclusion(torch.stack([p, p.flip(0)]), torch.tensor([k, 9]))
    assert both.tolist() == [[float(value) for value in exact], [float(size > 0) for size in reversed(sizes)]]
    assert both.dtype == torch.float64
    assert Successive().inclusion(p, k).tolist() == [float(value) for value in exact]
    found = subset_inclusion(sizes, k)
    assert found == exact and {type(value) for value in found} == {Fraction}
    with torch.device("meta"):  # which must not matter, see test_base.py
        joint = Successive().joint_inclusion(p.unsqueeze(0), k)
    pairs = moments.joint_inclusion(enumeration.successive_law(sizes, k))
    assert joint.tolist() == [[[float(value) for value in row] for row in pairs]] and joint.dtype == torch.float64
    flat = subset_joint_inclusion(sizes, k)
    assert flat == [value for row in pairs for value in row] and {type(value) for value in flat} == {Fraction}


def test_nine_units_are_left_to_the_quadrature() -> None:
    p = torch.tensor([1.0, 0.0, 5.0, 2.0, 1.0, 3.0, 4.0, 3.0, 7.0], dtype=torch.float64)
    q, k = p / p.sum(), torch.tensor(4)
    assert torch.equal(Successive().inclusion(p, 4), inclusion_by_rows(ExponentialRanks, q, k))
    assert torch.equal(Successive().joint_inclusion(p, 4), joint_inclusion_by_rows(ExponentialRanks, q, k))
    # Otherwise the difference would not show: some last place differs from the rounded rational value.
    law = enumeration.successive_law([Fraction(size) for size in q.tolist()], 4)
    assert Successive().inclusion(p, 4).tolist() != [float(value) for value in moments.inclusion(law)]
    pairs = [[float(value) for value in row] for row in moments.joint_inclusion(law)]
    assert Successive().joint_inclusion(p, 4).tolist() != pairs


def test_the_law_over_sets_holds_no_set_that_is_never_drawn() -> None:
    half = Fraction(1, 2)
    assert subset_law([half, Fraction(0), half], 1) == {frozenset({0}): half, frozenset({2}): half}
