r"""The lemmas behind every upper bound: from one step's descent to an average, a weighted average, or a last value.

delta_t = E F(w_t) - F* >= 0 and a_t = E |grad F(w_t)|^2 (or another energy, where said so). Smoothness gives, for
w_{t+1} = w_t - eta g_t,

    delta_{t+1} <= delta_t - eta E <grad F(w_t), g_t> + (L eta^2 / 2) E |g_t|^2,

and what is assumed of g_t turns this into  delta_{t+1} <= delta_t - (p / 2) a_t + s  with a progress p and a drift s.
"""

import math

import numpy as np

from theory.measurement import Array


def check_stepsize(stepsize: float, limit: float, *, name: str, attained: bool = False) -> None:
    """Raise ValueError unless 0 < stepsize < limit (or <= limit where `attained`); name: the limit as a formula."""
    below = stepsize <= limit if attained else stepsize < limit
    if not (stepsize > 0 and below):
        end = "]" if attained else ")"
        raise ValueError(
            f"the stepsize must be in (0, {name}{end} = (0, {limit:.6g}{end}, found {stepsize}: "
            "the bound is not a theorem there"
        )


def checked_horizon(horizon: Array) -> Array:
    """The horizon as float64; ValueError unless every T >= 1."""
    found = np.asarray(horizon, dtype=np.float64)
    if not (found >= 1).all():
        raise ValueError(f"a horizon must be at least 1, found {found.min()}: an average needs a step")
    return found


def missing_power(rate: float, exponent: Array) -> Array:
    """1 - rate^exponent for 0 <= rate <= 1 and exponent >= 0, without cancellation.

    >>> missing_power(0.5, np.array([0.0, 1.0, 2.0]))
    array([0.  , 0.5 , 0.75])
    """
    if rate <= 0:
        found: Array = np.where(exponent > 0, 1.0, 0.0)
        return found
    value: Array = -np.expm1(exponent * math.log(rate)) + 0.0
    return value


def average_bound(horizon: Array, *, L: float, gap: float, progress: float, drift: float) -> Array:
    r"""(1/T) sum_{t<T} a_t <= 2 gap (1 - (1 - p L)^T) / (p T) + 2 s / p.

    Lemma. Let delta_{t+1} <= delta_t - (p / 2) a_t + s and 0 <= a_t <= 2 L delta_t for all t, with 0 < p L <= 1 and
    s >= 0. Then the bound holds for every T >= 1, gap = delta_0. For a_t = E |grad F|^2 the second hypothesis is a
    property of every L-smooth function bounded below.

    Proof. With r = 1 - p L in [0, 1): sum_{t<T} a_t <= (2 / p) [(1 - r^T) delta_0 + T s] by induction over T, for every
    start. T = 0 is trivial. For T >= 1 apply it to the T - 1 steps from w_1 on, where 1 - r^(T-1) <= 1 and
    delta_1 <= delta_0 - (p / 2) a_0 + s:

        sum_{t<T} a_t <= a_0 + (2 / p) [(1 - r^(T-1)) (delta_0 - (p / 2) a_0 + s) + (T - 1) s]
                      <= r^(T-1) a_0 + (2 / p) [(1 - r^(T-1)) delta_0 + T s],

    and r^(T-1) a_0 <= 2 L r^(T-1) delta_0 = (2 / p) (r^(T-1) - r^T) delta_0. Divide by T. QED.

    progress: p. drift: s. Raises ValueError unless 0 < p L <= 1 (up to two roundings) and T >= 1.

    >>> average_bound(np.array([1.0, 2.0]), L=1.0, gap=0.5, progress=0.5, drift=0.0)
    array([1.  , 0.75])
    """
    horizon = checked_horizon(horizon)
    if not 0 < progress * L <= 1 + 2.0**-50:
        raise ValueError(f"progress times L must be in (0, 1], found {progress * L}: the lemma needs 1 - p L >= 0")
    return 2 * gap * missing_power(1 - progress * L, horizon) / (progress * horizon) + 2 * drift / progress


def last_bound(horizon: Array, *, gap: float, rate: float, drift: float) -> Array:
    """delta_T <= rate^T gap + drift (1 - rate^T) / (1 - rate), from delta_{t+1} <= rate delta_t + drift.

    Proof: induction over T; the map increases in delta_t for rate >= 0, and its fixed point is drift / (1 - rate).
    A negative rate counts as 0, since delta_t >= 0. T >= 0. Raises ValueError for a rate of 1 or more.

    >>> last_bound(np.array([0.0, 1.0, 2.0]), gap=1.0, rate=0.5, drift=1.0)
    array([1.  , 1.5 , 1.75])
    """
    rate = max(rate, 0.0)
    if not rate < 1:
        raise ValueError(f"the rate must be below 1, found {rate}: nothing settles")
    missing = missing_power(rate, np.asarray(horizon, dtype=np.float64))
    return gap * (1 - missing) + drift * missing / (1 - rate)


def weight_sum(horizon: Array, *, growth: float) -> Array:
    """P_T = sum_{t<T} q^-(t+1) = (1 - q^-T) / (q - 1), or T where q = 1; growth: q - 1 >= 0.

    >>> weight_sum(np.array([1.0, 2.0]), growth=1.0), weight_sum(np.array([3.0]), growth=0.0)
    (array([0.5 , 0.75]), array([3.]))
    """
    horizon = checked_horizon(horizon)
    if growth < 0:
        raise ValueError(f"the growth must not be negative, found {growth}: the gap's factor is 1 + growth >= 1")
    if growth == 0:
        return horizon
    found: Array = -np.expm1(-horizon * math.log1p(growth)) / growth
    return found


def weighted_bound(horizon: Array, *, gap: float, progress: float, drift: float, growth: float) -> Array:
    r"""sum_{t<T} p_t a_t / sum_{t<T} p_t <= 2 gap / (p P_T) + 2 s / p, with p_t = q^-(t+1), P_T = sum_{t<T} p_t.

    Lemma. delta_{t+1} <= q delta_t - (p / 2) a_t + s, q = 1 + growth >= 1 and delta_t >= 0 give this for every T.
    Proof. Times p_t, with q p_t = p_{t-1} and p_{-1} = 1: (p / 2) p_t a_t <= p_{t-1} delta_t - p_t delta_{t+1} + p_t s.
    The sum telescopes to (p / 2) sum p_t a_t <= delta_0 - p_{T-1} delta_T + s P_T. QED.
    Since P_T >= T q^-T it also bounds min_{t<T} a_t by 2 q^T gap / (p T) + 2 s / p.

    >>> weighted_bound(np.array([1.0, 2.0]), gap=0.5, progress=0.5, drift=0.0, growth=0.0)
    array([2., 1.])
    """
    return 2 * gap / (progress * weight_sum(horizon, growth=growth)) + 2 * drift / progress
