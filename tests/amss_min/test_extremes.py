"""Sizes from 1e-300 to 1e300 in one row, sums beyond float64, short float types, and rows of a million units."""

import itertools
import math

import pytest
import torch
from torch import Tensor

from amss_min.designs import Design, Poisson, SimpleRandom, Successive, Systematic, TopK
from amss_min.designs.base import WORD, prepared
from amss_min.designs.conditional_poisson import ConditionalPoisson
from amss_min.designs.fixed_point import ONE
from amss_min.designs.pareto import Pareto
from amss_min.designs.pivotal import Pivotal
from amss_min.designs.sampford import Sampford
from amss_min.designs.sequential_poisson import SequentialPoisson
from amss_min.importance import GradientNorm, Importance, SquaredGradient
from amss_min.weightings import HorvitzThompson, RankConditioned

MILLION = 10**6
DESIGNS: list[Design] = [
    TopK(),
    SimpleRandom(),
    Poisson(),
    Systematic(),
    Systematic(random_order=False),
    Pivotal(),
    Pivotal("tree"),
    Pivotal("ordered"),
    ConditionalPoisson(),
    Sampford(),
    Pareto(),
    SequentialPoisson(),
    Successive(),
]
IN_TABLES = (ConditionalPoisson, Sampford)  # their tables of n k entries hold no million units
IMPORTANCES = [SquaredGradient(), SquaredGradient(mix=0.5), GradientNorm(), GradientNorm(mix=0.1)]

