"""h = D grad F + c against E[pi_j g_j], and the bounds on c."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from theory.gradient_law import GradientLaw
from theory.masked_bias import covariance, inclusion_variances, mean_inclusion, mean_masked, universal_bound

SHARES = st.lists(st.integers(1, 9), min_size=1, max_size=5)
VALUES = st.fractions(-9, 9, max_denominator=8)
CHANCES = st.fractions(0, 1, max_denominator=9)


@st.composite
def cases(draw: st.DrawFn) -> tuple[GradientLaw, list[list[Fraction]]]:
    """A law of two units, and inclusion probabilities of each of its values."""
    shares = draw(SHARES)
    values = [(draw(VALUES), draw(VALUES)) for _ in shares]
    law = GradientLaw("drawn", tuple((Fraction(s, sum(shares)), v) for s, v in zip(shares, values, strict=True)))
    return law, [[draw(CHANCES), draw(CHANCES)] for _ in shares]


@given(cases())
def test_the_decomposition_is_the_mean_of_pi_g(case: tuple[GradientLaw, list[list[Fraction]]]) -> None:
    law, pi = case
    direct = [sum(p * row[j] * g[j] for (p, g), row in zip(law.values, pi, strict=True)) for j in range(2)]
    assert list(mean_masked(law, pi)) == direct


@given(cases())
def test_the_bounds_of_the_covariance(case: tuple[GradientLaw, list[list[Fraction]]]) -> None:
    law, pi = case
    c, spreads = covariance(law, pi), inclusion_variances(law, pi)
    assert all(spread <= Fraction(1, 4) for spread in spreads)
    between = sum((one * other for one, other in zip(spreads, law.variances, strict=True)), Fraction(0))
    assert sum(value * value for value in c) <= between <= universal_bound(law.sigma2)


def test_the_bound_is_attained() -> None:
    half = Fraction(1, 2)
    law = GradientLaw("two points", ((half, (Fraction(2),)), (half, (Fraction(0),))))
    pi = [[Fraction(1)], [Fraction(0)]]
    assert mean_inclusion(law, pi) == (half,)
    assert covariance(law, pi)[0] ** 2 == universal_bound(law.sigma2) == Fraction(1, 4)
