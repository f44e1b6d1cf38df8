"""What the 0/1 mask does to a stochastic gradient on average: h = D grad F + c, and how large c can be.

h_j = E[B_j g_j], d_j = E pi_j(g) on the diagonal of D, c_j = Cov(pi_j(g), g_j), all over a finite law of g with the
inclusion probabilities pi(g) of each of its values, in the order of `law.values`.
"""

from collections.abc import Sequence
from fractions import Fraction

from theory.gradient_law import GradientLaw, Vector

Inclusions = Sequence[Sequence[Fraction]]


def mean_inclusion(law: GradientLaw, pi: Inclusions) -> Vector:
    """d_j = E pi_j(g).

    >>> half = Fraction(1, 2)
    >>> law = GradientLaw("coin", ((half, (Fraction(3),)), (half, (Fraction(1),))))
    >>> mean_inclusion(law, [[Fraction(1)], [Fraction(0)]]), covariance(law, [[Fraction(1)], [Fraction(0)]])
    ((Fraction(1, 2),), (Fraction(1, 2),))
    """
    return _mean([(probability, row) for (probability, _), row in zip(law.values, pi, strict=True)])


def covariance(law: GradientLaw, pi: Inclusions) -> Vector:
    """c_j = Cov(pi_j(g), g_j) = E[(pi_j - d_j)(g_j - E g_j)]."""
    d = mean_inclusion(law, pi)
    products = [
        (probability, [(p - at) * (x - m) for p, at, x, m in zip(row, d, value, law.mean, strict=True)])
        for (probability, value), row in zip(law.values, pi, strict=True)
    ]
    return _mean(products)


def inclusion_variances(law: GradientLaw, pi: Inclusions) -> Vector:
    """Var(pi_j(g)), at most 1/4 each."""
    d = mean_inclusion(law, pi)
    rows = zip(law.values, pi, strict=True)
    return _mean([(value[0], [(p - at) ** 2 for p, at in zip(row, d, strict=True)]) for value, row in rows])


def mean_masked(law: GradientLaw, pi: Inclusions) -> Vector:
    """h = D grad F + c: the mean of the masked gradient, from its decomposition."""
    parts = zip(mean_inclusion(law, pi), law.mean, covariance(law, pi), strict=True)
    return tuple(d * slope + c for d, slope, c in parts)


def universal_bound(sigma2: Fraction) -> Fraction:
    """|c|^2 <= sigma^2 / 4, whatever the inclusion probabilities and the law of g."""
    return sigma2 / 4


def _mean(rows: Sequence[tuple[Fraction, Sequence[Fraction]]]) -> Vector:
    columns = zip(*([probability * value for value in row] for probability, row in rows), strict=True)
    return tuple(sum(column, Fraction(0)) for column in columns)
