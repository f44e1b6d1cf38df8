r"""Unbiased estimators whose second moment grows with the gap: E |C|^2 <= 2 A (F - F*) + B |grad F|^2 + C, "ABC".

If a noisy gradient g satisfies it with (A, B, C), an unbiased mask with E |M * g|^2 <= (1 + omega) |g|^2 gives
(1 + omega) (A, B, C) (`masked`). Additive noise: (0, 1, sigma^2). One component of a finite sum, drawn uniformly, with
L_i-smooth F_i >= F_i*: |grad F_i|^2 <= 2 L_i (F_i - F_i*), so A = max_i L_i, B = 0, C = 2 A (F* - mean_i F_i*).

One step: smoothness and E[C | w] = grad F(w) give, with a_t = E |grad F(w_t)|^2,

    delta_{t+1} <= (1 + L A eta^2) delta_t - (p / 2) a_t + s,    p = eta (2 - L B eta),  s = L C eta^2 / 2.

Every bound here takes its progress p from this line, so that it holds for eta < 2 / (L B), and for eta <= 1 / (L B),
where p >= eta, it is at most the usual statement with eta in place of p. The form is that of Khaled and Richtarik
(arXiv 2002.03329) and Karimi, Nutini and Schmidt (arXiv 1608.04636); the proofs are here and in theory.descent.
"""

import math

import numpy as np

from theory.descent import check_stepsize, checked_horizon, last_bound, weighted_bound
from theory.measurement import Array

ABC = tuple[float, float, float]
"""The constants (A, B, C), each >= 0."""


def masked(abc: ABC, factor: float) -> ABC:
    """(1 + omega) (A, B, C): the constants after an unbiased mask with second-moment factor 1 + omega.

    Proof: E |M * g|^2 = E E[|M * g|^2 | g] <= (1 + omega) E |g|^2. The mean is kept by the tower rule, also where the
    inclusion probabilities come from this same g.

    >>> masked((0.0, 1.0, 0.5), 4.0)
    (0.0, 4.0, 2.0)
    """
    return factor * abc[0], factor * abc[1], factor * abc[2]


def stepsize_limit(L: float, B: float) -> float:
    """2 / (L B), infinite for B = 0: steps below it make progress.

    >>> stepsize_limit(2.0, 4.0), stepsize_limit(2.0, 0.0)
    (0.25, inf)
    """
    return 2 / (L * B) if B > 0 else math.inf


def abc_weights(t: Array, *, L: float, A: float, stepsize: float) -> Array:
    """p_t = (1 + L A eta^2)^-(t+1), not normalised: the weights of the average that `abc_bound` is about.

    >>> abc_weights(np.array([0.0, 1.0]), L=1.0, A=4.0, stepsize=0.5)
    array([0.5 , 0.25])
    """
    found: Array = np.exp(-(np.asarray(t, dtype=np.float64) + 1) * math.log1p(L * A * stepsize**2))
    return found


def abc_bound(horizon: Array, *, L: float, gap: float, stepsize: float, abc: ABC) -> Array:
    r"""sum_{t<T} p_t E |grad F(w_t)|^2 / P_T <= (2 gap / (eta P_T) + L eta C) / (2 - L B eta).

    p_t = q^-(t+1) with q = 1 + L A eta^2 (`abc_weights`), P_T = sum_{t<T} p_t. As P_T >= T q^-T, it also bounds
    min_{t<T} E |grad F(w_t)|^2 by (2 q^T gap / (eta T) + L eta C) / (2 - L B eta), which for eta <= 1 / (L B) is at
    most the usual 2 q^T gap / (eta T) + L eta C. Of the plain average it says nothing for A > 0.

    abc: of the masked gradient. Proof: theory.descent.weighted_bound on the step of this module.
    Raises ValueError unless 0 < eta < 2 / (L B) and T >= 1.

    >>> abc_bound(np.array([1.0, 2.0]), L=1.0, gap=0.5, stepsize=0.5, abc=(0.0, 2.0, 0.0))
    array([2., 1.])
    """
    A, B, C = _checked(abc)
    check_stepsize(stepsize, stepsize_limit(L, B), name="2/(L B)")
    progress, drift = stepsize * (2 - L * B * stepsize), 0.5 * L * C * stepsize**2
    return weighted_bound(horizon, gap=gap, progress=progress, drift=drift, growth=L * A * stepsize**2)


def pl_bound(horizon: Array, *, L: float, mu: float, gap: float, stepsize: float, abc: ABC) -> Array:
    r"""E F(w_T) - F* <= r^T gap + s (1 - r^T) / (1 - r), r = 1 - mu p, for F with (1/2) |grad F|^2 >= mu (F - F*).

    p = eta (2 - L B' eta), s = L C eta^2 / 2, B' = B + A / mu: a linear rate to the floor s / (mu p), which for
    eta <= 1 / (L B') is at most L eta C / (2 mu), and r at most 1 - eta mu.

    Proof. 2 A (F - F*) <= (A / mu) |grad F|^2, so (A, B, C) is (0, B', C). Then delta_{t+1} <= delta_t - (p / 2) a_t +
    s and a_t >= 2 mu delta_t give delta_{t+1} <= r delta_t + s; theory.descent.last_bound. QED.
    T >= 0. Raises ValueError unless 0 < eta < 2 / (L B') and 0 < mu <= L (a PL constant cannot exceed L).

    >>> pl_bound(np.array([0.0, 1.0]), L=1.0, mu=1.0, gap=1.0, stepsize=0.25, abc=(0.0, 2.0, 0.0))
    array([1.   , 0.625])
    """
    A, B, C = _checked(abc)
    _check_pl(mu, L)
    B += A / mu
    check_stepsize(stepsize, stepsize_limit(L, B), name="2/(L (B + A/mu))")
    rate = 1 - mu * stepsize * (2 - L * B * stepsize)
    return last_bound(horizon, gap=gap, rate=rate, drift=0.5 * L * C * stepsize**2)


