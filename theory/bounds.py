"""Upper bounds for masked stochastic gradient descent with unbiased masks, and the constants they take."""

import numpy as np

from amss_min.designs import Poisson, SimpleRandom, Systematic
from amss_min.designs.fixed_point import ONE
from amss_min.importance import SquaredGradient
from amss_min.weightings import HorvitzThompson
from theory.descent import average_bound, check_stepsize, checked_horizon
from theory.measurement import Array, Estimator, Run


def nonconvex_bound(horizon: Array, *, L: float, gap: float, stepsize: float, factor: float, sigma2: float) -> Array:
    """(1/T) sum_{t<T} E |grad F(w_t)|^2 <= 2 gap (1 - (1 - eta L)^T) / (eta T) + L eta (1 + omega) sigma^2.

    horizon: T >= 1. gap: F(w_0) - F*. stepsize: eta, at most 1 / (L (1 + omega)). factor: 1 + omega, with
    E |M * g|^2 <= (1 + omega) |g|^2. sigma2: E |g - grad F|^2. The proof is in theory/claims/nonconvex_bound.py.

    Raises ValueError for a stepsize above its limit: the bound is not a theorem there.

    >>> nonconvex_bound(np.array([1.0, 2.0]), L=1.0, gap=0.5, stepsize=0.5, factor=2.0, sigma2=0.0)
    array([1.  , 0.75])
    """
    limit = largest_stepsize(L, factor)
    if not 0 < stepsize <= limit:
        raise ValueError(f"the stepsize must be in (0, 1/(L (1 + omega))] = (0, {limit:.6g}], found {stepsize}")
    horizon = np.asarray(horizon, dtype=np.float64)
    transient: Array = (
        2 * gap * -np.expm1(horizon * np.log1p(-stepsize * L)) if stepsize * L < 1 else 2 * gap + 0 * horizon
    )
    return transient / (stepsize * horizon) + L * stepsize * factor * sigma2


def sharp_bound(horizon: Array, *, L: float, gap: float, stepsize: float, factor: float, sigma2: float) -> Array:
    r"""(1/T) sum_{t<T} E |grad F(w_t)|^2 <= 2 gap (1 - rho^T) / (p T) + x sigma^2 / (2 - x), for every x < 2.

    x = eta L (1 + omega), p = eta (2 - x), rho = 1 - p L: the bound of `nonconvex_bound` without the step that replaces
    2 - x by 1. It is at most that bound where both hold (eta L (1 + omega) <= 1), at least its half, and reaches twice
    as far. Hypotheses and symbols as there; T >= 1.

    Proof. E |M * g|^2 <= (1 + omega) (a_t + sigma^2) and smoothness give delta_{t+1} <= delta_t - (p / 2) a_t + s with
    s = (L eta^2 / 2) (1 + omega) sigma^2. As 1 + omega >= 1, p L = eta L (2 - eta L (1 + omega)) is at most
    1 / (1 + omega) <= 1, so the lemma of theory.descent.average_bound applies, and 2 s / p = x sigma^2 / (2 - x). QED.

    Tight: on F = (L / 2) |w|^2 with uniform masks (theory.oracles) the average is exactly this bound less
    a_inf (1 - rho^T) / (T (1 - rho)), a_inf = x sigma^2 / (2 - x): equality without noise, and to
    leading order in T with it.

    Raises ValueError unless 0 < eta < 2 / (L (1 + omega)) and 1 + omega >= 1.

    >>> sharp_bound(np.array([1.0, 2.0]), L=1.0, gap=0.5, stepsize=0.25, factor=2.0, sigma2=1.5)
    array([1.5   , 1.3125])
    """
    if factor < 1:
        raise ValueError(f"1 + omega must be at least 1, found {factor}: E |M * g|^2 >= |E M * g|^2")
    check_stepsize(stepsize, 2 * largest_stepsize(L, factor), name="2/(L (1 + omega))")
    x = stepsize * L * factor
    drift = 0.5 * L * stepsize**2 * factor * sigma2
    return average_bound(horizon, L=L, gap=gap, progress=stepsize * (2 - x), drift=drift)


def tuned_stepsize(horizon: Array, *, L: float, gap: float, factor: float, sigma2: float) -> Array:
    """eta_T = min{1 / (L (1 + omega)), sqrt(2 gap / (L (1 + omega) sigma^2 T))}, a constant step for each horizon T.

    Symbols as in `nonconvex_bound`. Raises ValueError unless gap > 0 and T >= 1.

    >>> tuned_stepsize(np.array([1.0, 32.0]), L=1.0, gap=1.0, factor=4.0, sigma2=1.0)
    array([0.25 , 0.125])
    """
    horizon = checked_horizon(horizon)
    if not gap > 0:
        raise ValueError(f"the gap must be positive, found {gap}: there is no step to tune from the infimum on")
    limit = largest_stepsize(L, factor)
    if sigma2 == 0:
        return np.full_like(horizon, limit)
    with np.errstate(over="ignore"):  # an infinite quotient leaves the limit
        return np.minimum(limit, np.sqrt(2 * gap / (L * factor * sigma2 * horizon)))


