"""Tables, sums and thresholds of the designs of product form, on numbers that float64 holds exactly."""

import itertools
import math
from fractions import Fraction

import pytest
import torch

from amss_min.designs import product_form
from amss_min.designs.base import WORD
from amss_min.designs.product_form import (
    Odds,
    drawn,
    folded,
    joint,
    most_drawn,
    others,
    single_row,
    tables,
    threshold,
    trailing_tables,
)
from theory.enumeration import Mask

# Dyadic: products and sums of them are exact. One unit is certain, one is never drawn.
TAKEN = [[0.5, 0.25, 1.0, 0.0, 0.75], [0.25, 0.5, 0.125, 0.875, 0.5]]
ODDS = Odds(torch.tensor(TAKEN, dtype=torch.float64), 1 - torch.tensor(TAKEN, dtype=torch.float64))


def weights(taken: list[float], marked: bool) -> dict[Mask, Fraction]:
    """The weight of every mask; in Sampford sampling times the sum of the left sides of its members."""
    found = {}
    for mask in itertools.product((False, True), repeat=len(taken)):
        sides = [Fraction(x) if held else 1 - Fraction(x) for x, held in zip(taken, mask, strict=True)]
        factor = sum((1 - Fraction(x) for x, held in zip(taken, mask, strict=True) if held), Fraction(0))
        found[mask] = math.prod(sides, start=factor if marked else Fraction(1))
    return found


def by_size(taken: list[float], most: int, marked: bool) -> list[Fraction]:
    """The weight of s drawn, s = 0 to most, after the 0 of s = -1."""
    line = [Fraction(0)] * (len(taken) + most + 2)
    for mask, weight in weights(taken, marked).items():
        line[1 + sum(mask)] += weight
    return line[: most + 2]


@pytest.mark.parametrize("marked", [False, True])
@pytest.mark.parametrize("most", [1, 3, 5])
def test_tables_are_sums_over_subsets(most: int, marked: bool) -> None:
    found, trailing = tables(ODDS, most, marked=marked), trailing_tables(ODDS, most, marked=marked)
    assert found.shape == trailing.shape == (6, 2, 2 if marked else 1, most + 2)
    assert found.dtype == torch.float64
    for row, length in itertools.product(range(2), range(6)):
        for table, units in ((found[length], TAKEN[row][:length]), (trailing[length], TAKEN[row][length:])):
            for mark in range(table.shape[1]):
                assert table[row, mark].tolist() == by_size(units, most, mark == 1)


def test_others_leave_one_unit_out() -> None:
    fewer, same = others(ODDS, torch.tensor([2, 3]), 3)
    assert fewer.shape == same.shape == (2, 5)
    for row, unit in itertools.product(range(2), range(5)):
        rest = by_size([x for place, x in enumerate(TAKEN[row]) if place != unit], 3, False)
        assert [float(fewer[row, unit]), float(same[row, unit])] == rest[2 + row : 4 + row]


@pytest.mark.parametrize("marked", [False, True])
@pytest.mark.parametrize("counts", [[2, 1], [3, 4]])
def test_joint_weights_are_sums_over_subsets(counts: list[int], marked: bool) -> None:
    found = joint(ODDS, torch.tensor(counts), 4, marked=marked)
    assert found.shape == (2, 5, 5)
    for row, k in enumerate(counts):
        law = {mask: weight for mask, weight in weights(TAKEN[row], marked).items() if sum(mask) == k}
        held = [
            [sum(weight for mask, weight in law.items() if mask[i] and mask[j]) for j in range(5)] for i in range(5)
        ]
        # Sums of dyadic products are exact here; the quotient is rounded once.
        assert found[row].tolist() == [[float(weight / sum(law.values())) for weight in line] for line in held]


def test_without_uncertain_units_nothing_can_be_marked() -> None:
    settled = torch.tensor([[1.0, 0.0, 1.0]], dtype=torch.float64)
    assert joint(Odds(settled, 1 - settled), torch.tensor([2]), 2, marked=True).isnan().all()


def test_thresholds_are_whole_words() -> None:
    sides = [(1, 3), (3, 1), (1, 1), (0, 1), (1, 0), (2.0**-80, 1), (1, 2.0**-80), (2.0**-62, 1 - 2.0**-62)]
    words = [2**60, 3 * 2**60, 2**61, 0, 2**62, 1, 2**62 - 1, 1]
    inside, outside = torch.tensor(sides, dtype=torch.float64).unbind(-1)
    for must in (False, True):
        assert threshold(inside, outside, torch.tensor([must] * len(sides))).tolist() == words
    # Thirds: float64(1/3) 2^62, a whole number, from either end.
    third = int(Fraction(1 / 3) * 2**62)
    cut = threshold(torch.tensor([1.0, 2.0]).double(), torch.tensor([2.0, 1.0]).double(), torch.tensor([False, False]))
    assert cut.tolist() == [third, 2**62 - third]
    nothing = torch.zeros(2, dtype=torch.float64)
    assert threshold(nothing, nothing, torch.tensor([False, True])).tolist() == [0, WORD]


