"""Conditional Poisson and Sampford sampling: production against enumeration, word by word and moment by moment."""

import math
from collections.abc import Sequence
from fractions import Fraction
from unittest import mock

import numpy
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from torch import Tensor

from amss_min.designs import conditional_poisson, product_form
from amss_min.designs.base import WORD, Draw
from amss_min.designs.conditional_poisson import ConditionalPoisson
from amss_min.designs.fixed_point import ONE
from amss_min.designs.product_form import folded, threshold
from amss_min.designs.sampford import Sampford
from amss_min.designs.systematic import Systematic
from theory import moments
from theory.product_laws import maximum_entropy_weights
from theory.product_pieces import product_law, product_pieces, share_error

ProductForm = ConditionalPoisson | Sampford
DESIGNS: tuple[ProductForm, ...] = (ConditionalPoisson(), Sampford())
SIZES = st.lists(st.one_of(st.integers(0, 5).map(float), st.floats(1e-300, 1e300)), min_size=1, max_size=8)
EDGES = (
    ([1.0] * 8, 4),
    ([0.0, 0.0, 0.0], 2),
    ([0.0, 2.0, 0.0, 3.0, 1.0], 2),
    ([5.0], 1),
    ([1.0, 1e-300, 0.5], 2),
    ([1e300, 1e-300, 0.0, 1e-300], 2),  # one certain unit, ties for the rest
    ([1.0, 1.0, 0.0, 1.0], 3),  # all certain
    ([1e-300, 1.0, 1e-300, 1.0, 1.0, 1e-300, 1.0, 1e-300], 4),  # all nearly certain or nearly never
    ([1000.0, 1.0, 2.0, 2.0, 1.0, 1.0], 1),
    ([0.1, 0.2, 0.3, 0.4, 0.4, 0.6], 2),
)


def row(sizes: Sequence[float] | Sequence[Sequence[float]]) -> Tensor:
    return torch.tensor(sizes, dtype=torch.float64)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def sampled(design: ProductForm, p: Tensor, k: int | Tensor, words: Tensor) -> Draw:
    """What production `sample` draws where its generator gives these words."""
    with mock.patch("amss_min.designs.base.torch.randint", return_value=words) as randint:
        draw = design.sample(p, k, generator=generator())
    assert randint.call_args.args == (WORD, words.shape)
    return draw


def odds(pi: Fraction) -> Fraction:
    return pi / (1 - pi)


def mixed_sizes(n: int, seed: int) -> Tensor:
    return torch.rand(n, dtype=torch.float64, generator=generator(seed)) ** 4 + 1e-3


@pytest.mark.parametrize("design", DESIGNS, ids=repr)
@pytest.mark.parametrize(("sizes", "k"), EDGES)
def test_sample_draws_the_enumerated_law_at_both_ends_of_every_piece(
    design: ProductForm, sizes: list[float], k: int
) -> None:
    assert_draws_the_law(design, sizes, k)


@pytest.mark.parametrize("design", DESIGNS, ids=repr)
@given(sizes=SIZES, k=st.integers(1, 8))
def test_sample_draws_the_enumerated_law_for_any_sizes(design: ProductForm, sizes: list[float], k: int) -> None:
    assert_draws_the_law(design, sizes, k)


def assert_draws_the_law(design: ProductForm, sizes: list[float], k: int) -> None:
    p = row(sizes)
    pieces = product_pieces(design, p, k)
    assert sum(piece.probability for piece in pieces) == 1
    words = torch.tensor([probe for piece in pieces for probe in piece.probes])
    expected = [list(piece.mask) for piece in pieces for _ in piece.probes]
    draw = sampled(design, p.expand(len(words), -1), k, words)
    assert draw.drawn.tolist() == expected
    assert set(draw.drawn.sum(-1).tolist()) == {min(k, int((p > 0).sum()))}


