"""The field of the released weights against its definition, and the root that it brackets."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from theory import mean_field, released_field

SKEWS = st.sampled_from([Fraction(1, 10), Fraction(1, 2), Fraction(1, 5), Fraction(9, 10), Fraction(4, 13)])
POINTS = st.fractions(-5, 5, max_denominator=99)


@given(POINTS, SKEWS)
def test_the_drift_is_the_mean_of_the_weighted_unit(w: Fraction, p: Fraction) -> None:
    total = Fraction(0)
    for value, probability in mean_field.two_point(p):
        x = w + value
        q = x * x / (x * x + 1)
        total += probability * q * x / (q + Fraction(1, 2))
    assert released_field.drift(w, p) == total


@given(POINTS, st.fractions(Fraction(1, 99), 5, max_denominator=99), SKEWS)
def test_the_drift_increases_strictly(w: Fraction, step: Fraction, p: Fraction) -> None:
    assert released_field.drift(w, p) < released_field.drift(w + step, p)


@given(SKEWS)
def test_the_root_is_bracketed(p: Fraction) -> None:
    low, high = released_field.root(p)
    assert high - low <= Fraction(1, 2**40)
    assert released_field.drift(low, p) < 0 <= released_field.drift(high, p)


def test_it_is_nearer_than_that_of_amss() -> None:
    p = Fraction(1, 10)
    assert mean_field.root(p)[1] < released_field.root(p)[0] < 0
