"""Conditional Poisson and Sampford sampling against the laws written from their definitions."""

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

import pytest
import torch
from torch import Tensor

from amss_min.designs import conditional_poisson, product_form
from amss_min.designs.conditional_poisson import ConditionalPoisson
from amss_min.designs.fixed_point import ONE
from amss_min.designs.product_form import Odds, others
from amss_min.designs.sampford import Sampford
from theory import moments
from theory.product_laws import conditional_poisson_law, maximum_entropy_weights
from theory.product_pieces import product_law, product_pieces

SIZES = torch.tensor([0.1, 0.4, 0.0, 0.2, 0.3], dtype=torch.float64)
DOUBLING = 2.0 ** torch.arange(5.0, dtype=torch.float64)
ROWS = torch.stack([SIZES, SIZES.flip(0), torch.zeros(5, dtype=torch.float64), DOUBLING])
MAKERS: dict[str, Callable[[], ConditionalPoisson | Sampford]] = {
    "conditional Poisson": ConditionalPoisson,
    "Sampford": Sampford,
}


def grid(p: Tensor, k: int) -> list[Fraction]:
    return [Fraction(r, ONE) for r in Sampford().fixed_point(p, k).tolist()]


@pytest.mark.parametrize("name", MAKERS)
def test_every_piece_of_the_words_gives_its_mask(name: str) -> None:
    design = MAKERS[name]()
    for p, k in ((SIZES, 1), (DOUBLING, 3), (torch.ones(1), 1)):
        pieces = product_pieces(design, p, k)
        words = torch.tensor([probe for piece in pieces for probe in piece.probes])
        expected = [list(piece.mask) for piece in pieces for _ in piece.probes]
        assert design.select(p, k, words[0]).drawn.tolist() == expected[0]
        assert design.select(p.expand(len(words), -1), k, words).drawn.tolist() == expected
        counts = torch.full((len(words),), k)
        assert design.select(p.repeat(len(words), 1), counts, words).drawn.tolist() == expected


@pytest.mark.parametrize("name", MAKERS)
def test_a_draw_states_what_it_is_of(name: str) -> None:
    design = MAKERS[name]()
    counts = torch.tensor([2, 3, 1, 9])
    words = torch.randint(2**62, (4, 5), generator=torch.Generator().manual_seed(3))
    draw = design.select(ROWS, counts, words)
    assert draw.pi is not None and torch.equal(draw.pi, design.inclusion(ROWS, counts))
    assert draw.k.tolist() == draw.drawn.sum(-1).tolist() == [2, 3, 0, 5]
    assert torch.equal(draw.q[3], DOUBLING / 31) and draw.design is design
    for row in range(4):
        lone = design.select(ROWS[row], int(counts[row]), words[row])
        assert torch.equal(lone.drawn, draw.drawn[row]) and torch.equal(lone.inclusion, draw.pi[row])
    same = design.select(SIZES.expand(2, 4, 5), 2, words.expand(2, 4, 5))
    assert same.drawn.shape == same.q.shape == same.inclusion.shape == (2, 4, 5) and same.k.shape == (2, 4)
    assert torch.equal(same.drawn[0], same.drawn[1])
    deep = design.select(ROWS.view(2, 2, 5), counts.view(2, 2), words.view(2, 2, 5))
    assert torch.equal(deep.drawn.view(4, 5), draw.drawn) and deep.inclusion.shape == (2, 2, 5)


