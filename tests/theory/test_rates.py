"""Slopes over independent horizons: right on known laws, with intervals that cover, and refused where paired."""

import numpy as np
import pytest

from theory.rates import local_slopes, log_slope

HORIZONS = [64, 128, 256, 512]


def draws(rng: np.random.Generator, exponent: float, replicates: int = 256) -> list[np.ndarray]:
    return [t**exponent * rng.exponential(size=replicates) for t in map(float, HORIZONS)]


def test_exact_powers_have_their_exponent() -> None:
    values = [np.full(256, 3.0 * t**-0.7) for t in map(float, HORIZONS)]
    found = log_slope(HORIZONS, values, alpha=0.01)
    assert found.mean == pytest.approx(-0.7, abs=1e-13)
    assert found.half < 1e-13
    assert local_slopes(HORIZONS, np.array([one[0] for one in values])) == pytest.approx([-0.7] * 3)


def test_the_slope_is_that_of_least_squares() -> None:
    values = draws(np.random.default_rng(1), -0.5)
    fitted = np.polyfit(np.log(HORIZONS), np.log([one.mean() for one in values]), 1)[0]
    assert log_slope(HORIZONS, values, alpha=0.01).mean == pytest.approx(fitted, rel=1e-12)


def test_intervals_cover_as_often_as_they_say() -> None:
    """Of 400 exact intervals of error 0.1 more than 80 miss with probability 8e-10, fewer than 10 with 2e-9."""
    rng = np.random.default_rng(2)
    found = [log_slope(HORIZONS, draws(rng, -0.5), alpha=0.1) for _ in range(400)]
    misses = sum(not one.low <= -0.5 <= one.high for one in found)
    assert 10 <= misses <= 80


def test_paired_horizons_are_refused() -> None:
    shared = np.random.default_rng(3).exponential(size=256)
    noisy = [t**-0.5 * (shared + 0.5 * np.random.default_rng(t).exponential(size=256)) for t in HORIZONS]
    with pytest.raises(ValueError, match="found T = 64 and T = 128 paired"):
        log_slope(HORIZONS, noisy, alpha=0.01)


@pytest.mark.parametrize(
    ("horizons", "values", "finding"),
    [
        ([1, 2], [np.ones(256)] * 2, "3 different horizons"),
        ([1, 2, 2], [np.ones(256)] * 3, "3 different horizons"),
        ([1, 2, 3], [np.ones(255)] * 3, "256 replicates"),
        ([1, 2, 3], [np.ones(256), np.zeros(256), np.ones(256)], "positive and finite"),
        ([1, 2, 3], [np.ones(256), np.full(256, np.inf), np.ones(256)], "positive and finite"),
    ],
)
def test_too_little_is_refused(horizons: list[int], values: list[np.ndarray], finding: str) -> None:
    with pytest.raises(ValueError, match=finding):
        log_slope(horizons, values, alpha=0.01)
