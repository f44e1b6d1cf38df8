r"""AMSS descends to a neighbourhood: a bound whose floor is the covariance of inclusion and gradient.

Setting
-------
F is L-smooth and bounded below. w_{t+1} = w_t - eta B_t * g_t, B_t a 0/1 mask drawn with the importance of the same
noisy gradient g_t = grad F(w_t) + xi_t, E |xi_t|^2 <= sigma^2; E pi_j >= d > 0 for every unit at every point.

Claim
-----
For eta < d / L, with p = eta (1 - L eta / d) and kappa >= sup_w sum_j Cov(pi_j, g_j)^2 / E pi_j,

    (d/T) sum_{t<T} E |grad F(w_t)|^2 <= 2 Delta (1 - (1 - p L)^T) / (p T) + (kappa + L eta sigma^2) / (1 - L eta / d)

for every T >= 1. The floor kappa / d does not shrink with eta. kappa = (1 - d)^2 sigma^2 / (4 d) always serves. Proofs:
theory.biased_bounds.self_importance_bound and theory.least_inclusion.

Assumptions
-----------
Smoothness, boundedness, noise of mean zero and second moment sigma^2, fresh random masks, and d > 0. The last one holds
where sizes are mixed with uniform; with pure squared-gradient importance it fails, and the check refuses such runs.

How it is checked
-----------------
Runs of AMSS with mixed sizes, successive and systematic, on a convex and a non-convex objective under skewed noise, at
d / (4 L) and d / (16 L), with the betting test of theory.dominance: an alarm has probability at most 1e-9 over all runs
and horizons. Both d and kappa are bounds for the worst case, so the ratios shown are far from 1 at long horizons.

What would refute it
--------------------
Masks that scale what they keep, inclusion probabilities below d, an understated L or sigma^2.

Source
------
Derived in theory.biased_bounds.
"""

import numpy as np

from amss_min.testing import Evidence, Status
from theory.assumptions import BOUNDED_BELOW, BOUNDED_VARIANCE, FRESH_RANDOMNESS, SMOOTH
from theory.biased_bounds import self_importance_bound
from theory.dominance import Dominance, refuse_other_descent
from theory.least_inclusion import INCLUSION, covariance_bound, run_least_inclusion
from theory.measurement import Array, Measurement, Run
from theory.sources import Source
from theory.verdict import Claim, Kind

ASSUMPTIONS = (SMOOTH, BOUNDED_BELOW, BOUNDED_VARIANCE, INCLUSION, FRESH_RANDOMNESS)


def predicted(run: Run) -> Array:
    """The bound at every checkpoint of a run, from the constants of its own objective, noise and method.

    Raises ValueError for a mask without a lower bound d of its inclusion probabilities, or too large a step.
    """
    refuse_other_descent(run)
    least = run_least_inclusion(run)
    return self_importance_bound(
        np.array(run.checkpoints, dtype=np.float64),
        L=run.objective.L,
        gap=run.gap,
        stepsize=run.stepsize,
        sigma2=run.sigma2,
        least_inclusion=least,
        bias=covariance_bound(run.sigma2, least) / least,
        plain=True,
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
    id="self-importance-bound",
    statement=r"For 0/1 masks drawn with the importance of the same noisy gradient, $E \pi_j \geq d > 0$, "
    r"$\eta < d / L$ and $p = \eta (1 - L \eta / d)$: $\frac{d}{T} \sum_{t<T} E\|\nabla F(w_t)\|^2 \leq "
    r"\frac{2 \Delta}{p T} (1 - (1 - p L)^T) + \frac{\kappa + L \eta \sigma^2}{1 - L \eta / d}$ for every $T \geq 1$, "
    r"with $\kappa = \sup \sum_j \mathrm{Cov}(\pi_j, g_j)^2 / E \pi_j \leq (1 - d)^2 \sigma^2 / (4 d)$: a "
    r"neighbourhood that does not shrink with $\eta$.",
    kind=Kind.INEQUALITY,
    source=Source(kind="derived", reference="decomposition of the masked gradient, theory/biased_bounds.py"),
    assumptions=ASSUMPTIONS,
    expected_status=Status.CONSISTENT,
    check=check,
    empirical=True,
)
