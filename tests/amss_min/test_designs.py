"""What every design promises, and the exact law of the two in integers."""

import itertools
import math
from fractions import Fraction

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from amss_min.designs import Design, Poisson, SimpleRandom, Successive, Systematic, TopK
from amss_min.designs.base import prepared
from amss_min.designs.fixed_point import ONE
from amss_min.designs.order_quadrature import inclusion_by_rows
from amss_min.designs.order_ranks import ExponentialRanks
from amss_min.designs.successive import subset_inclusion
from amss_min.importance import water_filling

DESIGNS = [TopK(), SimpleRandom(), Poisson(), Successive(), Systematic(), Systematic(random_order=False)]
SIZES = st.lists(st.one_of(st.integers(0, 5).map(float), st.floats(1e-300, 1e300)), min_size=1, max_size=12)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("design", DESIGNS, ids=repr)
@given(sizes=SIZES, k=st.integers(1, 12), seed=st.integers(0, 2**30))
def test_a_draw_has_its_size_and_never_holds_a_unit_of_size_zero(
    design: Design, sizes: list[float], k: int, seed: int
) -> None:
    p = torch.tensor(sizes, dtype=torch.float64)
    positive = int((p > 0).sum())
    draw = design.sample(p, k, generator=generator(seed))
    assert not (draw.drawn & (p == 0)).any()
    assert int(draw.k) == min(k, positive)
    if design.fixed_size:
        assert int(draw.drawn.sum()) == min(k, positive)
    assert torch.equal(draw.q > 0, p > 0)


@pytest.mark.parametrize("design", DESIGNS, ids=repr)
@given(sizes=SIZES, k=st.integers(1, 12))
@example(sizes=[1.0] * 9 + [8.316001289727999e290, 2.220446049250313e-16, 1.401298464324817e-45], k=11)
@example(sizes=[0.0] * 5 + [1.0, 4.141196380149653e299, 5.0938406375215455e299, 9.999999999999996e299], k=3)
def test_inclusion_is_a_probability_positive_where_promised(design: Design, sizes: list[float], k: int) -> None:
    p = torch.tensor(sizes, dtype=torch.float64)
    pi = design.inclusion(p, k)
    assert pi.dtype == torch.float64
    assert ((pi >= 0) & (pi <= 1)).all()
    assert not pi[p == 0].any()
    # n probabilities, each rounded from its exact value (quadrature: to its own agreement).
    assert abs(float(pi.sum()) - min(k, int((p > 0).sum()))) <= len(sizes) * 1e-9
    if design.positive:
        assert (pi[p > 0] > 0).all()


@pytest.mark.parametrize("design", DESIGNS, ids=repr)
def test_batched_rows_are_the_single_rows(design: Design) -> None:
    p = torch.rand(5, 7, dtype=torch.float64, generator=generator())
    p[1, 2:] = 0
    k = torch.tensor([1, 4, 3, 7, 2])
    bits = torch.randint(2**62, (5, design.slots(7)), generator=generator())
    whole = design.select(p, k, bits)
    for row in range(5):
        single = design.select(p[row], int(k[row]), bits[row])
        assert torch.equal(whole.drawn[row], single.drawn)
        assert torch.equal(whole.inclusion[row], single.inclusion)


@pytest.mark.parametrize("design", DESIGNS, ids=repr)
def test_the_generator_alone_decides(design: Design) -> None:
    p = torch.rand(3, 9, dtype=torch.float64, generator=generator())
    before = torch.get_rng_state()
    first = design.sample(p, 4, generator=generator(5)).drawn
    assert torch.equal(first, design.sample(p, 4, generator=generator(5)).drawn)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("design", DESIGNS, ids=repr)
def test_nothing_to_draw_from_is_an_error(design: Design) -> None:
    with pytest.raises(ValueError, match="at least one unit"):
        design.sample(torch.zeros(0), 1, generator=generator())
    with pytest.raises(ValueError, match="k must be at least 1, found k=0"):
        design.sample(torch.ones(3), 0, generator=generator())


@given(sizes=SIZES, k=st.integers(1, 12))
@example([1.0, 1e-300], 1)  # the small one is raised from 0, and the large one gives way
@example([1.0] + [1e-14] * 11, 1)
@example([3.0, 3.0, 3.0], 3)
def test_fixed_point_sums_exactly_and_stays_next_to_the_target(sizes: list[float], k: int) -> None:
    p = torch.tensor(sizes, dtype=torch.float64)
    positive = p > 0
    r = Poisson().fixed_point(p, k)
    assert int(r.sum()) == min(k, int(positive.sum())) * ONE
    assert torch.equal(r > 0, positive)
    assert int(r.max()) <= ONE
    q, _, count = prepared(p, k)
    target = water_filling(q, count) * ONE
    # One unit takes what all the roundings leave over: n of them, each at most one unit of the last place,
    # and the rounding of the target itself, n * 2^-52 * 2^40 a unit.
    assert float((r - target).abs().max()) <= len(sizes) + len(sizes) ** 2 * 2.0**-12


