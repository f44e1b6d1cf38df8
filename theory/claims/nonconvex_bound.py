r"""Masked descent with unbiased masks keeps the non-convex bound, at every horizon.

Setting
-------
F is L-smooth and bounded below by F*, in general not convex. w_{t+1} = w_t - eta C_t with C_t = M_t * g_t,
g_t = grad F(w_t) + xi_t. The importance that the mask uses comes from the same noisy gradient g_t.

Claim
-----
If E[C | g] = g, E[|C|^2 | g] <= (1 + omega) |g|^2 and eta <= 1 / (L (1 + omega)), then for every T >= 1

    (1/T) sum_{t<T} E |grad F(w_t)|^2 <= (2 Delta / (eta T)) (1 - (1 - eta L)^T) + L eta (1 + omega) sigma^2,

Delta = F(w_0) - F*. Proof. Write a_t = E |grad F(w_t)|^2 and delta_t = E F(w_t) - F*. By the tower rule
E[C | w] = grad F(w), and E |C_t|^2 <= (1 + omega) (a_t + sigma^2). Smoothness and the limit on eta give

    delta_{t+1} <= delta_t - eta a_t + (L eta^2 / 2) (1 + omega) (a_t + sigma^2) <= delta_t - (eta / 2) a_t + s,

s = (L eta^2 / 2) (1 + omega) sigma^2. With r = 1 - eta L in [0, 1), we show by induction over T, for every start,
sum_{t<T} a_t <= (2 / eta) [(1 - r^T) delta_0 + T s]. T = 0 is trivial. For T >= 1, apply it to the steps from w_1 on:

    sum_{t<T} a_t <= a_0 + (2 / eta) [(1 - r^(T-1)) (delta_0 - (eta / 2) a_0 + s) + (T - 1) s]
                  <= r^(T-1) a_0 + (2 / eta) [(1 - r^(T-1)) delta_0 + T s],

and a_0 <= 2 L delta_0 (a smooth function bounded below), so r^(T-1) a_0 <= (2 / eta) (r^(T-1) - r^T) delta_0. Adding
up gives (2 / eta) [(1 - r^T) delta_0 + T s]; divide by T, and 2 s / eta = L eta (1 + omega) sigma^2. QED.

Over modalities 1 + omega is the largest of the factors, since energies add; for both methods here it is n / k
(theory.bounds.second_moment_factor).

Assumptions
-----------
Smoothness, boundedness, noise of mean zero and second moment sigma^2, fresh random masks, positive inclusion.

How it is checked
-----------------
Runs of the production designs and weightings, at three stepsizes up to the limit and four horizons each: two coupled
modalities with a cosine, smooth Rastrigin, logistic regression with a non-convex penalty, Welsch and Geman-McClure
regression, tanh networks and the hard chain, with Gaussian and skewed noise and with the chain's own oracle; and an
isotropic quadratic where the bound has no slack to speak of. X = (1/T) sum_{t<T} |grad F(w_t)|^2 of one replicate is
nonnegative with E X <= bound: theory.dominance tests that, with an error of at most 1e-9 over all runs and horizons,
and shows the tightness (measured / bound), the upper confidence limit of the mean over the bound, and the largest part
of the bound that the same data would have refuted.

What would refute it
--------------------
Weights that are too large or that correlate with the noise, an understated L or sigma^2, a mask that is reused.

Source
------
Derived above; the form is that of Ghadimi and Lan 2013 and, for compressed gradients, of Khaled and Richtarik 2020
(arXiv 2002.03329). The bracket is attained by the isotropic quadratic at eta = 1 / (L (1 + omega)).
"""

import numpy as np

from amss_min.testing import Status
from theory.assumptions import BOUNDED_BELOW, BOUNDED_VARIANCE, FRESH_RANDOMNESS, POSITIVE_INCLUSION, SMOOTH
from theory.bounds import nonconvex_bound, run_factor
from theory.curvature import GLOBAL
from theory.dominance import Dominance, refuse_other_descent
from theory.measurement import Array, Run
from theory.sources import GHADIMI_LAN, Source
from theory.verdict import Claim, Kind

ASSUMPTIONS = (SMOOTH, BOUNDED_BELOW, GLOBAL, BOUNDED_VARIANCE, POSITIVE_INCLUSION, FRESH_RANDOMNESS)


def predicted(run: Run) -> Array:
    """The bound at every checkpoint of a run, from the constants of its own objective, noise and method."""
    refuse_other_descent(run)
    return nonconvex_bound(
        np.array(run.checkpoints, dtype=np.float64),
        L=run.objective.L,
        gap=run.gap,
        stepsize=run.stepsize,
        factor=run_factor(run),
        sigma2=run.sigma2,
    )


DOMINANCE = Dominance(
    quantity="average of |grad F|^2 over {T} steps",
    values=lambda run: run.average,
    bound=predicted,
    assumptions=ASSUMPTIONS,
)

CLAIM = Claim(
    id="nonconvex-bound",
    statement=r"If $E[C \mid g] = g$, $E[\|C\|^2 \mid g] \leq (1 + \omega) \|g\|^2$ and "
    r"$\eta \leq 1 / (L (1 + \omega))$, then $\frac{1}{T} \sum_{t<T} E\|\nabla F(w_t)\|^2 \leq "
    r"\frac{2 \Delta}{\eta T} (1 - (1 - \eta L)^T) + L \eta (1 + \omega) \sigma^2$ for every $T \geq 1$: "
    r"AMSS+ keeps the bound of stochastic gradient descent, with $1 + \omega = n/k$.",
    kind=Kind.INEQUALITY,
    source=Source(kind="derived", reference=GHADIMI_LAN, place="proof in this file"),
    assumptions=ASSUMPTIONS,
    expected_status=Status.CONSISTENT,
    check=DOMINANCE.check,
    empirical=True,
)