def test_sums_are_folded_in_halves() -> None:
    for width in range(1, 18):
        squares = torch.arange(1.0, width + 1, dtype=torch.float64).expand(2, -1) ** 2
        assert folded(squares.clone()).tolist() == [width * (width + 1) * (2 * width + 1) / 6] * 2
    noisy = torch.rand(3, 11, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    longer = torch.cat([noisy, torch.zeros(3, 40, dtype=torch.float64)], -1)
    assert torch.equal(folded(noisy.clone()), folded(longer))
    assert torch.equal(folded(noisy.clone())[1], folded(noisy[1].clone()))


def test_rows_that_are_one_row_are_solved_once() -> None:
    row = torch.tensor([1.0, 2.0, 3.0])
    alike = [row.expand(4, 3), row.expand(2, 4, 3), row.view(1, 3), row.view(1, 1, 3), row.view(1, 3).expand(5, 1, 3)]
    for p in [row, *alike]:
        assert single_row(p, 2).shape == (3,) and torch.equal(single_row(p, 2), row)
    assert single_row(torch.ones(1, 1), 1).shape == (1,)
    for p, k in (
        (row, torch.tensor(2)),
        (row.repeat(4, 1), 2),
        (row.expand(4, 3), torch.tensor([1, 2, 1, 1])),
        (row.expand(0, 3), 2),
        (row.repeat(2, 1).unsqueeze(1).expand(2, 4, 3), 2),
        (row.repeat(4, 1).expand(2, 4, 3), 2),
    ):
        assert single_row(p, k) is p


def test_tables_are_as_wide_as_the_largest_count() -> None:
    assert [most_drawn(k, 5) for k in (1, 4, 5, 9)] == [1, 4, 5, 5]
    assert most_drawn(torch.tensor([2, 3, 1]), 5) == 3
    assert most_drawn(torch.tensor([2, 7]), 5) == 5
    assert most_drawn(torch.tensor(4), 5) == 4
    assert most_drawn(torch.zeros(0, dtype=torch.int64), 5) == 5
    assert most_drawn(torch.ones(2, dtype=torch.int64, device="meta"), 5) == 5


@pytest.mark.parametrize(("marked", "entries"), [(False, 2 * 6 * 5), (True, 2 * 6 * 2 * 5)])
def test_tables_are_refused_beyond_their_limit(marked: bool, entries: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert product_form.MOST_ENTRIES == 2**25
    monkeypatch.setattr(product_form, "MOST_ENTRIES", entries)
    assert tables(ODDS, 3, marked=marked).numel() == entries
    monkeypatch.setattr(product_form, "MOST_ENTRIES", entries - 1)
    told = (
        r"^designs of product form take tables of at most 2\^25 entries, found 2 rows of 5 units at k=3: draw fewer "
        r"rows at a time, or take another design for long rows$"
    )
    with pytest.raises(ValueError, match=told):
        tables(ODDS, 3, marked=marked)


@pytest.mark.parametrize("marked", [False, True])
@pytest.mark.parametrize(("row", "k"), [(0, 2), (0, 3), (1, 1), (1, 4), (1, 5)])
def test_words_next_to_every_threshold_decide(row: int, k: int, marked: bool) -> None:
    law = {mask: weight for mask, weight in weights(TAKEN[row], marked).items() if sum(mask) == k and weight}
    words: list[list[int]] = []
    for mask in law:
        near = []
        for unit, held in enumerate(mask):
            begun = sum(weight for other, weight in law.items() if other[:unit] == mask[:unit])
            ahead = sum(weight for other, weight in law.items() if other[: unit + 1] == (*mask[:unit], True))
            cut = Fraction(ahead, begun) * 2**62
            # 8 (n + 1) roundings of the smaller share, and a word.
            slack = math.ceil(min(cut, 2**62 - cut) * 8 * 6 / 2**53) + 1 if 0 < cut < 2**62 else 0
            word = math.ceil(cut) - 1 - slack if held else math.ceil(cut) + slack
            near.append(min(max(word, 0), 2**62 - 1))
        words.append(near)
    bits, one = torch.tensor(words), Odds(ODDS.taken[row : row + 1], ODDS.left[row : row + 1])
    found = drawn(one, torch.tensor([k]), bits, k, marked=marked)
    assert found.dtype == torch.bool and [tuple(line) for line in found.tolist()] == list(law)
    # The same rows with odds of their own, and counts of their own.
    many = Odds(*(side.repeat(len(words), 1) for side in one))
    assert torch.equal(drawn(many, torch.full((len(words),), k), bits, k, marked=marked), found)


def test_the_size_is_kept_where_every_weight_underflows() -> None:
    """Two of three units of odds 2^-600: no product is a float64, so the last units that can be drawn are."""
    taken = torch.tensor([[1.0, 1.0, 1.0, 0.0], [0.0, 1.0, 1.0, 1.0]], dtype=torch.float64) * 2.0**-600
    words = torch.tensor([[0, 2**62 - 1, 0, 0], [0, 0, 2**62 - 1, 0]])
    found = drawn(Odds(taken, torch.ones_like(taken)), torch.tensor([2, 2]), words, 2, marked=False)
    assert found.tolist() == [[False, True, True, False], [False, False, True, True]]


def test_a_row_gives_the_same_bits_in_any_company() -> None:
    taken = torch.rand(3, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    odds, count = Odds(taken, 1 - taken), torch.tensor([2, 4, 3])
    for row in range(3):
        lone = Odds(taken[row : row + 1], 1 - taken[row : row + 1])
        k = count[row : row + 1]
        for marked in (False, True):
            wide, narrow = joint(odds, count, 6, marked=marked), joint(lone, k, int(k), marked=marked)
            assert torch.equal(wide[row], narrow[0])
        for wide, narrow in zip(others(odds, count, 6), others(lone, k, int(k)), strict=True):
            assert torch.equal(wide[row], narrow[0])
