"""Pareto and sequential Poisson sampling, and calibrated successive sampling."""

from collections.abc import Callable
from fractions import Fraction

import pytest
import torch

from amss_min.designs import calibration
from amss_min.designs.calibration import calibrated
from amss_min.designs.fixed_point import ONE
from amss_min.designs.order_quadrature import inclusion_and_rest
from amss_min.designs.order_ranks import ExponentialRanks
from amss_min.designs.order_sampling import TargetedOrderSampling
from amss_min.designs.pareto import Pareto
from amss_min.designs.sequential_poisson import SequentialPoisson
from tests.mutation import own_integrals
from theory import enumeration, moments

SIZES = torch.tensor([0.1, 0.4, 0.0, 0.2, 0.35], dtype=torch.float64)
CERTAIN = torch.tensor([1.0, 20.0, 2.0, 0.0, 3.0], dtype=torch.float64)
MAKERS: list[Callable[[], TargetedOrderSampling]] = [Pareto, SequentialPoisson]


def rank(design: TargetedOrderSampling, word: int, r: int) -> Fraction:
    """By definition, with u the middle of the word's cell."""
    u, target = Fraction(2 * word + 1, 2**63), Fraction(r, ONE)
    if r == ONE:
        return Fraction(0)
    return u / (1 - u) * (1 - target) / target if isinstance(design, Pareto) else u / target


@pytest.mark.parametrize("make", MAKERS)
def test_the_smallest_ranks_are_drawn(make: Callable[[], TargetedOrderSampling]) -> None:
    design = make()
    words = torch.randint(2**62, (40, 5), generator=torch.Generator().manual_seed(6))
    words[:5] = torch.tensor([0, 2**62 - 1, 2**61, 2**61 + 1, 2**62 - 2]).roll(1)
    words[5:10] = words[:5].flip(-1)
    for p, k in ((SIZES, 1), (SIZES, 2), (CERTAIN, 2), (CERTAIN, 3), (CERTAIN, 9)):
        r = design.target(p, k).tolist()
        assert sum(r) == min(k, 4) * ONE
        draw = design.select(p.expand(40, 5), k, words)
        assert draw.k.tolist() == [min(k, 4)] * 40 and draw.design is design
        for line, drawn in zip(words.tolist(), draw.drawn.tolist(), strict=True):
            ranked = sorted((u for u in range(5) if r[u]), key=lambda u: rank(design, line[u], r[u]))
            assert drawn == [unit in ranked[: min(k, 4)] for unit in range(5)]
    assert design.slots(5) == 5
    single = design.select(SIZES, 2, words[0])
    assert torch.equal(single.drawn, design.select(SIZES.expand(40, 5), 2, words).drawn[0])


@pytest.mark.parametrize(
    ("make", "p", "words", "first"),
    [
        # Targets 1/4 and 3/4, k = 1, in cells of 2^-62: u = 1/2 against 5 1/2 and 2 1/2.
        (Pareto, [1.0, 3.0], [0, 5], 0),  # 3 * 1/2 < 5 1/2 / 3
        (SequentialPoisson, [1.0, 3.0], [0, 2], 0),  # 4 * 1/2 < 2 1/2 * 4 / 3
        # From above: 1 - u = 5 1/2 and 1/2.
        (Pareto, [1.0, 3.0], [2**62 - 6, 2**62 - 1], 0),  # 3 / 5 1/2 < 1 / (3 * 1/2)
        # Neighbours that 53 bits hold apart, and 24 do not.
        (Pareto, [1.0, 1.0], [2**61 + 2**12, 2**61], 1),
        (SequentialPoisson, [1.0, 1.0], [2**61 + 2**12, 2**61], 1),
        (Pareto, [1.0, 1.0], [2**40 + 1, 2**40], 1),
        (Pareto, [1.0, 1.0], [2**62 - 2**40, 2**62 - 2**40 - 1], 1),
    ],
)
def test_ranks_next_to_each_other(
    make: Callable[[], TargetedOrderSampling], p: list[float], words: list[int], first: int
) -> None:
    draw = make().select(torch.tensor(p), 1, torch.tensor(words))
    assert draw.drawn.tolist() == [unit == first for unit in range(2)]


