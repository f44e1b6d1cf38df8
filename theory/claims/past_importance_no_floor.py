r"""AMSS with the importance of an earlier gradient has no floor: what stops AMSS is the noise that it selects by.

Setting
-------
F is L-smooth and bounded below. w_{t+1} = w_t - eta B_t * g_t, B_t a 0/1 mask drawn with the importance of g_{t-1} (of
equal sizes in the first step), g_t = grad F(w_t) + xi_t, E |xi_t|^2 <= sigma^2, xi_t independent of the past.

Claim
-----
If pi_j >= d > 0 and eta < 2 / L, with p = eta (2 - L eta), for every T >= 1

    (d/T) sum_{t<T} E |grad F(w_t)|^2 <= 2 Delta (1 - (1 - p d L)^T) / (p T) + s L eta sigma^2 / (2 - L eta),

where s = 1, or (k over n of the whole vector) for additive noise of the same variance in every coordinate, as then
sum_j pi_j E xi_j^2 = (k / n) sigma^2. It vanishes with eta. Proof: theory.biased_bounds.independent_mask_bound.

On the instance of skewed-noise-wrong-point (two units, one drawn, p = 1/10) AMSS with its own importance keeps
E |grad F|^2 >= 64/1875 = .0341 in any stationary state, and tends to .1559. With the importance of the gradient before
it goes below that, with sizes mixed with uniform by the bound, and with pure squared-gradient importance as measured:
there d = 0, and the bound says nothing of |grad F|^2.

Assumptions
-----------
Smoothness, boundedness, noise of mean zero and second moment sigma^2 that is independent of the past, fresh random
masks, inclusion bounded below (for the bound).

How it is checked
-----------------
The bound: runs of lagged AMSS with mixed sizes on the skewed instance at three steps and on a non-convex objective, by
theory.dominance; an alarm has probability at most 1e-9 over all runs and horizons. The contrast: lagged AMSS with pure
importance from the optimum, its average below .0341 (betting), and AMSS itself above the floor of its own run (Student,
theory.mean_field), with an error of 1e-6 for these together.

What would refute it
--------------------
A mask that uses the current gradient, or that scales what it keeps.

Source
------
Derived in theory.biased_bounds and theory.mean_field.
"""

from fractions import Fraction
from typing import Any

import numpy as np

from amss_min.testing import Evidence, Guarantee, Method, Status
from theory import mean_field
from theory.agreement import scope, stays_below
from theory.assumptions import BOUNDED_BELOW, BOUNDED_VARIANCE, FRESH_RANDOMNESS, SMOOTH
from theory.biased_bounds import independent_mask_bound
from theory.dominance import Dominance
from theory.inference import t_interval
from theory.least_inclusion import INCLUSION, run_least_inclusion
from theory.measurement import Array, Measurement, Run
from theory.sources import Source
from theory.verdict import Claim, Kind

P = Fraction(1, 10)
"""The probability of the large value of the skewed noise."""

ALPHA = 1e-6
"""Probability of any false contradiction in the contrast, for many replicates."""

ASSUMPTIONS = (SMOOTH, BOUNDED_BELOW, BOUNDED_VARIANCE, INCLUSION, FRESH_RANDOMNESS)


def noise_share(run: Run) -> float:
    """s with sum_j pi_j E xi_j^2 <= s sigma^2: units drawn over units where all noise scales are equal, 1 otherwise."""
    scales = set(getattr(run.noise, "scales", ()))
    return sum(run.drawn) / sum(run.objective.units) if len(scales) == 1 else 1.0


def predicted(run: Run) -> Array:
    """The bound at every checkpoint of a run, from the constants of its own objective, noise and method.

    Raises ValueError for importance from the current gradient, a mask without a lower bound of its inclusion
    probabilities, or too large a step.
    """
    if not getattr(run.method, "lagged", False) or run.optimiser is not None or run.schedule is not None:
        raise ValueError(f"the bound is one of importance from the gradient before, found {run.label()}")
    return independent_mask_bound(
        np.array(run.checkpoints, dtype=np.float64),
        L=run.objective.L,
        gap=run.gap,
        stepsize=run.stepsize,
        sigma2=run.sigma2,
        least_inclusion=run_least_inclusion(run),
        noise_share=noise_share(run),
    )


