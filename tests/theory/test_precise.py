"""Fifty digits: against identities that need none of the code under test."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory import precise

TINY = Fraction(1, 10**50)
NUMBERS = st.fractions(Fraction(1, 1000), 50, max_denominator=10**6)


@given(NUMBERS, NUMBERS)
def test_exponentials_multiply(x: Fraction, y: Fraction) -> None:
    product = precise.exponential(x) * precise.exponential(y)
    assert abs(precise.exponential(x + y) / product - 1) < TINY


@given(NUMBERS)
def test_logarithms_invert_exponentials(x: Fraction) -> None:
    assert abs(precise.logarithm(precise.exponential(x)) - x) < TINY


@given(st.integers(-1000, 2), st.fractions(1, 2, max_denominator=1000))
def test_one_minus_exponential_doubles(power: int, mantissa: Fraction) -> None:
    # 1 - e^-2x = (1 - e^-x)(2 - (1 - e^-x)), from 2^-1000 to 8: on both sides of the series' limit.
    x = mantissa * Fraction(2) ** power
    once, twice = precise.one_minus_exponential(x), precise.one_minus_exponential(2 * x)
    assert abs(twice / (once * (2 - once)) - 1) < TINY


@pytest.mark.parametrize("x", [1e-300, 1e-9, 0.0625, 0.07, 3.0, 40.0, 1e5])
def test_one_minus_exponential_is_that_of_the_mathematics_library(x: float) -> None:
    # expm1 of the C library is accurate to 2 units of 2^-52.
    assert abs(precise.one_minus_exponential(Fraction(x)) / Fraction(-math.expm1(-x)) - 1) <= Fraction(2, 2**52)


def test_softmax_and_entropies() -> None:
    halves = [Fraction(1, 2)] * 2
    assert precise.softmax([Fraction(7), Fraction(7)]) == halves
    assert abs(precise.entropy(halves) - precise.logarithm(Fraction(2))) < TINY
    assert precise.entropy([Fraction(1), Fraction(0)]) == 0
    # cross entropy of p against its own softmax is its entropy exactly when p is that softmax
    logits = [Fraction(1), Fraction(3), Fraction(0)]
    p = precise.softmax(logits)
    assert abs(precise.cross_entropy(p, logits) - precise.entropy(p)) < TINY


def test_a_logarithm_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match=r"positive number, found 0\.0"):
        precise.logarithm(Fraction(0))
