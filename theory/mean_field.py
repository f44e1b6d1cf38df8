r"""Where AMSS settles on F = |w|^2 / 2 with two units, one of them drawn with probability q_j = g_j^2 / |g|^2.

The masked gradient B * g has the conditional mean phi(g), with phi_1(x, y) = x^3 / (x^2 + y^2) and phi_2(x, y) =
phi_1(y, x): AMSS descends along h(w) = E phi(w + xi), not along w. Noise: xi_1 two-point with E xi_1 = 0, E xi_1^2 = 1
(value sqrt((1-p)/p) with probability p), xi_2 = +-1. At w_2 = 0,

    drift(w_1) = h_1(w_1, 0) = E (w_1 + xi_1)^3 / ((w_1 + xi_1)^2 + 1),  h_2(w_1, 0) = 0.

Facts about phi_1, in polar coordinates phi_1 = r cos(theta)^3, with u = cos(theta)^2:

- |grad phi_1|^2 = u^2 (9 - 8 u) <= G^2 = 27/16, attained at u = 3/4. So h_1 is G-Lipschitz.
- On y = +-1, d phi_1 / dx = u (3 - 2 u) lies in (0, 9/8] for x != 0: drift is strictly increasing and (9/8)-Lipschitz,
  so its root is unique.
- The Hessian at radius r has eigenvalues 0 (radial) and (6 c - 8 c^3) / r, c = cos(theta): at most 2 / r in modulus.
- |phi_1(g + d) - phi_1(g) - <grad phi_1(g), d>| <= (1 + 2 G) |d|^2 for |g| >= 1. Proof: put s = 2 G / (1 + 2 G). If
  |d| <= s the segment stays at radius 1 - s or more, and Taylor gives |d|^2 / (1 - s) = (1 + 2 G) |d|^2. Otherwise
  the left side is at most 2 G |d| <= (2 G / s) |d|^2 = (1 + 2 G) |d|^2.

With the noise above |w + xi| >= 1 at every point w = (m, 0), and by the symmetry of xi_2 the derivative of h_1 in w_2
vanishes there. So for random w with E w_1 = m,  |drift(m) - E h_1(w)| <= (1 + 2 G) E |w - (m, 0)|^2.
"""

import math
from fractions import Fraction
from typing import TypeVar

Number = TypeVar("Number", float, Fraction)

LIPSCHITZ_SQUARED = Fraction(27, 16)
"""G^2, G the Lipschitz constant of h_1."""

SLOPE = Fraction(9, 8)
"""The Lipschitz constant of the drift."""

CURVATURE = 1 + 2 * math.sqrt(LIPSCHITZ_SQUARED)
"""1 + 2 G: how far the drift at the mean may be from the mean of the drift, in units of the spread."""


def two_point(p: Fraction) -> tuple[tuple[Fraction, Fraction], tuple[Fraction, Fraction]]:
    """The support of xi_1 as (value, probability) pairs, in rationals.

    Raises ValueError unless sqrt((1 - p) / p) is rational.

    >>> two_point(Fraction(1, 10))
    ((Fraction(3, 1), Fraction(1, 10)), (Fraction(-1, 3), Fraction(9, 10)))
    """
    odds = (1 - p) / p
    up = Fraction(math.isqrt(odds.numerator), math.isqrt(odds.denominator))
    if up * up != odds:
        raise ValueError(f"sqrt((1 - p) / p) must be rational, found p={p}")
    return (up, p), (-1 / up, 1 - p)


def drift(w: Number, p: Fraction) -> Number:
    """h_1(w, 0), exactly for a Fraction.

    >>> drift(Fraction(0), Fraction(1, 10))
    Fraction(6, 25)
    """
    kind = type(w)
    total = kind(0)
    for value, probability in two_point(p):
        x = w + kind(value)
        total += kind(probability) * x * x * x / (x * x + 1)
    return total


