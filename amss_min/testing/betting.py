r"""Evidence about a mean from four numbers: the count, the sum, the sum of squares, and the range on one side.

One-sided test of H: E[Y_i | past] <= 0 for draws with Y_i >= -1. For a stake s in [0, 1) and every y >= -1,

    exp(s y - psi(s) y^2) <= 1 + s y,    psi(s) = -log(1 - s) - s

(Fan, Grama and Liu, Electronic Journal of Probability 20, 2015, Lemma 4.1), so that exp(s sum(Y) - psi(s) sum(Y^2)) is
a nonnegative supermartingale from 1 under H: betting the share s of the capital on each draw, less what the bound
gives away. So is the average over a fixed grid of stakes, and by Ville's inequality it ever reaches 1/alpha with
probability at most alpha, however the number of draws is chosen. Two such bets, one for each direction, hedge each
other (Waudby-Smith and Ramdas, JRSS B 86, 2024). Sums are all it needs, so draws can come in blocks, and intervals
need no second look at the data.

Without a range, but with a bound v on E[Y^2 | past]: exp(y - y^2/6) <= 1 + y + y^2/3 for all real y (Delyon,
Electronic Journal of Probability 14, 2009) gives exp(s sum(Y) - s^2 sum(Y^2)/6 - n s^2 v/3) the same property.
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

STAKES = 2.0 ** np.arange(6, -14.5, -0.5)
"""Stakes per unit of the quantity that is tested: 64 down to 2^-14, each 2^(-1/2) of the one before."""

_BOLDEST = 0.5  # of the range: psi is finite, and at most 0.78 s^2


def psi(share: Array) -> Array:
    """-log(1 - s) - s for shares s in [0, 1): about s^2/2."""
    small = share < 1e-3  # the difference cancels; the next term is s^5/5
    series = share * share * (0.5 + share * (1 / 3 + share / 4))
    return np.where(small, series, -np.log1p(-share) - share)


def log_bets(n: float, total: Array, squares: Array, below: Array, mean: Array | float = 0.0) -> Array:
    """Log capital of every stake against H: E X <= mean, for draws X >= -below.

    n: draws; total, squares: sums of X and X^2; below >= 0: the range. Shapes (...); the result is (41, ...), the
    stakes first. Sums of different sources add: a product of bets on independent questions is a bet on both.

    A stake is capped at half of what the range allows, below + mean.
    """
    reach = np.maximum(np.asarray(below) + mean, 1e-300)
    stakes = STAKES.reshape(-1, *([1] * np.ndim(total)))
    share = np.minimum(stakes * reach, _BOLDEST)
    centred = total - n * mean
    spread = np.maximum(squares - 2 * mean * total + n * np.square(mean), 0.0)
    return share * (centred / reach) - psi(share) * (spread / reach / reach)


def log_bets_of_variance(
    n: float, total: Array, squares: Array, variance: Array | float, mean: Array | float = 0.0
) -> Array:
    """Log capital of every stake against H: E X = mean, for draws of any range with E[X^2] <= variance.

    It is a test of E X <= mean as well, for 0 <= mean <= 1/64: under H, E[Y + Y^2/3] with Y = s (X - mean) is then
    largest where E X = mean, and E[(X - mean)^2] <= variance there.
    """
    stakes = STAKES.reshape(-1, *([1] * np.ndim(total)))
    spread = np.maximum(squares - 2 * mean * total + n * np.square(mean), 0.0)
    return stakes * (total - n * mean) - stakes**2 * (spread / 6 + n * np.asarray(variance) / 3)


def log_mean(logs: Array, axis: int = 0) -> Array:
    """Logarithm of the average of exp(logs) along an axis: the log e-value of a mixture of bets.

    >>> f"{log_mean(np.log(np.array([1.0, 3.0]))):.6f}"  # log 2
    '0.693147'
    """
    top = logs.max(axis=axis, keepdims=True)
    safe = np.where(np.isfinite(top), top, 0.0)
    mean: Array = np.log(np.exp(logs - safe).mean(axis=axis)) + np.squeeze(safe, axis=axis)
    return mean


def log_e(n: float, total: Array, squares: Array, below: Array, mean: Array | float = 0.0) -> Array:
    """Log e-value against H: E X <= mean, for draws X >= -below. For H: E X >= mean, negate X, and give its range.

    >>> heads = np.array(700.0)  # of 1000 tosses scored 1 and 0, against a mean of 1/2 at most
    >>> bool(log_e(1000, heads, heads, np.array(0.0), 0.5) > np.log(1e9))
    True
    """
    return log_mean(log_bets(n, total, squares, below, mean))


def lower_edge(log_capital: Callable[[Array], Array], low: Array, high: Array, alpha: float) -> Array:
    """The largest mean in [low, high] that is refuted at alpha: a lower confidence bound where `low` is certain.

    log_capital(mean): the log capital (41, ...) of every stake against H: E X <= mean. It should decrease in the mean,
    as that of `log_bets_within` does; then bisection finds the edge.
    """
    needed = -math.log(alpha)
    for _ in range(60):
        middle = (low + high) / 2
        refuted = log_mean(log_capital(middle)) >= needed
        low, high = np.where(refuted, middle, low), np.where(refuted, high, middle)
    return low


def log_bets_within(n: float, total: Array, squares: Array, reach: Array | float, mean: Array) -> Array:
    """Log capital of every stake against H: E X <= mean, for draws X >= mean - reach whichever mean is tried.

    With one reach for all means the log capital of a stake s <= 1/2 decreases in the mean as long as it is at most the
    sample mean, since 2 psi(s) < s there.
    """
    return log_bets(n, total, squares, np.maximum(reach, 1e-300) - mean, mean)
