r"""Masks without reweighting (AMSS): what they converge to, and how fast.

g = grad F(w) + noise, E |noise|^2 <= sigma^2; M = B the 0/1 mask, pi_j = P(B_j = 1 | g), h(w) = E[B * g | w],
D(w) = diag(E pi_j), c_j(w) = Cov(pi_j, g_j). Since E pi_j g_j = E pi_j E g_j + Cov(pi_j, g_j),

    h = D grad F + c.

|v|_D^2 = sum_j D_jj v_j^2; d_min is the least D_jj over all points and units. With pure squared-gradient importance
d_min may be 0; sizes mixed with a share alpha of uniform give d_min >= min(1, k alpha / n), since every size is then at
least alpha / n and water-filling multiplies sizes by at least k before it caps them (a unit with g_j = 0 leaves the
draw, and where that is certain it counts for nothing on either side).

Every function bounds an average over t < T by the lemmas of theory.descent; symbols: gap = F(w_0) - F*, stepsize eta,
p = progress. All raise ValueError for a step at or beyond the limit they state, a share outside (0, 1], or T < 1.
"""

import math

from theory.abc_bounds import stepsize_limit
from theory.descent import average_bound, check_stepsize, last_bound, weighted_bound
from theory.measurement import Array


def universal_bias(sigma2: float) -> float:
    """sup |c|^2 <= sigma^2 / 4, whatever the design and the noise.

    Proof: c_j^2 <= Var(pi_j) Var(g_j) (Cauchy and Schwarz), Var(pi_j) <= 1/4 as pi_j lies in [0, 1]; sum over j. QED.

    >>> universal_bias(2.0)
    0.5
    """
    return sigma2 / 4


def full_gradient_bound(horizon: Array, *, L: float, gap: float, stepsize: float, share: float) -> Array:
    r"""(1/T) sum E |grad F(w_t)|^2 <= 2 gap (1 - (1 - p L)^T) / (p T), p = eta (2 - L eta) k / n, for eta < 2 / L.

    For exact gradients and inclusion probabilities that do not decrease in |g_j|, with sum k (or all 1 where fewer than
    k units have a gradient): no floor, and no reweighting needed. share: k / n, the least over modalities. At
    eta <= 1 / L it is at most 2 n gap / (k eta T). Top-k is a case: pi_j is 1 for the k largest.

    Proof. <grad F, h> = E |B * g|^2 = sum pi_j g_j^2 >= (k / n) |grad F|^2 by Chebyshev's sum inequality (pi_j and
    g_j^2 are ordered alike), so delta_{t+1} <= delta_t - (eta - L eta^2 / 2) (k / n) a_t; p L <= k / n <= 1. QED.
    Attained by F = (L / 2) |w|^2 where all |w_j| are equal at every step, and by uniform pi from any start.

    >>> import numpy as np
    >>> full_gradient_bound(np.array([1.0, 2.0]), L=1.0, gap=0.5, stepsize=1.0, share=0.5)
    array([1.  , 0.75])
    """
    _check_share(share, "k / n")
    check_stepsize(stepsize, 2 / L, name="2/L")
    return average_bound(horizon, L=L, gap=gap, progress=stepsize * (2 - L * stepsize) * share, drift=0.0)


def full_gradient_pl_bound(horizon: Array, *, L: float, mu: float, gap: float, stepsize: float, share: float) -> Array:
    r"""F(w_T) - F* <= (1 - mu eta (2 - L eta) k / n)^T gap in the mean, under PL with constant mu: a linear rate to F*.

    Setting and proof as in `full_gradient_bound`, with a_t >= 2 mu delta_t. For top-k compressed gradient descent it
    holds without a mean. At eta = 1 / L the contraction is 1 - (k / n) mu / L, attained by top-k on an isotropic
    quadratic (mu = L) whose coordinates have equal size.

    >>> import numpy as np
    >>> full_gradient_pl_bound(np.array([1.0, 2.0]), L=1.0, mu=1.0, gap=1.0, stepsize=1.0, share=0.5)
    array([0.5 , 0.25])
    """
    _check_share(share, "k / n")
    check_stepsize(stepsize, 2 / L, name="2/L")
    return last_bound(horizon, gap=gap, rate=1 - mu * stepsize * (2 - L * stepsize) * share, drift=0.0)


