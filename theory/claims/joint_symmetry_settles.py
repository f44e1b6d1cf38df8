r"""Under noise that is symmetric only jointly, runs of AMSS leave the optimum and settle away from it.

Setting
-------
F = |w|^2 / 2, n = 101, one unit drawn with probability q_j = g_j^2 / |g|^2, the 0/1 mask, a constant step eta. Noise
xi = +-(a random permutation of (1, .1, ..., .1)): xi and -xi have the same law, E |xi|^2 = 2.

Claim
-----
From the fixed point t* (1, ..., 1) of the mean field, t* = .1755, E |grad F(w_t)|^2 is 3.11 + slope(t eta) eta +
O(eta^2), where the slope tends to -9.17: 2.93 at eta = .02, and 3.11 in the limit of small steps. It does not shrink
with eta. The optimum repels: from w_0 = 0 the energy rises above eta sigma^2 / (1 - eta), which AMSS+ never exceeds.
Under Gaussian noise of the same sigma^2 AMSS comes down below that level from the same t* (1, ..., 1).

Assumptions
-----------
The instance; fresh random masks. The expansion (theory.joint_settling) has an estimated remainder, the square of its
settled term in eta over 3.11; and the control is a measurement, not a theorem, for n > 2.

How it is checked
-----------------
E |w_T|^2 of runs from t* at two steps, Student intervals with the remainder as allowance, narrow enough to exclude
eta sigma^2 / (1 - eta). From the optimum, the lower limit of the energy against that level; for the control by betting.
The alpha for everything together is 1e-6.

What would refute it
--------------------
AMSS that stays near the optimum, for instance with unbiased weights or sizes other than by energy.

Source
------
Derived here: joint-symmetry-wrong-point and theory.joint_settling.
"""

import math
from typing import Any

import numpy as np

from amss_min.testing import Evidence, Guarantee, Method, Status
from theory.agreement import agrees, scope, stays_below
from theory.assumptions import FRESH_RANDOMNESS, Assumption
from theory.inference import t_interval
from theory.joint_settling import Settling
from theory.joint_symmetry import SMALL, UNITS
from theory.measurement import Measurement, Objective, Run
from theory.sources import Source
from theory.verdict import Claim, Kind

ALPHA = 1e-6
"""Probability of any false contradiction, for many replicates."""

SETTLING = Settling()


def _is_instance(objective: Objective) -> bool:
    return objective.units == (UNITS,) and objective.L == 1.0 and getattr(objective, "convexity", None) == 1.0


INSTANCE = Assumption("isotropic instance", r"$F = \frac12 \|w\|^2$ in 101 coordinates, one drawn", _is_instance)


def ceiling(run: Run) -> float:
    """eta sigma^2 / (1 - eta): what methods without a floor keep to here."""
    return run.stepsize * run.sigma2 / (1 - run.stepsize)


def predicted(run: Run) -> float:
    """E |grad F|^2 at the last checkpoint of a run from t*, to first order in the stepsize."""
    return SETTLING.energy(run.stepsize, run.stepsize * run.checkpoints[-1])


def check(measurement: Measurement) -> list[Evidence]:
    """Runs from the fixed point, from the optimum, and under Gaussian noise; refuses other instances."""
    from_optimum = [run for run in measurement.runs if not np.any(run.start)]
    control = [run for run in measurement.runs if run.noise.name.startswith("Gaussian")]
    settled = [run for run in measurement.runs if run not in from_optimum and run not in control]
    if not settled or not from_optimum:
        raise ValueError("the claim needs runs from the fixed point and from the optimum")
    for run in measurement.runs:
        _demand_instance(run, skewed=run not in control)
    alpha = ALPHA / len(measurement.runs)
    return [
        *(_settled(run, alpha) for run in settled),
        *(_repelled(run, alpha) for run in from_optimum),
        *(_control(run, alpha) for run in control),
    ]


def _demand_instance(run: Run, *, skewed: bool) -> None:
    noise: Any = run.noise
    if not INSTANCE.holds_on(run.objective) or run.drawn != (1,) or run.method.name != "amss":
        raise ValueError(f"the claim is about AMSS on {INSTANCE.statement}; found {run.label()}, {run.objective.name}")
    if skewed and getattr(noise, "small", None) != float(SMALL):
        raise ValueError(f"the noise must be one large, others {float(SMALL)}, found {noise.name}")
    if np.any(run.start) and not np.all(run.start == SETTLING.place):
        raise ValueError(f"runs must start at 0 or at {SETTLING.place} (1, ..., 1), found {run.start[:3].tolist()}")


def _settled(run: Run, alpha: float) -> Evidence:
    time = run.stepsize * run.checkpoints[-1]
    return agrees(
        run,
        run.squared_gradient[:, -1],
        predicted(run),
        what=f"E |grad F|^2 at time {time:g} from the fixed point",
        alpha=alpha,
        allowance=SETTLING.remainder(run.stepsize),
        allowed_for="the O(eta^2), (9.17 eta)^2 / 3.11 (an estimate)",
        resolution=predicted(run) - ceiling(run),
        details={
            "settled, to first order": SETTLING.energy(run.stepsize),
            "limit for small steps": SETTLING.floor,
            "eta sigma^2 / (1 - eta)": ceiling(run),
        },
    )


def _repelled(run: Run, alpha: float) -> Evidence:
    found, level = t_interval(run.squared_gradient[:, -1], alpha), ceiling(run)
    status = Status.CONSISTENT if found.low > level else Status.INCONCLUSIVE
    if not found.high > level:
        status = Status.REFUTED
    return Evidence(
        what=f"E |grad F|^2 rises from the optimum: {run.label()}",
        method=Method.MONTE_CARLO,
        guarantee=Guarantee.ASYMPTOTIC,
        status=status,
        expected=f"more than eta sigma^2 / (1 - eta) = {level:.4g}",
        measured=found.mean,
        tolerance=found.half,
        tolerance_source=f"Student interval at {alpha:.2g}",
        scope=scope(run),
        witness={**run.replay, "energy": found.mean, "level": level} if status is Status.REFUTED else None,
        details={"half width": found.half, "time": run.stepsize * run.checkpoints[-1]},
    )


def _control(run: Run, alpha: float) -> Evidence:
    return stays_below(
        run,
        run.squared_gradient[:, -1],
        ceiling(run),
        what="E |grad F|^2 comes down under conditionally symmetric noise",
        alpha=alpha,
        level_source="eta sigma^2 / (1 - eta)",
        details={"from": math.fsum(run.start**2)},
    )


CLAIM = Claim(
    id="joint-symmetry-settles",
    statement=r"On $F = \frac12 \|w\|^2$, $n = 101$, $k = 1$, under $\xi = \pm$ a random permutation of "
    r"$(1, .1, \dots, .1)$ AMSS settles at $E\|\nabla F\|^2 = 3.11 - 9.17 \eta$ to first order in $\eta$ ($2.93$ at "
    r"$\eta = .02$): the energy does not shrink with $\eta$, and the optimum repels. Under Gaussian noise it stays "
    r"below $\eta \sigma^2 / (1 - \eta)$.",
    kind=Kind.COUNTEREXAMPLE,
    source=Source(kind="derived", reference="linear noise around a fixed point of the mean field, joint_settling.py"),
    assumptions=(INSTANCE, FRESH_RANDOMNESS),
    expected_status=Status.CONSISTENT,
    check=check,
    empirical=True,
)