DOMINANCE = Dominance(
    quantity="average of |grad F|^2 over {T} steps",
    values=lambda run: run.average,
    bound=predicted,
    assumptions=ASSUMPTIONS,
)


def check(measurement: Measurement) -> list[Evidence]:
    """The bound on the runs with mixed sizes, then the contrast; refuses runs on which a hypothesis fails."""
    pure, own = list(measurement.of("amss-lagged")), list(measurement.of("amss"))
    mixed = [run for run in measurement.runs if run not in pure and run not in own]
    if not (pure and own and mixed):
        raise ValueError("the claim needs runs of lagged AMSS with pure and with mixed sizes, and of AMSS")
    for run in (*pure, *own):
        _demand_instance(run)
    alpha = ALPHA / (len(pure) + 2 * len(own))
    return [
        *DOMINANCE.check(Measurement(runs=mixed)),
        *(_below(run, alpha) for run in pure),
        *(_above(run, alpha) for run in own),
    ]


def _demand_instance(run: Run) -> None:
    noise: Any = run.noise
    skewed = getattr(noise, "probabilities", None) == (float(P), 0.5) and noise.scales == (1.0, 1.0)
    isotropic = run.objective.units == (2,) and run.objective.L == 1.0 and run.drawn == (1,)
    if not (skewed and isotropic) or np.any(run.start != 0):
        raise ValueError(f"the contrast is one of two units, skewed noise, from the optimum; found {run.replay}")


def _below(run: Run, alpha: float) -> Evidence:
    if not getattr(run.method, "lagged", False):
        raise ValueError(f"importance must come from the gradient before, found method {run.method.name!r}")
    return stays_below(
        run,
        run.average[:, -1],
        mean_field.least_energy(0.0, P),
        what="E |grad F|^2, averaged over the run, below the least of AMSS",
        alpha=alpha,
        level_source="h_1(0)^2 / G^2 (theory.mean_field)",
    )


def _above(run: Run, alpha: float) -> Evidence:
    """Over the last window: E h_1(w_t) is known by telescoping, and bounds E |w|^2 from below."""
    steps = run.checkpoints[-1] - run.checkpoints[-2]
    drop = (run.iterate[:, -2, 0] - run.iterate[:, -1, 0]) / (run.stepsize * steps)
    energy, residual = t_interval(run.window(run.average, -2, -1), alpha), t_interval(drop, alpha)
    least = mean_field.least_energy(residual.high, P)
    status = Status.CONSISTENT if energy.low >= least > 0 else Status.INCONCLUSIVE
    if not energy.high >= least:
        status = Status.REFUTED
    return Evidence(
        what=f"E |grad F|^2 does not go below the floor: {run.label()}",
        method=Method.MONTE_CARLO,
        guarantee=Guarantee.ASYMPTOTIC,
        status=status,
        expected=least,
        measured=energy.mean,
        tolerance=energy.half,
        tolerance_source=f"at least (h_1(0) - residual)^2 / G^2; Student intervals at {alpha:.2g}",
        scope=scope(run),
        witness={**run.replay, "energy": energy.mean, "least": least} if status is Status.REFUTED else None,
        details={"half width": energy.half, "limit for small steps": float(mean_field.root(P)[0]) ** 2},
    )


CLAIM = Claim(
    id="past-importance-no-floor",
    statement=r"For 0/1 masks drawn with the importance of the gradient before, $\pi_j \geq d > 0$, $\eta < 2 / L$ and "
    r"$p = \eta (2 - L \eta)$: $\frac{d}{T} \sum_{t<T} E\|\nabla F(w_t)\|^2 \leq "
    r"\frac{2 \Delta}{p T} (1 - (1 - p d L)^T) + \frac{L \eta \sigma^2}{2 - L \eta}$, which vanishes with $\eta$; "
    r"under the skewed noise where AMSS keeps $E\|\nabla F\|^2 \geq .0341$ (and tends to $.1559$), AMSS with lagged "
    r"importance goes below.",
    kind=Kind.INEQUALITY,
    source=Source(kind="derived", reference="independence of mask and noise, theory/biased_bounds.py"),
    assumptions=ASSUMPTIONS,
    expected_status=Status.CONSISTENT,
    check=check,
    empirical=True,
)