def root(p: Fraction, width: Fraction = Fraction(1, 2**40)) -> tuple[Fraction, Fraction]:
    """A rational bracket of the root of the drift, no wider than `width`: the drift is < 0 and >= 0 at its ends.

    Bisection from [-up, -down], where one of the two terms vanishes and the other has the right sign.

    >>> low, high = root(Fraction(1, 10))
    >>> round(float(low), 5), round(float(high), 5)
    (-0.39481, -0.39481)
    """
    (up, _), (down, _) = two_point(p)
    low, high = -up, -down
    while high - low > width:
        middle = (low + high) / 2
        low, high = (middle, high) if drift(middle, p) < 0 else (low, middle)
    return low, high


def location(slack: float, p: Fraction) -> tuple[float, float]:
    """The interval of all m with |drift(m)| <= slack (the drift increases, so it is one), by bisection in floats.

    >>> low, high = location(0.0, Fraction(1, 10))
    >>> abs(low + 0.39481) < 1e-5 and high - low < 1e-9
    True
    """
    reach = slack + 1  # x^3 / (x^2 + 1) is within 1/2 of x, so |drift(m)| >= |m| - 1/2 exceeds the slack beyond this
    ends = []
    for level in (-slack, slack):
        low, high = -reach, reach
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if drift(middle, p) < level else (low, middle)
        ends.append((low + high) / 2)
    return ends[0], ends[1]


def least_energy(residual: float, p: Fraction) -> float:
    """A lower bound of E |w|^2 where E h_1(w) = residual: the floor of AMSS, free of the stepsize.

    drift(0) - residual = h_1(0) - E h_1(w) <= G E |w| <= G sqrt(E |w|^2), so E |w|^2 >= (drift(0) - residual)^2 / G^2
    where residual < drift(0), and 0 otherwise. In a stationary state the residual is 0.

    >>> round(least_energy(0.0, Fraction(1, 10)), 6)
    0.034133
    """
    missing = max(0.0, float(drift(Fraction(0), p)) - residual)
    return missing * missing / float(LIPSCHITZ_SQUARED)


def gaussian_average(horizon: int, stepsize: float, sigma2: float) -> float:
    r"""An upper bound of (1/T) sum_{t<T} E |w_t|^2 for AMSS under isotropic Gaussian noise, from w_0 = 0: no floor.

    E |w - eta B * g|^2 = |w|^2 - 2 eta <w, h(w)> + eta^2 E |B * g|^2, with E |B * g|^2 <= E |g|^2 = |w|^2 + sigma^2.
    It remains that <w, h(w)> >= |w|^2 / 2. By cos^3 = (3 cos + cos 3)/4 and sin^3 = (3 sin - sin 3)/4,
    phi(g) = (3/4) g + (r/4) (cos 3 theta, -sin 3 theta). Gaussian noise is isotropic, so for w = R (cos a, sin a),
    E r exp(3 i theta) = psi exp(3 i a) with a real psi = psi(R), and <w, h(w)> = (3/4) R^2 + (R/4) psi cos(4 a).
    With variance 1 a coordinate, psi = (R^3 / 6) 1F1(1; 4; -R^2/2) and 1F1(1; 4; -z) = 3 int_0^1 exp(-z t) (1 - t)^2 dt
    lies in (0, 3/z), so 0 < psi <= R (any other variance rescales w). Hence <w, h(w)> >= R^2 / 2.

    So a_{t+1} <= rho a_t + eta^2 sigma^2 with rho = 1 - eta + eta^2, and a_t <= eta sigma^2 / (1 - eta) for every t.
    Raises ValueError unless 0 < stepsize < 1.

    >>> gaussian_average(2, stepsize=0.5, sigma2=2.0)
    0.25
    """
    if not 0 < stepsize < 1:
        raise ValueError(f"the bound needs a stepsize in (0, 1), found {stepsize}")
    rho, limit = 1 - stepsize + stepsize**2, stepsize * sigma2 / (1 - stepsize)
    return limit * (1 - (1 - rho**horizon) / (horizon * (1 - rho)))
