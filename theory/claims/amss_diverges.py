r"""On interpolating least squares whole runs of AMSS grow exponentially, where AMSS+ contracts.

Setting
-------
F = (1/3) sum f_i on R^3, f_i(w) = <a_i, w>^2 + |w|^2 / 2, a_i the cyclic shifts of (-8, 5, 5), i uniform, one unit of
three drawn. F is strongly convex and all f_i share the minimiser 0. Runs start at (1, 1, 1), with a constant step eta.

Claim
-----
log |w_t| of AMSS grows by (11269/5529 - 39.4 eta) a unit of time t eta, 11269/5529 = 2.038; log |w_t| of AMSS+ by
-(11/3 + 296 eta); both up to O(eta^2) and beyond the first relaxation (proof in theory.growth). AMSS+ in the mean, at
every t and without a remainder: the mean s_t of the three coordinates has E s_t = (1 - (11/3) eta)^t s_0, and E |w_t|^2
<= r^t |w_0|^2, r = 1 - 2 eta (11/3) + ... < 1 for eta < .0029 (theory.divergence).

Exponents of log |w| are those of a typical run. Those of E s_t have no term in eta: the difference is the variance of
the multiplicative noise.

Assumptions
-----------
The instance above; fresh random masks. The expansion's remainder is estimated, not bounded: (eta L_i) times its last
term, L_i = 229 being the curvature of a component, the factor that every further order adds.

How it is checked
-----------------
(log |w_T| - log |w_S|) / (eta (T - S)), the mean over replicates of SampledTerms runs, S after the relaxation: a
Student interval, with the estimate of the remainder as allowance. It must be sharp enough to fix the sign. E s_T
likewise, without allowance; E |w_T|^2 by betting. The alpha for everything together is 1e-6.

What would refute it
--------------------
Masks that do not follow the gradient or are reweighted (AMSS), or that are biased (AMSS+): exponents or signs change.

Source
------
Derived here; the idea of the instance from Beznosikov et al. 2020 (arXiv 2002.12410), who let top-1 diverge.
"""

from fractions import Fraction
from typing import Any

import numpy as np
import torch

from amss_min.testing import Evidence, Status
from theory.agreement import agrees, stays_below
from theory.assumptions import FRESH_RANDOMNESS, Assumption
from theory.bounds import run_factor
from theory.divergence import STEEP
from theory.growth import Exponent, masked, unbiased
from theory.measurement import Array, Measurement, Objective, Run
from theory.sources import Source
from theory.verdict import Claim, Kind

ALPHA = 1e-6
"""Probability of any false contradiction, for many replicates."""

MIX = Fraction(1, 2)
"""The share of uniform in the sizes of AMSS+."""


def _is_instance(objective: Objective) -> bool:
    """Whether the components have the gradients of theory.divergence: all numbers here are small integers."""
    found: Any = objective
    if objective.units != (3,) or getattr(objective, "samples", 0) != 3:
        return False
    points = [[int(j == unit) for j in range(3)] for unit in range(3)]
    w = torch.tensor(points, dtype=torch.float64)
    wanted = [[[float(x) for x in STEEP.gradient(i, [Fraction(x) for x in p])] for p in points] for i in range(3)]
    return all(found.component_gradient(w, torch.full((3,), i)).tolist() == wanted[i] for i in range(3))


INSTANCE = Assumption(
    "three-component instance", r"$F$ is the mean of $\langle a_i, w \rangle^2 + \frac12 \|w\|^2$", _is_instance
)


def exponent(run: Run) -> Exponent:
    """The growth of log |w| that theory.growth predicts for the method of this run.

    Raises ValueError for another method than AMSS and AMSS+.
    """
    if run.method.name == "amss":
        return masked(STEEP)
    if run.method.name == "amss+":
        return unbiased(STEEP, MIX)
    raise ValueError(f"the claim is about AMSS and AMSS+, found {run.method.name!r}")


def predicted(run: Run) -> float:
    """The exponent at the stepsize of a run."""
    return float(exponent(run).at(Fraction(run.stepsize)))


