r"""A lower bound d of the inclusion probabilities of a 0/1 mask at every gradient, and what bias it leaves room for.

pi_j(g) >= d for every g without zero entries, with sizes mixed with a share a of uniform, k of n units drawn:

- Systematic, Poisson: d = min(1, a k / n), less the rounding of pi to multiples of 2^-40. Sizes are at least a / n, and
  water-filling multiplies them by c >= k, since capping only hands shares on.
- Successive: d = 1 - (1 - a / n)^k. In every draw a unit not drawn before has a chance of at least its size a / n, as
  the sizes that are left add up to 1 at most.
- equal sizes (no importance): d = k / n.

A unit with g_j = 0 leaves the draw; under noise with g_j = 0 it is no matter, as B_j g_j = 0 = pi_j g_j.

As d <= pi_j <= 1, Var(pi_j) <= (1 - d)^2 / 4, so with c_j = Cov(pi_j, g_j) and E |g - grad F|^2 <= sigma^2

    |c|^2 <= (1 - d)^2 sigma^2 / 4,    kappa = sum_j c_j^2 / E pi_j <= (1 - d)^2 sigma^2 / (4 d),

the bounds of theory.biased_bounds.universal_bias sharpened by (1 - d)^2.
"""

import math

from amss_min.designs import Poisson, SimpleRandom, Successive, Systematic
from amss_min.designs.fixed_point import ONE
from amss_min.importance import SquaredGradient
from amss_min.weightings import Indicator
from theory.assumptions import Assumption
from theory.biased_bounds import universal_bias
from theory.measurement import Estimator, Run

INCLUSION = Assumption("inclusion bounded below", r"$E \pi_j(g) \geq d > 0$ for every unit at every point")
"""What bounds of self-importance rest on: `least_inclusion` refuses the methods for which it fails."""


def least_inclusion(method: Estimator, n: int, k: int) -> float:
    """d with pi_j(g) >= d for k of n units.

    Raises ValueError for a mask that is not 0/1, and where d_min > 0 is not known, as for sizes not mixed with uniform:
    there it is 0 over the whole space.

    >>> from types import SimpleNamespace
    >>> mixed = SimpleNamespace(
    ...     name="", importance=SquaredGradient(mix=0.5), design=Successive(), weighting=Indicator()
    ... )
    >>> round(least_inclusion(mixed, 2, 1), 9), round(least_inclusion(mixed, 8, 2), 9)
    (0.25, 0.12109375)
    """
    if method.design is None or not isinstance(method.weighting, Indicator):
        raise ValueError(f"the bound is one of 0/1 masks, found method {method.name!r}")
    if method.importance is None and isinstance(method.design, SimpleRandom):
        return k / n
    mix = method.importance.mix if isinstance(method.importance, SquaredGradient) else 0.0
    if not mix > 0:
        raise ValueError(
            f"d_min > 0 fails for method {method.name!r}: sizes must be mixed with uniform, or a unit's inclusion "
            "probability has no lower bound"
        )
    if isinstance(method.design, Systematic | Poisson):
        return float(min(1.0, mix * k / n) * (1 - n * n / (ONE * mix * k)))
    if isinstance(method.design, Successive):
        # Sizes are rounded to 2^-52, and clocks to 53 bits: 2^-40 is room enough.
        return -math.expm1(k * math.log1p(-mix / n)) * (1 - 2.0**-40)
    raise ValueError(f"no lower bound of inclusion probabilities is known here for method {method.name!r}")


def run_least_inclusion(run: Run) -> float:
    """d of a run: the least over its modalities."""
    return min(least_inclusion(run.method, n, k) for n, k in zip(run.objective.units, run.drawn, strict=True))


def covariance_bound(sigma2: float, least: float) -> float:
    """|c|^2 <= (1 - d)^2 sigma^2 / 4.

    >>> covariance_bound(4.0, 0.5)
    0.25
    """
    return (1 - least) ** 2 * universal_bias(sigma2)
