r"""AMSS with exact gradients keeps a bound without floor, at the step of gradient descent and without reweighting.

Setting
-------
F is L-smooth and bounded below. w_{t+1} = w_t - eta B_t * grad F(w_t), B_t a 0/1 mask of k units drawn with the
importance of that exact gradient: no noise but that of the mask.

Claim
-----
For inclusion probabilities that do not decrease in |g_j| and eta < 2 / L, with p = eta (2 - L eta) k / n, k / n the
least over modalities,

    (1/T) sum_{t<T} E |grad F(w_t)|^2 <= 2 Delta (1 - (1 - p L)^T) / (p T)    for every T >= 1.

At eta = 1 / L that is at most 2 n L Delta / (k T). Proof: theory.biased_bounds.full_gradient_bound. Squared-gradient
importance is monotone with successive and systematic sampling and with top-k, mixed with uniform or not.

Assumptions
-----------
Smoothness, boundedness, exact gradients, fresh random masks. No lower bound of inclusion probabilities.

How it is checked
-----------------
Runs of the production AMSS (pure squared-gradient importance, Indicator, successive or systematic sampling) on convex
and non-convex objectives, up to eta = 1.5 / L, with the betting test of theory.dominance: an alarm has probability at
most 1e-9 over all runs and horizons.

What would refute it
--------------------
Masks that avoid large entries, that scale what they keep, or that keep fewer units than stated.

Source
------
Derived in theory.biased_bounds.
"""

import numpy as np

from amss_min.designs import Successive, Systematic, TopK
from amss_min.importance import SquaredGradient
from amss_min.testing import Evidence, Status
from amss_min.weightings import Indicator
from theory.assumptions import BOUNDED_BELOW, FRESH_RANDOMNESS, SMOOTH
from theory.biased_bounds import full_gradient_bound
from theory.dominance import Dominance, refuse_other_descent
from theory.measurement import Array, Measurement, Run
from theory.sources import Source
from theory.verdict import Claim, Kind

ASSUMPTIONS = (SMOOTH, BOUNDED_BELOW, FRESH_RANDOMNESS)


def predicted(run: Run) -> Array:
    """The bound at every checkpoint of a run, from the constants of its own objective.

    Raises ValueError for noise, other masks than monotone ones by the squared gradient, or too large a step.
    """
    refuse_other_descent(run)
    if run.noise.sigma2 != 0:
        raise ValueError(f"the bound is one of exact gradients, found noise {run.noise.name}")
    method = run.method
    monotone = isinstance(method.importance, SquaredGradient) and isinstance(
        method.design, Successive | Systematic | TopK
    )
    if not (monotone and isinstance(method.weighting, Indicator)):
        raise ValueError(f"the bound is one of 0/1 masks that prefer large entries, found method {method.name!r}")
    return full_gradient_bound(
        np.array(run.checkpoints, dtype=np.float64),
        L=run.objective.L,
        gap=run.gap,
        stepsize=run.stepsize,
        share=min(k / n for n, k in zip(run.objective.units, run.drawn, strict=True)),
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
    id="full-gradient-bound",
    statement=r"With exact gradients, 0/1 masks whose $\pi_j$ do not decrease in $|g_j|$, and $p = \eta (2 - L \eta) "
    r"\frac{k}{n} > 0$: $\frac{1}{T} \sum_{t<T} E\|\nabla F(w_t)\|^2 \leq \frac{2 \Delta}{p T} (1 - (1 - p L)^T)$ for "
    r"every $T \geq 1$. AMSS has no floor without noise, at steps up to $2/L$ and without reweighting.",
    kind=Kind.INEQUALITY,
    source=Source(kind="derived", reference="descent lemma and Chebyshev's sum inequality, theory/biased_bounds.py"),
    assumptions=ASSUMPTIONS,
    expected_status=Status.CONSISTENT,
    check=check,
    empirical=True,
)
