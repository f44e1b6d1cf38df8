"""Quadratic forms of a Horvitz-Thompson masked gradient, and what rounding of production's pi_ij does to them.

C_j = M_j g_j with M_j = B_j / pi_j. Everything here follows from E[M_i M_j] = pi_ij / (pi_i pi_j).
"""

from collections.abc import Sequence
from fractions import Fraction

from amss_min.designs import ConditionalPoisson, Design, Sampford
from theory.moments import Number, Outcome
from theory.rounding import ROUNDING, WEIGHT

Matrix = Sequence[Sequence[Fraction]]


def quadratic_form_mean(joint: Matrix, form: Matrix, gradient: Sequence[Fraction]) -> Fraction:
    """E[C^T H C] = sum_ij H_ij g_i g_j pi_ij / (pi_i pi_j), from joint inclusion (pi_jj = pi_j > 0 wherever g_j != 0).

    >>> half, g = Fraction(1, 2), [Fraction(1), Fraction(2)]
    >>> quadratic_form_mean([[half, 0], [0, half]], [[1, 1], [1, 1]], g)
    Fraction(10, 1)
    """
    live = [unit for unit in range(len(joint)) if joint[unit][unit] > 0]
    return sum(
        (
            form[i][j] * gradient[i] * gradient[j] * joint[i][j] / (joint[i][i] * joint[j][j])
            for i in live
            for j in live
        ),
        Fraction(0),
    )


def realised_quadratic_form(outcomes: Sequence[Outcome], form: Matrix, gradient: Sequence[Fraction]) -> Number:
    """E[C^T H C], summed outcome by outcome with the multipliers that production gave."""
    total: Number = Fraction(0)
    for probability, multipliers in outcomes:
        c = [(unit, m * g) for unit, (m, g) in enumerate(zip(multipliers, gradient, strict=True)) if m]
        for i, one in c:
            for j, other in c:
                total = total + probability * form[i][j] * one * other
    return total


def absolute(form: Matrix) -> list[list[Fraction]]:
    """|H_ij|: for the bounds of errors, which are relative to every term."""
    return [[abs(value) for value in row] for row in form]


def outer(coefficients: Sequence[Fraction]) -> list[list[Fraction]]:
    """a a^T: its quadratic form is the square of the linear form a^T C."""
    return [[one * other for other in coefficients] for one in coefficients]


def joint_error(design: Design, n: int) -> Fraction:
    """Relative error of a production pi_ij of n units against that of the exact law.

    Laws of product form state 2^-50 (n + 1) of themselves, pivotal sampling 4 (n + 2) roundings of 2^-53; the others
    are sums of whole numbers, products or quotients that round at most twice. A mean over the n! orders adds at most
    n! roundings. For n <= 4, up to which random orders are tried, that is below 128 roundings, 2^-46.
    """
    exactness = 128 * ROUNDING
    return max(exactness, 8 * (n + 1) * ROUNDING) if isinstance(design, ConditionalPoisson | Sampford) else exactness


def form_error(design: Design, n: int) -> Fraction:
    """Relative error of a term of E[C^T H C] with production's pi_ij against the sum with production's multipliers.

    Two weights err by `rounding.WEIGHT` each, pi_ij by `joint_error`, pi_i and pi_j, which the weights divide by as
    well, by the same; in all four of the larger, doubled for the second order.
    """
    return 8 * max(WEIGHT, joint_error(design, n))
