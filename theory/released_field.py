r"""Where the released AMSS+ weights settle on F = |w|^2 / 2 with two units, one of them drawn with q_j = g_j^2 / |g|^2.

The weight of the unit drawn is 1 / (q_j + 1/2), so given g the mean masked gradient is
phi_1(x, y) = x q_1 / (q_1 + 1/2) = 2 x^3 / (3 x^2 + y^2). With the noise of `theory.mean_field` (xi_1 two-point,
xi_2 = +-1) and w_2 = 0,

    drift(w_1) = h_1(w_1, 0) = E 2 x^3 / (3 x^2 + 1),  x = w_1 + xi_1,  and h_2(w_1, 0) = 0 by the symmetry of xi_2.

d/dx of 2 x^3 / (3 x^2 + 1) is 6 x^2 (x^2 + 1) / (3 x^2 + 1)^2 >= 0, so the drift increases strictly and has one root.
"""

from fractions import Fraction

from theory.mean_field import two_point


def drift(w: Fraction, p: Fraction) -> Fraction:
    """h_1(w, 0), exactly.

    >>> drift(Fraction(0), Fraction(1, 10))
    Fraction(1, 7)
    """
    points = [(w + value, probability) for value, probability in two_point(p)]
    return sum((probability * 2 * x**3 / (3 * x**2 + 1) for x, probability in points), Fraction(0))


def root(p: Fraction, width: Fraction = Fraction(1, 2**40)) -> tuple[Fraction, Fraction]:
    """A rational bracket of the root, no wider than `width`: the drift is < 0 and >= 0 at its ends.

    Bisection from [-up, -down], where one of the two terms vanishes and the other has the right sign.

    >>> low, high = root(Fraction(1, 10))
    >>> round(float(low), 4), round(float(high), 4)
    (-0.2482, -0.2482)
    """
    (up, _), (down, _) = two_point(p)
    low, high = -up, -down
    while high - low > width:
        middle = (low + high) / 2
        low, high = (middle, high) if drift(middle, p) < 0 else (low, middle)
    return low, high
