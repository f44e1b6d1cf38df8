r"""On Polyak-Lojasiewicz functions masked descent with a constant step converges linearly, to a floor set by the noise.

Setting
-------
F is L-smooth, bounded below by F*, and |grad F(w)|^2 / 2 >= mu (F(w) - F*) everywhere, 0 < mu <= L; F need not be
convex. w_{t+1} = w_t - eta M_t * g_t with an unbiased gradient, E[|g_t|^2 | w_t] <= 2 A (F(w_t) - F*) + B |grad
F(w_t)|^2 + C, and an unbiased mask, fresh in every step, with E[|M * g|^2 | g] <= f |g|^2, f = 1 + omega.

Claim
-----
With B' = f (B + A / mu), C' = f C, 0 < eta < 2 / (L B') and r = 1 - mu eta (2 - L B' eta), for every T >= 0

    E F(w_T) - F* <= r^T Delta + (L eta^2 C' / 2) (1 - r^T) / (1 - r).

Proof. 2 A (F - F*) <= (A / mu) |grad F|^2, so E |M * g|^2 <= B' |grad F|^2 + C'. With delta_t = E F(w_t) - F* and
a_t = E |grad F(w_t)|^2, smoothness gives delta_{t+1} <= delta_t - (eta / 2) (2 - L B' eta) a_t + L eta^2 C' / 2. The
factor of a_t is negative and a_t >= 2 mu delta_t, so delta_{t+1} <= r delta_t + L eta^2 C' / 2; iterate, with r < 1
(where r is negative, delta_{t+1} >= 0 makes 0 a valid r). QED.

For eta <= 1 / (L B'), r <= 1 - eta mu and the floor is at most L eta C' / (2 mu).

Assumptions
-----------
Smoothness, boundedness, the Polyak-Lojasiewicz inequality, expected smoothness, fresh masks, positive inclusion.

How it is checked
-----------------
F(w_T) - F* in every replicate, against the bound by theory.dominance: a sum of w^2 + 3 sin^2 w, which is not convex,
from its flattest place; quadratics, from their direction of least curvature; Gaussian and skewed noise, and single
terms of a least-squares problem, where A > 0 and C = 0.

What would refute it
--------------------
An overstated mu, understated L or noise, wrong weights of the mask.

Source
------
Derived above; Karimi, Nutini and Schmidt 2016 (arXiv 1608.04636), Theorem 4, has the case A = 0, f = 1.
"""

import numpy as np

from amss_min.testing import Status
from theory.abc_bounds import masked, pl_bound
from theory.assumptions import BOUNDED_BELOW, FRESH_RANDOMNESS, POSITIVE_INCLUSION, SMOOTH
from theory.bounds import run_factor
from theory.curvature import EXPECTED_SMOOTHNESS, GLOBAL, POLYAK_LOJASIEWICZ, stated_mu
from theory.dominance import Dominance, refuse_other_descent
from theory.measurement import Array, Run
from theory.sources import Source
from theory.verdict import Claim, Kind

ASSUMPTIONS = (
    SMOOTH,
    BOUNDED_BELOW,
    GLOBAL,
    POLYAK_LOJASIEWICZ,
    EXPECTED_SMOOTHNESS,
    POSITIVE_INCLUSION,
    FRESH_RANDOMNESS,
)


def predicted(run: Run) -> Array:
    """The bound at every checkpoint of a run, from the constants of its own objective, noise and method."""
    refuse_other_descent(run)
    return pl_bound(
        np.array(run.checkpoints, dtype=np.float64),
        L=run.objective.L,
        mu=stated_mu(run.objective),
        gap=run.gap,
        stepsize=run.stepsize,
        abc=masked(run.noise.abc(run.objective), run_factor(run)),
    )


DOMINANCE = Dominance(
    quantity="F(w_{T}) - F*",
    values=lambda run: run.value - run.objective.f_star,
    bound=predicted,
    assumptions=ASSUMPTIONS,
)

CLAIM = Claim(
    id="pl-linear-bound",
    statement=r"If $\frac{1}{2} \|\nabla F\|^2 \geq \mu (F - F^*)$ and $E[\|g\|^2 \mid w] \leq 2 A (F(w) - F^*) + "
    r"B \|\nabla F(w)\|^2 + C$, then with $f = 1 + \omega$, $B' = f (B + A / \mu)$, $\eta < 2 / (L B')$ and "
    r"$r = 1 - \mu \eta (2 - L B' \eta)$: $E F(w_T) - F^* \leq r^T \Delta + \frac{L \eta^2 f C}{2} "
    r"\cdot \frac{1 - r^T}{1 - r}$ for every $T$.",
    kind=Kind.INEQUALITY,
    source=Source(kind="derived", reference="Karimi, Nutini and Schmidt, arXiv 1608.04636", place="proof in this file"),
    assumptions=ASSUMPTIONS,
    expected_status=Status.CONSISTENT,
    check=DOMINANCE.check,
    empirical=True,
)