@given(sizes=SIZES, k=st.integers(1, 8))
@example(sizes=[0.999, 0.5, 0.501], k=2)
def test_conditional_poisson_realises_the_inclusion_it_reports_and_that_is_the_target(
    sizes: list[float], k: int
) -> None:
    p, n = row(sizes), len(sizes)
    exact = moments.inclusion(product_law(ConditionalPoisson(), p, k))
    reported = ConditionalPoisson().inclusion(p, k)
    assert torch.equal(reported, sampled(ConditionalPoisson(), p, k, torch.zeros(n, dtype=torch.int64)).inclusion)
    for value, pi, r in zip(reported.tolist(), exact, Sampford().fixed_point(p, k).tolist(), strict=True):
        # A table meets another in 3 (n - 1) + log2 n + 2 roundings; twice that and 6 more stay below those of a share.
        assert abs(Fraction(value) - pi) <= share_error(n) * pi
        if r in (0, ONE):
            assert pi == Fraction(r, ONE)
        else:
            # The last correction starts within 2^-50 (n + 1) of 1 as measured, twice that in truth, and enlarges no
            # error: a factor 3 leaves room for second-order terms.
            assert abs(odds(pi) / odds(Fraction(r, ONE)) - 1) <= 3 * Fraction(n + 1, 2**50)


@given(sizes=SIZES, k=st.integers(1, 8))
def test_sampford_reports_the_target_without_rounding(sizes: list[float], k: int) -> None:
    p = row(sizes)
    exact = moments.inclusion(product_law(Sampford(), p, k))
    words = torch.zeros(len(sizes), dtype=torch.int64)
    assert [Fraction(value) for value in Sampford().inclusion(p, k).tolist()] == exact
    assert torch.equal(sampled(Sampford(), p, k, words).inclusion, Sampford().inclusion(p, k))
    assert torch.equal(Sampford().inclusion(p, k), Systematic().inclusion(p, k))


@pytest.mark.parametrize("design", DESIGNS, ids=repr)
@given(sizes=SIZES, k=st.integers(1, 8))
@example(sizes=[1.0, 1.0, 0.0], k=2)
@example(sizes=[1.0, 1e-300, 1e-300, 1.0, 0.5], k=3)
def test_joint_inclusion_is_that_of_the_enumerated_law(design: ProductForm, sizes: list[float], k: int) -> None:
    p, n = row(sizes), len(sizes)
    exact = moments.joint_inclusion(product_law(design, p, k))
    pairs = design.joint_inclusion(p, k)
    assert pairs.shape == (n, n)
    assert torch.equal(pairs, pairs.mT)
    assert torch.equal(pairs.diagonal(), design.inclusion(p, k))
    for values, wanted in zip(pairs.tolist(), exact, strict=True):
        for value, pi in zip(values, wanted, strict=True):
            # Two tables that meet, over their total: 3 n + log2 n + 4 roundings over 3 n, and the quotient.
            assert abs(Fraction(value) - pi) <= share_error(n) * pi


