"""Closed forms that a simulation must meet with equality: masked descent on an isotropic quadratic.

F = (L / 2) |w|^2, g = grad F(w) + xi with E xi = 0, E |xi|^2 = sigma^2, independent of w, and a mask M with
E[M * g | g] = g and E[|M * g|^2 | g] = (1 + omega) |g|^2: uniform Horvitz-Thompson masks (1 + omega = n / k), or no
mask (omega = 0). For a_t = E |grad F(w_t)|^2 and w_{t+1} = w_t - eta M * g,

    a_{t+1} = a_t - 2 eta L a_t + eta^2 L^2 (1 + omega) (a_t + sigma^2) = rho a_t + eta^2 L^2 (1 + omega) sigma^2,
    rho = 1 - 2 eta L + eta^2 L^2 (1 + omega);  fixed point  a_inf = sigma^2 x / (2 - x),  x = eta L (1 + omega).

With <= in place of = for the second moment, the same formulas are upper bounds, since the recursion increases in a_t.
"""

import numpy as np

from theory.measurement import Array


def contraction(*, L: float, stepsize: float, factor: float) -> float:
    """rho = 1 - 2 eta L + eta^2 L^2 (1 + omega).

    Raises ValueError unless eta L (1 + omega) < 2: otherwise rho >= 1 and nothing settles.
    """
    x = stepsize * L * factor
    if not 0 < x < 2:
        raise ValueError(f"the recursion settles only for 0 < eta L (1 + omega) < 2, found {x:.6g}")
    return 1 - 2 * stepsize * L + stepsize * L * x


def settled(*, L: float, stepsize: float, factor: float, sigma2: float) -> float:
    """a_inf = sigma^2 x / (2 - x), x = eta L (1 + omega).

    >>> settled(L=1.0, stepsize=0.1, factor=4.0, sigma2=1.0)
    0.25
    """
    contraction(L=L, stepsize=stepsize, factor=factor)
    x = stepsize * L * factor
    return sigma2 * x / (2 - x)


def energy(t: Array, *, start: float, L: float, stepsize: float, factor: float, sigma2: float) -> Array:
    """a_t = a_inf + (a_0 - a_inf) rho^t, with start = a_0 = |grad F(w_0)|^2.

    >>> energy(np.array([0.0, 1.0]), start=1.0, L=1.0, stepsize=0.5, factor=1.0, sigma2=1.0)
    array([1. , 0.5])
    """
    rho = contraction(L=L, stepsize=stepsize, factor=factor)
    limit = settled(L=L, stepsize=stepsize, factor=factor, sigma2=sigma2)
    return limit + (start - limit) * rho ** np.asarray(t, dtype=np.float64)


def average_energy(horizon: Array, *, start: float, L: float, stepsize: float, factor: float, sigma2: float) -> Array:
    """R_T = (1/T) sum_{t<T} a_t = a_inf + (a_0 - a_inf) (1 - rho^T) / (T (1 - rho)).

    >>> average_energy(np.array([1.0, 2.0]), start=1.0, L=1.0, stepsize=0.5, factor=1.0, sigma2=1.0)
    array([1.  , 0.75])
    """
    rho = contraction(L=L, stepsize=stepsize, factor=factor)
    limit = settled(L=L, stepsize=stepsize, factor=factor, sigma2=sigma2)
    horizon = np.asarray(horizon, dtype=np.float64)
    return limit + (start - limit) * (1 - rho**horizon) / (horizon * (1 - rho))
