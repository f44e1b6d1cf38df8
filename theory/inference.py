"""Two ways to hold a mean against a prediction, each with its error probability.

Betting: no assumption but X >= 0, exact at every sample size, one-sided.
Student t: two-sided, and exact only in the limit of many replicates.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from theory.measurement import Array

FEWEST = 256
"""Replicates below which an asymptotic interval is refused."""

_STAKES = 2.0 ** -np.arange(1, 11)


def log_evidence(values: Array, bound: float) -> float:
    r"""The largest log e-value, over the order of the replicates, against H: E X <= bound, for X >= 0.

    For a stake s in [0, 1] the product prod_{i<=N} (1 + s (X_i / bound - 1)) is nonnegative and, under H, a
    supermartingale from 1: each factor has conditional mean 1 + s (E X / bound - 1) <= 1. So is the average over
    a fixed set of stakes (1/2, 1/4, ..., 2^-10). Ville: P(sup_N >= 1/alpha) <= alpha, whatever the law of X >= 0.

    values (R,), independent and identically distributed; one that is not finite (a run that overflowed) counts as
    infinite. bound > 0. Raises ValueError for a value below 0, or a bound that is not positive.

    >>> log_evidence(np.full(100, 1.0), bound=1.0)
    0.0
    >>> log_evidence(np.full(100, 2.0), bound=1.0) > math.log(1e9)
    True
    """
    if (values < 0).any() or not bound > 0:
        raise ValueError(f"betting needs values >= 0 and a positive bound, found bound={bound}")
    if not np.isfinite(values).all():
        return math.inf
    growth = np.log1p(_STAKES[:, None] * (values / bound - 1)).cumsum(1)
    return float(max(0.0, special.logsumexp(growth, axis=0, b=1 / len(_STAKES)).max()))


def refuted_below(values: Array, alpha: float) -> float:
    """The largest bound that `log_evidence` refutes at alpha: E X exceeds it with confidence 1 - alpha.

    The e-value falls as the bound grows, so bisection finds the edge, here to a relative 1e-6.
    Returns 0 where nothing is refuted, and infinity where a value is not finite.

    >>> 0.7 < refuted_below(np.full(1000, 1.0), alpha=1e-9) < 1
    True
    """
    if not np.isfinite(values).all():
        return math.inf
    largest = float(values.max())
    if largest <= 0:
        return 0.0
    values, needed = values / largest, -math.log(alpha)
    low, high = 1e-12, 1.0
    if log_evidence(values, low) < needed:
        return 0.0
    while high / low > 1 + 1e-6:
        middle = math.sqrt(low * high)
        low, high = (middle, high) if log_evidence(values, middle) >= needed else (low, middle)
    return low * largest


@dataclass(frozen=True)
class Interval:
    """A mean with the half width of its t interval; standard_error is that of the mean."""

    mean: float
    half: float
    standard_error: float

    @property
    def low(self) -> float:
        """Lower end."""
        return self.mean - self.half

    @property
    def high(self) -> float:
        """Upper end."""
        return self.mean + self.half


def t_interval(values: Array, alpha: float) -> Interval:
    """The two-sided Student interval of the mean: it misses with probability alpha, for many replicates.

    values (R,), independent; with one that is not finite the interval is nan, and no comparison with it holds.
    Raises ValueError for fewer than 256 of them, since the error is asymptotic.

    >>> t_interval(np.tile([0.0, 2.0], 200), alpha=0.05).mean
    1.0
    """
    if len(values) < FEWEST:
        raise ValueError(f"an asymptotic interval needs at least {FEWEST} replicates, found {len(values)}")
    if not np.isfinite(values).all():
        return Interval(math.nan, math.nan, math.nan)
    error = float(values.std(ddof=1)) / math.sqrt(len(values))
    return Interval(float(values.mean()), float(stats.t.isf(alpha / 2, len(values) - 1)) * error, error)