@pytest.mark.parametrize("make", MAKERS)
def test_certain_units_come_first_whatever_their_words(make: Callable[[], TargetedOrderSampling]) -> None:
    words = torch.tensor([0, 2**62 - 1, 0, 0, 0])
    assert make().select(CERTAIN, 2, words).drawn.tolist()[:2] == [False, True]


def test_rates_are_odds_and_probabilities() -> None:
    r = torch.tensor([ONE // 4, 3 * ONE // 4, ONE, 0])
    assert Pareto.rates(r).tolist() == [1 / 3, 3.0, float("inf"), 0.0]
    assert SequentialPoisson.rates(r).tolist() == [0.25, 0.75, float("inf"), 0.0]


@pytest.mark.parametrize("make", MAKERS)
def test_a_draw_keeps_what_it_was_drawn_by(make: Callable[[], TargetedOrderSampling]) -> None:
    """As l / k, from which the same integers come again."""
    design = make()
    for p, k in ((SIZES, 1), (SIZES, 2), (SIZES, 3), (CERTAIN, 3)):
        r = design.target(p, k)
        draw = design.select(p, k, torch.zeros(5, dtype=torch.int64))
        assert draw.q.dtype == torch.float64
        assert draw.q.tolist() == pytest.approx([value / (k * ONE) for value in r.tolist()], rel=2**-51, abs=0)
        assert torch.equal(design.target(draw.q, k), r)


@pytest.mark.parametrize("make", MAKERS)
def test_inclusion_is_that_of_the_ranks(make: Callable[[], TargetedOrderSampling]) -> None:
    design = make()
    rows = torch.stack([SIZES, SIZES.flip(0), torch.zeros(5, dtype=torch.float64), CERTAIN])
    counts = torch.tensor([2, 1, 1, 2])
    found, joint = design.inclusion(rows, counts), design.joint_inclusion(rows, counts)
    assert found.shape == (4, 5) and joint.shape == (4, 5, 5)
    assert not found[2].any() and not joint[2].any()
    for row in (0, 1):
        r = design.target(rows[row], int(counts[row])).tolist()
        units = [unit for unit, value in enumerate(r) if value]
        odds = [r[unit] / (ONE - r[unit]) if isinstance(design, Pareto) else r[unit] / ONE for unit in units]
        exact = own_integrals.law(design.family, odds, int(counts[row]))
        pi = exact.diagonal()
        assert ((found[row][units] - pi).abs() <= 1e-12 * pi).all()
        off = joint[row][units][:, units]
        assert ((off - exact).abs() <= 1e-12 * (pi * pi.unsqueeze(-1) + torch.diag(pi))).all()
        assert float(found[row].sum()) == pytest.approx(int(counts[row]), rel=1e-12, abs=0)
    assert float(found[3, 1]) == 1.0 and float(found[3, 3]) == 0.0
    draw = design.select(SIZES, 2, torch.zeros(5, dtype=torch.int64))
    assert draw.pi is None and torch.equal(draw.inclusion, found[0])


def exact_inclusion(sizes: torch.Tensor, k: int) -> list[Fraction]:
    return moments.inclusion(enumeration.successive_law([Fraction(size) for size in sizes.tolist()], k))


def test_calibrated_sizes_give_the_target() -> None:
    target = torch.tensor([0.625, 0.625, 0.75], dtype=torch.float64)
    sizes = calibrated(target, 2)
    for found, wanted in zip(exact_inclusion(sizes, 2), target.tolist(), strict=True):
        assert abs(found / Fraction(wanted) - 1) <= Fraction(1, 10**12)
    assert float(sizes.sum()) == pytest.approx(1, rel=2**-50, abs=0) and sizes.dtype == torch.float64


def test_rows_are_calibrated_apart() -> None:
    targets = torch.tensor([[[0.5] * 4, [0.25] * 4]], requires_grad=True)
    sizes = calibrated(targets, torch.tensor([[2, 1]]))
    assert sizes.tolist() == [[[0.25] * 4] * 2] and not sizes.requires_grad
    assert calibrated(targets[0, 1], 1).tolist() == [0.25] * 4


def test_calibration_is_near_certainty_and_on_the_right_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "RELATIVE_ERROR", 1e-3)  # a few steps: they get no nearer than 1e-3
    with torch.device("meta"):
        target = torch.tensor([1 - 2.0**-53, 0.5, 0.5], dtype=torch.float64, device="cpu")
        sizes = calibrated(target, 2)
    pi, rest = inclusion_and_rest(ExponentialRanks, sizes, 2)
    assert ((pi - target).abs() <= 1e-3 * target).all() and float(rest[0]) > 0


def test_certain_units_get_the_largest_sizes() -> None:
    target = torch.tensor([1.0, 0.6, 0.7, 0.7], dtype=torch.float64)
    sizes = calibrated(target, 3)
    assert float(sizes[0] / sizes[1:].sum()) == pytest.approx(2.0**50, rel=2**-48, abs=0)
    # Of two draws that are left, the uncertain ones are calibrated; and 2^-50 for the certain one.
    for found, wanted in zip(exact_inclusion(sizes, 3), target.tolist(), strict=True):
        assert abs(found / Fraction(wanted) - 1) <= Fraction(1, 10**12)
    alike = calibrated(torch.tensor([1.0, *[0.5] * 4]), 3)
    assert alike.tolist() == pytest.approx([1.0, *[2.0**-52] * 4], rel=2**-48, abs=0)
    assert calibrated(torch.ones(3), 3).tolist() == pytest.approx([1 / 3] * 3, rel=2**-52, abs=0)


@pytest.mark.parametrize("shape", [(2,), (1, 2), (1, 1, 2)])
def test_targets_out_of_reach_are_refused(shape: tuple[int, ...]) -> None:
    def row(*values: float) -> torch.Tensor:
        return torch.tensor(values, dtype=torch.float64).reshape(shape)

    for value in (0.0, 1.25):
        told = rf"^inclusion probabilities must be in \(0, 1\], found {value}$"
        with pytest.raises(ValueError, match=told):
            calibrated(row(value, 0.75), 1)
    with pytest.raises(ValueError, match=r"^inclusion probabilities must sum to the count k=1, found the sum 1.25$"):
        calibrated(row(0.5, 0.75), 1)


def test_a_sum_may_be_off_by_half_the_error() -> None:
    """By 5e-13 k, that is 1e-12 at k = 2."""
    assert calibrated(torch.full((4,), 0.5 + 2e-13, dtype=torch.float64), 2).tolist() == [0.25] * 4
    with pytest.raises(ValueError, match="must sum to the count k=2"):
        calibrated(torch.full((4,), 0.5 + 3e-13, dtype=torch.float64), 2)


def test_calibration_that_does_not_end_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "_MOST_STEPS", 1)
    told = r"^calibration of 3 units at k=2 is at a relative error of \d\.\de-\d\d, above 1e-12$"
    with pytest.raises(ArithmeticError, match=told):
        calibrated(torch.tensor([0.75, 0.75, 0.5]), 2)


def test_targets_below_a_half_are_calibrated_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "RELATIVE_ERROR", 1e-6)  # fewer steps
    target = torch.tensor([0.25, 0.35, 0.4, 0.45, 0.55], dtype=torch.float64)
    for found, wanted in zip(exact_inclusion(calibrated(target, 2), 2), target.tolist(), strict=True):
        assert abs(found / Fraction(wanted) - 1) <= Fraction(1, 10**6)


def test_an_error_as_large_as_allowed_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "_MOST_STEPS", 1)
    # Dyadic: the sum is off by just half of 2^-20.
    monkeypatch.setattr(calibration, "RELATIVE_ERROR", 2.0**-20)
    assert calibrated(torch.full((2,), 0.5 + 2.0**-22, dtype=torch.float64), 1).tolist() == [0.5, 0.5]
    target = torch.tensor([0.625, 0.625, 0.75], dtype=torch.float64)
    error = float((inclusion_and_rest(ExponentialRanks, target / 2, 2)[0] / target - 1).abs().max())
    monkeypatch.setattr(calibration, "RELATIVE_ERROR", 2 * error)
    assert torch.equal(calibrated(target, 2), target / 2)
