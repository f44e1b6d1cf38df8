"""Uniform masks: every subset once, equally likely, with the weights of production."""

from fractions import Fraction
from math import comb

import pytest

from amss_min.weightings import HorvitzThompson, Indicator
from theory.moments import mean_multipliers, mean_square_multipliers
from theory.uniform_masks import sequences, uniform_masks


@pytest.mark.parametrize("k", [1, 2, 4])
def test_every_subset_with_its_weight(k: int) -> None:
    law = uniform_masks(4, k, HorvitzThompson())
    assert [probability for probability, _ in law] == [Fraction(1, comb(4, k))] * comb(4, k)
    assert len({tuple(mask) for _, mask in law}) == comb(4, k)
    assert mean_multipliers(law) == [1] * 4
    assert mean_square_multipliers(law) == [Fraction(4, k)] * 4
    assert mean_multipliers(uniform_masks(4, k, Indicator())) == [Fraction(k, 4)] * 4


def test_sequences_are_independent() -> None:
    law = uniform_masks(2, 1, Indicator())
    found = list(sequences(law, 3))
    assert len(found) == 8 and {probability for probability, _ in found} == {Fraction(1, 8)}
    assert list(sequences(law, 0)) == [(Fraction(1), ())]
