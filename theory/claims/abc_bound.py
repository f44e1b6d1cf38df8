r"""Masked descent keeps the bound for noise that grows with the gap: finite sums, multiplicative noise, dropout.

Setting
-------
F is L-smooth and bounded below by F*, in general not convex. w_{t+1} = w_t - eta M_t * g_t with E[g_t | w_t] = grad
F(w_t) and E[|g_t|^2 | w_t] <= 2 A (F(w_t) - F*) + B |grad F(w_t)|^2 + C. The mask is unbiased, drawn afresh in every
step with sizes from the same g_t, and E[|M * g|^2 | g] <= f |g|^2, f = 1 + omega.

Claim
-----
With A' = f A, B' = f B, C' = f C, q = 1 + L A' eta^2, weights p_t = q^-(t+1), P_T = sum_{t<T} p_t and every
eta < 2 / (L B') (any eta if B = 0), for every T >= 1

    (1 / P_T) sum_{t<T} p_t E |grad F(w_t)|^2 <= (2 Delta / (eta P_T) + L eta C') / (2 - L B' eta).

Proof. The tower rule gives E[M * g | w] = grad F(w) and E |M * g|^2 <= f E |g|^2, so M * g has constants A', B', C'.
With delta_t = E F(w_t) - F* and a_t = E |grad F(w_t)|^2, smoothness gives

    delta_{t+1} <= delta_t - eta a_t + (L eta^2 / 2) (2 A' delta_t + B' a_t + C')
                 = q delta_t - (eta / 2) (2 - L B' eta) a_t + L eta^2 C' / 2.

Multiply by p_t, where q p_t = p_{t-1} and p_{-1} = 1, and sum: the left-hand side times p_t and the first term on the
right telescope, and with delta_T >= 0

    (eta / 2) (2 - L B' eta) sum p_t a_t <= Delta + P_T L eta^2 C' / 2.

Divide by (eta / 2) (2 - L B' eta) P_T. QED. A minimum is at most a weighted average, and P_T >= T q^-T, so
min_{t<T} E |grad F(w_t)|^2 is at most the same with T q^-T in place of P_T. For A = 0 all weights are equal.

A single term of a finite sum of L_i-smooth F_i, drawn uniformly and independently, has A = max L_i, B = 0 and
C = 2 A (F* - mean inf F_i). Terms in random order without replacement are not covered: within an epoch g_t is not
unbiased given the past.

Assumptions
-----------
Smoothness, boundedness, expected smoothness with the noise's constants, fresh random masks, positive inclusion.

How it is checked
-----------------
Single terms of a finite sum (logistic, Welsch, Geman-McClure, tanh networks), multiplicative noise, modality dropout
and the chain's progress oracle, with production masks. The weighted average of |grad F|^2, with the weights p_t, is
held against the bound by theory.dominance; weights other than p_t are refused.

What would refute it
--------------------
Understated constants of a noise or of L, a mask that is too large, correlates with g or is reused.

Source
------
Derived above. The form, with its constants, is that of Khaled and Richtarik 2020 (arXiv 2002.03329), Theorem 2, there
stated for the minimum and eta <= 1 / (L B).
"""

import numpy as np

from amss_min.testing import Status
from theory.abc_bounds import ABC, abc_bound, abc_weights, masked
from theory.assumptions import BOUNDED_BELOW, FRESH_RANDOMNESS, POSITIVE_INCLUSION, SMOOTH
from theory.bounds import run_factor
from theory.curvature import EXPECTED_SMOOTHNESS, GLOBAL
from theory.dominance import Dominance, refuse_other_descent
from theory.measurement import Array, Run
from theory.sources import Source
from theory.verdict import Claim, Kind

ASSUMPTIONS = (SMOOTH, BOUNDED_BELOW, GLOBAL, EXPECTED_SMOOTHNESS, POSITIVE_INCLUSION, FRESH_RANDOMNESS)


def constants(run: Run) -> ABC:
    """(A', B', C') of the masked gradient."""
    return masked(run.noise.abc(run.objective), run_factor(run))


def predicted(run: Run) -> Array:
    """The bound at every checkpoint of a run, from the constants of its own objective, noise and method."""
    refuse_other_descent(run)
    abc, L = constants(run), run.objective.L
    steps = np.arange(run.checkpoints[-1], dtype=np.float64)
    weights = np.ones_like(steps) if run.weights is None else run.weights
    expected = abc_weights(steps, L=L, A=abc[0], stepsize=run.stepsize)
    if not np.array_equal(weights * expected[0], expected * weights[0]):
        raise ValueError("the bound is one of the average with weights q^-(t+1), found others")
    horizon = np.array(run.checkpoints, dtype=np.float64)
    return abc_bound(horizon, L=L, gap=run.gap, stepsize=run.stepsize, abc=abc)


DOMINANCE = Dominance(
    quantity="weighted average of |grad F|^2 over {T} steps",
    values=lambda run: run.weighted,
    bound=predicted,
    assumptions=ASSUMPTIONS,
)

CLAIM = Claim(
    id="abc-bound",
    statement=r"If $E[\|g\|^2 \mid w] \leq 2 A (F(w) - F^*) + B \|\nabla F(w)\|^2 + C$ and unbiased masks enlarge "
    r"second moments by at most $f = 1 + \omega$, then for $\eta < 2 / (L f B)$, $q = 1 + L f A \eta^2$, "
    r"$p_t = q^{-(t+1)}$ and $P_T = \sum_{t<T} p_t$: $\frac{1}{P_T} \sum_{t<T} p_t E\|\nabla F(w_t)\|^2 \leq "
    r"\frac{2 \Delta / (\eta P_T) + L \eta f C}{2 - L f B \eta}$ for every $T \geq 1$.",
    kind=Kind.INEQUALITY,
    source=Source(kind="derived", reference="Khaled and Richtarik, arXiv 2002.03329", place="proof in this file"),
    assumptions=ASSUMPTIONS,
    expected_status=Status.CONSISTENT,
    check=DOMINANCE.check,
    empirical=True,
)