@given(sizes=SIZES, k=st.integers(1, 8))
@example(sizes=[0.999, 0.5, 0.501], k=2)
@example(sizes=[0.1, 0.2, 0.3, 0.4, 0.4, 0.6], k=2)
def test_the_solved_weights_are_those_of_maximum_entropy(sizes: list[float], k: int) -> None:
    p, n = row(sizes), len(sizes)
    r = Sampford().fixed_point(p, k)
    pi = [Fraction(value, ONE) for value in r.tolist()]
    wanted = maximum_entropy_weights(pi, int(sum(pi)))
    found = ConditionalPoisson().weights(p, k).tolist()
    inside = [unit for unit in range(n) if 0 < pi[unit] < 1]
    assert all(found[unit] == wanted[unit] for unit in range(n) if unit not in inside)
    if not inside:
        return
    # With d_j = pi_j (1 - pi_j), errors f_j of log odds pi_j, |f_j| <= e = 3 2^-50 (n + 1), and errors x_j of log w_j,
    # centred to sum d_j x_j = 0: sum d_j x_j^2 <= sum d_j f_j^2 / s^2, s the least eigenvalue but one of
    # cov_ij / sqrt(d_i d_j). So |x_j| <= e sqrt(sum d_i / d_j) / s, to first order; s is 1 or more in every case seen.
    quotients = [Fraction(found[unit]) / wanted[unit] for unit in inside]
    errors = numpy.array([math.log1p(float(quotient / quotients[0] - 1)) for quotient in quotients])
    d = numpy.array([float(pi[unit] * (1 - pi[unit])) for unit in inside])
    errors -= (d * errors).sum() / d.sum()
    joint = moments.joint_inclusion(product_law(ConditionalPoisson(), p, k))
    covariance = numpy.array([[float(joint[i][j] - pi[i] * pi[j] * (i != j)) for j in inside] for i in inside])
    numpy.fill_diagonal(covariance, d)
    least = numpy.linalg.eigvalsh(covariance / numpy.sqrt(numpy.outer(d, d)))[1]
    allowed = 3 * (n + 1) * 2.0**-50 * numpy.sqrt(d.sum() / d) / least
    assert (abs(errors) <= 1.01 * allowed + 2.0**-50).all()  # 2^-50: the roundings of this comparison


def test_the_weights_come_in_few_corrections_also_beside_nearly_certain_units(monkeypatch: pytest.MonkeyPatch) -> None:
    # After the first few, a correction divides the error by 3 at least: 40 leave 2^-50 of anything up to 3^8.
    monkeypatch.setattr(conditional_poisson, "MOST_CORRECTIONS", 40)
    nearly = [1 - 2.0**-40, 0.5, 0.5, 2.0**-40]
    long = (([1.0] * 511 + [1e-300], 511), ([1.0] + [1e-300] * 40, 1))
    for sizes, k in (*EDGES, *long, ([0.999, 0.5, 0.501], 2), (nearly, 2), ([0.134, 7e-9, 4e-8, 0.866], 1)):
        ConditionalPoisson().weights(row(sizes), k)


def test_weights_that_are_not_found_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    p = row([[0.1, 0.2, 0.3, 0.4, 0.4, 0.6], [1.0, 1.0, 0.0, 0.0, 1.0, 1.0]])  # halves are solved at the start
    with mock.patch("amss_min.designs.conditional_poisson.others", wraps=product_form.others) as tables:
        weights = ConditionalPoisson().weights(p, 2)
    needed = tables.call_count
    assert needed > 1
    monkeypatch.setattr(conditional_poisson, "MOST_CORRECTIONS", needed)
    assert torch.equal(ConditionalPoisson().weights(p, 2), weights)
    monkeypatch.setattr(conditional_poisson, "MOST_CORRECTIONS", needed - 1)
    with pytest.raises(ArithmeticError, match=f"found in {needed - 1} corrections, found 1 rows of 6 units that need"):
        ConditionalPoisson().weights(p, 2)


@pytest.mark.parametrize("design", DESIGNS, ids=repr)
def test_a_row_is_the_same_to_the_last_bit_alone_in_a_batch_and_expanded(design: ProductForm) -> None:
    p = torch.stack([mixed_sizes(13, seed) for seed in range(6)]).reshape(2, 3, 13)
    p[0, 1, 3:] = 0
    p[1, 2] = torch.logspace(-300, 300, 13, dtype=torch.float64)
    k = torch.tensor([[1, 5, 12], [13, 7, 4]])
    words = torch.randint(WORD, (2, 3, 13), generator=generator())
    whole, pairs = design.select(p, k, words), design.joint_inclusion(p, k)
    for i in range(2):
        for j in range(3):
            count = int(k[i, j])
            alone = design.select(p[i, j], count, words[i, j])
            assert torch.equal(alone.drawn, whole.drawn[i, j])
            assert torch.equal(alone.inclusion, whole.inclusion[i, j])
            assert torch.equal(alone.q, whole.q[i, j]) and torch.equal(alone.k, whole.k[i, j])
            assert torch.equal(design.joint_inclusion(p[i, j], count), pairs[i, j])
            boxed = design.select(p[i : i + 1, j : j + 1], count, words[i : i + 1, j : j + 1])
            assert torch.equal(boxed.drawn[0, 0], alone.drawn)
            expanded = design.select(p[i, j].expand(2, 3, -1), count, words)
            copied = design.select(p[i, j].repeat(2, 3, 1), count, words)
            assert torch.equal(expanded.drawn, copied.drawn)
            assert torch.equal(expanded.inclusion, copied.inclusion)
            assert expanded.q.shape == copied.q.shape == (2, 3, 13) and expanded.k.shape == (2, 3)


