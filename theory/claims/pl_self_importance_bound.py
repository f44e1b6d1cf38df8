r"""Under the Polyak-Lojasiewicz condition AMSS converges linearly to a neighbourhood in value.

Setting
-------
As in self-importance-bound, and |grad F|^2 / 2 >= mu (F - F*) everywhere, mu > 0.

Claim
-----
For eta < d / L, with r = 1 - mu d eta (1 - L eta / d) and kappa >= sup_w sum_j Cov(pi_j, g_j)^2 / E pi_j,

    E F(w_T) - F* <= r^T Delta + (eta / 2) (kappa + L eta sigma^2) (1 - r^T) / (1 - r)    for every T >= 0,

with kappa = (1 - d)^2 sigma^2 / (4 d) where nothing better is known. Proof: theory.biased_bounds.

Assumptions
-----------
Those of self-importance-bound and the Polyak-Lojasiewicz constant of the objective.

How it is checked
-----------------
F(w_T) - F* of every replicate is nonnegative: the betting test of theory.dominance, on runs of AMSS with mixed sizes on
a quadratic and on a non-convex objective with a proved mu, at d / (2 L) and d / (8 L), under skewed noise. An alarm has
probability at most 1e-9 over all runs and horizons.

What would refute it
--------------------
Masks that scale what they keep, an overstated mu, an understated L or sigma^2.

Source
------
Derived in theory.biased_bounds.
"""

import numpy as np

from amss_min.testing import Evidence, Status
from theory.assumptions import BOUNDED_BELOW, BOUNDED_VARIANCE, FRESH_RANDOMNESS, SMOOTH
from theory.biased_bounds import pl_self_importance_bound
from theory.curvature import POLYAK_LOJASIEWICZ
from theory.dominance import Dominance, refuse_other_descent
from theory.least_inclusion import INCLUSION, covariance_bound, run_least_inclusion
from theory.measurement import Array, Measurement, Run
from theory.sources import Source
from theory.verdict import Claim, Kind

ASSUMPTIONS = (SMOOTH, BOUNDED_BELOW, POLYAK_LOJASIEWICZ, BOUNDED_VARIANCE, INCLUSION, FRESH_RANDOMNESS)


def predicted(run: Run) -> Array:
    """The bound at every checkpoint of a run, from the constants of its own objective, noise and method.

    Raises ValueError for a mask without a lower bound d of its inclusion probabilities, or too large a step.
    """
    refuse_other_descent(run)
    # The assumption looked into it.
    constant: float = getattr(run.objective, "mu", None) or 0.0
    least = run_least_inclusion(run)
    return pl_self_importance_bound(
        np.array(run.checkpoints, dtype=np.float64),
        L=run.objective.L,
        mu=constant,
        gap=run.gap,
        stepsize=run.stepsize,
        sigma2=run.sigma2,
        least_inclusion=least,
        bias=covariance_bound(run.sigma2, least) / least,
    )


DOMINANCE = Dominance(
    quantity="F - F* after {T} steps",
    values=lambda run: run.value - run.objective.f_star,
    bound=predicted,
    assumptions=ASSUMPTIONS,
)


def check(measurement: Measurement) -> list[Evidence]:
    """One piece of evidence a run; refuses runs on which a hypothesis fails."""
    return DOMINANCE.check(measurement)


CLAIM = Claim(
    id="pl-self-importance-bound",
    statement=r"Under $\frac12 \|\nabla F\|^2 \geq \mu (F - F^*)$, for 0/1 masks drawn with the importance of the same "
    r"noisy gradient, $E \pi_j \geq d > 0$ and $\eta < d / L$: $E F(w_T) - F^* \leq r^T \Delta + "
    r"\frac{\eta}{2} (\kappa + L \eta \sigma^2) \frac{1 - r^T}{1 - r}$, $r = 1 - \mu d \eta (1 - L \eta / d)$.",
    kind=Kind.INEQUALITY,
    source=Source(kind="derived", reference="decomposition of the masked gradient, theory/biased_bounds.py"),
    assumptions=ASSUMPTIONS,
    expected_status=Status.CONSISTENT,
    check=check,
    empirical=True,
)