def tuned_bound(horizon: Array, *, L: float, gap: float, factor: float, sigma2: float) -> Array:
    r"""(1/T) sum_{t<T} E |grad F(w_t)|^2 <= 2 sqrt(2 gap L (1 + omega) sigma^2 / T) + 2 gap L (1 + omega) / T.

    For masked descent with the constant step `tuned_stepsize` of the same horizon.
    Proof. `nonconvex_bound` without its bracket is 2 gap / (eta T) + L eta (1 + omega) sigma^2. For a minimum
    eta = min{u, v}, 1 / eta <= 1 / u + 1 / v bounds the first term by 2 gap L (1 + omega) / T + Q, and eta <= v the
    second by Q, with Q = sqrt(2 gap L (1 + omega) sigma^2 / T). QED.
    No fixed step can do better than Q - (1 + omega) sigma^2 / (2 T) (theory.lower_bounds).

    >>> tuned_bound(np.array([8.0]), L=1.0, gap=1.0, factor=1.0, sigma2=1.0)
    array([1.25])
    """
    horizon = checked_horizon(horizon)
    noise = np.sqrt(2 * gap * L * factor * sigma2 / horizon)
    found: Array = 2 * noise + 2 * gap * L * factor / horizon
    return found


def largest_stepsize(L: float, factor: float) -> float:
    """1 / (L (1 + omega)): the largest stepsize that the bound allows.

    >>> largest_stepsize(L=2.0, factor=4.0)
    0.125
    """
    return 1 / (L * factor)


def second_moment_factor(method: Estimator, n: int, k: int) -> float:
    r"""1 + omega with E |M * g|^2 <= (1 + omega) |g|^2 for every g, for k of n units.

    Plain gradient: 1. Horvitz-Thompson masks have E |M * g|^2 = sum_j |g_j|^2 / pi_j, so

    - SimpleRandom: n / k.
    - Systematic or Poisson on squared-gradient sizes mixed with uniform, p = (1 - a) q + a / n, 0 < a <= 1: n / k too,
      for every a. Proof, with |g| = 1, so that q_j = |g_j|^2. Let A be the m capped units, U the others, p(U) their
      total size, E_U their energy: pi_j = c p_j on U with c = (k - m) / p(U). On U, q_j / p_j increases with p_j, so
      by Chebyshev's sum inequality sum_U q_j / p_j <= (n - m) E_U / p(U), and

          sum_j q_j / pi_j <= 1 - E_U + (n - m) / (k - m) E_U = 1 + (n - k) / (k - m) E_U.

      A capped unit has c p_j >= 1, so 1 - p(U) >= m / c = m p(U) / (k - m), that is p(U) <= (k - m) / k. Hence
      (1 - a) E_U = p(U) - a (n - m) / n <= (1 - a) (k - m) / k, since (n - m) / n >= (k - m) / k. The sum is at most
      1 + (n - k) / k = n / k. (a = 1 is uniform.) Units with g_j = 0 leave the draw: n_plus / k <= n / k.
      The designs round pi_j to multiples of 2^-40, off by at most n of them, and pi_j >= a k / n: one more factor
      1 / (1 - n^2 2^-40 / (a k)).

    Raises ValueError for a method without such a factor: biased weights, weights that are not bounded, or sizes from
    another vector than the one that is masked.

    >>> from types import SimpleNamespace
    >>> uniform = SimpleNamespace(name="", importance=None, design=SimpleRandom(), weighting=HorvitzThompson())
    >>> second_moment_factor(uniform, 8, 2)
    4.0
    """
    if method.design is None:
        return 1.0
    if getattr(method, "lagged", False) and method.importance is not None:
        raise ValueError(f"the factor n / k needs sizes from the masked vector itself, found method {method.name!r}")
    if isinstance(method.weighting, HorvitzThompson):
        if isinstance(method.design, SimpleRandom):
            return n / k
        importance = method.importance
        if (
            isinstance(method.design, Systematic | Poisson)
            and isinstance(importance, SquaredGradient)
            and importance.mix > 0
        ):
            return float(n / k / (1 - n * n / (ONE * importance.mix * k)))
    raise ValueError(f"no bound on E |M * g|^2 / |g|^2 is known here for method {method.name!r}")


def run_factor(run: Run) -> float:
    """1 + omega of a run: the largest over its modalities, since energies add up over modalities."""
    return max(second_moment_factor(run.method, n, k) for n, k in zip(run.objective.units, run.drawn, strict=True))
