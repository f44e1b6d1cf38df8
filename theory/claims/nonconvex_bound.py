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
Runs of the production designs and weightings on a non-convex objective with two coupled modalities, with Gaussian and
skewed noise and stepsizes up to the limit, and on an isotropic quadratic where the bound has no slack to speak of.
X = (1/T) sum_{t<T} |grad F(w_t)|^2 of one replicate is nonnegative with E X <= bound, so the betting martingale of
theory.inference is a test with exact error control: an alarm, at e-value (number of tests) / 1e-9, has probability at
most 1e-9 over all cells and horizons, if the bound is true. The evidence shows the tightness (measured / bound) and the
largest part of the bound that the same data would have refuted.

What would refute it
--------------------
Weights that are too large or that correlate with the noise, an understated L or sigma^2, a mask that is reused.

Source
------
Derived above; the form is that of Ghadimi and Lan 2013 and, for compressed gradients, of Khaled and Richtarik 2020
(arXiv 2002.03329). The bracket is attained by the isotropic quadratic at eta = 1 / (L (1 + omega)).
"""

import math

import numpy as np

from amss_min.testing import Evidence, Guarantee, Method, Status
from theory.assumptions import BOUNDED_BELOW, BOUNDED_VARIANCE, FRESH_RANDOMNESS, POSITIVE_INCLUSION, SMOOTH
from theory.bounds import nonconvex_bound, run_factor
from theory.inference import log_evidence, refuted_below
from theory.measurement import Array, Measurement, Run
from theory.sources import GHADIMI_LAN, Source
from theory.verdict import Claim, Kind

ALPHA = 1e-9
"""Probability of any alarm, over all cells and horizons, if the bound is true."""

LEAST_REFUTED = 0.25
"""A run whose data would not have refuted even this part of its bound decides nothing: INCONCLUSIVE."""

ASSUMPTIONS = (SMOOTH, BOUNDED_BELOW, BOUNDED_VARIANCE, POSITIVE_INCLUSION, FRESH_RANDOMNESS)


def predicted(run: Run) -> Array:
    """The bound at every checkpoint of a run, from the constants of its own objective, noise and method."""
    return nonconvex_bound(
        np.array(run.checkpoints, dtype=np.float64),
        L=run.objective.L,
        gap=run.gap,
        stepsize=run.stepsize,
        factor=run_factor(run),
        sigma2=run.sigma2,
    )


def check(measurement: Measurement) -> list[Evidence]:
    """One piece of evidence a run; refuses runs on which a hypothesis fails."""
    tests = sum(len(run.checkpoints) for run in measurement.runs)
    return [_judged(run, ALPHA / tests, tests) for run in measurement.runs]


def _judged(run: Run, alpha: float, tests: int) -> Evidence:
    for assumption in ASSUMPTIONS:
        if not assumption.holds_on(run.objective):
            raise ValueError(f"{assumption.statement} fails on {run.objective.name}: the claim does not apply")
    bound = predicted(run)
    log_e = [log_evidence(run.average[:, i], float(limit)) for i, limit in enumerate(bound)]
    alarms = [i for i, value in enumerate(log_e) if value >= -math.log(alpha)]
    mean = run.average.mean(0)
    ratio = mean / bound
    shown = alarms[0] if alarms else int(ratio.argmax())
    refuted = [refuted_below(run.average[:, i], alpha) / float(limit) for i, limit in enumerate(bound)]
    return Evidence(
        what=f"average of |grad F|^2 over {run.checkpoints[shown]} steps: {run.label()}",
        method=Method.MONTE_CARLO,
        guarantee=Guarantee.BOUNDED,
        status=_status(bool(alarms), max(refuted)),
        expected=float(bound[shown]),
        measured=float(mean[shown]),
        tolerance=None,
        tolerance_source=f"alarm at log e-value {-math.log(alpha):.1f} (error {ALPHA:g} over {tests} tests), found "
        f"{max(log_e):.3g}; this data would have refuted a bound {max(refuted):.3g} times this one",
        scope=f"{run.objective.name}; {run.replicates} replicates a run; T up to {run.checkpoints[-1]}",
        witness={**run.replay, "horizon": run.checkpoints[shown], "log_e_value": log_e[shown]} if alarms else None,
        details={
            "horizons": list(run.checkpoints),
            "measured": mean.tolist(),
            "bound": bound.tolist(),
            "tightness": ratio.tolist(),
            "refuted part of the bound": refuted,
            "log e-values": log_e,
            "stepsize times L (1 + omega)": run.stepsize * run.objective.L * run_factor(run),
        },
    )


def _status(alarm: bool, refuted: float) -> Status:
    if alarm:
        return Status.REFUTED
    return Status.CONSISTENT if refuted >= LEAST_REFUTED else Status.INCONCLUSIVE


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
    check=check,
    empirical=True,
)
