r"""How fast masked descent grows or shrinks on the instance of theory.divergence, to first order in the stepsize.

w_{t+1} = w_t - eta G_t with G_t = M_t * grad f_i(w_t), i uniform, one of three units drawn. Write s for the mean of the
entries of w, and w = s (1 + x) with x across the diagonal, 1 = (1, 1, 1). Everything is homogeneous: G = s G(x). With m
the mean of the entries of G(x),

    log s_{t+1} = log s_t + log(1 - eta m),    x_{t+1} = x_t - eta (G - m (1 + x_t)) + O(eta^2).

Let m(x) = E m given x, kappa = m(0), alpha the eigenvalue across the diagonal of the derivative of E G at x = 0, and
v = E |G(0)|^2. One entry of G is not 0, so E m^2 = v / 9 and the part of G across the diagonal has second moment
(2 / 3) v, evenly in its two directions by the symmetry of the instance. Hence x settles, where alpha > kappa, with
covariance eta (v / 3) / (2 (alpha - kappa)) in each direction, and

    E [log s_{t+1} - log s_t] / eta = -kappa - eta [v / 18 + (v / 3) / (4 (alpha - kappa)) bend] + O(eta^2),

bend = the trace across the diagonal of the second derivative of m(x) at 0; its first derivative vanishes by symmetry.
log |w| grows alike, since |w| / s depends on x alone. For unbiased masks E G = A w is linear with A 1 = slope 1, so
kappa = slope and bend = 0, and E s_t = (1 - eta slope)^t s_0 exactly, from every start.

These are expansions, not bounds. Each order adds a factor of about eta L_i, L_i = 2 |a|^2 + ridge.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from theory.divergence import Interpolating

_ONES = (Fraction(1),) * 3
_ACROSS = ((Fraction(1), Fraction(-1), Fraction(0)), (Fraction(1), Fraction(1), Fraction(-2)))


@dataclass(frozen=True)
class Exponent:
    """The mean growth of log |w| a unit of time (steps times stepsize): limit + change eta + O(eta^2).

    >>> Exponent(Fraction(2), Fraction(-10)).at(Fraction(1, 100))
    Fraction(19, 10)
    """

    limit: Fraction
    change: Fraction

    def at(self, stepsize: Fraction) -> Fraction:
        """The value at this stepsize, without the O(eta^2)."""
        return self.limit + self.change * stepsize


def masked(instance: Interpolating) -> Exponent:
    """Of the 0/1 mask that draws one unit with probability g_j^2 / |g|^2 (AMSS).

    Raises ValueError where the diagonal does not attract (alpha <= kappa).

    >>> from theory.divergence import STEEP
    >>> found = masked(STEEP)
    >>> round(float(found.limit), 4), round(float(found.change), 3)
    (2.0382, -39.393)
    """
    g = instance.diagonal
    kappa, alpha = instance.squared_slope, across(instance)
    if not alpha > kappa:
        raise ValueError(f"the diagonal must attract, found alpha = {float(alpha)} and kappa = {float(kappa)}")
    v = _power(g, 4) / _power(g, 2)
    return Exponent(-kappa, -(v / 18 + v / (12 * (alpha - kappa)) * bend(instance)))


def unbiased(instance: Interpolating, mix: Fraction) -> Exponent:
    """Of the Horvitz-Thompson mask that draws one unit by (1 - mix) g_j^2 / |g|^2 + mix / 3 (AMSS+).

    >>> from theory.divergence import STEEP
    >>> found = unbiased(STEEP, Fraction(1, 2))
    >>> found.limit, round(float(found.change), 3)
    (Fraction(-11, 3), -296.065)
    """
    g = instance.diagonal
    squares = _power(g, 2)
    v = sum((x * x / ((1 - mix) * x * x / squares + mix / 3) for x in g), Fraction(0))
    return Exponent(-instance.slope, -v / 18)


def across(instance: Interpolating) -> Fraction:
    """alpha, for AMSS: h = E G has the entries (1/3) sum_i g_ij^3 / |g_i|^2, g_i = grad f_i(w)."""
    total = Fraction(0)
    for i in range(3):
        g, moved = instance.gradient(i, _ONES), instance.gradient(i, _ACROSS[0])
        squares, change = _power(g, 2), 2 * _inner(g, moved)
        total += (3 * g[0] ** 2 * moved[0] / squares - g[0] ** 3 * change / squares**2) / 3
    return total


def bend(instance: Interpolating) -> Fraction:
    """The trace across the diagonal of the second derivative of m(x) = (1/9) sum_i S_3 / S_2, S_p = sum_j g_ij^p."""
    return sum((_second(instance, direction) / _power(direction, 2) for direction in _ACROSS), Fraction(0))


def _second(instance: Interpolating, direction: Sequence[Fraction]) -> Fraction:
    total = Fraction(0)
    for i in range(3):
        g, moved = instance.gradient(i, _ONES), instance.gradient(i, direction)
        two, three = _power(g, 2), _power(g, 3)
        two_1, two_2 = 2 * _inner(g, moved), 2 * _power(moved, 2)
        three_1 = 3 * sum((x * x * y for x, y in zip(g, moved, strict=True)), Fraction(0))
        three_2 = 6 * sum((x * y * y for x, y in zip(g, moved, strict=True)), Fraction(0))
        total += three_2 / two - 2 * three_1 * two_1 / two**2 - three * two_2 / two**2 + 2 * three * two_1**2 / two**3
    return total / 9


def _power(x: Sequence[Fraction], p: int) -> Fraction:
    return sum((value**p for value in x), Fraction(0))


def _inner(x: Sequence[Fraction], y: Sequence[Fraction]) -> Fraction:
    return sum((a * b for a, b in zip(x, y, strict=True)), Fraction(0))
