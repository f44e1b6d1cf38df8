r"""On convex functions masked descent keeps its bound for the average iterate.

Setting
-------
F is convex and L-smooth with a minimiser w*. w_{t+1} = w_t - eta M_t * g_t, g_t = grad F(w_t) + xi_t, E[xi_t | w_t] =
0, E[|xi_t|^2 | w_t] <= sigma^2. The mask is unbiased, drawn afresh in every step with sizes from the same g_t, and
E[|M * g|^2 | g] <= f |g|^2, f = 1 + omega.

Claim
-----
For 0 < eta <= 1 / (L f) and every T >= 1, with the average iterate v_T = (1 / T) sum_{t<T} w_t,

    E F(v_T) - F(w*) <= |w_0 - w*|^2 / (2 eta T) + eta f sigma^2 / 2.

Proof. By the tower rule E[M * g | w] = grad F(w), and E |M * g|^2 <= f (a_t + sigma^2), a_t = E |grad F(w_t)|^2. With
R_t = E |w_t - w*|^2,

    R_{t+1} <= R_t - 2 eta E <grad F(w_t), w_t - w*> + eta^2 f (a_t + sigma^2).

A convex L-smooth function has F(w*) >= F(w) + <grad F(w), w* - w> + |grad F(w)|^2 / (2 L), so the inner product is at
least E F(w_t) - F(w*) + a_t / (2 L). As eta f <= 1 / L the terms in a_t add up to at most 0:

    R_{t+1} <= R_t - 2 eta (E F(w_t) - F(w*)) + eta^2 f sigma^2.

Sum over t < T, divide by 2 eta T, drop R_T >= 0, and use F(v_T) <= (1 / T) sum F(w_t). QED.

Assumptions
-----------
Smoothness, convexity, a known minimiser, noise of mean zero and second moment sigma^2, fresh masks, positive inclusion.

How it is checked
-----------------
F(v_T) - F(w*) in every replicate, against the bound by theory.dominance: quadratics with eigenvalues down to 0, started
in directions of small curvature, where the first term is most nearly attained, and a quadratic with a cosine that is
convex and has points of no curvature; with Gaussian and skewed noise.

What would refute it
--------------------
A function that is not convex, understated L or noise, wrong weights of the mask.

Source
------
Derived above; a standard argument, see Ghadimi and Lan 2013, section 2.2.
"""

import numpy as np
import torch

from amss_min.testing import Status
from theory.assumptions import BOUNDED_VARIANCE, FRESH_RANDOMNESS, POSITIVE_INCLUSION, SMOOTH
from theory.bounds import run_factor
from theory.convex_bounds import convex_bound
from theory.curvature import CONVEX, GLOBAL, MINIMISED, squared_distance
from theory.dominance import Dominance, refuse_other_descent
from theory.measurement import Array, Run
from theory.sources import GHADIMI_LAN, Source
from theory.verdict import Claim, Kind

ASSUMPTIONS = (SMOOTH, GLOBAL, CONVEX, MINIMISED, BOUNDED_VARIANCE, POSITIVE_INCLUSION, FRESH_RANDOMNESS)


def predicted(run: Run) -> Array:
    """The bound at every checkpoint of a run, from the constants of its own objective, noise and method."""
    refuse_other_descent(run)
    return convex_bound(
        np.array(run.checkpoints, dtype=np.float64),
        L=run.objective.L,
        distance2=float(squared_distance(run.objective, run.start)),
        stepsize=run.stepsize,
        factor=run_factor(run),
        sigma2=run.sigma2,
    )


def _gap_of_average(run: Run) -> Array:
    found: Array = run.objective.value(torch.from_numpy(run.average_iterate)).numpy() - run.objective.f_star
    return found


DOMINANCE = Dominance(
    quantity="F(average of w_t over {T} steps) - F*",
    values=_gap_of_average,
    bound=predicted,
    assumptions=ASSUMPTIONS,
)

CLAIM = Claim(
    id="convex-bound",
    statement=r"If $F$ is convex with minimiser $w^*$, then with $f = 1 + \omega$ and $\eta \leq 1 / (L f)$: "
    r"$E F\left(\frac{1}{T} \sum_{t<T} w_t\right) - F(w^*) \leq \frac{\|w_0 - w^*\|^2}{2 \eta T} + "
    r"\frac{\eta f \sigma^2}{2}$ for every $T \geq 1$.",
    kind=Kind.INEQUALITY,
    source=Source(kind="derived", reference=GHADIMI_LAN, place="proof in this file"),
    assumptions=ASSUMPTIONS,
    expected_status=Status.CONSISTENT,
    check=DOMINANCE.check,
    empirical=True,
)
