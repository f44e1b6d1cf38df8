r"""The mean field of AMSS under noise that is symmetric jointly, but not coordinate by coordinate.

F = |w|^2 / 2 with n units, one of them drawn with probability q_j = g_j^2 / |g|^2. Noise: xi = s m, with a fair sign s
and m a uniformly random permutation of (1, small, ..., small). Then xi and -xi have the same law, but given the other
coordinates the sign of xi_j is known. On the diagonal w = t (1, ..., 1) all h_j = E g_j^3 / |g|^2 are equal:

    drift(t) = (1 / (2n)) sum_{s = +-1} (a^3 + (n-1) b^3) / (a^2 + (n-1) b^2),   a = t + s,  b = t + s small.

The derivative of h at such a point is J = alpha I + beta 1 1^T by symmetry, since every h_j depends on its own g_j and
on all others alike. Its eigenvalues are drift'(t) along the diagonal and alpha = J_jj - J_ij across it. With
S_p = sum_j g_j^p, the mean over j of d h_j / d w_j is (1/n) E[3 - 2 S_4 / S_2^2], that over pairs of d h_j / d w_i is
-2 / (n (n-1)) E[(S_3 S_1 - S_4) / S_2^2]. AMSS follows dw/dt = -h(w): a point is stable where both are positive.
"""

from collections.abc import Iterator
from fractions import Fraction

UNITS = 101
SMALL = Fraction(1, 10)


def pair(t: Fraction, small: Fraction) -> Iterator[tuple[Fraction, Fraction]]:
    """(a, b), for both signs of the noise: one unit has gradient a, all others b."""
    for sign in (1, -1):
        yield t + sign, t + sign * small


def drift(t: Fraction, n: int = UNITS, small: Fraction = SMALL) -> Fraction:
    """h_j at w = t (1, ..., 1), the same for all j.

    >>> drift(Fraction(0))
    Fraction(0, 1)
    >>> drift(Fraction(2), n=2, small=Fraction(1))
    Fraction(1, 1)
    """
    values = ((a**3 + (n - 1) * b**3) / (a**2 + (n - 1) * b**2) for a, b in pair(t, small))
    return sum(values, Fraction(0)) / (2 * n)


def along(t: Fraction, n: int = UNITS, small: Fraction = SMALL) -> Fraction:
    """drift'(t): the eigenvalue of J along the diagonal."""
    total = Fraction(0)
    for a, b in pair(t, small):
        cubes, squares, one = a**3 + (n - 1) * b**3, a**2 + (n - 1) * b**2, a + (n - 1) * b
        total += 3 - 2 * cubes * one / squares**2
    return total / (2 * n)


def across(t: Fraction, n: int = UNITS, small: Fraction = SMALL) -> Fraction:
    """alpha: the eigenvalue of J on the directions that sum to 0."""
    total = Fraction(0)
    for a, b in pair(t, small):
        sums = [a**p + (n - 1) * b**p for p in range(5)]
        own = 3 - 2 * sums[4] / sums[2] ** 2
        other = -2 * (sums[3] * sums[1] - sums[4]) / sums[2] ** 2 / (n - 1)
        total += own - other
    return total / (2 * n)


def root(low: Fraction, high: Fraction, width: Fraction = Fraction(1, 2**40)) -> tuple[Fraction, Fraction]:
    """A rational bracket of a root of the drift, no wider than `width`, by bisection.

    Raises ValueError unless the drift is < 0 at `low` and > 0 at `high`.

    >>> low, high = root(Fraction(1, 10), Fraction(1, 2))
    >>> round(float(low), 4), round(float(101 * high * high), 2)
    (0.1755, 3.11)
    """
    if not drift(low) < 0 < drift(high):
        raise ValueError(f"the drift must change from negative to positive, found {drift(low)} and {drift(high)}")
    while high - low > width:
        middle = (low + high) / 2
        low, high = (middle, high) if drift(middle) < 0 else (low, middle)
    return low, high
