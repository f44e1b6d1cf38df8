r"""Runs of masked momentum on the isotropic quadratic have the second moments of the exact recursion, step by step.

Setting
-------
F = (L / 2) |w|^2, g_t = L w_t + xi_t with E |xi_t|^2 = sigma^2, uniform Horvitz-Thompson masks of k of n units,
v_{t+1} = beta v_t + (1 - beta) x_t, v_0 = 0, with the mask before the average (x = M * g, step v), after it (x = g,
step M * v), or none.

Claim
-----
E |grad F(w_t)|^2 = L^2 W_t for every t, W_t by the linear recursion of theory.momentum from W_0 = |w_0|^2. At L =
sigma^2 = 1, eta = .02, beta = .9, n / k = 4 it tends to 19/1899 = .01001 without a mask, 38/921 = .04126 with the mask
before the average and 11/921 = .01194 with the mask after it. Proof: theory.momentum.

Assumptions
-----------
The isotropic quadratic; noise of mean zero, independent of w; fresh random masks.

How it is checked
-----------------
E |grad F(w_t)|^2 at every checkpoint, before and near stationarity, against the exact value for that t: two-sided
Student intervals, with an error of 1e-6 for all of them together. They must be narrower than the distance to the
nearest of the other two places of the mask.

What would refute it
--------------------
An average or a mask in another place, a weight or a second moment off by the width of the interval.

Source
------
Derived in theory.momentum. The stationary values are those of mask-after-momentum.
"""

from typing import Any

import numpy as np
import torch

from amss_min.designs import SimpleRandom
from amss_min.testing import Evidence, Status
from amss_min.weightings import HorvitzThompson
from theory import momentum
from theory.agreement import agrees
from theory.assumptions import BOUNDED_VARIANCE, FRESH_RANDOMNESS, Assumption
from theory.measurement import Array, Measurement, Objective, Run
from theory.sources import Source
from theory.verdict import Claim, Kind

ALPHA = 1e-6
"""Probability of any false contradiction over all runs and checkpoints, for many replicates."""


def _is_isotropic(objective: Objective) -> bool:
    w = torch.linspace(-2, 3, sum(objective.units), dtype=torch.float64)
    # One product a coordinate: both sides round once at most, to 2^-53 each.
    return bool(((objective.gradient(w) - objective.L * w).abs() <= 2.0**-52 * (objective.L * w).abs()).all())


ISOTROPIC = Assumption("isotropic quadratic", r"$F = \frac{L}{2} \|w\|^2$", _is_isotropic)

PLACES = {"no mask": momentum.before, "before": momentum.before, "after": momentum.after}


def place(run: Run) -> str:
    """Where the mask of a run stands; ValueError for other methods and optimisers than those of the claim."""
    optimiser: Any = run.optimiser
    if not getattr(optimiser, "averaged", False):
        raise ValueError(f"the claim is about averaged momentum, found {run.label()}")
    if run.method.design is None:
        return "no mask"
    uniform = isinstance(run.method.design, SimpleRandom) and run.method.importance is None
    if not uniform or not isinstance(run.method.weighting, HorvitzThompson):
        raise ValueError(f"the recursion needs a uniform Horvitz-Thompson mask, found method {run.method.name!r}")
    return "after" if optimiser.mask_after else "before"


def energies(run: Run, where: str, factor: float) -> Array:
    """L^2 W_t at every checkpoint of a run, with the mask in this place and 1 + omega = factor."""
    optimiser: Any = run.optimiser
    rule = PLACES[where](
        L=run.objective.L,
        stepsize=run.stepsize,
        beta=float(optimiser.beta),
        factor=1.0 if where == "no mask" else factor,
        sigma2=run.sigma2,
    )
    moments, found = (float(np.square(run.start).sum()), 0.0, 0.0), []
    for t in range(1, run.checkpoints[-1] + 1):
        moments = rule.after_step(moments)
        if t in run.checkpoints:
            found.append(run.objective.L**2 * moments[0])
    return np.array(found)


def predicted(run: Run) -> Array:
    """E |grad F(w_t)|^2 at every checkpoint of a run."""
    return energies(run, place(run), _factor(run))


def check(measurement: Measurement) -> list[Evidence]:
    """One piece of evidence a checkpoint; refuses runs on which a hypothesis fails."""
    tests = sum(len(run.checkpoints) for run in measurement.runs)
    factor = max(_factor(run) for run in measurement.runs)
    return [item for run in measurement.runs for item in _judged(run, factor, ALPHA / tests)]


def _factor(run: Run) -> float:
    """n / k, the same in every modality."""
    factors = {n / k for n, k in zip(run.objective.units, run.drawn, strict=True)}
    if len(factors) > 1:
        raise ValueError(f"the recursion needs one n / k, found {sorted(factors)}")
    return factors.pop()


def _judged(run: Run, factor: float, alpha: float) -> list[Evidence]:
    if not ISOTROPIC.holds_on(run.objective) or run.schedule is not None:
        raise ValueError(f"the recursion is one of {ISOTROPIC.statement} and a constant step, found {run.label()}")
    here = place(run)
    expected = predicted(run)
    others = [np.abs(energies(run, where, factor) - expected) for where in PLACES if where != here]
    nearest = np.min(others, axis=0)
    return [
        agrees(
            run,
            run.squared_gradient[:, i],
            float(expected[i]),
            what=f"E |grad F(w_{t})|^2",
            alpha=alpha,
            resolution=float(nearest[i]),
            details={"mask": here, "stationary": _settled(run, here, factor)},
        )
        for i, t in enumerate(run.checkpoints)
    ]


def _settled(run: Run, where: str, factor: float) -> float:
    """The stationary E |grad F|^2."""
    optimiser: Any = run.optimiser
    constants = {"L": run.objective.L, "stepsize": run.stepsize, "beta": float(optimiser.beta), "sigma2": run.sigma2}
    return PLACES[where](factor=1.0 if where == "no mask" else factor, **constants).settled()


CLAIM = Claim(
    id="momentum-energy",
    statement=r"On $F = \frac{L}{2} \|w\|^2$ with uniform Horvitz-Thompson masks before or after an exponential "
    r"average with $\beta$, $E\|\nabla F(w_t)\|^2$ is that of a linear recursion of second moments at every $t$; at "
    r"$L = \sigma^2 = 1$, $\eta = .02$, $\beta = .9$, $n/k = 4$ it settles at $.01001$ without a mask, $.04126$ with "
    r"the mask before the average and $.01194$ with the mask after it.",
    kind=Kind.IDENTITY,
    source=Source(kind="derived", reference="linear recursion of second moments", place="theory/momentum.py"),
    assumptions=(ISOTROPIC, BOUNDED_VARIANCE, FRESH_RANDOMNESS),
    expected_status=Status.CONSISTENT,
    check=check,
    empirical=True,
)