ROWS: dict[str, list[float]] = {
    "from 1e-300 to 1e300": [10.0**power for power in (0, 300, -150, 20, -300, 150, -20, 299, 1, -299)],
    "from the least to the largest float": [5e-324, 1.7e308, 1.0, 2.2e-308],
    "a sum beyond float64": [1.7e308] * 12,
    "two scales": [1e300, 1e-300, 1e-300, 1e300, 1e-300],
    "the largest among zeros": [0.0, 0.0, 1e300, 0.0],
    "tiny": [1e-300, 2e-300, 3e-300],
    "below the normal floats": [5e-324, 1e-323, 5e-324, 2e-320],
    "zeros": [0.0, 0.0, 0.0],
}


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def words(design: Design, n: int) -> Tensor:
    """Rows of words at the ends of their range, and some between."""
    slots = design.slots(n)
    ends = [[0] * slots, [WORD - 1] * slots, [0, WORD - 1] * (slots // 2) + [WORD // 2] * (slots % 2)]
    return torch.cat([torch.tensor(ends, dtype=torch.int64), torch.randint(WORD, (30, slots), generator=generator())])


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("design", DESIGNS, ids=repr)
def test_draws_and_probabilities_of_extreme_sizes(design: Design, row: str) -> None:
    p = torch.tensor(ROWS[row], dtype=torch.float64)
    n, positive = len(p), int((p > 0).sum())
    for k in {1, max(n - 1, 1), n}:
        count = min(k, positive)
        bits = words(design, n)
        draw = design.select(p.expand(len(bits), -1), k, bits)
        assert torch.equal(draw.q > 0, (p > 0).expand_as(draw.q))
        assert not (draw.drawn & (p == 0)).any()
        if design.fixed_size:
            assert (draw.drawn.sum(-1) == count).all()
        pi = draw.inclusion[0]
        assert torch.equal(pi, design.inclusion(p, k))
        assert ((pi >= 0) & (pi <= 1)).all()
        # Each is off by 1e-12 pi at most, where it is found by quadrature, and by less elsewhere.
        assert abs(float(pi.sum()) - count) <= 1e-12 * count
        if design.positive:
            assert torch.equal(pi > 0, p > 0)
            weights = HorvitzThompson()(draw)
            assert weights.isfinite().all()
            assert torch.equal(weights > 0, draw.drawn)


@pytest.mark.parametrize("design", DESIGNS, ids=repr)
@pytest.mark.parametrize("power", [-900, 1000])
def test_draws_do_not_see_a_power_of_two(design: Design, power: int) -> None:
    p = torch.tensor([3.0, 0.0, 1.0, 7.0, 1e-9, 2.5], dtype=torch.float64)
    bits = words(design, len(p))
    one, other = (design.select((p * scale).expand(len(bits), -1), 3, bits) for scale in (1.0, 2.0**power))
    assert torch.equal(one.drawn, other.drawn)
    assert torch.equal(one.inclusion, other.inclusion)


def test_a_million_of_the_largest_sizes_have_a_sum() -> None:
    p = torch.full((MILLION,), 1.7e308, dtype=torch.float64)
    p[0] = 1e300
    q, _, _ = prepared(p, 3)
    # A quotient, and a sum in pairs, of blocks of at most 128 terms one by one.
    assert float(q[1]) * (MILLION - 1 + 1e300 / 1.7e308) == pytest.approx(1.0, rel=(4 + 20 + 128) * 2.0**-53)
    assert float(q[0] / q[1]) == pytest.approx(1e300 / 1.7e308, rel=4 * 2.0**-53)
    draw = Systematic().sample(p, 1000, generator=generator())
    assert int(draw.drawn.sum()) == 1000


def test_rank_conditioned_weights_are_finite_at_every_word() -> None:
    p = torch.tensor([1.0, 1e-300, 1e300, 0.0, 1e-20], dtype=torch.float64)
    rows = torch.tensor(list(itertools.product((0, WORD // 2, WORD - 1), repeat=5)))
    draw = Successive().select(p.expand(len(rows), -1), 2, rows)
    assert draw.log_threshold is not None and draw.log_threshold.isfinite().all()
    assert not RankConditioned()(draw).isnan().any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("design", DESIGNS, ids=repr)
def test_sizes_of_a_short_type_are_taken_as_they_are(design: Design, dtype: torch.dtype) -> None:
    largest, least = torch.finfo(dtype).max, torch.finfo(dtype).smallest_normal
    p = torch.tensor([largest, least, 1.0, 0.0, 0.3, largest, 3 * least], dtype=dtype)
    bits = words(design, len(p))
    short = design.select(p.expand(len(bits), -1), 3, bits)
    whole = design.select(p.to(torch.float64).expand(len(bits), -1), 3, bits)
    assert torch.equal(short.drawn, whole.drawn)
    assert torch.equal(short.inclusion, whole.inclusion)
    assert short.q.dtype == short.inclusion.dtype == torch.float64


@pytest.mark.parametrize("importance", IMPORTANCES, ids=repr)
@pytest.mark.parametrize("row", ROWS)
def test_sizes_from_extreme_norms(importance: Importance, row: str) -> None:
    norms = torch.tensor(ROWS[row], dtype=torch.float64)
    sizes = importance(norms)
    assert sizes.dtype == torch.float64
    assert torch.equal(sizes > 0, norms > 0)
    # A quotient, a product and a sum of two for each of n terms, and the sums themselves.
    assert abs(float(sizes.sum()) - float((norms > 0).any())) <= (4 + len(norms)) * 2.0**-53
    order = norms.argsort()
    assert (sizes[order].diff() >= 0).all()


@pytest.mark.parametrize("importance", IMPORTANCES, ids=repr)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_sizes_from_norms_of_a_short_type(importance: Importance, dtype: torch.dtype) -> None:
    largest, least = torch.finfo(dtype).max, torch.finfo(dtype).smallest_normal
    norms = torch.tensor([largest, least, 1.0, 0.0, 2 * least], dtype=dtype)
    assert torch.equal(importance(norms), importance(norms.to(torch.float64)))
    assert torch.equal(importance(norms) > 0, norms > 0)  # the square of the least is no number of this type


def skewed(n: int) -> Tensor:
    """Sizes over some 20 powers of ten."""
    return (5 * torch.randn(n, dtype=torch.float64, generator=generator())).exp()


@pytest.mark.parametrize(("importance", "power"), [(SquaredGradient(), 2), (GradientNorm(), 1)], ids=repr)
def test_a_million_norms_of_a_short_type_are_summed_in_float64(importance: Importance, power: int) -> None:
    norms = skewed(MILLION).to(torch.bfloat16)
    found = importance(norms)
    some = slice(0, MILLION, 97)
    total = math.fsum((norms.double() ** power).tolist())
    expected = norms.double()[some] ** power / total
    # Six roundings of a term, and a sum in pairs, of blocks of at most 128 terms one by one.
    assert ((found[some] / expected - 1).abs() <= (6 + 20 + 128) * 2.0**-53).all()


@pytest.mark.parametrize("design", [d for d in DESIGNS if not isinstance(d, IN_TABLES)], ids=repr)
def test_a_million_skewed_units_are_drawn(design: Design) -> None:
    p, k = skewed(MILLION), 300_000
    draw = design.sample(p, k, generator=generator())
    drawn = int(draw.drawn.sum())
    if design.fixed_size:
        assert drawn == k
    if isinstance(design, Poisson | Systematic | Pivotal | Pareto | SequentialPoisson):
        r = design.target(p, k) if isinstance(design, Pareto | SequentialPoisson) else design.fixed_point(p, k)
        assert int(r.sum()) == k * ONE
        assert torch.equal(r > 0, p > 0)
        assert draw.drawn[r == ONE].all()
        assert draw.pi is None or torch.equal((draw.pi * ONE).to(torch.int64), r)


def test_systematic_realises_each_probability_among_a_million_to_the_last_start() -> None:
    p, k = skewed(MILLION), 300_000
    design = Systematic(random_order=False)
    r = design.fixed_point(p, k).tolist()
    ends = list(itertools.accumulate(r))  # whole numbers without bounds
    undecided = [unit for unit in range(MILLION) if 0 < r[unit] < ONE]
    for unit in (min(undecided, key=r.__getitem__), undecided[-1]):
        first = -ends[unit] % ONE  # the starts first, ..., first + r - 1, modulo 2^40, draw this unit
        for start, inside in ((first, True), (first + r[unit] - 1, True), (first - 1, False), (first + r[unit], False)):
            bits = torch.zeros(MILLION + 1, dtype=torch.int64)
            bits[-1] = start % ONE << 22
            assert bool(design.select(p, k, bits).drawn[unit]) is inside


def test_poisson_realises_each_probability_among_a_million_to_the_last_word() -> None:
    p, k = skewed(MILLION), 300_000
    r = Poisson().fixed_point(p, k)
    undecided = (r > 0) & (r < ONE)
    assert Poisson().select(p, k, (r << 22) - 1).drawn[undecided].all()
    assert not Poisson().select(p, k, (r << 22).clamp_max(WORD - 1)).drawn[undecided].any()
