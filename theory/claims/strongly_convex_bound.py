r"""On strongly convex functions the distance of masked descent to the minimiser contracts, to a floor set by the noise.

Setting
-------
F is m-strongly convex and L-smooth, 0 < m <= L, with minimiser w*. w_{t+1} = w_t - eta M_t * g_t, g_t = grad F(w_t) +
xi_t, E[xi_t | w_t] = 0, E[|xi_t|^2 | w_t] <= sigma^2. The mask is unbiased, drawn afresh in every step with sizes from
the same g_t, and E[|M * g|^2 | g] <= f |g|^2, f = 1 + omega.

Claim
-----
With r = max{1 - 2 eta c + eta^2 f c^2 : c = m, L}, for 0 < eta < 2 / (L f) and every T >= 0

    E |w_T - w*|^2 <= r^T |w_0 - w*|^2 + eta^2 f sigma^2 (1 - r^T) / (1 - r).

Proof. With R_t = E |w_t - w*|^2 and a_t = E |grad F(w_t)|^2, the tower rule and E |M * g|^2 <= f (a_t + sigma^2) give
R_{t+1} <= R_t - 2 eta E <grad F(w_t), w_t - w*> + eta^2 f (a_t + sigma^2). The function F - (m / 2) |.|^2 is convex and
(L - m)-smooth; its gradient is co-coercive, which is <grad F(w), w - w*> >= (m L |w - w*|^2 + |grad F(w)|^2) / (m + L).
So

    R_{t+1} <= (1 - 2 eta m L / (m + L)) R_t + (eta^2 f - 2 eta / (m + L)) a_t + eta^2 f sigma^2.

m^2 R_t <= a_t <= L^2 R_t. Where the factor of a_t is not positive put c = m, else c = L: a_t may be replaced by
c^2 R_t, and the factor of R_t becomes 1 - 2 eta (m L + c^2) / (m + L) + eta^2 f c^2 = 1 - 2 eta c + eta^2 f c^2 <= r,
since m L + c^2 = c (m + L) in both cases. r < 1 for eta f c < 2. Iterate. QED.

Assumptions
-----------
Smoothness, strong convexity, a known minimiser, noise of mean zero and second moment sigma^2, fresh masks, positive
inclusion.

How it is checked
-----------------
|w_T - w*|^2 in every replicate, against the bound by theory.dominance: the isotropic quadratic with uniform masks,
where it is an equality, a quadratic with a spectrum, and a strongly convex quadratic with a cosine; with Gaussian and
skewed noise, and stepsizes up to 1.5 / (L f), beyond those of the other bounds.

What would refute it
--------------------
An overstated m, understated L or noise, wrong weights of the mask.

Source
------
Derived above; the contraction is classical, see Nesterov, Introductory Lectures on Convex Optimization, 2004, Theorem
2.1.12.
"""

import numpy as np

from amss_min.testing import Status
from theory.assumptions import BOUNDED_VARIANCE, FRESH_RANDOMNESS, POSITIVE_INCLUSION, SMOOTH
from theory.bounds import run_factor
from theory.convex_bounds import strongly_convex_bound
from theory.curvature import GLOBAL, MINIMISED, STRONGLY_CONVEX, squared_distance, stated_convexity
from theory.dominance import Dominance, refuse_other_descent
from theory.measurement import Array, Run
from theory.sources import Source
from theory.verdict import Claim, Kind

ASSUMPTIONS = (SMOOTH, GLOBAL, STRONGLY_CONVEX, MINIMISED, BOUNDED_VARIANCE, POSITIVE_INCLUSION, FRESH_RANDOMNESS)


def predicted(run: Run) -> Array:
    """The bound at every checkpoint of a run, from the constants of its own objective, noise and method."""
    refuse_other_descent(run)
    return strongly_convex_bound(
        np.array(run.checkpoints, dtype=np.float64),
        L=run.objective.L,
        convexity=stated_convexity(run.objective),
        distance2=float(squared_distance(run.objective, run.start)),
        stepsize=run.stepsize,
        factor=run_factor(run),
        sigma2=run.sigma2,
    )


DOMINANCE = Dominance(
    quantity="|w_{T} - w*|^2",
    values=lambda run: squared_distance(run.objective, run.iterate),
    bound=predicted,
    assumptions=ASSUMPTIONS,
)

CLAIM = Claim(
    id="strongly-convex-bound",
    statement=r"If $F$ is $m$-strongly convex with minimiser $w^*$, then with $f = 1 + \omega$, $\eta < 2 / (L f)$ and "
    r"$r = \max_{c \in \{m, L\}} (1 - 2 \eta c + \eta^2 f c^2)$: $E\|w_T - w^*\|^2 \leq r^T \|w_0 - w^*\|^2 + "
    r"\eta^2 f \sigma^2 \frac{1 - r^T}{1 - r}$ for every $T$.",
    kind=Kind.INEQUALITY,
    source=Source(
        kind="derived",
        reference="Nesterov, Introductory Lectures on Convex Optimization, 2004",
        place="proof in this file",
    ),
    assumptions=ASSUMPTIONS,
    expected_status=Status.CONSISTENT,
    check=DOMINANCE.check,
    empirical=True,
)