@pytest.mark.parametrize("design", DESIGNS, ids=repr)
def test_a_short_draw_is_the_same_to_the_last_bit_beside_a_long_one(design: ProductForm) -> None:
    p = torch.arange(30.0, 120.0, dtype=torch.float64).expand(3, -1)
    k = torch.tensor([3, 40, 85])
    words = torch.randint(WORD, (3, 90), generator=generator())
    whole, pairs = design.select(p, k, words), design.joint_inclusion(p, k)
    for i, count in enumerate(k.tolist()):
        alone = design.select(p[i], count, words[i])
        assert torch.equal(alone.drawn, whole.drawn[i])
        assert torch.equal(alone.inclusion, whole.inclusion[i])
        assert torch.equal(design.joint_inclusion(p[i], count), pairs[i])


@pytest.mark.parametrize("design", DESIGNS, ids=repr)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_sizes_of_less_precision_are_taken_as_they_stand(design: ProductForm, dtype: torch.dtype) -> None:
    p = mixed_sizes(9, 1).to(dtype)
    words = torch.randint(WORD, (9,), generator=generator())
    low, high = design.select(p, 4, words), design.select(p.to(torch.float64), 4, words)
    assert torch.equal(low.drawn, high.drawn)
    assert torch.equal(low.inclusion, high.inclusion) and low.inclusion.dtype == torch.float64
    assert torch.equal(design.joint_inclusion(p, 4), design.joint_inclusion(p.to(torch.float64), 4))


@pytest.mark.parametrize("design", DESIGNS, ids=repr)
def test_two_thousand_units_keep_size_sum_and_target(design: ProductForm) -> None:
    n, k = 2000, 300
    p = mixed_sizes(n, 3).sort().values
    p[:10], p[10:20], p[-1] = 0, 1e-300, 1e6
    # In the first row the last units must be refused one and all, in the second the largest are refused and the
    # smallest must serve: the weights of what is left lie below the least float64, and the size is kept all the same.
    words = torch.stack([torch.zeros(n), torch.ones(n), torch.rand(n, generator=generator())])
    words = (words.to(torch.float64) * (WORD - 2**9)).to(torch.int64)
    for sizes in (p, p.flip(-1)):
        draw = design.select(sizes.expand(3, -1), k, words)
        assert draw.drawn.sum(-1).tolist() == [k, k, k]
        assert not (draw.drawn & (sizes == 0)).any()
        target = Sampford().inclusion(sizes, k)
        pi = draw.inclusion[0]
        # pi odds within 3 2^-50 (n + 1) of the target's and as much again by rounding, summed over k.
        assert float((pi - target).abs().max()) <= 4 * (n + 1) * 2.0**-50
        assert abs(float(pi.sum()) - k) <= k * 4 * (n + 1) * 2.0**-50


