"""Sizes and water-filling on numbers that float64 holds exactly."""

import pytest
import torch

from amss_min.importance import GradientNorm, Importance, SquaredGradient, water_filling


def test_sizes_without_mixing() -> None:
    norms = torch.tensor([[1.0, 2.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0], [0.0, 3.0, 0.0, 0.0]])
    assert GradientNorm()(norms).tolist() == [[0.25, 0.5, 0.0, 0.25], [0.0] * 4, [0.0, 1.0, 0.0, 0.0]]
    squares = SquaredGradient()(torch.tensor([1.0, 1.0, 1.0, 1.0, 2.0]))
    assert squares.tolist() == [0.125, 0.125, 0.125, 0.125, 0.5]
    assert squares.dtype == torch.float64


def test_mixing_is_with_the_uniform_over_positive_units() -> None:
    norms = torch.tensor([[1.0, 2.0, 0.0, 1.0], [0.0] * 4, [0.0, 3.0, 0.0, 0.0], [0.0, 3.0, 0.0, 1.0]])
    quarter = GradientNorm(mix=0.25)(norms)
    third = 0.25 / 3  # one division, and one sum: both as float64 rounds them
    assert quarter[:2].tolist() == [[0.1875 + third, 0.375 + third, 0.0, 0.1875 + third], [0.0] * 4]
    assert quarter[2:].tolist() == [[0.0, 1.0, 0.0, 0.0], [0.0, 0.5625 + 0.125, 0.0, 0.1875 + 0.125]]
    assert GradientNorm(mix=0.25)(norms[3]).tolist() == quarter[3].tolist()
    assert SquaredGradient(mix=1)(norms)[3].tolist() == [0.0, 0.5, 0.0, 0.5]


def test_norms_are_scaled_by_the_largest_so_that_nothing_overflows_and_nothing_vanishes() -> None:
    sizes = SquaredGradient()(torch.tensor([1e300, 1e300, 1e-300], dtype=torch.float64)).tolist()
    assert sizes == [0.5, 0.5, torch.finfo(torch.float64).tiny / 2]
    assert SquaredGradient()(torch.tensor([1e-200, 1e-200], dtype=torch.float64)).tolist() == [0.5, 0.5]
    # Every row has its own largest.
    rows = torch.tensor([[2.0**-1000, 2.0**-999], [2.0**1000, 2.0**999]], dtype=torch.float64)
    assert SquaredGradient()(rows).tolist() == [[0.2, 0.8], [0.8, 0.2]]


@pytest.mark.parametrize("mix", [-1e-9, 1.0 + 1e-9, float("nan")])
def test_mix_is_a_share(mix: float) -> None:
    with pytest.raises(ValueError, match=rf"^mix must be in \[0, 1\], found mix={mix}$"):
        GradientNorm(mix=mix)


def test_mix_is_zero_by_default_and_may_be_one() -> None:
    assert (GradientNorm().mix, GradientNorm(mix=1.0).mix, GradientNorm(mix=0).mix) == (0.0, 1.0, 0)
    with pytest.raises(NotImplementedError):
        Importance()(torch.ones(2))


@pytest.mark.parametrize(
    ("sizes", "k", "pi"),
    [
        ([6, 1, 1], 2, [1, 0.5, 0.5]),
        ([4, 2, 1, 1], 2, [1, 0.5, 0.25, 0.25]),  # exactly at the cap
        ([1, 1, 1, 1], 4, [1, 1, 1, 1]),
        ([8, 0, 4, 2, 2], 3, [1, 0, 1, 0.5, 0.5]),
        ([16, 0, 8, 2, 2, 4], 3, [1, 0, 1, 0.25, 0.25, 0.5]),
        ([16, 8, 4, 2, 2], 2, [1, 0.5, 0.25, 0.125, 0.125]),
        ([0, 0, 3, 0], 1, [0, 0, 1, 0]),
        ([0, 0, 0], 0, [0, 0, 0]),
        ([5, 3], 0, [0, 0]),
        ([1, 3], 1, [0.25, 0.75]),
        ([2.0**-1000, 1], 1, [2.0**-1000, 1]),
    ],
)
def test_water_filling_by_hand(sizes: list[float], k: int, pi: list[float]) -> None:
    values = torch.tensor(sizes, dtype=torch.float64)
    kept = values.clone()
    assert water_filling(values, torch.tensor(k)).tolist() == pi
    assert torch.equal(values, kept)
    both = water_filling(torch.stack([values, values.flip(0)]), torch.tensor([k, k]))
    assert both.tolist() == [pi, pi[::-1]]


def test_water_filling_takes_a_count_a_row() -> None:
    sizes = torch.tensor([[[6.0, 1.0, 1.0], [1.0, 6.0, 1.0]]], dtype=torch.float64)
    assert water_filling(sizes, torch.tensor([[2, 1]])).tolist() == [[[1.0, 0.5, 0.5], [0.125, 0.75, 0.125]]]
    assert water_filling(sizes, torch.tensor([[3, 2]])).tolist() == [[[1.0, 1.0, 1.0], [0.5, 1.0, 0.5]]]


def test_water_filling_lies_where_its_sizes_lie_whatever_the_default_device() -> None:
    with torch.device("meta"):
        # No other test has rows of 11 units, so nothing of this length is remembered from another device.
        sizes = torch.tensor([12.0, *[1.0] * 10], dtype=torch.float64, device="cpu")
        found = water_filling(sizes, torch.tensor(6, device="cpu"))
    assert found.tolist() == [1.0, *[0.5] * 10]
