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

from simulations.noise import (
    Gaussian,
    ModalityDropout,
    Multiplicative,
    Noise,
    PerModality,
    ProgressOracle,
    SampledTerms,
    Student,
    TwoPoint,
    skewed,
)
from simulations.objectives import HardChain, InterpolatingLeastSquares, IsotropicQuadratic
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


def test_noise_by_modality_has_the_stated_variance_in_each() -> None:
    noise = PerModality((2, 3), (1.0, 6.0))
    drawn = drawn_from(noise, 4)
    assert noise.sigma2 == 7.0 and noise.d == 5
    for part, total, n in ((drawn[:, :2], 1.0, 2), (drawn[:, 2:], 6.0, 3)):
        scaled = (part**2).sum() / (total / n)
        assert ALPHA < stats.chi2.cdf(scaled, 20000 * n) < 1 - ALPHA


def test_student_noise_is_a_scaled_t() -> None:
    noise = Student(4, total=8.0, freedom=3)
    drawn = drawn_from(noise, 5)
    # xi / s is Student with 3 degrees of freedom, s^2 = (8 / 4) (3 - 2) / 3, whose variance is 3: E xi^2 = 2.
    scaled = drawn.ravel() / math.sqrt(2.0 / 3.0)
    assert stats.kstest(scaled, stats.t(3).cdf).pvalue > ALPHA
    assert noise.sigma2 == 8.0


def test_multiplicative_noise_vanishes_with_the_gradient() -> None:
    noise, objective = Multiplicative(3, strength=0.5), IsotropicQuadratic(n=3)
    factors = drawn_from(noise, 6)
    assert stats.kstest(factors.ravel(), stats.norm(1.0, 0.5).cdf).pvalue > ALPHA
    w = torch.tensor([[2.0, 0.0, -1.0]], dtype=torch.float64)
    g = noise.gradient(objective, w, objective.gradient(w), torch.tensor([[1.5, 0.5, 1.0]], dtype=torch.float64))
    assert g.tolist() == [[3.0, 0.0, -1.0]]
    assert noise.abc(objective) == (0.0, 1.25, 0.0) and noise.sigma2 is None


def test_a_dropped_modality_has_no_gradient_and_the_mean_is_kept() -> None:
    noise, objective = ModalityDropout((2, 2), (0.25, 1.0)), IsotropicQuadratic(n=2, modalities=2)
    w = torch.tensor([[1.0, 2.0, 3.0, 4.0]], dtype=torch.float64)
    exact = objective.gradient(w)
    mean, second = torch.zeros(4, dtype=torch.float64), 0.0
    for present, chance in ((0.0, 0.75), (1.0, 0.25)):
        g = noise.gradient(objective, w, exact, torch.tensor([[present / 0.25, 1.0]], dtype=torch.float64))
        mean, second = mean + chance * g[0], second + chance * float(g.square().sum())
    assert torch.equal(mean, exact[0])  # quarters and small integers: exact
    assert second == 4 * 5.0 + 25.0
    A, B, C = noise.abc(objective)
    assert (A, C) == (0.0, 0.0) and second <= B * float(exact.square().sum()) == 4.0 * 30.0
    drawn = drawn_from(noise, 7)
    assert set(drawn[:, 0].tolist()) == {0.0, 4.0} and set(drawn[:, 1].tolist()) == {1.0}
    assert stats.binomtest(int((drawn[:, 0] > 0).sum()), 20000, 0.25).pvalue > ALPHA


def test_the_progress_oracle_hides_what_was_not_reached() -> None:
    objective = HardChain(length=6)
    noise = ProgressOracle(6, p=0.125, largest=1.0)
    w = torch.tensor([[1.0, 0.9, 0.0, 0.0, 0.0, 0.0]], dtype=torch.float64)
    exact, reached = objective.gradient(w), int(objective.progress(w)[0])
    assert 0 < reached < 6 and bool((exact[0, reached:] != 0).any())
    hidden, shown = (noise.gradient(objective, w, exact, torch.tensor([[z]], dtype=torch.float64)) for z in (0.0, 8.0))
    assert torch.equal(hidden[0, :reached], exact[0, :reached]) and bool((hidden[0, reached:] == 0).all())
    assert torch.equal(0.875 * hidden + 0.125 * shown, exact)  # powers of two
    second = 0.875 * float(hidden.square().sum()) + 0.125 * float(shown.square().sum())
    assert second <= noise.abc(objective).B * float(exact.square().sum()) * (1 + 2.0**-50)
    assert set(drawn_from(noise, 8)[:, 0].tolist()) == {0.0, 8.0} and noise.sigma2 == 7.0


def test_terms_are_drawn_evenly_and_their_mean_is_the_gradient() -> None:
    objective = InterpolatingLeastSquares()
    noise = SampledTerms(objective.d, objective.samples)
    w = torch.tensor([[1.0, -2.0, 0.5]], dtype=torch.float64)
    exact = objective.gradient(w)
    terms = [noise.gradient(objective, w, exact, torch.tensor([[i]])) for i in range(objective.samples)]
    mean = sum(terms[1:], terms[0]) / objective.samples
    assert torch.allclose(mean, exact, rtol=2.0**-48, atol=0.0)  # a dozen roundings
    second = float(torch.stack([g.square().sum() for g in terms]).mean())
    A, B, C = noise.abc(objective)
    bound = 2 * A * (float(objective.value(w)[0]) - objective.f_star) + B * float(exact.square().sum()) + C
    assert second <= bound * (1 + 2.0**-48)
    counts = np.bincount(drawn_from(noise, 9)[:, 0], minlength=objective.samples)
    assert stats.chisquare(counts).pvalue > ALPHA


@pytest.mark.parametrize("steps", [1, 2, 3, 7])
def test_reshuffled_terms_come_once_an_epoch(steps: int) -> None:
    objective = InterpolatingLeastSquares()
    noise, source = SampledTerms(objective.d, objective.samples, reshuffled=True), stream(10)
    order = torch.cat([noise.numbers(source, steps, 50) for _ in range(-(-12 // steps))])[:12, :, 0]
    for epoch in order.split(objective.samples):
        assert torch.equal(epoch.sort(0).values, torch.arange(len(epoch)).unsqueeze(-1).expand_as(epoch))
    assert len({tuple(column) for column in order.T.tolist()}) > 10  # 6^4 orders: fewer among 50 is below 1e-30
    with pytest.raises(ValueError, match="not unbiased"):
        noise.abc(objective)


def test_noise_that_does_not_fit_the_objective_is_refused() -> None:
    quadratic = IsotropicQuadratic(n=3)
    for noise, match in (
        (Gaussian(2), "the same d"),
        (ModalityDropout((1, 2), (1.0, 1.0)), "the same modalities"),
        (ProgressOracle(3, 0.5), "progress"),
        (SampledTerms(3, 3), "finite sum of 3 terms"),
    ):
        with pytest.raises(ValueError, match=match):
            noise.refuse(quadratic)


def test_float32_numbers_are_float32() -> None:
    for noise in (Gaussian(3), skewed(3), Student(3), PerModality((1, 2), (1.0, 1.0)), Multiplicative(3)):
        numbers = noise.numbers(stream(1, torch.float32), 4, 8)
        assert numbers.shape == (4, 8, noise.width) and numbers.dtype == torch.float32
