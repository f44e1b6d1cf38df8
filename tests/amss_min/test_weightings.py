"""Second moments that weightings state, against their definition over an exact law."""

import itertools
from fractions import Fraction

import pytest
import torch

from amss_min.designs import Draw, SimpleRandom, Systematic
from amss_min.weightings import HorvitzThompson, Indicator, RankConditioned, ShiftedInverse, Weighting

P = torch.tensor([4.0, 3.0, 2.0, 1.0], dtype=torch.float64)
K = 2


@pytest.mark.parametrize("weighting", [Indicator(), HorvitzThompson(), ShiftedInverse(), ShiftedInverse(0.2)], ids=repr)
def test_the_stated_second_moment_is_that_of_the_multipliers(weighting: Weighting) -> None:
    design = SimpleRandom()
    found = torch.zeros(4, dtype=torch.float64)
    for subset in itertools.combinations(range(4), K):
        words = torch.tensor([0 if unit in subset else 1 for unit in range(4)])
        found += weighting(design.select(P, K, words)).square() / 6
    draw = design.select(P, K, torch.zeros(4, dtype=torch.int64))
    # Six terms, each rounded a few times.
    torch.testing.assert_close(weighting.second_moment(draw), found, rtol=2.0**-48, atol=0)


def test_the_released_shift_replaces_one_over_n() -> None:
    draw = SimpleRandom().select(P, 4, torch.arange(4))
    assert ShiftedInverse(0.2)(draw).tolist() == pytest.approx([1 / 0.6, 1 / 0.5, 1 / 0.4, 1 / 0.3], rel=2**-50)


def test_units_of_size_zero_have_no_weight_and_no_moment() -> None:
    draw = SimpleRandom().select(torch.tensor([1.0, 0.0, 1.0]), 1, torch.tensor([1, 2, 3]))
    assert HorvitzThompson()(draw).tolist() == [2.0, 0.0, 0.0]
    assert HorvitzThompson().second_moment(draw).tolist() == [2.0, 0.0, 2.0]


def test_rank_conditioned_needs_clocks() -> None:
    draw = Systematic().sample(P, K, generator=torch.Generator())
    with pytest.raises(TypeError, match=r"clocks of Successive sampling, found a draw by Systematic\(\)"):
        RankConditioned()(draw)


def test_horvitz_thompson_divides_by_the_realised_probability() -> None:
    draw = Systematic().sample(P, K, generator=torch.Generator())
    assert isinstance(draw, Draw)
    realised = [Fraction(int(r), 2**40) for r in Systematic().fixed_point(P, K)]
    expected = [float(1 / pi) if drawn else 0.0 for pi, drawn in zip(realised, draw.drawn.tolist(), strict=True)]
    assert HorvitzThompson()(draw).tolist() == expected