def independent_mask_bound(
    horizon: Array,
    *,
    L: float,
    gap: float,
    stepsize: float,
    sigma2: float,
    least_inclusion: float | None = None,
    noise_share: float = 1.0,
) -> Array:
    r"""(1/T) sum E |grad F(w_t)|_D^2 <= 2 gap (1 - (1 - p L)^T) / (p T) + L eta sigma^2 / (2 - L eta).

    p = eta (2 - L eta). For masks whose pi_t depends on the past but not on the current noise (importance from a
    running average or from the previous batch); D = diag(pi_t) may change from step to step. eta < 2 / L. At eta <= 1 /
    L it is at most the usual 2 gap / (eta T) + L eta sigma^2: no floor.

    least_inclusion: d_min, a lower bound of every pi_j; then the bound is for the plain E |grad F(w_t)|^2, with p d_min
    in place of p in the first term and the second divided by d_min. noise_share: s with sum_j pi_j E noise_j^2 <= s
    sigma^2 (at most 1), which multiplies sigma^2; for a uniform mask k / n.

    Proof. c = 0, so <grad F, h> = |grad F|_D^2, and E |B * g|^2 = sum pi_j (grad_j^2 + E noise_j^2). Hence
    delta_{t+1} <= delta_t - (p / 2) E |grad F|_D^2 + L eta^2 s sigma^2 / 2. |v|_D^2 <= |v|^2 <= 2 L delta_t for v =
    grad F, and d_min |v|^2 <= |v|_D^2. p L <= 1. QED.

    >>> import numpy as np
    >>> independent_mask_bound(np.array([1.0, 2.0]), L=1.0, gap=0.5, stepsize=1.0, sigma2=0.5)
    array([1.5, 1. ])
    """
    check_stepsize(stepsize, 2 / L, name="2/L")
    _check_share(noise_share, "the noise's share")
    least = _least(least_inclusion)
    progress = stepsize * (2 - L * stepsize) * least
    return average_bound(horizon, L=L, gap=gap, progress=progress, drift=0.5 * L * stepsize**2 * noise_share * sigma2)


def self_importance_bound(
    horizon: Array,
    *,
    L: float,
    gap: float,
    stepsize: float,
    sigma2: float,
    least_inclusion: float,
    bias: float | None = None,
    plain: bool = False,
) -> Array:
    r"""Mean of E |grad F(w_t)|_D^2 <= 2 gap (1 - (1 - p L)^T) / (p T) + (kappa + L eta sigma^2) / (1 - L eta / d_min).

    For masks drawn with the importance of the same noisy gradient. p = eta (1 - L eta / d_min), eta < d_min / L.
    bias: kappa = sup_w sum_j c_j^2 / D_jj; by default sigma^2 / (4 d_min), which always bounds it (`universal_bias`).
    plain: bound E |grad F(w_t)|^2 instead, everything but p L over d_min.

    The floor kappa does not shrink with eta, and its constant cannot be improved: where the mean field stands still,
    grad F = -D^-1 c, |grad F|_D^2 is sum_j c_j^2 / D_jj. At eta <= d_min / (2 L) the bound is at most
    4 gap / (eta T) + 2 kappa + 2 L eta sigma^2.

    Proof. <grad F, h> = |grad F|_D^2 + <grad F, c> >= |grad F|_D^2 / 2 - kappa / 2, and
    E |B * g|^2 <= E |g|^2 <= |grad F|^2 + sigma^2 <= |grad F|_D^2 / d_min + sigma^2. Hence
    delta_{t+1} <= delta_t - (p / 2) E |grad F|_D^2 + (eta / 2) (kappa + L eta sigma^2). |grad F|_D^2 <= 2 L delta_t and
    p L <= d_min / 4. QED.

    >>> import numpy as np
    >>> self_importance_bound(
    ...     np.array([1.0]), L=1.0, gap=0.5, stepsize=0.25, sigma2=1.0, least_inclusion=0.5, bias=0.25
    ... )
    array([2.])
    """
    progress, drift = _self_importance(L, stepsize, sigma2, least_inclusion, bias)
    share = least_inclusion if plain else 1.0
    return average_bound(horizon, L=L, gap=gap, progress=progress, drift=drift) / share


