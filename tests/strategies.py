"""Hypothesis strategies, named after the hypotheses that they satisfy. Rationals throughout: nothing here rounds."""

from fractions import Fraction

from hypothesis import strategies as st

MOST_UNITS = 6


@st.composite
def positive_sizes(draw: st.DrawFn, most_units: int = MOST_UNITS) -> list[Fraction]:
    """Sizes above zero, with ties and with one dominant unit among the cases; float64 holds each exactly."""
    n = draw(st.integers(1, most_units))
    mantissas = draw(st.lists(st.integers(1, 64), min_size=n, max_size=n))
    powers = draw(st.lists(st.integers(-10, 10), min_size=n, max_size=n))
    return [Fraction(mantissa) * Fraction(2) ** power for mantissa, power in zip(mantissas, powers, strict=True)]


@st.composite
def sizes_with_zeros(draw: st.DrawFn, most_units: int = MOST_UNITS) -> list[Fraction]:
    """Sizes of which at least one is positive, and any other may be zero."""
    sizes = draw(positive_sizes(most_units))
    kept = draw(st.integers(0, len(sizes) - 1))
    zero = draw(st.lists(st.booleans(), min_size=len(sizes), max_size=len(sizes)))
    gone = [flag and unit != kept for unit, flag in enumerate(zero)]
    return [Fraction(0) if out else size for size, out in zip(sizes, gone, strict=True)]


@st.composite
def sizes_and_count(draw: st.DrawFn, most_units: int = MOST_UNITS) -> tuple[list[Fraction], int]:
    """Sizes with zeros among them, and a count of 1 to n: it may exceed the number of positive sizes."""
    sizes = draw(sizes_with_zeros(most_units))
    return sizes, draw(st.integers(1, len(sizes)))


@st.composite
def inclusion_of_whole_sum(draw: st.DrawFn, most_units: int = MOST_UNITS) -> list[Fraction]:
    """Inclusion probabilities in [0, 1] whose sum is a whole number of at least 1."""
    n = draw(st.integers(2, most_units))
    parts = draw(st.lists(st.integers(0, 24), min_size=n, max_size=n))
    short = -sum(parts) % 24
    # What is missing to a whole sum goes where there is room.
    for unit in range(n):
        given = min(24 - parts[unit], short)
        parts[unit] += given
        short -= given
    if short or not sum(parts):
        parts = [24] * n
    return [Fraction(part, 24) for part in parts]


def gradients(n: int) -> st.SearchStrategy[list[Fraction]]:
    """n gradient blocks of one coordinate, zeros among them; float64 holds each exactly."""
    return st.lists(st.integers(-64, 64).map(lambda value: Fraction(value, 8)), min_size=n, max_size=n)
