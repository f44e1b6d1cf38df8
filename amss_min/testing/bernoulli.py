r"""The Beta-Bernoulli e-process: draws of an indicator against the probability that it is said to have.

    E_N = B(a + s, b + N - s) / (B(a, b) p^s (1 - p)^(N - s)),   a = 20 p, b = 20 (1 - p),

with s successes in N draws: the likelihood averaged over a Beta(a, b) prior around p, against the likelihood at p. It
is a nonnegative martingale from 1 if the probability is p, so P(sup_N E_N >= 1/alpha) <= alpha (Ville; Robbins 1970).
"""

import numpy as np
import torch
from numpy.typing import ArrayLike

from amss_min.testing.betting import Array

_PRIOR = 20.0


def log_e_bernoulli(successes: ArrayLike, draws: ArrayLike, probability: ArrayLike) -> Array:
    """log E_N for successes s in N draws and probability p; arrays are broadcast.

    At p = 0 and p = 1 one contrary draw refutes: the result is infinite. Raises ValueError for p outside [0, 1] or
    successes outside [0, N].

    >>> bool(log_e_bernoulli(600, 1000, 0.5) > np.log(1e6))
    True
    >>> bool(log_e_bernoulli(500, 1000, 0.5) < 0)
    True
    """
    s, n, p = (np.asarray(value, dtype=np.float64) for value in (successes, draws, probability))
    if ((p < 0) | (p > 1)).any():
        raise ValueError(f"a probability must be in [0, 1], found {p[(p < 0) | (p > 1)].flat[0]}")
    if ((s < 0) | (s > n)).any():
        raise ValueError("successes must be between 0 and the number of draws, found some outside")
    certain = (p == 0) | (p == 1)
    inside = np.where(certain, 0.5, p)
    a, b = _PRIOR * inside, _PRIOR * (1 - inside)
    log = _log_beta(a + s, b + n - s) - _log_beta(a, b) - s * np.log(inside) - (n - s) * np.log1p(-inside)
    contrary = np.where(p == 0, s > 0, s < n)
    result: Array = np.where(certain, np.where(contrary, np.inf, 0.0), log)
    return result


def _log_beta(a: Array, b: Array) -> Array:
    def log_gamma(x: Array) -> Array:
        values: Array = torch.lgamma(torch.as_tensor(x, dtype=torch.float64)).numpy()
        return values

    return log_gamma(a) + log_gamma(b) - log_gamma(a + b)