def pl_self_importance_bound(
    horizon: Array,
    *,
    L: float,
    mu: float,
    gap: float,
    stepsize: float,
    sigma2: float,
    least_inclusion: float,
    bias: float | None = None,
) -> Array:
    r"""E F(w_T) - F* <= r^T gap + s (1 - r^T) / (1 - r), r = 1 - p mu d_min, s = (eta / 2) (kappa + L eta sigma^2).

    Setting, p and kappa as in `self_importance_bound`, with F of PL constant mu. Its floor is
    (kappa + L eta sigma^2) / (2 mu d_min (1 - L eta / d_min)).
    Proof: there, |grad F|_D^2 >= d_min |grad F|^2 >= 2 mu d_min (F - F*). QED.

    >>> import numpy as np
    >>> pl_self_importance_bound(
    ...     np.array([0.0]), L=1.0, mu=1.0, gap=0.5, stepsize=0.25, sigma2=1.0, least_inclusion=0.5
    ... )
    array([0.5])
    """
    progress, drift = _self_importance(L, stepsize, sigma2, least_inclusion, bias)
    return last_bound(horizon, gap=gap, rate=1 - progress * mu * least_inclusion, drift=drift)


def biased_bound(
    horizon: Array,
    *,
    L: float,
    gap: float,
    stepsize: float,
    relative: float,
    offset: float,
    noise_growth: float,
    sigma2: float,
) -> Array:
    r"""(1/T) sum E |grad F(w_t)|^2 <= 2 gap (1 - (1 - p L)^T) / (p T) + (zeta^2 + L eta sigma^2) / (1 - m).

    p = eta (1 - m). For g = grad F + b + xi with |b|^2 <= m |grad F|^2 + zeta^2, m < 1, E xi = 0, E |xi|^2 <= M |grad F
    + b|^2 + sigma^2, and eta <= 1 / ((M + 1) L). relative: m. offset: zeta^2. noise_growth: M.
    For AMSS m = (1 + s) (1 - d_min)^2, zeta^2 = (1 + 1/s) sup |c|^2 for any s > 0 that keeps m < 1.

    Proof. With d = grad F + b, -<grad F, d> = (-|grad F|^2 - |d|^2 + |b|^2) / 2, and
    E |g|^2 <= (M + 1) |d|^2 + sigma^2, where L eta (M + 1) <= 1 cancels |d|^2:
    delta_{t+1} <= delta_t - (p / 2) a_t + (eta / 2) (zeta^2 + L eta sigma^2). p L <= 1. QED.
    Source of the form: Ajalloeian and Stich 2020 (arXiv 2008.00051).

    >>> import numpy as np
    >>> biased_bound(
    ...     np.array([1.0, 2.0]), L=1.0, gap=0.5, stepsize=1.0, relative=0.5, offset=0.0, noise_growth=0.0, sigma2=0.0
    ... )
    array([1.  , 0.75])
    """
    progress, drift = _biased(L, stepsize, relative, offset, noise_growth, sigma2)
    return average_bound(horizon, L=L, gap=gap, progress=progress, drift=drift)


def pl_biased_bound(
    horizon: Array,
    *,
    L: float,
    mu: float,
    gap: float,
    stepsize: float,
    relative: float,
    offset: float,
    noise_growth: float,
    sigma2: float,
) -> Array:
    r"""E F(w_T) - F* <= r^T gap + s (1 - r^T) / (1 - r), with r and s as below.

    r = 1 - eta mu (1 - m), s = (eta / 2) (zeta^2 + L eta sigma^2). Setting as in `biased_bound`, with F of PL constant
    mu; the floor is (zeta^2 + L eta sigma^2) / (2 mu (1 - m)). Proof: there, a_t >= 2 mu delta_t. QED.

    >>> import numpy as np
    >>> constants = {"relative": 0.5, "offset": 0.0, "noise_growth": 0.0, "sigma2": 0.0}
    >>> pl_biased_bound(np.array([1.0]), L=1.0, mu=1.0, gap=1.0, stepsize=1.0, **constants)
    array([0.5])
    """
    progress, drift = _biased(L, stepsize, relative, offset, noise_growth, sigma2)
    return last_bound(horizon, gap=gap, rate=1 - mu * progress, drift=drift)


