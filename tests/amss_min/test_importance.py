"""Sizes from norms, and water-filling against a rational oracle."""

from fractions import Fraction

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from amss_min import importance as importance_module
from amss_min.importance import GradientNorm, SquaredGradient, water_filling

SIZES = st.lists(st.one_of(st.integers(0, 9).map(float), st.floats(1e-300, 1e3)), min_size=1, max_size=9)


def rational_water_filling(sizes: list[float], k: int) -> list[Fraction]:
    """Cap whatever exceeds 1 and share the rest, until nothing exceeds 1."""
    exact = [Fraction(size) for size in sizes]
    capped: set[int] = set()
    while True:
        rest = [unit for unit, size in enumerate(exact) if size > 0 and unit not in capped]
        total = sum(exact[unit] for unit in rest)
        above = {unit for unit in rest if (k - len(capped)) * exact[unit] > total}
        if not above:
            break
        capped |= above
    share = {unit: (k - len(capped)) * exact[unit] / total for unit in rest}
    return [Fraction(1) if unit in capped else share.get(unit, Fraction(0)) for unit in range(len(exact))]


@given(SIZES, st.integers(1, 9))
@example([1.0, 1.0, 1.0], 3)  # everything drawn
@example([1.0, 0.0, 0.0], 1)
@example([4.0, 2.0, 1.0, 1.0], 2)  # exactly at the cap
@example([1e-300, 1.0, 1e3], 2)
def test_water_filling_is_the_rational_one(sizes: list[float], k: int) -> None:
    positive = sum(size > 0 for size in sizes)
    k = min(k, positive)
    found = water_filling(torch.tensor(sizes, dtype=torch.float64), torch.tensor(k)).tolist()
    if positive == 0:
        assert found == [0.0] * len(sizes)
        return
    # n sums of nonnegative terms, a division and a product: each relative error at most 2^-53. Deciding a
    # cap in floats moves a unit that lies within that error of the cap, which changes pi by no more.
    error = Fraction(2 * len(sizes) + 4, 2**53)
    for value, exact in zip(found, rational_water_filling(sizes, k), strict=True):
        assert abs(Fraction(value) - exact) <= error * exact + Fraction(1, 2**1000)


@pytest.mark.parametrize("rounds", [0, 1, 4, 100])
def test_rounds_and_the_sort_fill_alike(rounds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importance_module, "_ROUNDS", rounds)
    draw = torch.rand(40, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    # None is capped; some are; one more in almost every round; all of them; a row of zeros.
    rows = [1 + draw, draw**8, 2.0 ** -torch.arange(40, dtype=torch.float64), (draw > 0.5).double(), 0 * draw]
    counts = [8, 8, 30, int((draw > 0.5).sum()), 0]
    found = water_filling(torch.stack(rows), torch.tensor(counts)).tolist()
    error = Fraction(2 * 40 + 4, 2**53)  # as above
    for sizes, k, pi in zip(rows[:-1], counts[:-1], found[:-1], strict=True):
        for value, exact in zip(pi, rational_water_filling(sizes.tolist(), k), strict=True):
            assert abs(Fraction(value) - exact) <= error * exact
    assert found[-1] == [0.0] * 40


@given(SIZES, st.integers(1, 9), st.integers(-20, 20))
def test_water_filling_does_not_see_the_scale(sizes: list[float], k: int, exponent: int) -> None:
    a = torch.tensor(sizes, dtype=torch.float64).clamp_min(1e-200)
    count = torch.tensor(min(k, len(sizes)))
    assert torch.equal(water_filling(a, count), water_filling(a * 2.0**exponent, count))


@pytest.mark.parametrize("importance", [SquaredGradient, GradientNorm])
@pytest.mark.parametrize("mix", [0.0, 0.5, 1.0])
def test_sizes_sum_to_one_and_vanish_with_the_norm(importance: type[SquaredGradient], mix: float) -> None:
    norms = torch.tensor([[0.0, 1e-30, 3.0, 4.0], [0.0, 0.0, 0.0, 0.0], [1e-200, 1.0, 1e200, 0.0]], dtype=torch.float64)
    sizes = importance(mix=mix)(norms)
    assert torch.equal(sizes > 0, norms > 0)
    # Four terms, each rounded a few times.
    assert (sizes.sum(-1) - torch.tensor([1.0, 0.0, 1.0])).abs().max() <= 16 * 2.0**-53


def test_mixing_is_with_the_uniform_distribution_over_positive_units() -> None:
    norms = torch.tensor([0.0, 1.0, 3.0])
    assert SquaredGradient(mix=0.5)(norms).tolist() == pytest.approx([0, 0.05 + 0.25, 0.45 + 0.25], rel=2**-50)
    assert GradientNorm(mix=0.2)(norms).tolist() == pytest.approx([0, 0.2 + 0.1, 0.6 + 0.1], rel=2**-50)


@pytest.mark.parametrize("mix", [-0.1, 1.1])
def test_mix_outside_the_unit_interval_is_refused(mix: float) -> None:
    with pytest.raises(ValueError, match=r"mix must be in \[0, 1\], found mix="):
        SquaredGradient(mix=mix)