@pytest.mark.parametrize("design", DESIGNS, ids=repr)
def test_pairs_of_two_hundred_units_sum_to_what_a_fixed_size_asks(design: ProductForm) -> None:
    n, k = 200, 70
    pairs = design.joint_inclusion(mixed_sizes(n, 4), k)
    # sum_j pi_ij = k pi_i: pairs are known to 2^-50 (n + 1), and adding n of them rounds n times more.
    assert float((pairs.sum(-1) / (k * pairs.diagonal()) - 1).abs().max()) <= 4 * (n + 1) * 2.0**-50
    pi = pairs.diagonal()
    assert bool((pairs <= pi.unsqueeze(-1) * pi + torch.diag(pi) + 4 * (n + 1) * 2.0**-50).all())


@pytest.mark.parametrize("design", DESIGNS, ids=repr)
def test_tables_beyond_memory_are_refused(design: ProductForm, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"at most 2\^25 entries, found \d rows of 9000 units at k=4500"):
        design.sample(torch.ones(9000, dtype=torch.float64), 4500, generator=generator())
    # 2 (n + 1) (k + 2) a row: conditional Poisson sampling reads the units in both directions, Sampford places marks.
    monkeypatch.setattr(product_form, "MOST_ENTRIES", 5 * 2 * 9 * 6)
    p = torch.ones(5, 8, dtype=torch.float64)
    assert int(design.sample(p, 4, generator=generator()).drawn.sum()) == 20
    with pytest.raises(ValueError, match="rows of 8 units at k=5: draw fewer rows at a time"):
        design.sample(p, 5, generator=generator())
    # One row expanded has one table.
    assert int(design.sample(p[:1].expand(1000, -1), 8, generator=generator()).drawn.sum()) == 8000


def test_thresholds_are_whole_words_at_the_ends_and_accurate_from_both() -> None:
    inside = row([0.0, 1.0, 0.25, 1e-9, 1.0, 1e-30, 1.0, 0.0, 0.0])
    outside = row([1.0, 0.0, 0.75, 1.0, 1e-9, 1.0, 1e-30, 0.0, 0.0])
    must = torch.tensor([True, False, False, False, False, True, False, True, False])
    cut = threshold(inside, outside, must).tolist()
    assert cut[:3] == [0, WORD, WORD // 4]
    assert cut[5:] == [1, WORD - 1, WORD, 0]
    share = Fraction(1e-9) / (1 + Fraction(1e-9))
    assert cut[4] == WORD - cut[3]
    assert abs(cut[3] - share * WORD) <= Fraction(1, 2) + share * WORD * Fraction(2, 2**53)  # a sum and a quotient


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=20), st.integers(0, 20))
def test_folding_sums_and_ignores_zeros_at_the_end(values: list[float], zeros: int) -> None:
    total = folded(row(values))
    assert torch.equal(total, folded(row([*values, *[0.0] * zeros])))
    # Halving a row of n takes less than log2 n + 1 additions.
    assert abs(Fraction(float(total)) - sum(map(Fraction, values))) <= sum(map(Fraction, values)) * Fraction(6, 2**53)


def test_the_width_of_a_table_is_the_largest_count() -> None:
    assert [product_form.most_drawn(k, 6) for k in (1, 6, 9)] == [1, 6, 6]
    assert product_form.most_drawn(torch.tensor([2, 4]), 6) == 4
    assert product_form.most_drawn(torch.tensor([2, 8]), 6) == 6
    assert product_form.most_drawn(torch.zeros(0, dtype=torch.int64), 6) == 6


@pytest.mark.parametrize("design", DESIGNS, ids=repr)
@given(sizes=SIZES, k=st.integers(1, 8))
def test_the_design_says_what_it_keeps(design: ProductForm, sizes: list[float], k: int) -> None:
    assert design.fixed_size and design.positive and not design.approximate
    assert torch.equal(design.inclusion(row(sizes), k) > 0, row(sizes) > 0)


def test_a_draw_of_nothing_has_its_shape() -> None:
    for design in DESIGNS:
        for p in (torch.ones(0, 4, dtype=torch.float64), torch.ones(4, dtype=torch.float64).expand(0, 4)):
            draw = design.sample(p, 2, generator=generator())
            assert draw.drawn.shape == draw.inclusion.shape == (0, 4)