def test_fixed_point_rounds_to_nearest_and_gives_a_deficit_to_the_least_likely() -> None:
    r = Poisson().fixed_point(torch.tensor([5.0, 1.0, 1.0], dtype=torch.float64), 1).tolist()
    nearest = [round(Fraction(size, 7) * ONE) for size in (5, 1, 1)]
    assert sum(nearest) == ONE - 1
    assert r == [nearest[0], nearest[1] + 1, nearest[2]]
    # 6/7 and 1/7: 2^40 = 7 q + 2, so that 6/7 rounds up and 1/7 down, and nothing is left over.
    assert Poisson().fixed_point(torch.tensor([6.0, 1.0], dtype=torch.float64), 1).tolist() == [
        round(Fraction(6, 7) * ONE),
        round(Fraction(1, 7) * ONE),
    ]


@given(st.integers(2, 3000), st.data())
def test_fixed_point_holds_for_long_rows(n: int, data: st.DataObject) -> None:
    p = torch.rand(n, dtype=torch.float64, generator=generator(data.draw(st.integers(0, 2**30)))) ** data.draw(
        st.sampled_from([0, 1, 20])
    )
    k = data.draw(st.integers(1, n))
    r = Poisson().fixed_point(p, k)
    assert int(r.sum()) == min(k, int((p > 0).sum())) * ONE
    assert torch.equal(r > 0, p > 0)
    assert int(r.max()) <= ONE


@given(sizes=st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=10), k=st.integers(1, 10), seed=st.integers(0, 99))
def test_systematic_covers_each_unit_on_exactly_its_share_of_starts(sizes: list[float], k: int, seed: int) -> None:
    """The mask is constant between cut points of the start, so counting starts is exact, through select itself."""
    n = len(sizes)
    p, k = torch.tensor(sizes, dtype=torch.float64), min(k, n)
    design = Systematic()
    r = design.fixed_point(p, k)
    keys = torch.randperm(n, generator=generator(seed))
    ends = r[keys.argsort()].cumsum(0)
    cuts = sorted({0, ONE, *((-ends) % ONE).tolist()})
    covered = torch.zeros(n, dtype=torch.int64)
    for start, stop in itertools.pairwise(cuts):
        for at in (start, stop - 1):
            drawn = design.select(p, k, torch.cat([keys, torch.tensor([at << 22])])).drawn
            assert int(drawn.sum()) == k
        covered += drawn * (stop - start)
    assert torch.equal(covered, r)


def test_poisson_draws_a_unit_on_exactly_its_share_of_words() -> None:
    p = torch.tensor([5.0, 2.0, 1.0, 0.1], dtype=torch.float64)
    design = Poisson()
    r = design.fixed_point(p, 2)
    for shift, expected in ((-1, True), (0, False)):
        words = ((r + shift) << 22).clamp(0, 2**62 - 1)
        inside = design.select(p, 2, words).drawn
        assert inside[r < ONE].tolist() == [expected] * int((r < ONE).sum())
    assert design.select(p, 2, torch.full((4,), 2**62 - 1)).drawn.tolist() == (r == ONE).tolist()


def test_poisson_and_systematic_share_their_inclusion_probabilities() -> None:
    p = torch.rand(4, 50, dtype=torch.float64, generator=generator())
    assert torch.equal(Poisson().inclusion(p, 13), Systematic().inclusion(p, 13))


def test_top_k_gives_ties_to_the_lower_index() -> None:
    assert TopK().sample(torch.tensor([1.0, 2.0, 2.0, 2.0]), 2, generator=generator()).drawn.tolist() == [
        False,
        True,
        True,
        False,
    ]


def test_successive_inclusion_is_the_published_example() -> None:
    q = [Fraction(x, 100) for x in (50, 20, 12, 9, 6, 3)]
    exact = subset_inclusion(q, 3)
    assert sum(exact) == 3
    assert [round(float(x), 3) for x in exact] == [0.931, 0.711, 0.517, 0.408, 0.284, 0.148]
    found = Successive().inclusion(torch.tensor([float(x) for x in q], dtype=torch.float64), 3)
    # The sizes are rounded to floats before the rational sum: 6 relative errors of 2^-53 each, thrice over.
    assert found.tolist() == pytest.approx([float(x) for x in exact], rel=2**-48)


@given(st.lists(st.floats(1e-9, 1.0), min_size=2, max_size=7), st.integers(1, 7))
def test_quadrature_agrees_with_the_rational_inclusion(sizes: list[float], k: int) -> None:
    k = min(k, len(sizes))
    q = torch.tensor(sizes, dtype=torch.float64)
    q = q / q.sum()
    exact = subset_inclusion([Fraction(value) for value in q.tolist()], k)
    # The quadrature stops where two steps agree to 1e-9; that bounds its error, which is far smaller still.
    found = inclusion_by_rows(ExponentialRanks, q, torch.tensor(k)).tolist()
    for value, reference in zip(found, exact, strict=True):
        assert value == pytest.approx(float(reference), rel=1e-9)


def test_successive_threshold_is_the_next_clock() -> None:
    p = torch.tensor([[1.0, 2.0, 3.0, 0.0], [1.0, 2.0, 3.0, 0.0]], dtype=torch.float64)
    bits = torch.randint(2**62, (2, 4), generator=generator())
    draw = Successive().select(p, torch.tensor([2, 3]), bits)
    clocks = (-(((bits >> 9).double() + 0.5) * 2.0**-53).log() / draw.q).sort(-1).values
    assert draw.log_threshold is not None
    assert float(draw.log_threshold[0].exp()) == pytest.approx(float(clocks[0, 2]), rel=2**-48)
    assert math.isinf(float(draw.log_threshold[1]))  # all positive units are drawn
