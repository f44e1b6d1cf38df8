"""Integers r = 2^40 pi against rationals rounded by hand."""

from fractions import Fraction

import pytest
import torch

from amss_min.designs import Poisson
from amss_min.designs.base import prepared
from amss_min.designs.fixed_point import ONE, rounded


def nearest(numerator: int, denominator: int) -> int:
    """2^40 numerator / denominator to the nearest integer."""
    return round(Fraction(numerator * 2**40, denominator))


def fixed_point(sizes: list[float], k: int) -> list[int]:
    found: list[int] = Poisson().fixed_point(torch.tensor(sizes, dtype=torch.float64), k).tolist()
    return found


def test_one_is_two_to_the_forty() -> None:
    assert ONE == 2**40
    assert fixed_point([1.0, 1.0], 1) == [2**39, 2**39]


def test_a_deficit_is_given_to_the_least_likely() -> None:
    # 2^40 = 2 modulo 7: 5/7 and 1/7 round down by 3/7 and 2/7 of the last place, and one is missing.
    assert nearest(5, 7) + 2 * nearest(1, 7) == ONE - 1
    assert fixed_point([5.0, 1.0, 1.0], 1) == [nearest(5, 7), nearest(1, 7) + 1, nearest(1, 7)]
    assert fixed_point([5.0, 0.0, 1.0, 1.0], 1) == [nearest(5, 7), 0, nearest(1, 7) + 1, nearest(1, 7)]
    assert fixed_point([100.0, 1.0, 5.0, 0.0, 1.0], 2) == [ONE, nearest(1, 7) + 1, nearest(5, 7), 0, nearest(1, 7)]


def test_a_surplus_is_taken_off_the_likeliest_that_is_not_certain() -> None:
    # 2/7, 2/7 and 3/7 round up by 3/7, 3/7 and 1/7 of the last place: one too many.
    assert 2 * nearest(2, 7) + nearest(3, 7) == ONE + 1
    assert fixed_point([2.0, 3.0, 2.0], 1) == [nearest(2, 7), nearest(3, 7) - 1, nearest(2, 7)]
    assert fixed_point([2.0, 2.0, 100.0, 3.0], 2) == [nearest(2, 7), nearest(2, 7), ONE, nearest(3, 7) - 1]
    # Every uncertain unit is at the least, so the certain one gives way.
    assert fixed_point([1.0, 1e-300], 1) == [ONE - 1, 1]
    assert fixed_point([1e-300, 1.0, 1e-300], 1) == [1, ONE - 2, 1]


def test_rows_are_rounded_apart() -> None:
    p = torch.tensor([[5.0, 1.0, 1.0], [2.0, 3.0, 2.0], [0.0, 0.0, 0.0], [6.0, 1.0, 1.0]], dtype=torch.float64)
    r = Poisson().fixed_point(p, torch.tensor([1, 1, 1, 2]))
    assert r.dtype == torch.int64
    assert r.tolist() == [
        [nearest(5, 7), nearest(1, 7) + 1, nearest(1, 7)],
        [nearest(2, 7), nearest(3, 7) - 1, nearest(2, 7)],
        [0, 0, 0],
        [ONE, ONE // 2, ONE // 2],
    ]
    assert Poisson().inclusion(p, 1)[0].tolist() == [value / 2**40 for value in r[0].tolist()]


def test_up_to_two_to_the_twenty_units_are_taken() -> None:
    n = 2**20
    ones = torch.ones(1, dtype=torch.float64).expand(n)
    r = rounded(ones / n, ones > 0, torch.tensor(1))
    assert r.amin() == r.amax() == 2**20
    message = r"^a draw takes at most 2\^20 units, found 1048577: its rounding would not be exact$"
    with pytest.raises(ValueError, match=message):
        Poisson().fixed_point(torch.ones(1).expand(n + 1), 1)
    assert rounded(*prepared(torch.ones(2, 3), 1)).sum(-1).tolist() == [ONE, ONE]  # rows do not count as units


def test_more_than_one_by_rounding_is_certain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four units of the last place more than 1, beside 5/7, 1/7 and 1/7, which round to one too few."""
    filled = torch.tensor([1 + 2.0**-38, 5 / 7, 1 / 7, 1 / 7], dtype=torch.float64)
    monkeypatch.setattr("amss_min.designs.fixed_point.water_filling", lambda sizes, k: filled)
    r = rounded(filled, filled > 0, torch.tensor(2)).tolist()
    assert r == [ONE, nearest(5, 7), nearest(1, 7) + 1, nearest(1, 7)]
