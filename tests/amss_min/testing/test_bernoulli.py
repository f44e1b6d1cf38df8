"""The Beta-Bernoulli e-process against its definition in rationals, and as a martingale."""

import math
from fractions import Fraction

import numpy as np
import pytest

from amss_min.testing.bernoulli import log_e_bernoulli

PRIOR = 20
EXACT = [Fraction(1, 2), Fraction(1, 4), Fraction(1, 20), Fraction(19, 20)]  # a = 20 p and b = 20 (1 - p) are integers


def rational(s: int, n: int, p: Fraction) -> Fraction:
    """E_N by rising factorials: B(a + s, b + n - s) / B(a, b) is their quotient."""
    a, b = int(PRIOR * p), int(PRIOR * (1 - p))
    upper = math.prod(range(a, a + s)) * math.prod(range(b, b + n - s))
    return Fraction(upper, math.prod(range(a + b, a + b + n))) / (p**s * (1 - p) ** (n - s))


def allowed(n: int) -> float:
    """Six values of log-gamma of at most (n + 20) log(n + 20), each off by 4 roundings at most, and s log p."""
    return 8 * 6 * 2.0**-53 * (n + PRIOR) * math.log(n + PRIOR)


@pytest.mark.parametrize("p", EXACT)
@pytest.mark.parametrize("n", [0, 1, 7, 40])
def test_it_is_the_quotient_of_beta_functions(p: Fraction, n: int) -> None:
    found = log_e_bernoulli(np.arange(n + 1), n, float(p))
    for s, log in enumerate(found.tolist()):
        exact = rational(s, n, p)
        wanted = math.log(exact.numerator) - math.log(exact.denominator)
        # The two logarithms are of integers below 40! 20^40 and so on, with logs below 400: 2 roundings of 400.
        assert log == pytest.approx(wanted, rel=0, abs=allowed(n) + 2 * 400 * 2.0**-53)


@pytest.mark.parametrize("p", EXACT)
def test_its_expectation_is_one(p: Fraction) -> None:
    n = 30
    chances = [math.comb(n, s) * p**s * (1 - p) ** (n - s) for s in range(n + 1)]
    assert sum(c * rational(s, n, p) for s, c in enumerate(chances)) == 1
    values = np.exp(log_e_bernoulli(np.arange(n + 1), n, float(p)))
    # Each value has the relative error of its log; the chances, and a sum of 31 numbers, add 40 roundings.
    assert sum(float(c) * v for c, v in zip(chances, values.tolist(), strict=True)) == pytest.approx(
        1, rel=allowed(n) + 40 * 2.0**-53
    )


@pytest.mark.parametrize("p", [0.5, 0.3, 0.01, 1e-6])
def test_it_is_a_martingale(p: float) -> None:
    """p E_{N+1}(s + 1) + (1 - p) E_{N+1}(s) = E_N(s), for every s."""
    n = 50
    s = np.arange(n + 1)
    now = np.exp(log_e_bernoulli(s, n, p))
    then = p * np.exp(log_e_bernoulli(s + 1, n + 1, p)) + (1 - p) * np.exp(log_e_bernoulli(s, n + 1, p))
    # s |log p| is a term of the log, at most 50 * 14.
    assert then == pytest.approx(now, rel=3 * allowed(n + 1) + 8 * 700 * 2.0**-53)


def test_certain_probabilities_are_refuted_by_one_contrary_draw() -> None:
    assert log_e_bernoulli([0, 1, 5], 5, 0.0).tolist() == [0.0, math.inf, math.inf]
    assert log_e_bernoulli([0, 4, 5], 5, 1.0).tolist() == [math.inf, math.inf, 0.0]


def test_arrays_are_broadcast() -> None:
    found = log_e_bernoulli(np.array([[3], [4]]), 10, np.array([0.2, 0.4, 1.0]))
    assert found.shape == (2, 3)
    assert found[1, 1] == log_e_bernoulli(4, 10, 0.4)


@pytest.mark.parametrize("p", [-0.1, 1.1])
def test_a_probability_outside_the_unit_interval_is_refused(p: float) -> None:
    with pytest.raises(ValueError, match=rf"a probability must be in \[0, 1\], found {p}"):
        log_e_bernoulli(1, 2, [0.5, p])


@pytest.mark.parametrize("s", [-1, 6])
def test_successes_outside_the_draws_are_refused(s: int) -> None:
    with pytest.raises(ValueError, match="successes must be between 0 and the number of draws"):
        log_e_bernoulli(s, 5, 0.5)