def pl_decreasing_shift(*, L: float, mu: float, abc: ABC) -> float:
    """The least gamma that `pl_decreasing_bound` allows: max{2, 2 L (B + A / mu) / mu}.

    >>> pl_decreasing_shift(L=2.0, mu=1.0, abc=(0.0, 3.0, 1.0))
    12.0
    """
    A, B, _ = _checked(abc)
    _check_pl(mu, L)
    return max(2.0, 2 * L * (B + A / mu) / mu)


def pl_decreasing_bound(horizon: Array, *, L: float, mu: float, gap: float, shift: float, abc: ABC) -> Array:
    r"""E F(w_T) - F* <= max{2 L C / mu^2, gamma gap} / (gamma + T) for eta_t = 2 / (mu (gamma + t)).

    F as in `pl_bound`. shift: gamma >= max{2, 2 L B' / mu}, B' = B + A / mu. T >= 0.
    Proof. Then eta_t <= 1 / (L B') and delta_{t+1} <= (1 - mu eta_t) delta_t + L C eta_t^2 / 2. Let v be the numerator
    and delta_t <= v / s with s = gamma + t >= 2. As 2 L C / mu^2 <= v,

        delta_{t+1} <= (1 - 2 / s) v / s + v / s^2 = v (s - 1) / s^2 <= v / (s + 1),

    since (s - 1) (s + 1) <= s^2. QED.

    Raises ValueError for a smaller gamma.

    >>> pl_decreasing_bound(np.array([0.0, 2.0]), L=1.0, mu=1.0, gap=1.0, shift=2.0, abc=(0.0, 1.0, 0.0))
    array([1. , 0.5])
    """
    least = pl_decreasing_shift(L=L, mu=mu, abc=abc)
    if not shift >= least:
        raise ValueError(f"gamma must be at least max(2, 2 L (B + A/mu) / mu) = {least:.6g}, found {shift}: no theorem")
    found: Array = max(2 * L * abc[2] / mu**2, shift * gap) / (shift + np.asarray(horizon, dtype=np.float64))
    return found


def decreasing_stepsizes(t: Array, *, first: float) -> Array:
    """eta_t = eta_0 / sqrt(t + 1): also the weights of the average that `nonconvex_decreasing_bound` is about.

    >>> decreasing_stepsizes(np.array([0.0, 3.0]), first=0.5)
    array([0.5 , 0.25])
    """
    found: Array = first / np.sqrt(np.asarray(t, dtype=np.float64) + 1)
    return found


def nonconvex_decreasing_bound(
    horizon: Array, *, L: float, gap: float, first: float, B: float, C: float, factor: float = 1.0
) -> Array:
    r"""sum eta_t a_t / sum eta_t <= (2 gap + L C eta_0^2 (1 + ln T)) / ((2 - L B eta_0) 2 eta_0 (sqrt(T + 1) - 1)).

    Sums over t < T, eta_t = eta_0 / sqrt(t + 1), a_t = E |grad F(w_t)|^2, for E |g|^2 <= B |grad F|^2 + C and a mask
    with factor 1 + omega (B and C are multiplied by it). The rate is ln(T) / sqrt(T), not a clean power; it concerns
    the average with weights eta_t (`decreasing_stepsizes`), or an iterate drawn with them, not the last iterate.

    Proof. Summing (1/2) eta_t (2 - L B eta_t) a_t <= delta_t - delta_{t+1} + L C eta_t^2 / 2, with eta_t <= eta_0,
    gives (2 - L B eta_0) sum eta_t a_t <= 2 gap + L C sum eta_t^2. Comparison with integrals: sum 1 / (t + 1) <= 1 + ln
    T and sum 1 / sqrt(t + 1) >= 2 (sqrt(T + 1) - 1). QED.

    first: eta_0. Raises ValueError unless 0 < eta_0 < 2 / (L B) and T >= 1.

    >>> nonconvex_decreasing_bound(np.array([3.0]), L=1.0, gap=1.0, first=0.5, B=2.0, C=0.0)
    array([2.])
    """
    _, B, C = masked(_checked((0.0, B, C)), factor)
    check_stepsize(first, stepsize_limit(L, B), name="2/(L B)")
    horizon = checked_horizon(horizon)
    found: Array = (2 * gap + L * C * first**2 * (1 + np.log(horizon))) / (
        (2 - L * B * first) * 2 * first * (np.sqrt(horizon + 1) - 1)
    )
    return found


def _checked(abc: ABC) -> ABC:
    if min(abc) < 0:
        raise ValueError(f"A, B and C must not be negative, found {abc}")
    return abc


def _check_pl(mu: float, L: float) -> None:
    if not 0 < mu <= L:
        raise ValueError(
            f"mu must be in (0, L] = (0, {L:.6g}], found {mu}: 2 mu (F - F*) <= |grad F|^2 <= 2 L (F - F*)"
        )
