"""Slopes of means over independent horizons: what an exponent can be said to be, with its error probability.

A slope is the weakest evidence for a rate (see theory.claims.tuned_step). simulations.rate_fit says more about the same
runs, for tables; this is what a verdict needs, in closed form and without random numbers.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from scipy import stats

from theory.inference import FEWEST, Interval
from theory.measurement import Array

PAIRED_ALPHA = 1e-9
"""Probability that independent horizons are refused as paired."""


def log_slope(horizons: Sequence[int], values: Sequence[Array], alpha: float) -> Interval:
    r"""The least-squares slope of log E X_T against log T, with a two-sided interval of error alpha.

    slope = sum_T c_T log m_T, c_T = (x_T - mean x) / sum (x - mean x)^2, x_T = log T, m_T the mean of X_T. The weights
    are fixed, so by the delta method the variance is sum_T c_T^2 s_T^2 / (N_T m_T^2): horizons are independent, each
    with replicates (N_T,) of runs made for it alone. Normal limit: asymptotic in N_T. Where E X_T is no exact power of
    T, this is the slope of the best line over these horizons, not an exponent.

    Raises ValueError for fewer than 3 horizons, fewer than 256 replicates, means that are not positive and finite, or
    neighbouring horizons whose replicates agree in their ranks (Spearman, PAIRED_ALPHA): they share random numbers.

    >>> flat = [np.full(256, float(t) ** -0.5) for t in (4, 16, 64)]
    >>> round(log_slope([4, 16, 64], flat, alpha=0.01).mean, 12)
    -0.5
    """
    if len(horizons) < 3 or len(set(horizons)) < len(horizons) or len(values) != len(horizons):
        raise ValueError(f"a slope needs at least 3 different horizons, found {list(horizons)}")
    if min(len(one) for one in values) < FEWEST:
        raise ValueError(f"an asymptotic interval needs at least {FEWEST} replicates a horizon")
    means = np.array([one.mean() for one in values])
    if not (np.isfinite(means).all() and (means > 0).all()):
        raise ValueError(f"means must be positive and finite, found {means.tolist()}")
    _refuse_paired(horizons, values)
    x = np.log(np.asarray(horizons, dtype=np.float64))
    centred = x - x.mean()
    weights = centred / (centred**2).sum()
    relative = np.array([one.var(ddof=1) / len(one) for one in values]) / means**2
    error = math.sqrt(float((weights**2 * relative).sum()))
    return Interval(float((weights * np.log(means)).sum()), float(stats.norm.isf(alpha / 2)) * error, error)


def _refuse_paired(horizons: Sequence[int], values: Sequence[Array]) -> None:
    """Ranks of independent horizons correlate with variance 1 / (R - 1)."""
    limit = float(stats.norm.isf(PAIRED_ALPHA / (len(values) - 1)))
    for (first, one), (second, other) in pairwise(zip(horizons, values, strict=True)):
        size = min(len(one), len(other))
        ranks = [stats.rankdata(value[:size]) for value in (one, other)]
        if min(np.ptp(rank) for rank in ranks) > 0 and np.corrcoef(ranks)[0, 1] * math.sqrt(size - 1) > limit:
            raise ValueError(f"horizons must have runs of their own, found T = {first} and T = {second} paired")


def local_slopes(horizons: Sequence[int], means: Array) -> Array:
    """The slope of log m_T against log T between neighbours, (H - 1,).

    >>> local_slopes([1, 4, 16], np.array([1.0, 0.5, 0.5]))
    array([-0.5,  0. ])
    """
    found: Array = np.diff(np.log(means)) / np.diff(np.log(np.asarray(horizons, dtype=np.float64)))
    return found
