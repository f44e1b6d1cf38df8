r"""Descent with a biased gradient, in the form of Ajalloeian and Stich, for 0/1 masks.

Setting
-------
F is L-smooth and bounded below. w_{t+1} = w_t - eta G_t with G = grad F + b + xi, E xi = 0 given w,
|b|^2 <= m |grad F|^2 + zeta^2 with m < 1, and E |xi|^2 <= M |grad F + b|^2 + s^2. Here G = B * g, a 0/1 mask of a noisy
gradient with E |g - grad F|^2 <= sigma^2.

Claim
-----
For eta <= 1 / ((M + 1) L), with p = eta (1 - m),

    (1/T) sum_{t<T} E |grad F(w_t)|^2 <= 2 Delta (1 - (1 - p L)^T) / (p T) + (zeta^2 + L eta s^2) / (1 - m).

Proof: theory.biased_bounds.biased_bound. The constants, rho = k / n of a modality:

- Equal sizes: E B * g = rho grad F, so m = (1 - rho)^2 and zeta = 0; E |xi|^2 = rho (1 - rho) |grad F|^2 + rho sigma^2
  = (1 / rho - 1) |rho grad F|^2 + rho sigma^2, so M = 1 / rho - 1, s^2 = rho sigma^2. Over modalities m and M are those
  of the least rho, s^2 that of the largest. A 0/1 mask is only a smaller step there: no floor.
- Importance from the same gradient, d <= pi_j: h = E B * g = D grad F + c, b = (D - I) grad F + c, so by
  |x + y|^2 <= (1 + u) |x|^2 + (1 + 1/u) |y|^2, m = (1 + u)(1 - d)^2 and zeta^2 = (1 + 1/u) |c|^2,
  |c|^2 <= (1 - d)^2 sigma^2 / 4, with u = 1/2. As d |grad F| <= |h| + |c|, |grad F|^2 <= 2 (|h|^2 + |c|^2) / d^2;
  E |xi|^2 = E |B * g|^2 - |h|^2 <= |grad F|^2 + sigma^2 - |h|^2 then gives M = 2 / d^2 - 1,
  s^2 = sigma^2 + 2 |c|^2 / d^2.

For self-importance the bound is looser than self-importance-bound, and asks for smaller steps.

Assumptions
-----------
Smoothness, boundedness, noise of mean zero and second moment sigma^2, fresh random masks, inclusion bounded below.

How it is checked
-----------------
Runs of production designs with Indicator on a convex and a non-convex objective, at the largest step and a quarter of
it, with the betting test of theory.dominance: an alarm has probability at most 1e-9 over all runs and horizons.

What would refute it
--------------------
Masks that scale what they keep, fewer units than stated, an understated L or sigma^2.

Source
------
The form: Ajalloeian and Stich 2020 (arXiv 2008.00051), derived again in theory.biased_bounds with the bracket; the
constants of the masks are derived above.
"""

from dataclasses import dataclass

import numpy as np

from amss_min.testing import Evidence, Status
from theory.assumptions import BOUNDED_BELOW, BOUNDED_VARIANCE, FRESH_RANDOMNESS, SMOOTH
from theory.biased_bounds import biased_bound
from theory.dominance import Dominance, refuse_other_descent
from theory.least_inclusion import INCLUSION, covariance_bound, run_least_inclusion
from theory.measurement import Array, Measurement, Run
from theory.sources import Source
from theory.verdict import Claim, Kind

ASSUMPTIONS = (SMOOTH, BOUNDED_BELOW, BOUNDED_VARIANCE, INCLUSION, FRESH_RANDOMNESS)

_SPLIT = 0.5  # u: it must leave m = (1 + u)(1 - d)^2 below 1


@dataclass(frozen=True)
class Bias:
    """m, zeta^2, M and s^2 of an estimator."""

    relative: float
    offset: float
    noise_growth: float
    sigma2: float


def bias(run: Run) -> Bias:
    """The constants of the masked gradient of a run.

    Raises ValueError for a mask that is not 0/1, or whose inclusion probabilities have no lower bound.
    """
    least = run_least_inclusion(run)
    if run.method.importance is None:
        largest = max(k / n for n, k in zip(run.objective.units, run.drawn, strict=True))
        return Bias((1 - least) ** 2, 0.0, 1 / least - 1, largest * run.sigma2)
    covariance = covariance_bound(run.sigma2, least)
    return Bias(
        (1 + _SPLIT) * (1 - least) ** 2,
        (1 + 1 / _SPLIT) * covariance,
        2 / least**2 - 1,
        run.sigma2 + 2 * covariance / least**2,
    )


def predicted(run: Run) -> Array:
    """The bound at every checkpoint of a run, from the constants of its own objective, noise and method.

    Raises ValueError as `bias`, for a relative bias of 1 or more, and for too large a step.
    """
    refuse_other_descent(run)
    found = bias(run)
    return biased_bound(
        np.array(run.checkpoints, dtype=np.float64),
        L=run.objective.L,
        gap=run.gap,
        stepsize=run.stepsize,
        relative=found.relative,
        offset=found.offset,
        noise_growth=found.noise_growth,
        sigma2=found.sigma2,
    )


DOMINANCE = Dominance(
    quantity="average of |grad F|^2 over {T} steps",
    values=lambda run: run.average,
    bound=predicted,
    assumptions=ASSUMPTIONS,
)


def check(measurement: Measurement) -> list[Evidence]:
    """One piece of evidence a run; refuses runs on which a hypothesis fails."""
    return DOMINANCE.check(measurement)


CLAIM = Claim(
    id="biased-bound",
    statement=r"For $G = \nabla F + b + \xi$ with $\|b\|^2 \leq m \|\nabla F\|^2 + \zeta^2$, $m < 1$, "
    r"$E\|\xi\|^2 \leq M \|\nabla F + b\|^2 + s^2$, $\eta \leq 1 / ((M + 1) L)$ and $p = \eta (1 - m)$: "
    r"$\frac{1}{T} \sum_{t<T} E\|\nabla F(w_t)\|^2 \leq \frac{2 \Delta}{p T} (1 - (1 - p L)^T) + "
    r"\frac{\zeta^2 + L \eta s^2}{1 - m}$ for every $T \geq 1$. Masks of 0 and 1 are a case, with $m$, $M$, "
    r"$\zeta$ and $s$ from their least inclusion probability.",
    kind=Kind.INEQUALITY,
    source=Source(kind="derived", reference="Ajalloeian and Stich 2020 (arXiv 2008.00051), derived again"),
    assumptions=ASSUMPTIONS,
    expected_status=Status.CONSISTENT,
    check=check,
    empirical=True,
)
