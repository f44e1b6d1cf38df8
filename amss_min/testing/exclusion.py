r"""How large the norm of a bias may still be, from the same sums: excluding what was not found.

D = C(g) - g has mean b, the bias; everything is in units of |g|. Suppose |b| >= delta and let u = b / |b|. Then
Z = <u, D> has mean |b| >= delta, and for draws with |D| <= R the bet Y = (delta - Z) / (R - delta) >= -1 has mean at
most 0: its log capital s sum(Y) - psi(s) sum(Y^2) reaches log(1/alpha) with probability at most alpha. The direction u
is unknown, but it is one direction: whoever waits until the bets on all directions have won errs with probability at
most alpha, with nothing to pay for their number. For every u,

    sum(delta - Z) >= n delta - |S|,    sum((delta - Z)^2) <= n delta^2 + 2 delta |S| + mu,

S the sum of D and mu the largest eigenvalue of sum(D D^T). With E|D|^2 <= omega declared instead of R, the inequality
of Delyon takes the place of that of Fan (see betting). The stakes are fixed before the draws that they bet on.
"""

import math
from dataclasses import dataclass

import numpy as np

from amss_min.testing.betting import Array, log_mean, psi
from amss_min.testing.reach import Reach

_AROUND = 2.0 ** np.array([-0.25, 0.25, 0.75])


@dataclass(frozen=True, kw_only=True)
class Sums:
    """Of the deviations D, in units of |g|: how many, the norm of their sum, and mu or an upper bound on it."""

    draws: int
    norm: float
    widest: float


def stakes(direction: float, draws: int, alpha: float) -> Array:
    """Stakes per unit of |g|, around the best one for this mean square in the widest direction and these draws.

    A wrong guess costs draws, and no validity.
    """
    best = math.sqrt(2 * math.log(1 / alpha) / (max(draws, 1) * max(direction, 1e-12)))
    return best * _AROUND


def log_excluded(delta: float, sums: Sums, stakes: Array, reach: Reach) -> float:
    """Log e-value against |bias| >= delta |g|, uniformly over directions."""
    centred = sums.draws * delta - sums.norm
    squares = sums.draws * delta**2 + 2 * delta * sums.norm + sums.widest
    if reach.omega is not None:
        variance = max(reach.omega - delta**2, 0.0)
        return float(log_mean(stakes * centred - stakes**2 * (squares / 6 + sums.draws * variance / 3)))
    room = reach.radius - delta
    if room <= 0:  # no draw is as far from g as delta, so neither is their mean
        return math.inf
    share = np.minimum(stakes * room, 0.5)
    return float(log_mean(share * (centred / room) - psi(share) * (squares / room**2))) - reach.handicap


def largest_bias(sums: Sums, stakes: Array, reach: Reach, alpha: float) -> float:
    """The least delta, in units of |g|, found to be excluded at alpha: infinite where none is.

    Doubling, then bisection to a relative 1e-3; what is returned is itself excluded.
    """
    needed = math.log(1 / alpha)

    def excluded(delta: float) -> bool:
        return log_excluded(delta, sums, stakes, reach) >= needed

    high = 2.0**-20
    while not excluded(high):
        high *= 2
        if high > 2.0**40:
            return math.inf
    low = high / 2
    while high - low > 1e-3 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if excluded(middle) else (middle, high)
    return high
