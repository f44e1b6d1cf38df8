r"""R1: runs with the released AMSS+ weights settle off the optimum under skewed noise, however small the step.

Setting
-------
F = |w|^2 / 2, two units, one drawn with probability q_j = g_j^2 / |g|^2 and weighted with 1 / (q_j + 1/2), the skewed
noise of skewed-noise-wrong-point, p = 1/10. Every run starts at the optimum, with a constant stepsize eta.

Claim
-----
In a stationary state the mean m of w_1 has |drift(m)| <= (1 + 2 G) E |w - (m, 0)|^2, G^2 = 5/8, so that m tends to the
root -.2482 of the mean field as the spread shrinks with eta; and E |grad F|^2 >= (1/7)^2 / G^2 = .0327 at every step.
Proof: theory.released_settling. A finite run is handled by telescoping: the time average of E h_1(w_t) over the steps
S <= t < T is (E w_{1,S} - E w_{1,T}) / (eta (T - S)), which is measured too.

Assumptions
-----------
The instance above; fresh random masks.

How it is checked
-----------------
Time averages over the second half of each run, replicate by replicate, in Student intervals: the mean of w_1 against
the interval that residual and spread allow around -.2482 (no other allowance), which must exclude 0; the energy against
the floor. The alpha for everything together is 1e-6.

What would refute it
--------------------
Weights that are unbiased, a mean near 0, or an energy below the floor.

Source
------
Released code of AMSS at commit 3161ecc, AMSS/train_test.py lines 270 and 303; the rest is derived here.
"""

from fractions import Fraction
from typing import Any

import numpy as np
import torch

from amss_min.testing import Evidence, Guarantee, Method, Status
from theory import released_settling
from theory.agreement import scope
from theory.assumptions import FRESH_RANDOMNESS, Assumption
from theory.inference import Interval, t_interval
from theory.measurement import Measurement, Objective, Run
from theory.released_field import root
from theory.sources import AMSS_CODE, Source
from theory.verdict import Claim, Kind

P = Fraction(1, 10)
"""The probability of the large value of xi_1."""

ALPHA = 1e-6
"""Probability of any false contradiction, for many replicates."""


def _is_instance(objective: Objective) -> bool:
    w = torch.tensor([0.75, -2.0], dtype=torch.float64)
    return objective.units == (2,) and bool((objective.gradient(w) == w).all())


INSTANCE = Assumption("two-unit instance", r"$F = \frac12 \|w\|^2$ in two coordinates, one of them drawn", _is_instance)


def check(measurement: Measurement) -> list[Evidence]:
    """Place and floor of every run; refuses other instances."""
    for run in measurement.runs:
        _demand_instance(run)
    alpha = ALPHA / (3 * len(measurement.runs))
    return [item for run in measurement.runs for item in _judged(run, alpha)]


def _demand_instance(run: Run) -> None:
    noise: Any = run.noise
    skewed = getattr(noise, "probabilities", None) == (float(P), 0.5) and noise.scales == (1.0, 1.0)
    if not INSTANCE.holds_on(run.objective) or run.drawn != (1,) or not skewed or np.any(run.start != 0):
        raise ValueError(f"the claim is about {INSTANCE.statement}, skewed noise, from the optimum; found {run.replay}")
    if run.method.name != "released" or run.optimiser is not None or run.schedule is not None:
        raise ValueError(f"the claim is about the released weights and plain descent, found {run.label()}")


def _judged(run: Run, alpha: float) -> tuple[Evidence, Evidence]:
    steps = run.checkpoints[-1] - run.checkpoints[-2]
    drop = (run.iterate[:, -2, 0] - run.iterate[:, -1, 0]) / (run.stepsize * steps)
    mean = t_interval(run.window(run.average_iterate, -2, -1)[:, 0], alpha)
    energy, residual = t_interval(run.window(run.average, -2, -1), alpha), t_interval(drop, alpha)
    return _location(run, alpha, mean, energy, residual), _floor(run, alpha, energy, residual)


def _location(run: Run, alpha: float, mean: Interval, energy: Interval, residual: Interval) -> Evidence:
    nearest = max(0.0, abs(mean.mean) - mean.half)
    spread = energy.high - nearest**2
    slack = abs(residual.mean) + residual.half + released_settling.CURVATURE * spread
    low, high = released_settling.location(slack, P)
    inside = mean.high >= low and mean.low <= high
    excludes_zero = slack < released_settling.drift(0.0, P)
    place = float(root(P)[0])
    return Evidence(
        what=f"mean of w_1: {run.label()}",
        method=Method.MONTE_CARLO,
        guarantee=Guarantee.ASYMPTOTIC,
        status=Status.REFUTED if not inside else Status.CONSISTENT if excludes_zero else Status.INCONCLUSIVE,
        expected=place,
        measured=mean.mean,
        tolerance=max(high - place, place - low) + mean.half,
        tolerance_source=f"|drift(m)| <= residual + (1 + 2 G) spread = {slack:.3g} puts m in [{low:.4f}, {high:.4f}]; "
        f"Student intervals at {alpha:.2g}",
        scope=scope(run),
        witness=None if inside else {**run.replay, "m": mean.mean, "allowed": [low, high]},
        details={"residual": residual.mean, "spread": spread, "half width": mean.half},
    )


def _floor(run: Run, alpha: float, energy: Interval, residual: Interval) -> Evidence:
    least = released_settling.least_energy(residual.high, P)
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
        tolerance_source=f"at least (drift(0) - residual)^2 / G^2; Student intervals at {alpha:.2g}",
        scope=scope(run),
        witness={**run.replay, "energy": energy.mean, "least": least} if status is Status.REFUTED else None,
        details={"half width": energy.half, "limit for small steps": float(root(P)[0]) ** 2},
    )


CLAIM = Claim(
    id="released-weights-settle",
    statement=r"On $F = \frac12 \|w\|^2$ in two coordinates, one drawn with $q_j \propto g_j^2$ and weighted with "
    r"$1 / (q_j + \frac12)$ as in the released AMSS+, under noise skewed in the first coordinate ($p = 1/10$), descent "
    r"settles near $(-0.2482, 0) \neq 0$: $E\|\nabla F\|^2$ is at least $.0327$ in any stationary state and tends to "
    r"$.0616$ for small steps.",
    kind=Kind.COUNTEREXAMPLE,
    source=Source(kind="released", reference=AMSS_CODE, place="AV:270, 303"),
    assumptions=(INSTANCE, FRESH_RANDOMNESS),
    expected_status=Status.CONSISTENT,
    check=check,
    empirical=True,
)
