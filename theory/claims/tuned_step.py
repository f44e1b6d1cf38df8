r"""With the step tuned to the horizon masked descent has a mean squared gradient of order T^(-1/2).

Setting
-------
As for the non-convex bound: F is L-smooth, F >= F*, Delta = F(w_0) - F* > 0; unbiased gradients with noise of second
moment at most sigma^2; unbiased masks, fresh in every step, with E[|M * g|^2 | g] <= f |g|^2, f = 1 + omega. For every
horizon T a run of its own with the constant step eta_T = min{1 / (L f), sqrt(2 Delta / (L f sigma^2 T))}.

Claim
-----
For every T >= 1

    R_T = (1 / T) sum_{t<T} E |grad F(w_t)|^2 <= 2 Q_T + 2 Delta L f / T,    Q_T = sqrt(2 Delta L f sigma^2 / T),

and on the objectives of the experiment, from horizon 2^6 to 2^11, R_T falls at least as fast as T^(-1/2).

Proof of the bound. The non-convex bound without its bracket is R_T <= 2 Delta / (eta T) + L f eta sigma^2. With
eta = min{u, v}, 1 / eta <= 1 / u + 1 / v, and eta <= v: the first term is at most 2 Delta L f / T + Q_T, the second at
most Q_T. QED.

What the slope is worth. The second half does not follow from the first, and is no theorem for all objectives: a bound
may be met with room at some horizons and less at others. On the isotropic quadratic with L = 1, f = 4, sigma^2 = 16,
Delta = 2 and uniform masks the exact slope over these horizons is -0.479, because eta_T is so small that the first ones
end before the transient does. A stepsize proportional to T^(-1/2) brings a floor of order eta_T with it, so a slope
near -1/2 would be seen on almost any objective; and terms of order 1 / T make it steeper at finite T. So the slope is
tested last and on one side: a plateau, or a decay that is slower than the bound's, would show.

Assumptions
-----------
Smoothness, boundedness, noise of mean zero and second moment sigma^2, fresh random masks, positive inclusion.

How it is checked
-----------------
First dominance: R_T of every run, with its own step, against the bound (theory.dominance, error 1e-9 over all runs).
Then, for every objective and method, the least-squares slope of log R_T against log T over independent horizons, with
an interval of error 1e-6 over all slopes, asymptotic in at least 256 replicates: REFUTED where it lies above -1/2,
INCONCLUSIVE where it contains -1/2. Starts and noises are such that the first horizon outlasts the transient.

What would refute it
--------------------
Biased masks (a plateau, with skewed noise), understated constants, a step that is not tuned.

Source
------
Derived above; the step and the rate are those of Ghadimi and Lan 2013, Corollary 2.2.
"""

from collections.abc import Iterator

import numpy as np

from amss_min.testing import Evidence, Guarantee, Method, Status
from theory.assumptions import BOUNDED_BELOW, BOUNDED_VARIANCE, FRESH_RANDOMNESS, POSITIVE_INCLUSION, SMOOTH
from theory.bounds import run_factor, tuned_bound, tuned_stepsize
from theory.curvature import GLOBAL
from theory.dominance import Dominance, refuse_other_descent
from theory.measurement import Array, Measurement, Run
from theory.rates import local_slopes, log_slope
from theory.sources import GHADIMI_LAN, Source
from theory.verdict import Claim, Kind

EXPONENT = -0.5
"""The exponent of the bound."""

ALPHA = 1e-6
"""Probability that any slope's interval misses, for many replicates."""

ASSUMPTIONS = (SMOOTH, BOUNDED_BELOW, GLOBAL, BOUNDED_VARIANCE, POSITIVE_INCLUSION, FRESH_RANDOMNESS)

_ROUNDING = 2.0**-48
"""A stepsize goes through some ten roundings of 2^-53 on each side."""


def predicted(run: Run) -> Array:
    """The bound at the horizon of a run, (1,); ValueError for a run with another step."""
    refuse_other_descent(run)
    horizon = np.array(run.checkpoints[-1:], dtype=np.float64)
    constants = {"L": run.objective.L, "gap": run.gap, "factor": run_factor(run), "sigma2": run.sigma2}
    tuned = float(tuned_stepsize(horizon, **constants)[0])
    if not abs(run.stepsize - tuned) <= _ROUNDING * tuned:
        raise ValueError(f"the stepsize tuned to T = {horizon[0]:g} is {tuned:.6g}, found {run.stepsize:.6g}")
    return tuned_bound(horizon, **constants)


DOMINANCE = Dominance(
    quantity="average of |grad F|^2 with the step of its horizon",
    values=lambda run: run.average[:, -1:],
    bound=predicted,
    assumptions=ASSUMPTIONS,
)


def check(measurement: Measurement) -> list[Evidence]:
    """Dominance for every run, then one slope for every objective, noise and method."""
    families = list(_families(measurement))
    return [*DOMINANCE.check(measurement), *(_slope(runs, ALPHA / len(families)) for runs in families)]


def _families(measurement: Measurement) -> Iterator[list[Run]]:
    found: dict[tuple[str, str, str], list[Run]] = {}
    for run in measurement.runs:
        found.setdefault((run.objective.name, run.noise.name, run.method.name), []).append(run)
    for runs in found.values():
        yield sorted(runs, key=lambda run: run.checkpoints[-1])


def _slope(runs: list[Run], alpha: float) -> Evidence:
    horizons, values = [run.checkpoints[-1] for run in runs], [run.average[:, -1] for run in runs]
    first = runs[0]
    found = log_slope(horizons, values, alpha)
    means = np.array([one.mean() for one in values])
    slower, decided = found.low > EXPONENT, found.high <= EXPONENT
    return Evidence(
        what=f"slope of log R_T from T = {horizons[0]} to {horizons[-1]}: {first.method.name}, {first.noise.name}",
        method=Method.MONTE_CARLO,
        guarantee=Guarantee.ASYMPTOTIC,
        status=Status.REFUTED if slower else Status.CONSISTENT if decided else Status.INCONCLUSIVE,
        expected=f"at most {EXPONENT}",
        measured=found.mean,
        tolerance=found.half,
        tolerance_source=f"normal interval, error {alpha:.2g}; asymptotic",
        scope=f"{first.objective.name}: slope {found.mean:.3f} +- {found.half:.3f} over {len(runs)} horizons of "
        f"{min(run.replicates for run in runs)} replicates, a fact about these horizons and no exponent",
        witness={**runs[-1].replay, "slope": found.mean} if slower else None,
        details={"horizons": horizons, "R_T": means.tolist(), "local slopes": local_slopes(horizons, means).tolist()},
    )


CLAIM = Claim(
    id="tuned-step",
    statement=r"With $\eta_T = \min\{\frac{1}{L f}, \sqrt{\frac{2 \Delta}{L f \sigma^2 T}}\}$, $f = 1 + \omega$, "
    r"$R_T = \frac{1}{T} \sum_{t<T} E\|\nabla F(w_t)\|^2 \leq 2 \sqrt{\frac{2 \Delta L f \sigma^2}{T}} + "
    r"\frac{2 \Delta L f}{T}$, and over the horizons measured $R_T$ falls at least as fast as $T^{-1/2}$.",
    kind=Kind.RATE,
    source=Source(kind="derived", reference=GHADIMI_LAN, place="proof of the bound in this file"),
    assumptions=ASSUMPTIONS,
    expected_status=Status.CONSISTENT,
    check=check,
    empirical=True,
)
