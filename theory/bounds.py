"""Upper bounds for masked stochastic gradient descent with unbiased masks, and the constants they take."""

import numpy as np

from amss_min.designs import Poisson, SimpleRandom, Systematic
from amss_min.designs.fixed_point import ONE
from amss_min.importance import SquaredGradient
from amss_min.weightings import HorvitzThompson
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

    Raises ValueError for a method without such a factor (biased weights, or weights that are not bounded).

    >>> from types import SimpleNamespace
    >>> uniform = SimpleNamespace(name="", importance=None, design=SimpleRandom(), weighting=HorvitzThompson())
    >>> second_moment_factor(uniform, 8, 2)
    4.0
    """
    if method.design is None:
        return 1.0
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
