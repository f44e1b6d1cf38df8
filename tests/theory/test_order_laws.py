"""The laws of order sampling: probabilities that sum to 1, and agreement with other formulas and known values."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.assertions import assert_is_law
from tests.strategies import inclusion_of_whole_sum
from theory import enumeration, moments
from theory.order_laws import pareto_law, sequential_poisson_law

TARGET = [Fraction(tenths, 10) for tenths in (1, 2, 3, 4, 4, 6)]
INSIDE = st.fractions(Fraction(1, 50), Fraction(49, 50), max_denominator=50)


@given(inclusion_of_whole_sum())
def test_sequential_poisson_is_a_law_of_fixed_size(target: list[Fraction]) -> None:
    law = sequential_poisson_law(target)
    assert_is_law(law, len(target))
    assert {sum(mask) for mask in law} == {sum(target)}
    pi = moments.inclusion(law)
    for chance, realised in zip(target, pi, strict=True):
        assert (realised == chance) if chance in (0, 1) else (0 < realised < 1)


@given(inclusion_of_whole_sum())
def test_pareto_is_a_law_of_fixed_size_within_its_error(target: list[Fraction]) -> None:
    law, error = pareto_law(target)
    assert {sum(mask) for mask in law} == {sum(target)}
    assert all(probability > 0 for probability in law.values())
    assert abs(math.fsum(law.values()) - 1) <= len(law) * error
    assert error < 1e-12


@given(INSIDE)
def test_two_uniform_ranks(chance: Fraction) -> None:
    """The slower of two uniform ranks comes first if it beats the other's whole range, half of the time."""
    low = min(chance, 1 - chance)
    law = sequential_poisson_law([low, 1 - low])
    assert law[(True, False)] == low / (1 - low) / 2


@given(INSIDE.filter(lambda chance: chance != Fraction(1, 2)))
def test_two_pareto_ranks(chance: Fraction) -> None:
    """int a / ((1 + a t)^2 (1 + b t)) dt = a / (a - b) - a b log(a / b) / (a - b)^2."""
    law, error = pareto_law([chance, 1 - chance])
    a, b = float(chance / (1 - chance)), float((1 - chance) / chance)
    closed = a / (a - b) - a * b * math.log(a / b) / (a - b) ** 2
    # The two terms cancel where a is near b: at most a factor a / |a - b| of a few roundings.
    assert abs(law[(True, False)] - closed) <= error + 8 * (a + b) ** 2 / (a - b) ** 2 * 2.0**-53


@pytest.mark.parametrize("n", [2, 5, 6])
def test_equal_targets_are_simple_random_sampling(n: int) -> None:
    for k in range(1, n):
        expected = enumeration.simple_random_law([Fraction(1)] * n, k)
        assert sequential_poisson_law([Fraction(k, n)] * n) == expected
        law, error = pareto_law([Fraction(k, n)] * n)
        assert law.keys() == expected.keys()
        assert all(abs(law[mask] - expected[mask]) <= error for mask in law)


def test_inclusion_probabilities_miss_their_target_as_known() -> None:
    sequential = moments.inclusion(sequential_poisson_law(TARGET))
    pareto = moments.inclusion({mask: Fraction(value) for mask, value in pareto_law(TARGET)[0].items()})
    for found, percent in ((sequential, 14.1), (pareto, 2.2)):
        worst = max(abs(pi / chance - 1) for pi, chance in zip(found, TARGET, strict=True))
        assert round(100 * float(worst), 1) == percent


def test_certain_units_are_always_drawn_and_others_never() -> None:
    half, one, none = Fraction(1, 2), Fraction(1), Fraction(0)
    for law in (sequential_poisson_law([half, one, none, half]), pareto_law([half, one, none, half])[0]):
        assert set(law) == {(True, True, False, False), (False, True, False, True)}
    assert sequential_poisson_law([one, none, one]) == {(True, False, True): 1}
    assert sequential_poisson_law([none, none]) == {(False, False): 1}
    assert pareto_law([one, none])[0] == {(True, False): 1.0}


def test_what_is_no_target_is_refused() -> None:
    for law in (sequential_poisson_law, pareto_law):
        with pytest.raises(ValueError, match="up to n = 8, found n = 9"):
            law([Fraction(1, 3)] * 9)
        with pytest.raises(ValueError, match=r"lie in \[0, 1\] and have a whole sum, found \['1/3', '1/3'\]"):
            law([Fraction(1, 3)] * 2)
        with pytest.raises(ValueError, match=r"lie in \[0, 1\]"):
            law([Fraction(-1, 2), Fraction(3, 2)])
