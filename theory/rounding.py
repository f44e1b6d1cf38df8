"""Rounding errors of production arithmetic, derived once: the tolerances of the claims come from here.

ROUNDING is the relative error of one correctly rounded float64 operation. Second-order terms are covered by
rounding every count of operations up to a power of two or by the stated margin.
"""

from collections.abc import Sequence
from fractions import Fraction

ROUNDING = Fraction(1, 2**53)

WEIGHT = 8 * ROUNDING
"""Relative error of a production weight 1 / pi_j: 2^-50.

Fixed point: pi_j is exact, the division rounds once. Simple random sampling: pi_j = k / n rounds once more.
Successive sampling for n < 9: `inclusion` normalises the sizes again, which moves each by at most two
roundings (a common factor does not matter); the elasticities d log pi_j / d log q_i sum to at most 2 in
absolute value, since the own one lies in [0, 1], the others are negative, and together they sum to 0. That
is 4 roundings in pi_j, one more for its conversion from a fraction, one for the division: 6, below 8.
"""

WEIGHT_SOURCE = "1 / pi_j: at most 6 roundings of 2^-53 (theory/rounding.py), below 2^-50"


def squared(error: Fraction) -> Fraction:
    """Relative error of a square, from that of its base: (1 + e)^2 - 1."""
    return 2 * error + error * error


def sizes(n: int) -> Fraction:
    """Relative error of production sizes of n units against exact ones, from exact norms.

    Scaling by the largest norm rounds once, a square three times as much; the sum of n terms n - 1 times, the
    division once; mixing takes at most five more operations. In all n + 8 roundings, doubled for the second order.
    """
    return 2 * (n + 8) * ROUNDING


def grid(n: int) -> Fraction:
    """Absolute error of a realised inclusion probability of n units against exact water-filling: 1.01 n 2^-40.

    The sizes err by n + 8 roundings, normalising them again by n + 1, water-filling by n + 1: at most 12 n, so
    12 n 2^-53 for a probability (a unit capped or not capped by rounding moves it by no more, since the map is
    continuous). Rounding to the grid, and what that leaves missing of the sum, move it by at most n units of 2^-40.
    """
    return Fraction(101, 100) * n * Fraction(1, 2**40)


GRID_SOURCE = "grid of 2^-40 and float64 water-filling: |pi_j - exact| <= 1.01 n 2^-40 (theory/rounding.py)"


def inverse_moment(gradient: Sequence[Fraction], pi: Sequence[Fraction], exact: Sequence[Fraction]) -> Fraction:
    """How far sum g_j^2 / pi_j may lie from its exact value when every pi_j errs by at most `grid`.

    |1/pi - 1/exact| = |pi - exact| / (pi exact), summed with g_j^2 over the units with a gradient (and pi_j > 0:
    beyond that the moment is infinite).
    """
    error = grid(len(pi))
    terms = (g * g * error / (p * e) for g, p, e in zip(gradient, pi, exact, strict=True) if g != 0 and p > 0)
    return sum(terms, Fraction(0))