def measured(run: Run) -> Array:
    """(log |w_T| - log |w_S|) / (eta (T - S)) of every replicate, between the first and the last checkpoint."""
    with np.errstate(all="ignore"):
        size = np.log(np.linalg.norm(run.iterate[:, [0, -1]], axis=2))
        found: Array = (size[:, 1] - size[:, 0]) / (run.stepsize * (run.checkpoints[-1] - run.checkpoints[0]))
    return found


def check(measurement: Measurement) -> list[Evidence]:
    """Exponents of both methods, and the mean and the mean square of AMSS+; refuses other instances."""
    growing, contracting = list(measurement.of("amss")), list(measurement.of("amss+"))
    if not growing or not contracting:
        raise ValueError("the claim needs runs of AMSS and of AMSS+")
    for run in measurement.runs:
        _demand_instance(run)
    alpha = ALPHA / (len(growing) + 3 * len(contracting))
    return [
        *(_exponent(run, alpha) for run in growing),
        *(item for run in contracting for item in (_exponent(run, alpha), _mean(run, alpha), _square(run, alpha))),
    ]


def _demand_instance(run: Run) -> None:
    if not INSTANCE.holds_on(run.objective) or run.drawn != (1,) or not run.noise.name.startswith("independent terms"):
        raise ValueError(
            f"{INSTANCE.statement}, 1 of 3 units, one term a step; found {run.objective.name}, {run.drawn}"
        )
    if run.start.tolist() != [1.0, 1.0, 1.0] or run.schedule is not None or run.optimiser is not None:
        raise ValueError(f"runs must start at (1, 1, 1), with plain descent and a constant step, found {run.replay}")


def _exponent(run: Run, alpha: float) -> Evidence:
    found = exponent(run)
    order = run.stepsize * float(2 * sum(x * x for x in STEEP.row) + STEEP.ridge)
    return agrees(
        run,
        measured(run),
        predicted(run),
        what="growth of log |w| a unit of time",
        alpha=alpha,
        allowance=abs(float(found.change) * run.stepsize) * order,
        allowed_for=f"the remainder, eta L_i = {order:.3g} times the last term (an estimate)",
        resolution=abs(predicted(run)),
        details={"limit for small steps": float(found.limit), "first order": float(found.change)},
    )


def _mean(run: Run, alpha: float) -> Evidence:
    expected = float((1 - STEEP.slope * Fraction(run.stepsize)) ** run.checkpoints[-1])
    with np.errstate(all="ignore"):
        level = run.iterate[:, -1].mean(1)
    return agrees(run, level, expected, what="E of the mean coordinate", alpha=alpha, resolution=1.0)


def _square(run: Run, alpha: float) -> Evidence:
    rate = STEEP.contraction(Fraction(run.stepsize), Fraction(run_factor(run)))
    if rate >= 1:
        raise ValueError(f"the step must be small enough to contract in mean square, found {run.stepsize}")
    with np.errstate(all="ignore"):
        square = (run.iterate[:, -1] ** 2).sum(1)
    level = 3 * float(rate) ** run.checkpoints[-1]
    return stays_below(run, square, level, what="E |w|^2", alpha=alpha, level_source=f"r^T |w_0|^2, r = {float(rate)}")


CLAIM = Claim(
    id="amss-diverges",
    statement=r"On $F = \frac13 \sum_i \langle a_i, w \rangle^2 + \frac12 \|w\|^2$ with $a_i$ the shifts of "
    r"$(-8, 5, 5)$, one term a step and $k = 1$, runs of AMSS move away from the common minimiser: "
    r"$\log \|w_t\|$ grows by $2.038 \eta$ a step (to first order), while for AMSS+ it falls by $3.667 \eta$ and "
    r"$E s_t = (1 - \frac{11}{3} \eta)^t s_0$ exactly, $s$ the mean coordinate.",
    kind=Kind.COUNTEREXAMPLE,
    source=Source(kind="derived", reference="closest: Beznosikov et al. (arXiv 2002.12410), on top-1"),
    assumptions=(INSTANCE, FRESH_RANDOMNESS),
    expected_status=Status.CONSISTENT,
    check=check,
    empirical=True,
)