def biased_abc_bound(
    horizon: Array,
    *,
    L: float,
    gap: float,
    stepsize: float,
    abc: tuple[float, float, float],
    alignment: float,
    misalignment: float,
) -> Array:
    r"""sum p_t E |grad F(w_t)|^2 / P_T <= (2 gap / (eta P_T) + L eta C + 2 c) / (2 b - L B eta).

    For <grad F, E g> >= b |grad F|^2 - c and E |g|^2 <= 2 A (F - F*) + B |grad F|^2 + C; eta < 2 b / (L B).
    p_t = (1 + L A eta^2)^-(t+1) (theory.abc_bounds.abc_weights), P_T = sum_{t<T} p_t. At eta <= b / (L B) the minimum
    over t < T is at most 2 (1 + L A eta^2)^T gap / (b eta T) + L eta C / b + 2 c / b.

    abc: of the estimator itself. alignment: b > 0. misalignment: c >= 0. Self-importance is a case with b = d_min / 2
    and c = kappa / 2, looser than `self_importance_bound`.
    Proof. delta_{t+1} <= (1 + L A eta^2) delta_t - (eta / 2) (2 b - L B eta) a_t + eta c + L C eta^2 / 2, and
    theory.descent.weighted_bound. QED. The setting is that of Demidovich et al. 2023 (arXiv 2305.16296).

    >>> import numpy as np
    >>> biased_abc_bound(
    ...     np.array([1.0]), L=1.0, gap=0.5, stepsize=0.5, abc=(0.0, 1.0, 0.0), alignment=0.5, misalignment=0.125
    ... )
    array([4.5])
    """
    A, B, C = abc
    if not alignment > 0 or min(*abc, misalignment) < 0:
        raise ValueError(
            f"b must be positive and A, B, C, c not negative, found {abc}, b={alignment}, c={misalignment}"
        )
    check_stepsize(stepsize, alignment * stepsize_limit(L, B) if B > 0 else math.inf, name="2 b/(L B)")
    return weighted_bound(
        horizon,
        gap=gap,
        progress=stepsize * (2 * alignment - L * B * stepsize),
        drift=stepsize * misalignment + 0.5 * L * C * stepsize**2,
        growth=L * A * stepsize**2,
    )


def _self_importance(
    L: float, stepsize: float, sigma2: float, least_inclusion: float, bias: float | None
) -> tuple[float, float]:
    """Progress and drift of the descent in |grad F|_D^2."""
    least = _least(least_inclusion)
    check_stepsize(stepsize, least / L, name="d_min/L")
    kappa = universal_bias(sigma2) / least if bias is None else bias
    return stepsize * (1 - L * stepsize / least), 0.5 * stepsize * (kappa + L * stepsize * sigma2)


def _biased(
    L: float, stepsize: float, relative: float, offset: float, noise_growth: float, sigma2: float
) -> tuple[float, float]:
    """Progress and drift of the descent in |grad F|^2."""
    if not 0 <= relative < 1:
        raise ValueError(
            f"the relative bias m must be in [0, 1), found {relative}: at m = 1 g may vanish or turn round"
        )
    check_stepsize(stepsize, 1 / ((noise_growth + 1) * L), name="1/((M + 1) L)", attained=True)
    return stepsize * (1 - relative), 0.5 * stepsize * (offset + L * stepsize * sigma2)


def _least(least_inclusion: float | None) -> float:
    if least_inclusion is None:
        return 1.0
    _check_share(least_inclusion, "d_min")
    return least_inclusion


def _check_share(share: float, name: str) -> None:
    if not 0 < share <= 1:
        raise ValueError(f"{name} must be in (0, 1], found {share}")
