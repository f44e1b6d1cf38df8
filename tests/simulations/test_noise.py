"""The stated second moments are those of the noise that is drawn."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from simulations.noise import Gaussian, Noise, TwoPoint, skewed
from simulations.streams import Stream

ALPHA = 1e-10  # a false alarm of one test here; the seeds are fixed, so none comes back
PROBABILITIES = st.floats(0.01, 0.99)
SCALES = st.just(0.0) | st.floats(1e-100, 10.0)  # the square of a smaller one underflows


def drawn_from(noise: Noise, key: int) -> NDArray[np.float64]:
    """20,000 values of the noise."""
    values: NDArray[np.float64] = noise.numbers(stream(key), 100, 200).reshape(-1, noise.width).numpy()
    return values


def stream(key: int, dtype: torch.dtype = torch.float64) -> Stream:
    return Stream(key, torch.device("cpu"), dtype)


@given(st.lists(st.tuples(PROBABILITIES, SCALES), min_size=1, max_size=4))
def test_two_point_noise_has_mean_zero_and_the_stated_second_moment(pairs: list[tuple[float, float]]) -> None:
    noise = TwoPoint(tuple(p for p, _ in pairs), tuple(s for _, s in pairs))
    second = Fraction(0)
    for j in range(noise.d):
        support = [(Fraction(value), Fraction(chance)) for value, chance in noise.support(j)]
        scale = Fraction(noise.scales[j])
        # A value carries 4 roundings (1 - p, quotient, root, product), a probability 1, u = 2^-53 each: up to 5 u of
        # the first moment (2 terms of size at most s / 2) and 9 u of the second.
        assert abs(sum(v * c for v, c in support)) <= Fraction(16, 2**53) * scale
        assert abs(sum(v * v * c for v, c in support) - scale**2) <= Fraction(16, 2**53) * scale**2
        second += scale**2
    assert abs(Fraction(noise.sigma2) - second) <= Fraction(noise.d + 1, 2**53) * second


def test_the_skewed_pair_is_the_one_of_the_counterexample() -> None:
    noise = TwoPoint((0.1, 0.5), (1.0, 1.0))
    assert noise.sigma2 == 2.0
    assert [value for value, _ in noise.support(1)] == [1.0, -1.0]
    assert noise.support(0)[0] == (3.0, 0.1)


def test_two_point_values_come_with_their_probabilities() -> None:
    noise = TwoPoint((0.1, 0.7), (2.0, 0.5))
    drawn = drawn_from(noise, 1)
    for j in range(2):
        (up, p), (down, _) = noise.support(j)
        assert set(drawn[:, j].tolist()) == {up, down}
        count = int((drawn[:, j] == up).sum())
        assert stats.binomtest(count, 20000, p).pvalue > ALPHA


def test_gaussian_noise_has_the_stated_variance_in_every_direction() -> None:
    noise = Gaussian(5, total=3.0)
    drawn = drawn_from(noise, 2)
    assert noise.sigma2 == 3.0
    for direction in (*np.eye(5), np.ones(5) / math.sqrt(5)):
        scaled = (drawn @ direction) ** 2 / (3.0 / 5)
        assert ALPHA < stats.chi2.cdf(scaled.sum(), 20000) < 1 - ALPHA
        assert 2 * stats.norm.sf(abs((drawn @ direction).sum()) / math.sqrt(20000 * 0.6)) > ALPHA


def test_skewed_noise_shares_its_second_moment_evenly() -> None:
    noise = skewed(16, p=0.1, total=4.0)
    assert noise.sigma2 == 4.0
    assert noise.support(5) == noise.support(0)


@pytest.mark.parametrize(
    "make", [lambda: Gaussian(0), lambda: Gaussian(2, total=-1.0), lambda: TwoPoint((0.1,), (1.0, 1.0))]
)
def test_noise_without_sense_is_refused(make: object) -> None:
    with pytest.raises(ValueError, match="found"):
        make()  # type: ignore[operator]


@pytest.mark.parametrize("p", [0.0, 1.0, -0.1])
def test_a_probability_outside_the_open_interval_is_refused(p: float) -> None:
    with pytest.raises(ValueError, match="probabilities lie in"):
        TwoPoint((p,), (1.0,))
