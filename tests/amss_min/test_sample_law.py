"""The law of production `sample`, driven through every cut point of its random words, equals enumeration.

`sample` gets the words that it would have drawn. They stand at both ends of every piece of the word space on which the
definition gives one mask, so a mask that differs inside a piece shows at an end of it, or the code is not monotone in
its words. The probabilities of the pieces are counts of words, and the masks that come back must make up the law.

In random order the law is compared given the order, and the order is a ranking of independent keys: in all orders up
to n = 5, in 12 of them for n = 6 to 8, and in the slow tier in all orders of 6 units, and of 7 for systematic sampling.
Simple random sampling goes through every ranking of its keys, up to n = 8.
"""

import itertools
import math
import random
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

import pytest
import torch
from torch import Tensor

from amss_min.designs import Design, Poisson, SimpleRandom, Systematic, TopK, base
from amss_min.designs.base import WORD
from amss_min.designs.conditional_poisson import ConditionalPoisson
from amss_min.designs.pivotal import Pivotal
from amss_min.designs.sampford import Sampford
from theory import enumeration, pivotal_laws, product_pieces, readings
from theory.enumeration import Law, Mask
from theory.pieces import Piece

CASES: dict[str, tuple[list[float], int]] = {
    "one unit": ([3.0], 1),
    "two units": ([1.0, 2.0], 1),
    "equal, halves": ([1.0] * 4, 2),
    "everything": ([1.0, 2.0, 3.0], 3),
    "zeros, fewer than k": ([0.0, 2.0, 0.0, 1.0, 0.0], 3),
    "certain units": ([9.0, 1.0, 9.0, 1.0, 2.0], 3),
    "next to nothing": ([1.0, 1e-300, 0.5], 2),
    "five units": ([1.0, 2.0, 3.0, 4.0, 4.5], 2),
    "six units": ([0.1, 0.2, 0.3, 0.4, 0.4, 0.6], 2),
    "seven units": ([1.0, 1.0, 2.0, 3.0, 5.0, 8.0, 0.0], 3),
    "eight units": ([0.7, 0.3, 0.25, 2.0, 0.6, 0.9, 1.1, 0.05], 3),
    "eight units, most drawn": ([3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0], 5),
}
SOME_ORDERS = 12

Sampling = Callable[[Design, Tensor, int, Tensor], list[Mask]]


@pytest.fixture
def sampled(monkeypatch: pytest.MonkeyPatch) -> Sampling:
    """Masks of `sample` for rows of words, which it takes for those of the generator that it is given."""

    def masks(design: Design, p: Tensor, k: int, words: Tensor) -> list[Mask]:
        generator = torch.Generator()
        asked = []

        def given(high: int, size: Sequence[int], *, generator: torch.Generator, device: torch.device) -> Tensor:
            asked.append((high, tuple(size), generator, device))
            return words

        with monkeypatch.context() as patch:
            patch.setattr(base.torch, "randint", given)  # type: ignore[attr-defined]
            draw = design.sample(p.expand(len(words), -1), k, generator=generator)
        assert asked == [(WORD, (len(words), design.slots(len(p))), generator, generator.device)]
        return [tuple(row) for row in draw.drawn.tolist()]

    return masks


def law_of(sampled: Sampling, design: Design, p: Tensor, k: int, pieces: Sequence[Piece]) -> Law:
    """The probability of the pieces, by the mask that `sample` draws at all ends of each."""
    words = [words for piece in pieces for words in piece.probes]
    rows = torch.tensor(words, dtype=torch.int64).reshape(len(words), design.slots(len(p)))
    return gathered(pieces, iter(sampled(design, p, k, rows)))


def gathered(pieces: Sequence[Piece], masks: Iterator[Mask]) -> Law:
    """The law of these pieces, by the masks drawn at their probes."""
    law: dict[Mask, Fraction] = {}
    for piece in pieces:
        drawn = list(itertools.islice(masks, len(piece.probes)))
        assert len(drawn) == len(piece.probes)
        assert len(set(drawn)) == 1, f"one mask must be drawn from end to end of a piece, found {set(drawn)}"
        law[drawn[0]] = law.get(drawn[0], Fraction(0)) + piece.probability
    return law


def defined(design: Design, p: Tensor, k: int) -> Law:
    """The law by definition."""
    if isinstance(design, TopK):
        return enumeration.top_k_law(readings.fractions(p), k)
    if isinstance(design, ConditionalPoisson | Sampford):
        return product_pieces.product_law(design, p, k)
    if isinstance(design, Poisson):
        return enumeration.poisson_law(readings.grid_inclusion(design, p, k))
    if isinstance(design, Systematic):
        return enumeration.systematic_law(readings.grid_inclusion(design, p, k))
    assert isinstance(design, Pivotal)
    seats = pivotal_laws.tree(len(p)) if design.order == "tree" else pivotal_laws.row(len(p))
    return pivotal_laws.pivotal_law(readings.grid_inclusion(design, p, k), seats)