@pytest.mark.parametrize("name", MAKERS)
def test_equal_rows_share_their_tables(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables of one row are within this limit, tables of two rows are not."""
    monkeypatch.setattr(product_form, "MOST_ENTRIES", 2 * 6 * 4)
    words = torch.randint(2**62, (50, 5), generator=torch.Generator().manual_seed(4))
    assert MAKERS[name]().select(SIZES.expand(50, 5), 2, words).drawn.sum() == 100
    with pytest.raises(ValueError, match="at most"):
        MAKERS[name]().select(SIZES.repeat(50, 1), 2, words)


@pytest.mark.parametrize("name", MAKERS)
def test_joint_inclusion_is_that_of_the_law(name: str) -> None:
    design = MAKERS[name]()
    counts = [2, 3, 1, 4]
    with torch.device("meta"):  # which must not matter, see test_base.py
        found = design.joint_inclusion(ROWS, torch.tensor(counts, device="cpu"))
    assert found.shape == (4, 5, 5) and found.dtype == torch.float64
    assert not found[2].any()
    error = Fraction(6, 2**50)  # 2^-50 (n + 1)
    for row in (0, 1, 3):
        exact = moments.joint_inclusion(product_law(design, ROWS[row], counts[row]))
        for mine, line in zip(found[row].tolist(), exact, strict=True):
            for value, expected in zip(mine, line, strict=True):
                assert abs(Fraction(value) - expected) <= error * expected
        assert torch.equal(found[row].diagonal(), design.inclusion(ROWS[row], counts[row]))
    deep = design.joint_inclusion(ROWS.view(2, 2, 5), torch.tensor(counts).view(2, 2))
    assert torch.equal(deep.view(4, 5, 5), found)
    assert design.joint_inclusion(torch.ones(3), 3).tolist() == [[1.0] * 3] * 3
    settled = [[1.0, 0.0, 1.0], [0.0, 0.0, 0.0], [1.0, 0.0, 1.0]]
    assert design.joint_inclusion(torch.tensor([[2.0, 0.0, 1.0]]), 2).tolist() == [settled]


def test_sampford_has_the_inclusion_of_the_grid_exactly() -> None:
    pi = Sampford().inclusion(ROWS, torch.tensor([2, 3, 1, 2]))
    assert [Fraction(value) for value in pi[0].tolist()] == grid(SIZES, 2)
    assert moments.inclusion(product_law(Sampford(), SIZES, 2)) == grid(SIZES, 2)


def test_conditional_poisson_realises_the_grid_as_far_as_it_says() -> None:
    design = ConditionalPoisson()
    last_place = torch.tensor([1.0, 1e-300, 3.0, 2.0], dtype=torch.float64)  # r = 1 for one unit
    for p, k in ((SIZES, 2), (DOUBLING, 2), (DOUBLING, 3), (last_place, 2), (torch.tensor([1.0, 1e-9, 3.0, 2.0]), 2)):
        weights = [Fraction(w) if w < float("inf") else w for w in design.weights(p, k).tolist()]
        realised = moments.inclusion(conditional_poisson_law(weights, k))
        for mine, exact, wanted in zip(design.inclusion(p, k).tolist(), realised, grid(p, k), strict=True):
            assert abs(exact - wanted) <= Fraction(len(p) + 1, 2**48) * min(wanted, 1 - wanted)
            assert abs(Fraction(mine) - exact) <= Fraction(len(p) + 1, 2**50) * exact
            assert (wanted == 0) == (mine == 0) and (wanted == 1) == (mine == 1)


def test_weights_are_those_of_maximum_entropy() -> None:
    p, k = torch.tensor([1.0, 2.0, 4.0, 5.0, 6.0], dtype=torch.float64), 2
    found = [Fraction(w) for w in ConditionalPoisson().weights(p, k).tolist()]
    exact = maximum_entropy_weights(grid(p, k), k)
    for mine, expected in zip(found, exact, strict=True):
        # Up to one factor; probabilities within 2^-48 (n + 1) move the odds by a few times that.
        assert abs(mine / found[-1] / expected - 1) <= Fraction(32 * 6, 2**48)
    certain = ConditionalPoisson().weights(torch.tensor([100.0, 0.0, 1.0, 1.0]), 2)
    assert certain.tolist()[:2] == [float("inf"), 0.0] and float(certain[2] / certain[3]) == 1
    assert ConditionalPoisson().weights(torch.zeros(2, 3), 1).tolist() == [[0.0] * 3] * 2
    assert ConditionalPoisson().weights(ROWS.view(2, 2, 5), 2).shape == (2, 2, 5)


@pytest.mark.parametrize(("sizes", "k"), [([10, 1, 1], 1), (range(1, 7), 2), (range(1, 9), 3), (range(1, 20), 6)])
def test_a_correction_divides_the_error_as_stated(
    sizes: Sequence[int], k: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By (2 + m) / m, m = min(1, 1 / (2 sum pi (1 - pi))), from at most 1 to 2^-50 (n + 1); and one more to see it."""
    p, n = torch.tensor(sizes, dtype=torch.float64), len(sizes)
    m = min(Fraction(1), 1 / (2 * sum(pi * (1 - pi) for pi in grid(p, k))))
    steps = math.log((n + 1) * 2.0**-50) / math.log(m / (2 + m))
    monkeypatch.setattr(conditional_poisson, "MOST_CORRECTIONS", math.ceil(steps) + 1)
    assert ConditionalPoisson().weights(p, k).isfinite().all()


def test_corrections_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert conditional_poisson.MOST_CORRECTIONS == 200
    monkeypatch.setattr(conditional_poisson, "MOST_CORRECTIONS", 1)
    assert ConditionalPoisson().weights(torch.ones(2), 1).tolist() == [1.0, 1.0]  # the first one finds nothing to do
    for most in (2, 3):
        monkeypatch.setattr(conditional_poisson, "MOST_CORRECTIONS", most)
        told = (
            rf"^the weights of conditional Poisson sampling must be found in {most} corrections, found 3 rows of 5 "
            r"units that need more$"
        )
        with pytest.raises(ArithmeticError, match=told):
            ConditionalPoisson().weights(ROWS, 2)


@pytest.mark.parametrize("name", MAKERS)
def test_joint_inclusion_of_forty_units_sums_to_the_size(name: str) -> None:
    p = torch.arange(1.0, 41, dtype=torch.float64)
    joint = MAKERS[name]().joint_inclusion(p, 15)
    sums = 15 * joint.diagonal()
    # Relative errors of 2^-50 (n + 1), on both sides.
    assert ((joint.sum(-1) - sums).abs() <= 2 * 41 * 2.0**-50 * sums).all()


def test_odds_are_two_probabilities() -> None:
    odds = conditional_poisson._odds(torch.tensor([[math.inf, 0.0, 1.0, 3.0]], dtype=torch.float64))
    assert odds.taken.tolist() == [[1.0, 0.0, 0.5, 0.75]] and odds.left.tolist() == [[0.0, 1.0, 0.5, 0.25]]


def test_a_correction_is_the_one_stated(monkeypatch: pytest.MonkeyPatch) -> None:
    """pi = 1/4 and 3/4, k = 1: w = o = 1/3 and 3, e = 3 and 1/3, m = min(1, 4/3), t = 2/3; w becomes 7/9 and 5/3."""
    met: list[list[float]] = []

    def watched(odds: Odds, count: Tensor, most: int) -> tuple[Tensor, Tensor]:
        met.append((odds.taken / odds.left)[0].tolist())
        return others(odds, count, most)

    monkeypatch.setattr(conditional_poisson, "others", watched)
    ConditionalPoisson().weights(torch.tensor([1.0, 3.0]), 1)
    assert met[0] == pytest.approx([1 / 3, 3], rel=2**-50, abs=0)
    assert met[1] == pytest.approx([7 / 9, 5 / 3], rel=2**-48, abs=0)


def test_a_row_is_done_at_the_stated_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two halves, whose odds are 1: at e = 1 + 3 2^-50, and not at the next number of that size."""
    monkeypatch.setattr(conditional_poisson, "MOST_CORRECTIONS", 1)
    one = torch.ones(1, 2, dtype=torch.float64)
    monkeypatch.setattr(conditional_poisson, "others", lambda odds, count, most: (one, one + 3 * 2.0**-50))
    assert ConditionalPoisson().weights(torch.ones(2), 1).tolist() == pytest.approx([1.0, 1.0], rel=2**-48, abs=0)
    monkeypatch.setattr(conditional_poisson, "others", lambda odds, count, most: (one, one + 13 * 2.0**-52))
    with pytest.raises(ArithmeticError, match="in 1 corrections"):
        ConditionalPoisson().weights(torch.ones(2), 1)
