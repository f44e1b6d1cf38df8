r"""Unbiased masked descent on convex and strongly convex objectives.

F is convex and L-smooth with a minimiser w*; E[M * g | g] = g, E |M * g|^2 <= (1 + omega) |g|^2, g = grad F + noise
with E |noise|^2 <= sigma^2. With R_t = E |w_t - w*|^2, a_t = E |grad F(w_t)|^2 and f = 1 + omega,

    R_{t+1} <= R_t - 2 eta E <grad F(w_t), w_t - w*> + eta^2 f (a_t + sigma^2).
"""

from theory.bounds import largest_stepsize
from theory.descent import check_stepsize, checked_horizon, last_bound
from theory.measurement import Array


def convex_bound(horizon: Array, *, L: float, distance2: float, stepsize: float, factor: float, sigma2: float) -> Array:
    r"""E F(mean of w_0, ..., w_{T-1}) - F* <= distance2 / (2 eta T) + eta (1 + omega) sigma^2 / 2.

    The right-hand side also bounds the mean of E F(w_t) - F* over t < T. distance2: |w_0 - w*|^2.

    Proof. Convexity and smoothness give F* >= F(w) + <grad F(w), w* - w> + |grad F(w)|^2 / (2 L), so
    <grad F, w - w*> >= (F - F*) + |grad F|^2 / (2 L). With eta (1 + omega) <= 1 / L the terms in a_t add up to at most
    0: R_{t+1} <= R_t - 2 eta E (F(w_t) - F*) + eta^2 f sigma^2. Sum over t < T, divide by 2 eta T, and use Jensen. QED.

    Raises ValueError unless 0 < eta <= 1 / (L (1 + omega)) and T >= 1.

    >>> import numpy as np
    >>> convex_bound(np.array([1.0, 4.0]), L=1.0, distance2=1.0, stepsize=0.5, factor=2.0, sigma2=0.0)
    array([1.  , 0.25])
    """
    check_stepsize(stepsize, largest_stepsize(L, factor), name="1/(L (1 + omega))", attained=True)
    found: Array = distance2 / (2 * stepsize * checked_horizon(horizon)) + 0.5 * stepsize * factor * sigma2
    return found


def strongly_convex_rate(*, L: float, convexity: float, stepsize: float, factor: float) -> float:
    """r = max{1 - 2 eta m + eta^2 (1 + omega) m^2, the same with L in place of m}, below 1.

    Raises ValueError unless 0 < m <= L and 0 < eta < 2 / (L (1 + omega)).

    >>> strongly_convex_rate(L=2.0, convexity=1.0, stepsize=0.25, factor=2.0)
    0.625
    """
    if not 0 < convexity <= L:
        raise ValueError(f"the strong convexity m must be in (0, L] = (0, {L:.6g}], found {convexity}")
    check_stepsize(stepsize, 2 * largest_stepsize(L, factor), name="2/(L (1 + omega))")
    return max(1 - 2 * stepsize * c + stepsize**2 * factor * c**2 for c in (convexity, L))


def strongly_convex_bound(
    horizon: Array, *, L: float, convexity: float, distance2: float, stepsize: float, factor: float, sigma2: float
) -> Array:
    r"""E |w_T - w*|^2 <= r^T distance2 + eta^2 (1 + omega) sigma^2 (1 - r^T) / (1 - r), r = strongly_convex_rate(...).

    For F m-strongly convex, m = convexity > 0; eta < 2 / (L (1 + omega)). For eta <= 2 / ((1 + omega) (L + m)),
    r = 1 - 2 eta m + eta^2 (1 + omega) m^2, and the floor is eta (1 + omega) sigma^2 / (m (2 - eta (1 + omega) m)).
    Then E F(w_T) - F* is at most L / 2 times the bound. T >= 0.

    Proof. <grad F, w - w*> >= (m L R + |grad F|^2) / (m + L), R = |w - w*|^2 (strong convexity and smoothness
    together), so

        R_{t+1} <= (1 - 2 eta m L / (m + L)) R_t + (eta^2 f - 2 eta / (m + L)) a_t + eta^2 f sigma^2.

    Where the factor of a_t is negative, a_t >= m^2 R_t, else a_t <= L^2 R_t: with c = m or c = L the factor of R_t
    becomes 1 - 2 eta (m L + c^2) / (m + L) + eta^2 f c^2 = 1 - 2 eta c + eta^2 f c^2, as (m L + c^2) / (m + L) = c in
    both cases. r >= (1 - eta c)^2 >= 0 as f >= 1; iterate (theory.descent.last_bound). QED.
    Equality for F = (m / 2) |w|^2 with L = m, uniform masks and noise of second moment sigma^2 (theory.oracles).

    >>> import numpy as np
    >>> strongly_convex_bound(
    ...     np.array([1.0]), L=1.0, convexity=1.0, distance2=1.0, stepsize=0.5, factor=1.0, sigma2=1.0
    ... )
    array([0.5])
    """
    rate = strongly_convex_rate(L=L, convexity=convexity, stepsize=stepsize, factor=factor)
    return last_bound(horizon, gap=distance2, rate=rate, drift=stepsize**2 * factor * sigma2)
