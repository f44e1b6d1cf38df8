r"""How near to the root of their mean field the released AMSS+ weights settle; the instance of theory.released_field.

phi_1(x, y) = 2 x^3 / (3 x^2 + y^2) = r f(theta), f = 2 c^3 / (1 + 2 u) with c = cos(theta), u = c^2.

- |grad phi_1|^2 = f^2 + f'^2 = (36 u^2 + 16 u^3 - 16 u^4) / (1 + 2 u)^4 <= G^2 = 5/8, attained at u = 1/2:
  (5/8)(1 + 2 u)^4 less the numerator is (u - 1/2)^2 (26 u^2 + 30 u + 5/2) >= 0. So h_1 is G-Lipschitz.
- The Hessian at radius r has the eigenvalues 0 and (f + f'') / r = 12 c (1 - 2 u) / (1 + 2 u)^3 / r, at most 2 / r in
  modulus. For u <= 1/2, 6 c <= 4/5 + (45/4) u, and (4/5 + (45/4) u)(1 - 2 u) <= 1 + 6 u + 12 u^2 <= (1 + 2 u)^3, since
  1/5 - (73/20) u + (69/2) u^2 has a negative discriminant; for 1/2 < u <= 1, 6 (2 u - 1) <= 6 < 8 <= (1 + 2 u)^3.

As in theory.mean_field it follows that |phi_1(g + d) - phi_1(g) - <grad phi_1(g), d>| <= (1 + 2 G) |d|^2 for |g| >= 1:
with s = 2 G / (1 + 2 G), for |d| <= s the segment stays at radius 1 - s, and Taylor gives |d|^2 / (1 - s); otherwise
the left side is at most 2 G |d| <= (2 G / s) |d|^2. The noise xi_2 = +-1 keeps |w + xi| >= 1 at w = (m, 0), and h_1
is even in w_2. So for random w with E w_1 = m,

    |drift(m) - E h_1(w)| <= (1 + 2 G) E |w - (m, 0)|^2,    and    E |w|^2 >= (drift(0) - E h_1(w))^2 / G^2.
"""

import math
from fractions import Fraction

from theory import released_field
from theory.mean_field import two_point

LIPSCHITZ_SQUARED = Fraction(5, 8)
"""G^2, G the Lipschitz constant of h_1."""

CURVATURE = 1 + 2 * math.sqrt(LIPSCHITZ_SQUARED)
"""1 + 2 G."""


def drift(w: float, p: Fraction) -> float:
    """released_field.drift in floats.

    >>> round(drift(0.0, Fraction(1, 10)), 6)
    0.142857
    """
    points = [(w + float(value), float(probability)) for value, probability in two_point(p)]
    return sum(probability * 2 * x**3 / (3 * x**2 + 1) for x, probability in points)


def location(slack: float, p: Fraction) -> tuple[float, float]:
    """The interval of all m with |drift(m)| <= slack (the drift increases, so it is one), by bisection in floats.

    >>> low, high = location(0.0, Fraction(1, 10))
    >>> abs(low + 0.2482) < 1e-4 and high - low < 1e-9
    True
    """
    # 2 x^3 / (3 x^2 + 1) is within 1/5 of 2 x / 3 and E xi_1 = 0: beyond this |drift(m)| exceeds the slack.
    reach = 1.5 * slack + 1
    ends = []
    for level in (-slack, slack):
        low, high = -reach, reach
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if drift(middle, p) < level else (low, middle)
        ends.append((low + high) / 2)
    return ends[0], ends[1]


def least_energy(residual: float, p: Fraction) -> float:
    """A lower bound of E |w|^2 where E h_1(w) = residual; 0 in a stationary state.

    >>> round(least_energy(0.0, Fraction(1, 10)), 4)
    0.0327
    """
    missing = max(0.0, float(released_field.drift(Fraction(0), p)) - residual)
    return missing * missing / float(LIPSCHITZ_SQUARED)