def assert_same(found: Law, law: Law, distance: Fraction) -> None:
    """The same masks, and a total variation distance of at most this."""
    assert found.keys() == law.keys()
    assert sum(found.values()) == 1
    assert sum(abs(found[mask] - law[mask]) for mask in law) / 2 <= distance


def words_apart(design: Design, n: int) -> Fraction:
    """Pivotal sampling: one word of 2^62 for each of n - 1 duels. Others: none."""
    return Fraction(n - 1, WORD) if isinstance(design, Pivotal) else Fraction(0)


FINITE = [
    TopK(),
    Poisson(),
    Systematic(random_order=False),
    Pivotal("ordered"),
    Pivotal("tree"),
    ConditionalPoisson(),
    Sampford(),
]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("design", FINITE, ids=repr)
def test_the_law_of_sample_is_the_law_of_the_definition(design: Design, case: str, sampled: Sampling) -> None:
    sizes, k = CASES[case]
    p = torch.tensor(sizes, dtype=torch.float64)
    found = law_of(sampled, design, p, k, readings.pieces(design, p, k))
    assert_same(found, defined(design, p, k), words_apart(design, len(p)))


@pytest.mark.parametrize("case", CASES)
def test_simple_random_sampling_goes_through_every_ranking(case: str, sampled: Sampling) -> None:
    sizes, k = CASES[case]
    p = torch.tensor(sizes, dtype=torch.float64)
    rankings = torch.tensor(list(itertools.permutations(range(len(p)))))
    masks = sampled(SimpleRandom(), p, k, rankings * 2**40)
    law = {mask: Fraction(masks.count(mask), len(masks)) for mask in set(masks)}
    assert law == enumeration.simple_random_law(readings.fractions(p), k)


def assert_same_in(orders: Sequence[Sequence[int]], design: Design, case: str, sampled: Sampling) -> None:
    """The law given each of these orders: that of the definition for the units in this order."""
    sizes, k = CASES[case]
    p, n = torch.tensor(sizes, dtype=torch.float64), len(sizes)
    assert isinstance(design, Systematic | Pivotal)
    pi = readings.grid_inclusion(design, p, k)
    by_order = readings.pieces_of_orders(design, p, k, orders)
    rows = torch.tensor([words for pieces in by_order for piece in pieces for words in piece.probes])
    masks = iter(sampled(design, p, k, rows))
    for order, pieces in zip(orders, by_order, strict=True):
        for words in (words for piece in pieces for words in piece.probes):
            assert sorted(range(n), key=words.__getitem__) == list(order)
        if isinstance(design, Systematic):
            law = enumeration.systematic_law(pi, order)
        else:
            law = pivotal_laws.pivotal_law(pi, pivotal_laws.row(n), order)
        assert_same(gathered(pieces, masks), law, words_apart(design, n))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("design", [Systematic(), Pivotal()], ids=repr)
def test_the_law_of_sample_given_the_order_is_that_of_the_definition(
    design: Design, case: str, sampled: Sampling
) -> None:
    n = len(CASES[case][0])
    rng = random.Random(case)
    if n <= enumeration.MOST_ORDERED_UNITS:
        orders = list(itertools.permutations(range(n)))
    else:
        orders = [tuple(rng.sample(range(n), n)) for _ in range(SOME_ORDERS)]
    assert_same_in(orders, design, case, sampled)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("design", "case"),
    [(Systematic(), "six units"), (Pivotal(), "six units"), (Systematic(), "seven units")],
    ids=str,
)
def test_the_law_of_sample_in_all_orders_of_more_units(design: Design, case: str, sampled: Sampling) -> None:
    n = len(CASES[case][0])
    orders = list(itertools.permutations(range(n)))
    assert len(orders) == math.factorial(n)
    assert_same_in(orders, design, case, sampled)


class OneWordLate(Pivotal):
    """Words that come one later."""

    def select(self, p: Tensor, k: int | Tensor, bits: Tensor) -> base.Draw:
        return super().select(p, k, (bits + 1) % WORD)


class ElsewhereDrawn(Pivotal):
    """Words from elsewhere than `torch.randint` at the generator."""

    def sample(self, p: Tensor, k: int | Tensor, *, generator: torch.Generator) -> base.Draw:
        return self.select(p, k, torch.zeros(*p.shape[:-1], self.slots(p.shape[-1]), dtype=torch.int64))


@pytest.mark.parametrize("design", [OneWordLate("ordered"), OneWordLate("tree")], ids=repr)
def test_a_threshold_that_is_one_word_off_is_noticed(design: Design, sampled: Sampling) -> None:
    sizes, k = CASES["six units"]
    p = torch.tensor(sizes, dtype=torch.float64)
    with pytest.raises(AssertionError, match="one mask must be drawn from end to end"):
        law_of(sampled, design, p, k, readings.pieces(design, p, k))


def test_words_from_elsewhere_are_noticed(sampled: Sampling) -> None:
    p = torch.tensor(CASES["six units"][0], dtype=torch.float64)
    with pytest.raises(AssertionError):
        sampled(ElsewhereDrawn("tree"), p, 2, torch.zeros(1, 5, dtype=torch.int64))
