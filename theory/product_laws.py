"""Laws of product form over subsets of size k, in rationals: plain sums over all subsets, from the definitions."""

import itertools
import math
from collections.abc import Sequence
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, localcontext
from fractions import Fraction

from theory.enumeration import Law, Mask
from theory.moments import Number

_DIGITS = Context(prec=120, Emin=MIN_EMIN, Emax=MAX_EMAX)
_CLOSE = Decimal("1e-50")
_MOST_STEPS = 300


def conditional_poisson_law(weights: Sequence[Number], k: int) -> Law:
    """P(S) = prod_{j in S} w_j / sum_{|T| = k} prod_{j in T} w_j over the subsets of size k.

    weights: w_j >= 0; math.inf for a unit that belongs to every subset, 0 for one that belongs to none. k is cut to
    the number of positive weights; ValueError where more than k are infinite.
    Source: Hajek, Annals of Mathematical Statistics 35, 1964.

    >>> law = conditional_poisson_law([Fraction(1), Fraction(2), Fraction(3)], 2)
    >>> law[(True, True, False)]
    Fraction(2, 11)
    """
    certain = [unit for unit, weight in enumerate(weights) if weight == math.inf]
    finite = {unit: Fraction(weight) for unit, weight in enumerate(weights) if 0 < weight < math.inf}
    free = min(k, len(certain) + len(finite)) - len(certain)
    if free < 0:
        raise ValueError(f"at most k={k} weights can be infinite, found {len(certain)}")
    shares = {
        (*certain, *subset): math.prod((finite[unit] for unit in subset), start=Fraction(1))
        for subset in itertools.combinations(finite, free)
    }
    return _law(shares, len(weights))


def sampford_law(pi: Sequence[Fraction], k: int) -> Law:
    """P(S) proportional to prod_{j in S} w_j * sum_{i in S} (1 - pi_i), w_j = pi_j / (1 - pi_j), over |S| = k.

    pi: inclusion probabilities with sum k; units with pi_j = 1 belong to every subset, and neither to the product
    nor (with 1 - pi_j = 0) to the sum. Where no other unit is left, the one subset has probability 1.
    Raises ValueError unless the sum is k and all are in [0, 1].
    Source: Sampford, Biometrika 54, 1967.

    >>> law = sampford_law([Fraction(1, 2), Fraction(3, 4), Fraction(3, 4)], 2)
    >>> law[(True, True, False)]
    Fraction(1, 4)
    """
    if sum(pi) != k or not all(0 <= p <= 1 for p in pi):
        raise ValueError(f"inclusion probabilities must be in [0, 1] with sum k={k}, found {[float(p) for p in pi]}")
    certain = [unit for unit, p in enumerate(pi) if p == 1]
    uncertain = [unit for unit, p in enumerate(pi) if 0 < p < 1]
    if not uncertain:
        return _law({tuple(certain): Fraction(1)}, len(pi))
    shares = {}
    for subset in itertools.combinations(uncertain, k - len(certain)):
        product = math.prod((pi[unit] / (1 - pi[unit]) for unit in subset), start=Fraction(1))
        shares[(*certain, *subset)] = product * sum((1 - pi[unit] for unit in subset), Fraction(0))
    return _law(shares, len(pi))


def maximum_entropy_weights(pi: Sequence[Fraction], k: int) -> list[Number]:
    """Weights of the conditional Poisson law with these inclusion probabilities, to 40 digits: math.inf where pi = 1.

    The entropy of a law of size k with inclusion probabilities pi is largest where log P(S) is a sum of x_j = log w_j
    over S, less a constant, with x the maximum of the concave sum_j pi_j x_j - log sum_S exp(sum_{j in S} x_j). Its
    gradient is pi - pi(x), its Hessian minus the covariance matrix of the indicators. Newton's method, with halved
    steps where the function would fall, by sums over all subsets in decimals of 120 digits; the last unit that is not
    settled keeps weight 1, since a common factor changes nothing. Any n for which the subsets can be listed.
    Raises ArithmeticError if 300 steps do not bring pi(x) / pi and (1 - pi(x)) / (1 - pi) within 10^-50 of 1.

    >>> [float(weight) for weight in maximum_entropy_weights([Fraction(1, 5), Fraction(4, 5)], 1)]
    [0.25, 1.0]
    """
    weights: list[Number] = [math.inf if p == 1 else Fraction(0) for p in pi]
    units = [unit for unit, p in enumerate(pi) if 0 < p < 1]
    free = k - sum(p == 1 for p in pi)
    with localcontext(_DIGITS):
        target = [Decimal(pi[unit].numerator) / Decimal(pi[unit].denominator) for unit in units]
        for unit, value in zip(units, _newton(target, free) if units else [], strict=True):
            weights[unit] = Fraction(value.exp())
    return weights


def _newton(target: list[Decimal], k: int) -> list[Decimal]:
    """x with pi(x) = target, the last entry 0, in the decimal context of the caller."""
    x = [(p / (1 - p)).ln() for p in target]
    x = [value - x[-1] for value in x]
    subsets = list(itertools.combinations(range(len(target)), k))
    value, pi, covariance = _dual(x, target, subsets)
    for _ in range(_MOST_STEPS):
        if all(abs(a - b) <= _CLOSE * min(b, 1 - b) for a, b in zip(pi, target, strict=True)):
            return x
        ascent = _solution(covariance, [b - a for a, b in zip(pi[:-1], target[:-1], strict=True)])
        scale = min(Decimal(1), 4 / max(map(abs, ascent)))  # beyond e^4 the quadratic says nothing
        while True:
            tried = [a + scale * b for a, b in zip(x, [*ascent, Decimal(0)], strict=True)]
            found = _dual(tried, target, subsets)
            if found[0] >= value or scale < _CLOSE:
                break
            scale /= 2
        x, (value, pi, covariance) = tried, found
    raise ArithmeticError(f"the maximum-entropy weights of pi={[float(p) for p in target]} were not found")


def _dual(
    x: list[Decimal], target: list[Decimal], subsets: list[tuple[int, ...]]
) -> tuple[Decimal, list[Decimal], list[list[Decimal]]]:
    """The concave function, pi(x), and the covariance matrix without the last unit."""
    units = range(len(x))
    shares = {subset: sum((x[unit] for unit in subset), Decimal(0)).exp() for subset in subsets}
    total = sum(shares.values(), Decimal(0))
    joint = [[Decimal(0)] * len(x) for _ in units]
    for subset, share in shares.items():
        for i, j in itertools.product(subset, repeat=2):
            joint[i][j] += share / total
    pi = [joint[unit][unit] for unit in units]
    covariance = [[joint[i][j] - pi[i] * pi[j] for j in units[:-1]] for i in units[:-1]]
    return sum((p * value for p, value in zip(target, x, strict=True)), -total.ln()), pi, covariance


def _solution(matrix: list[list[Decimal]], right: list[Decimal]) -> list[Decimal]:
    """Gauss-Jordan elimination; the matrix is positive definite, so the diagonal serves as pivots."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for pivot, row in enumerate(rows):
        row[:] = [value / row[pivot] for value in row]
        for other in rows:
            if other is not row:
                factor = other[pivot]
                other[:] = [a - factor * b for a, b in zip(other, row, strict=True)]
    return [row[-1] for row in rows]


def _law(shares: dict[tuple[int, ...], Fraction], n: int) -> Law:
    """Shares of subsets, made to sum to 1, by masks."""
    total = sum(shares.values(), Fraction(0))
    law: dict[Mask, Fraction] = {}
    for subset, share in shares.items():
        law[tuple(unit in subset for unit in range(n))] = share / total
    return law
