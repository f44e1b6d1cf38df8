"""Pivotal sampling against duels played one by one, and what every order promises."""

import itertools
import math
from fractions import Fraction
from typing import Any

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from amss_min.designs.base import WORD
from amss_min.designs.duels import below, chances, values
from amss_min.designs.fixed_point import ONE
from amss_min.designs.pivotal import ORDERS, Pivotal
from theory import pivotal_laws

DESIGNS = [Pivotal(order) for order in ORDERS]
SIZES = st.lists(st.one_of(st.integers(0, 5).map(float), st.floats(1e-300, 1e300)), min_size=1, max_size=12)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def played(r: list[int], words: list[int], seats: pivotal_laws.Seats) -> list[bool]:
    """One duel after the other, in rationals: the first goes on iff word / 2^62 < its chance."""
    value = [Fraction(size, ONE) for size in r]
    seated = list(range(len(r)))
    for (one, other), word in zip(seats, words, strict=True):
        a, b = seated[one], seated[other]
        chance, first, second = pivotal_laws.duel(value[a], value[b])
        goes_on = Fraction(word, WORD) < chance
        value[a], value[b] = first if goes_on else second
        seated[one] = a if goes_on else b
    assert all(v in (0, 1) for v in value)
    return [v == 1 for v in value]


@st.composite
def comparisons(draw: st.DrawFn) -> tuple[int, int, int]:
    """A word at a threshold or anywhere, and a <= m <= 2^41."""
    m = draw(st.one_of(st.integers(1, 9), st.integers(1, 2**41), st.integers(2**41 - 9, 2**41)))
    a = draw(st.one_of(st.integers(0, min(m, 9)), st.integers(0, m)))
    beside = math.ceil(Fraction(a * WORD, m)) + draw(st.integers(-2, 2))
    anywhere = draw(st.integers(0, WORD - 1))
    return min(max(draw(st.sampled_from([beside, anywhere])), 0), WORD - 1), a, m


