r"""Where AMSS settles under the jointly symmetric noise of theory.joint_symmetry, to first order in the stepsize.

AMSS from the fixed point w_0 = t* (1, ..., 1) of its mean field h, at the time tau = steps times eta. Let J = h'(w_0),
with the eigenvalues lambda along the diagonal and alpha across it, and v = E g_j^4 / |g|^2, so that one step has the
second moment E (B * g)(B * g)^T = v I at w_0 (one unit is drawn, and all are alike). To first order in eta,

- the spread: the covariance of w solves S' = -J S - S J + eta v I, so in a direction of eigenvalue r its variance is
  eta (v / (2 r)) (1 - exp(-2 r tau));
- the shift of the mean, along the diagonal by symmetry: b' = -lambda b - (1/2) (mean over j of tr(h_j'' S)) / eta, for
  E w = (t* + eta b)(1, ..., 1). With R = sum_l of the mean over j of d^2 h_j / dw_l^2, the trace along the diagonal is
  drift''(t*) / n, and across it R - drift''(t*) / n.

Together E |w|^2 = n t*^2 + eta [2 n t* b + (n - 1) (variance across) / eta + (variance along) / eta] + O(eta^2). With
S_p = sum_j g_j^p, sum_j h_j = E S_3 / S_2, drift = that over n, and

    R = (1/n) E [6 S_1 / S_2 - 4 S_3 / S_2^2 - 2 n S_3 / S_2^2],
    drift'' = (1/n) E [-2 (3 S_2 S_1 + n S_3) / S_2^2 + 8 S_3 S_1^2 / S_2^3].

An expansion, not a bound; the O(eta^2) is estimated by the square of the settled term in eta over n t*^2. Runs come to
rest more slowly than the linear rates say, so compare late.
"""

import math
from dataclasses import dataclass
from fractions import Fraction

from theory.joint_symmetry import SMALL, UNITS, across, along, pair, root


@dataclass(frozen=True)
class Settling:
    """The energy E |w|^2 = |grad F|^2 of AMSS from its own fixed point."""

    n: int = UNITS
    small: Fraction = SMALL

    @property
    def place(self) -> float:
        """t*: every coordinate of the fixed point."""
        return float(self._place)

    @property
    def floor(self) -> float:
        """n t*^2, the limit for small steps.

        >>> round(Settling().floor, 2)
        3.11
        """
        return self.n * self.place**2

    def slope(self, time: float = math.inf) -> float:
        """The factor of eta in E |w|^2 at this time.

        >>> round(Settling().slope(), 3)
        -9.166
        """
        n, t = self.n, self._place
        rate, other = float(along(t, n, self.small)), float(across(t, n, self.small))
        second = float(self._second)
        inward, outward = float(second / n), float(self._trace) - float(second) / n
        v = float(self._moment)
        spread_along, spread_across = v / (2 * rate), v / (2 * other)
        A, B = spread_across * outward / 2, spread_along * inward / 2
        slow, twice, twice_other = (math.exp(-factor * time) for factor in (rate, 2 * rate, 2 * other))
        shift = -(A + B) * (1 - slow) / rate
        shift += A * (twice_other - slow) / (rate - 2 * other) - B * (twice - slow) / rate
        spread = (n - 1) * spread_across * (1 - twice_other) + spread_along * (1 - twice)
        return 2 * n * self.place * shift + spread

    def energy(self, stepsize: float, time: float = math.inf) -> float:
        """E |w|^2 without the O(eta^2).

        >>> round(Settling().energy(0.02), 2)
        2.93
        """
        return self.floor + stepsize * self.slope(time)

    def remainder(self, stepsize: float) -> float:
        """An estimate of what the O(eta^2) may be: the square of the settled term in eta over the floor."""
        return (stepsize * self.slope()) ** 2 / self.floor

    @property
    def _place(self) -> Fraction:
        return root(Fraction(1, 8), Fraction(1, 4))[0]

    def _powers(self, p: int) -> list[Fraction]:
        return [a**p + (self.n - 1) * b**p for a, b in pair(self._place, self.small)]

    @property
    def _moment(self) -> Fraction:
        """v."""
        terms = [four / two for four, two in zip(self._powers(4), self._powers(2), strict=True)]
        return sum(terms, Fraction(0)) / (2 * self.n)

    @property
    def _trace(self) -> Fraction:
        """R."""
        total = Fraction(0)
        for one, two, three in zip(*map(self._powers, (1, 2, 3)), strict=True):
            total += 6 * one / two - (4 + 2 * self.n) * three / two**2
        return total / (2 * self.n)

    @property
    def _second(self) -> Fraction:
        """drift''."""
        total = Fraction(0)
        for one, two, three in zip(*map(self._powers, (1, 2, 3)), strict=True):
            total += -2 * (3 * two * one + self.n * three) / two**2 + 8 * three * one**2 / two**3
        return total / (2 * self.n)
