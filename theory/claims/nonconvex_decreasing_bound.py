r"""With steps eta_0 / sqrt(t + 1) masked descent keeps a bound of order log(T) / sqrt(T) for the eta-weighted average.

Setting
-------
F is L-smooth and bounded below by F*, in general not convex. w_{t+1} = w_t - eta_t M_t * g_t with an unbiased gradient,
E[|g_t|^2 | w_t] <= B |grad F(w_t)|^2 + C, and an unbiased mask, fresh in every step, with E[|M * g|^2 | g] <= f |g|^2,
f = 1 + omega. eta_t = eta_0 / sqrt(t + 1).

Claim
-----
With B' = f B, C' = f C and 0 < eta_0 < 2 / (L B'), for every T >= 1

    sum_{t<T} eta_t E |grad F(w_t)|^2 / sum_{t<T} eta_t
        <= (2 Delta + L C' eta_0^2 (1 + ln T)) / ((2 - L B' eta_0) 2 eta_0 (sqrt(T + 1) - 1)).

Proof. With delta_t = E F(w_t) - F* and a_t = E |grad F(w_t)|^2, smoothness and the constants of M * g give
(eta_t / 2) (2 - L B' eta_t) a_t <= delta_t - delta_{t+1} + L C' eta_t^2 / 2, and eta_t <= eta_0. Summed,
(2 - L B' eta_0) sum eta_t a_t <= 2 Delta + L C' sum eta_t^2. By comparison with integrals sum_{t<T} 1 / (t + 1) <= 1 +
ln T and sum_{t<T} 1 / sqrt(t + 1) >= 2 (sqrt(T + 1) - 1). QED.

This is a statement about the weighted average, or an iterate drawn with these weights; it is none about the last
iterate, and its rate is not a clean power of T.

Assumptions
-----------
Smoothness, boundedness, the noise's constants with A = 0, fresh random masks, positive inclusion.

How it is checked
-----------------
The weighted average of |grad F|^2 in every replicate, against the bound by theory.dominance: two coupled modalities
with a cosine, smooth Rastrigin and Geman-McClure regression, with Gaussian, skewed and multiplicative noise. Runs with
other steps, or an average with other weights, are refused.

What would refute it
--------------------
Understated L or noise, wrong weights of the mask, a mask that is reused.

Source
------
Derived above; the form is that of Ghadimi and Lan 2013 for decreasing steps.
"""

import numpy as np

from amss_min.testing import Status
from theory.abc_bounds import decreasing_stepsizes, nonconvex_decreasing_bound
from theory.assumptions import BOUNDED_BELOW, FRESH_RANDOMNESS, POSITIVE_INCLUSION, SMOOTH
from theory.bounds import run_factor
from theory.curvature import EXPECTED_SMOOTHNESS, GLOBAL
from theory.dominance import Dominance, refuse_other_descent
from theory.measurement import Array, Run
from theory.sources import GHADIMI_LAN, Source
from theory.verdict import Claim, Kind

ASSUMPTIONS = (SMOOTH, BOUNDED_BELOW, GLOBAL, EXPECTED_SMOOTHNESS, POSITIVE_INCLUSION, FRESH_RANDOMNESS)

_ROUNDING = 2.0**-50
"""A root and a quotient, twice: four roundings of 2^-53 each."""


def predicted(run: Run) -> Array:
    """The bound at every checkpoint of a run, from the constants of its own objective, noise and method."""
    refuse_other_descent(run, constant=False)
    A, B, C = run.noise.abc(run.objective)
    if A:
        raise ValueError(f"the bound is one for A = 0, found A = {A:.6g} for {run.noise.name}")
    steps = run.checkpoints[-1]
    expected = decreasing_stepsizes(np.arange(steps, dtype=np.float64), first=run.stepsize)
    taken = None if run.schedule is None else run.schedule.values(steps).numpy()
    for name, found in (("steps", taken), ("weights", run.weights)):
        if found is None or (np.abs(found - expected) > _ROUNDING * expected).any():
            raise ValueError(f"the bound is one of {name} eta_0 / sqrt(t + 1), found others")
    return nonconvex_decreasing_bound(
        np.array(run.checkpoints, dtype=np.float64),
        L=run.objective.L,
        gap=run.gap,
        first=run.stepsize,
        B=B,
        C=C,
        factor=run_factor(run),
    )


DOMINANCE = Dominance(
    quantity="average of |grad F|^2 over {T} steps with weights eta_t",
    values=lambda run: run.weighted,
    bound=predicted,
    assumptions=ASSUMPTIONS,
)

CLAIM = Claim(
    id="nonconvex-decreasing-bound",
    statement=r"If $E[\|g\|^2 \mid w] \leq B \|\nabla F(w)\|^2 + C$, then with $f = 1 + \omega$, $\eta_t = \eta_0 / "
    r"\sqrt{t + 1}$ and $\eta_0 < 2 / (L f B)$: $\frac{\sum_{t<T} \eta_t E\|\nabla F(w_t)\|^2}{\sum_{t<T} \eta_t} \leq "
    r"\frac{2 \Delta + L f C \eta_0^2 (1 + \ln T)}{(2 - L f B \eta_0) \, 2 \eta_0 (\sqrt{T + 1} - 1)}$ "
    r"for every $T \geq 1$.",
    kind=Kind.INEQUALITY,
    source=Source(kind="derived", reference=GHADIMI_LAN, place="proof in this file"),
    assumptions=ASSUMPTIONS,
    expected_status=Status.CONSISTENT,
    check=DOMINANCE.check,
    empirical=True,
)
