"""Moments of a masked gradient under an exact law.

C(g) = M .* g with multipliers M: an outcome is a probability and the multipliers that come with it. All sums
are over outcomes, so every identity between moments and inclusion probabilities is checked, not used; the
closed formulas stand apart at the end. Multipliers may be floats that are not finite, where the code under
test returned such: the moment is then not finite either.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction

from theory.enumeration import Law, Mask

Number = Fraction | float
Outcome = tuple[Fraction, Sequence[Number]]
"""A probability, and the multipliers of that outcome."""


def weighted(law: Law, weights: Callable[[Mask], Sequence[Number]]) -> list[Outcome]:
    """The outcomes of a law when every mask gets these multipliers."""
    return [(probability, weights(mask)) for mask, probability in law.items()]


def inclusion(law: Law) -> list[Fraction]:
    """pi_j = P(unit j drawn)."""
    return [_sum(p for mask, p in law.items() if mask[unit]) for unit in range(_units(law))]


def joint_inclusion(law: Law) -> list[list[Fraction]]:
    """pi_ij = P(units i and j drawn), with pi_jj = pi_j."""
    units = range(_units(law))
    return [[_sum(p for mask, p in law.items() if mask[i] and mask[j]) for j in units] for i in units]


def mean_multipliers(outcomes: Sequence[Outcome]) -> list[Number]:
    """E[M_j]."""
    return [_total(p * m[unit] for p, m in outcomes if m[unit]) for unit in _range(outcomes)]


def mean_square_multipliers(outcomes: Sequence[Outcome]) -> list[Number]:
    """E[M_j^2]."""
    return [_total(p * m[unit] * m[unit] for p, m in outcomes if m[unit]) for unit in _range(outcomes)]


def second_moment(outcomes: Sequence[Outcome], gradient: Sequence[Fraction]) -> Number:
    """E |C(g)|^2, summed outcome by outcome."""
    squares = [(p, _total((m * g) * (m * g) for m, g in zip(row, gradient, strict=True) if m)) for p, row in outcomes]
    return _total(p * square for p, square in squares)


def linear_form_variance(outcomes: Sequence[Outcome], coefficients: Sequence[Fraction]) -> Number:
    """Var(sum_j a_j M_j) for coefficients a (a_j g_j for a linear form of the masked gradient)."""
    forms = [(p, _total(m * a for m, a in zip(multipliers, coefficients, strict=True))) for p, multipliers in outcomes]
    mean = _total(p * form for p, form in forms)
    return _total(p * (form - mean) * (form - mean) for p, form in forms)


def horvitz_thompson_second_moment(pi: Sequence[Fraction], gradient: Sequence[Fraction]) -> Number:
    """sum_j g_j^2 / pi_j over the units with g_j != 0: the closed form, free of pi_ij. Infinite where pi_j = 0."""
    live = [(p, g) for p, g in zip(pi, gradient, strict=True) if g != 0]
    return math.inf if any(p == 0 for p, _ in live) else _sum(g * g / p for p, g in live)


def horvitz_thompson_variance(joint: Sequence[Sequence[Fraction]], coefficients: Sequence[Fraction]) -> Fraction:
    """Var(sum_j a_j B_j / pi_j) = sum_ij a_i a_j (pi_ij / (pi_i pi_j) - 1), from joint inclusion."""
    live = [unit for unit in range(len(joint)) if joint[unit][unit] > 0]
    return _sum(
        coefficients[i] * coefficients[j] * (joint[i][j] / (joint[i][i] * joint[j][j]) - 1) for i in live for j in live
    )


def sen_yates_grundy_variance(joint: Sequence[Sequence[Fraction]], coefficients: Sequence[Fraction]) -> Fraction:
    """The same variance for designs of fixed size, as a sum over pairs (Sen 1953; Yates and Grundy 1953)."""
    live = [unit for unit in range(len(joint)) if joint[unit][unit] > 0]
    return _sum(
        (joint[i][i] * joint[j][j] - joint[i][j]) * (coefficients[i] / joint[i][i] - coefficients[j] / joint[j][j]) ** 2
        for i in live
        for j in live
        if i < j
    )


def _units(law: Law) -> int:
    return len(next(iter(law)))


def _range(outcomes: Sequence[Outcome]) -> range:
    return range(len(outcomes[0][1]))


def _sum(values: Iterable[Fraction]) -> Fraction:
    return sum(values, Fraction(0))


def _total(values: Iterable[Number]) -> Number:
    total: Number = Fraction(0)
    for value in values:
        total = value if total == 0 else total + value
    return total
