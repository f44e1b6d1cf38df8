r"""What no fixed step can beat: lower bounds for uniformly masked descent, from the exact oracle.

On F = (L / 2) |w|^2 with gap = F(w_0) - F* and noise of second moment sigma^2, independent of w, uniform
Horvitz-Thompson masks of k among n units (1 + omega = n / k) have the average R_T of theory.oracles. A lower bound for
this one instance is one for the class of all L-smooth F with that gap and that noise.
"""

import numpy as np

from theory.descent import checked_horizon
from theory.measurement import Array


def fixed_step_lower_bound(horizon: Array, *, L: float, gap: float, factor: float, sigma2: float) -> Array:
    r"""R_T >= min{2 L gap, (sqrt(s^2 + 8 L gap s) - s) / 2} for every constant step, s = (1 + omega) sigma^2 / T.

    At least min{2 L gap, Q - s / 2}, Q = sqrt(2 gap L (1 + omega) sigma^2 / T): as T grows, the best constant step on
    this instance has R_T >= Q (1 - o(1)). From above, theory.bounds.sharp_bound at eta = sqrt(2 gap / (L (1 + omega)
    sigma^2 T)) is at most Q / (1 - x / 2) with x = eta L (1 + omega) -> 0, for every objective: the constant is exact
    on both sides.

    Proof. Let x = eta L f, f = 1 + omega, y = 1 - rho = eta L (2 - x), a_0 = 2 L gap. For x >= 2, rho >= 1 and a_t does
    not decrease: R_T >= a_0. For x < 2, R_T = a_inf + (a_0 - a_inf) phi, phi = (1 - (1 - y)^T) / (T y), a_inf = eta L f
    sigma^2 / (2 - x). If a_inf > a_0, R_T >= a_0. Otherwise (1 - y)^T <= 1 / (1 + T y) gives phi >= 1 / (1 + N), N = T
    y, so with z = T eta L, N a_inf = z^2 s and N <= 2 z

        R_T >= (N a_inf + a_0) / (1 + N) >= (s z^2 + a_0) / (1 + 2 z).

    The right-hand side is least over z > 0 where z^2 + z = a_0 / s, with value s z = (sqrt(s^2 + 4 a_0 s) - s) / 2.
    QED.

    T >= 1. Zero where sigma^2 = 0.

    >>> fixed_step_lower_bound(np.array([2.0]), L=1.0, gap=1.0, factor=2.0, sigma2=1.0)
    array([1.])
    """
    horizon = checked_horizon(horizon)
    share = factor * sigma2 / horizon
    # (sqrt(s^2 + 4 a s) - s) / 2 without its cancellation.
    root = np.sqrt(share**2 + 8 * L * gap * share)
    with np.errstate(invalid="ignore"):
        interior = np.where(root > 0, 4 * L * gap * share / (root + share), 0.0)
    found: Array = np.minimum(2 * L * gap, interior)
    return found


def best_fixed_value(horizon: Array, *, L: float, gap: float, factor: float, sigma2: float) -> Array:
    """Q = sqrt(2 gap L (1 + omega) sigma^2 / T): what the best constant step has on the quadratic, to leading order.

    Half the leading term of theory.bounds.tuned_bound.

    >>> best_fixed_value(np.array([2.0]), L=1.0, gap=1.0, factor=4.0, sigma2=1.0)
    array([2.])
    """
    found: Array = np.sqrt(2 * gap * L * factor * sigma2 / checked_horizon(horizon))
    return found
