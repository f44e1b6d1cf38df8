r"""Interpolating least squares on which a mask that follows the gradient points uphill.

n = 3 components f_i(x) = <a_i, x>^2 + (ridge / 2) |x|^2 on R^3, a_i the cyclic shifts of one row a, i uniform. Every
f_i has its minimum 0 at x = 0: the gradient noise vanishes there. grad f_i(x) = 2 <a_i, x> a_i + ridge x.

On the diagonal x = t (1, 1, 1), grad f_i = t g_i with g_i the shifts of g = 2 (sum a) a + ridge, and by symmetry the
mean over i of any masked gradient that commutes with permutations is again on the diagonal: it is t times one slope. A
slope below 0 means that the mean step leads away from the minimum.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

Row = tuple[Fraction, Fraction, Fraction]


@dataclass(frozen=True)
class Interpolating:
    """The instance of one row a and a ridge >= 0, exactly.

    >>> instance = Interpolating((Fraction(-8), Fraction(5), Fraction(5)), Fraction(1))
    >>> [str(value) for value in instance.diagonal]
    ['-31', '21', '21']
    >>> str(instance.slope), str(instance.squared_slope), round(float(instance.squared_slope), 3)
    ('11/3', '-11269/5529', -2.038)
    """

    row: Row
    ridge: Fraction

    @property
    def rows(self) -> list[Row]:
        """a_1, a_2, a_3."""
        a, b, c = self.row
        return [(a, b, c), (c, a, b), (b, c, a)]

    def gradient(self, index: int, x: Sequence[Fraction]) -> list[Fraction]:
        """grad f_i(x)."""
        a = self.rows[index]
        inner = sum((p * q for p, q in zip(a, x, strict=True)), Fraction(0))
        return [2 * inner * p + self.ridge * q for p, q in zip(a, x, strict=True)]

    @property
    def diagonal(self) -> list[Fraction]:
        """The gradient of f_1 at (1, 1, 1)."""
        return self.gradient(0, (Fraction(1),) * 3)

    @property
    def slope(self) -> Fraction:
        """Of the full gradient: the mean of the diagonal gradient."""
        return sum(self.diagonal, Fraction(0)) / 3

    @property
    def squared_slope(self) -> Fraction:
        """Of the 0/1 mask that draws one unit with probability q_j = g_j^2 / |g|^2: mean over j of q_j g_j."""
        g = self.diagonal
        return sum((x**3 for x in g), Fraction(0)) / (3 * sum((x**2 for x in g), Fraction(0)))

    def mixed_slope(self, mix: Fraction) -> Fraction:
        """Of the 0/1 mask that draws one unit by (1 - mix) q_j + mix / 3.

        >>> instance = Interpolating((Fraction(-8), Fraction(5), Fraction(5)), Fraction(1))
        >>> round(float(instance.mixed_slope(Fraction(1, 2))), 3)
        -0.408
        """
        return (1 - mix) * self.squared_slope + mix / 3 * self.slope

    @property
    def largest_slope(self) -> Fraction:
        """Of the mask that keeps the unit of largest |g_j|: a third of that gradient."""
        return max(self.diagonal, key=abs) / 3

    @property
    def curvatures(self) -> tuple[Fraction, Fraction]:
        """Eigenvalues s of S = (1/3) sum a_i a_i^T: on the diagonal, and on its complement (twice).

        S is circulant and symmetric, so (1, 1, 1) is an eigenvector, with (sum a)^2 / 3, and the other two eigenvalues
        are equal (S has one value off its diagonal); the trace |a|^2 gives them.
        """
        on = sum(self.row, Fraction(0)) ** 2 / 3
        return on, (sum((p * p for p in self.row), Fraction(0)) - on) / 2

    def contraction(self, stepsize: Fraction, factor: Fraction) -> Fraction:
        r"""r with E |x_1|^2 <= r |x_0|^2 for unbiased masks, E |M * g|^2 <= (1 + omega) |g|^2, from every x_0.

        E |x_1|^2 <= |x|^2 - 2 eta x^T (2 S + ridge) x + eta^2 (1 + omega) mean_i |grad f_i(x)|^2, and
        |grad f_i|^2 = 4 (|a|^2 + ridge) <a_i, x>^2 + ridge^2 |x|^2, with mean x^T (4 (|a|^2 + ridge) S + ridge^2) x.
        All are polynomials in S, so r is the largest of 1 - 2 eta (2 s + ridge) + eta^2 (1 + omega) (4 (|a|^2 + ridge)
        s + ridge^2) over the eigenvalues s. factor: 1 + omega.
        """
        grown = 4 * (sum((p * p for p in self.row), Fraction(0)) + self.ridge)
        return max(
            1 - 2 * stepsize * (2 * s + self.ridge) + stepsize**2 * factor * (grown * s + self.ridge**2)
            for s in self.curvatures
        )


STEEP = Interpolating((Fraction(-8), Fraction(5), Fraction(5)), Fraction(1))
"""AMSS leads uphill: slopes 11/3 and -2.038."""

PUBLISHED = Interpolating((Fraction(-3), Fraction(2), Fraction(2)), Fraction(1, 2))
"""Beznosikov et al. (arXiv 2002.12410): top-1 leads uphill, with -11/6, but importance sampling does not (+.075)."""
