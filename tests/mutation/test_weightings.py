"""Multipliers and second moments by hand."""

import math
from dataclasses import replace

import pytest
import torch

from amss_min.designs import Draw, Successive, TopK
from amss_min.weightings import HorvitzThompson, Indicator, RankConditioned, ShiftedInverse, Weighting

DRAWN = torch.tensor([[True, False, True, False], [False, True, False, True]])
DRAW = Draw(
    drawn=DRAWN,
    q=torch.tensor([[0.25, 0.25, 0.5, 0.0], [0.125, 0.375, 0.25, 0.25]], dtype=torch.float64),
    k=torch.tensor([2, 2]),
    design=TopK(),
    pi=torch.tensor([[0.5, 0.5, 1.0, 0.0], [0.25, 0.5, 0.25, 1.0]], dtype=torch.float64),
)


def test_indicator() -> None:
    assert Indicator()(DRAW).tolist() == [[1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 1.0]]
    assert Indicator()(DRAW).dtype == torch.float64
    assert torch.equal(Indicator().second_moment(DRAW), DRAW.inclusion)


def test_horvitz_thompson() -> None:
    assert HorvitzThompson()(DRAW).tolist() == [[2.0, 0.0, 1.0, 0.0], [0.0, 2.0, 0.0, 1.0]]
    assert HorvitzThompson().second_moment(DRAW).tolist() == [[2.0, 2.0, 1.0, 0.0], [4.0, 2.0, 4.0, 1.0]]


def test_shifted_inverse() -> None:
    # q + 1/4: 1/2, 1/2, 3/4, 1/4 and 3/8, 5/8, 1/2, 1/2.
    assert ShiftedInverse()(DRAW).tolist() == [[2.0, 0.0, 1 / 0.75, 0.0], [0.0, 1.6, 0.0, 2.0]]
    row = replace(DRAW, drawn=DRAWN[0], q=DRAW.q[0], k=DRAW.k[0])
    assert ShiftedInverse()(row).tolist() == [2.0, 0.0, 1 / 0.75, 0.0]
    assert ShiftedInverse(0.5)(DRAW)[0].tolist() == [1 / 0.75, 0.0, 1.0, 0.0]
    assert ShiftedInverse(0.0)(DRAW)[0].tolist() == [4.0, 0.0, 2.0, 0.0]


def test_the_second_moment_of_the_shifted_inverse() -> None:
    found = ShiftedInverse().second_moment(DRAW)
    assert found[0, :2].tolist() == [2.0, 2.0] and found[0, 3] == 0 and found[1, 2:].tolist() == [1.0, 4.0]
    # An inverse and a square, each rounded once: three roundings.
    assert found[0, 2] == pytest.approx(16 / 9, rel=2**-51, abs=0)
    assert found[1, :2].tolist() == pytest.approx([16 / 9, 1.28], rel=2**-51, abs=0)


def test_rank_conditioned() -> None:
    # tau = 4 log 2: 1 - exp(-q tau) is 1/2 at q = 1/4 and 3/4 at q = 1/2; tau infinite gives 1.
    clocks = torch.tensor([math.log(4 * math.log(2)), math.inf], dtype=torch.float64)
    draw = replace(DRAW, design=Successive(), log_threshold=clocks)
    # A logarithm, an exponential, expm1 and a division: a few parts in 2^53 each.
    assert RankConditioned()(draw)[0].tolist() == pytest.approx([2.0, 0.0, 4 / 3, 0.0], rel=2**-49, abs=0)
    assert RankConditioned()(draw)[1].tolist() == [0.0, 1.0, 0.0, 1.0]
    weighting: Weighting = RankConditioned()
    assert weighting.second_moment(draw) is None


def test_rank_conditioned_keeps_its_accuracy_where_a_unit_is_unlikely() -> None:
    # At x = 2^-40 the weight 1 / (1 - exp(-x)) is 2^40 (1 + 2^-41 + ...), which 1 - exp(-x) in floats loses.
    draw = Draw(
        drawn=torch.tensor([True]),
        q=torch.tensor([2.0**-40], dtype=torch.float64),
        k=torch.tensor(1),
        design=Successive(),
        log_threshold=torch.tensor(0.0, dtype=torch.float64),
    )
    # log q, about -28, is rounded to 2^-49: a relative error of that size.
    assert float(RankConditioned()(draw)) == pytest.approx(2.0**40 * (1 + 2.0**-41), rel=2**-47, abs=0)


def test_which_are_unbiased() -> None:
    assert [each.unbiased for each in (Indicator, HorvitzThompson, RankConditioned, ShiftedInverse)] == [
        False,
        True,
        True,
        False,
    ]


def test_rank_conditioned_needs_clocks() -> None:
    message = r"^RankConditioned needs the clocks of Successive sampling, found a draw by TopK\(\)$"
    with pytest.raises(TypeError, match=message):
        RankConditioned()(DRAW)
