"""Worst cases in closed form, for L = 1 and a gap of 1: `Fraction` in, `Fraction` out.

For L and Delta = F(w_0) - F* multiply squared gradients by L Delta: v -> F(v sqrt(Delta / L)) / Delta is 1-smooth, has
a gap of 1, and the same trajectory up to scale. Proofs: theory/claims/worst_case_*.py.
"""

from fractions import Fraction


def smallest_from_drop(steps: int) -> Fraction:
    """min_{t<=N} |grad F(w_t)|^2 = 4 / (3 N): N steps of gradient descent, eta = 1/L, F(w_0) - F(w_N) = 1.

    >>> smallest_from_drop(2)
    Fraction(2, 3)
    """
    return Fraction(4, 3 * steps)


def smallest_from_gap(steps: int) -> Fraction:
    """min_{t<=N} |grad F(w_t)|^2 = 4 / (3 N + 2): the same with F(w_0) - F* = 1.

    >>> smallest_from_gap(2)
    Fraction(1, 2)
    """
    return Fraction(4, 3 * steps + 2)


def masked_average(steps: int, n: int, k: int) -> Fraction:
    """(1/T) sum_{t<T} E |grad F(w_t)|^2 = (2 n / (k T)) (1 - (1 - k/n)^T), uniform masks of k of n, eta = k / (n L).

    k = n is gradient descent at eta = 1/L, with 2 / T.

    >>> masked_average(2, 2, 1)
    Fraction(3, 2)
    """
    keep = Fraction(k, n)
    return 2 / keep * (1 - (1 - keep) ** steps) / steps


def biased_average(steps: int, relative: Fraction, absolute: Fraction) -> Fraction:
    """(1/T) sum_{t<T} |grad F(w_t)|^2 with bias |b|^2 <= m |grad F|^2 + zeta^2, eta = 1/L, m < 1:

    (2 / (T (1 - m))) (1 - m^T) + (zeta^2 / (1 - m)) (1 - (1 - m^T) / (T (1 - m))).

    relative: m. absolute: zeta^2.

    >>> biased_average(2, Fraction(1, 4), Fraction(0)), biased_average(2, Fraction(0), Fraction(1, 10))
    (Fraction(5, 4), Fraction(21, 20))
    """
    spent = (1 - relative**steps) / (1 - relative) / steps
    return 2 * spent + absolute / (1 - relative) * (1 - spent)


def top_one_average(steps: int, n: int) -> Fraction:
    """(1/T) sum_{t<T} |grad F(w_t)|^2 <= (2 n / T) (1 - (1 - 1/n)^T), largest of n blocks, eta = 1/L.

    An upper bound, attained for T <= 2 and n = 2; below 2 n / T.

    >>> top_one_average(2, 2)
    Fraction(3, 2)
    """
    return masked_average(steps, n, 1)