@given(comparisons())
@example((WORD - 1, 2**41, 2**41))
@example((0, 0, 2**41))
@example((0, 0, 0))
def test_the_comparison_is_that_of_whole_numbers(case: tuple[int, int, int]) -> None:
    word, a, m = case
    found = bool(below(torch.tensor(word), torch.tensor(a), torch.tensor(m)))
    assert found == (word * m // WORD < a)
    if m:
        assert found == (word < math.ceil(Fraction(a * WORD, m)))


@given(st.integers(0, 3 * ONE))
@example(0)
@example(ONE)
@example(2 * ONE)
@example(ONE + 1)
def test_a_group_is_worth_what_its_total_leaves_over(total: int) -> None:
    worth = int(values(torch.tensor(total)))
    assert (total - worth) % ONE == 0
    assert (0 < worth <= ONE) if total else worth == 0


WORTH = st.one_of(st.integers(0, 2), st.integers(ONE - 2, ONE), st.integers(0, ONE))


@given(WORTH, WORTH)
@example(ONE, ONE)
@example(0, 0)
@example(ONE // 2, ONE // 2)
def test_the_chances_keep_both_means(v: int, w: int) -> None:
    """P(drawn) + P(going on) * what is kept is the value of each, with certainty where m = 0."""
    a, m, drawn = (int(x) for x in chances(torch.tensor(v), torch.tensor(w)))
    assert 0 <= a <= m <= ONE
    assert drawn == (v + w > ONE)
    kept = v + w - ONE * drawn
    chance = Fraction(a, m) if m else Fraction(0)
    assert chance * kept + (1 - chance) * drawn * ONE == v
    assert (1 - chance) * kept + chance * drawn * ONE == w


def key(word: Any, n: int) -> Any:
    """What of a word a random order sees: the lowest 63 - b bits, b = ceil(log2 n)."""
    return word % 2 ** (63 - (n - 1).bit_length())


@pytest.mark.parametrize("design", DESIGNS, ids=repr)
@given(sizes=SIZES, k=st.integers(1, 12), seed=st.integers(0, 2**30))
@example(sizes=[0.0, 0.0, 1.0, 0.0, 2.0, 0.0], k=1, seed=0)
@example(sizes=[0.0, 8.0, 8.0, 1.0, 1.0, 0.0, 8.0], k=4, seed=0)
@example(sizes=[1.0, 1.0, 1.0, 1.0], k=2, seed=0)
@example(sizes=[1.0, 1.0, 1.0], k=3, seed=0)
def test_a_draw_is_that_of_the_duels_played_one_by_one(design: Pivotal, sizes: list[float], k: int, seed: int) -> None:
    n = len(sizes)
    p = torch.tensor(sizes, dtype=torch.float64)
    bits = torch.randint(WORD, (4, design.slots(n)), generator=generator(seed))
    bits[1, -(n - 1) :] = 0  # the first always goes on where it can
    bits[2, -(n - 1) :] = WORD - 1
    found = design.select(p.expand(4, -1), k, bits)
    r = design.fixed_point(p, k).tolist()
    seats = pivotal_laws.tree(n) if design.order == "tree" else pivotal_laws.row(n)
    for words, drawn in zip(bits.tolist(), found.drawn.tolist(), strict=True):
        order = sorted(range(n), key=lambda unit: key(words[unit], n)) if design.order == "random" else range(n)
        met = played([r[unit] for unit in order], words[len(words) - (n - 1) :], seats)
        assert [drawn[unit] for unit in order] == met
    assert torch.equal(found.inclusion, design.inclusion(p, k).expand(4, -1))


@pytest.mark.parametrize("design", DESIGNS, ids=repr)
@pytest.mark.parametrize("n", [31, 32, 33, 100])
def test_long_rows_are_played_alike(design: Pivotal, n: int) -> None:
    p = torch.rand(n, dtype=torch.float64, generator=generator(n)) ** 4
    bits = torch.randint(WORD, (design.slots(n),), generator=generator())
    drawn = design.select(p, n // 3, bits).drawn.tolist()
    r = design.fixed_point(p, n // 3).tolist()
    order = key(bits[:n], n).argsort().tolist() if design.order == "random" else list(range(n))
    seats = pivotal_laws.tree(n) if design.order == "tree" else pivotal_laws.row(n)
    assert [drawn[unit] for unit in order] == played([r[unit] for unit in order], bits.tolist()[1 - n :], seats)


@pytest.mark.parametrize("design", DESIGNS, ids=repr)
@given(sizes=SIZES, k=st.integers(1, 12), seed=st.integers(0, 2**30))
def test_a_draw_has_its_size_and_never_holds_a_unit_of_size_zero(
    design: Pivotal, sizes: list[float], k: int, seed: int
) -> None:
    p = torch.tensor(sizes, dtype=torch.float64)
    draw = design.sample(p, k, generator=generator(seed))
    assert not (draw.drawn & (p == 0)).any()
    assert int(draw.drawn.sum()) == int(draw.k) == min(k, int((p > 0).sum()))
    assert draw.drawn[draw.inclusion == 1].all()


@pytest.mark.parametrize("design", DESIGNS, ids=repr)
def test_batched_rows_are_the_single_rows(design: Pivotal) -> None:
    p = torch.rand(2, 3, 7, dtype=torch.float64, generator=generator())
    p[0, 1, 2:] = 0
    p[1, 2] = 0
    k = torch.tensor([[1, 4, 3], [7, 2, 5]])
    bits = torch.randint(WORD, (2, 3, design.slots(7)), generator=generator())
    whole = design.select(p, k, bits)
    for row in itertools.product(range(2), range(3)):
        single = design.select(p[row], int(k[row]), bits[row])
        assert torch.equal(whole.drawn[row], single.drawn)
        assert torch.equal(whole.inclusion[row], single.inclusion)
    assert not whole.drawn[1, 2].any()


@pytest.mark.parametrize("design", DESIGNS, ids=repr)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_short_floats_are_drawn_as_their_values(design: Pivotal, dtype: torch.dtype) -> None:
    p = torch.rand(9, generator=generator()).to(dtype)
    bits = torch.randint(WORD, (design.slots(9),), generator=generator())
    assert torch.equal(design.select(p, 4, bits).drawn, design.select(p.double(), 4, bits).drawn)


@pytest.mark.parametrize("design", DESIGNS, ids=repr)
def test_a_million_units_are_drawn_exactly(design: Pivotal) -> None:
    n = 2**20
    p = torch.rand(n, dtype=torch.float64, generator=generator()) ** 8
    assert int(design.sample(p, n // 5, generator=generator(1)).drawn.sum()) == n // 5
    with pytest.raises(ValueError, match=r"at most 2\^20 units, found 1048577"):
        design.sample(torch.ones(n + 1), 5, generator=generator())


@pytest.mark.parametrize(("given", "close"), [("randon", "'random'"), ("Tree", "'tree'"), ("ordred", "'ordered'")])
def test_an_unknown_order_is_refused_with_the_close_names(given: str, close: str) -> None:
    with pytest.raises(ValueError, match=f"must be one of .*, found '{given}': is it {close}"):
        Pivotal(given)


def test_an_order_that_is_close_to_nothing_is_refused_with_all_names() -> None:
    with pytest.raises(ValueError, match="found 5: is it 'random' or 'ordered' or 'tree'"):
        Pivotal(5)


def test_designs_are_shown_as_they_are_made() -> None:
    assert [repr(design) for design in DESIGNS] == ["Pivotal()", "Pivotal(order='ordered')", "Pivotal(order='tree')"]
    assert [design.slots(5) for design in DESIGNS] == [9, 4, 4]
