r"""On the isotropic quadratic, uniformly masked descent is known exactly, step by step.

Setting
-------
F = (L / 2) |w|^2 on R^n; k of n coordinates are kept, uniformly, with Horvitz-Thompson weights n / k; the noise has
mean zero and second moment sigma^2, and does not depend on w. w_{t+1} = w_t - eta M * (L w_t + xi_t).

Claim
-----
a_t = E |grad F(w_t)|^2 satisfies a_{t+1} = rho a_t + L^2 eta^2 (n / k) sigma^2, rho = 1 - 2 eta L + eta^2 L^2 n / k.
Hence, with x = eta L n / k < 2 and a_inf = sigma^2 x / (2 - x),

    a_t = a_inf + (a_0 - a_inf) rho^t,    R_T = (1/T) sum_{t<T} a_t = a_inf + (a_0 - a_inf) (1 - rho^T) / (T (1 - rho)).

Proof. Given w, E[M * g] = L w, and E |M * g|^2 = sum_j (k/n) (n/k)^2 E g_j^2 = (n/k) (L^2 |w|^2 + sigma^2). Expand
|w - eta M * g|^2 and multiply by L^2. QED. In particular the bound of `nonconvex-bound` is within a factor 2 of an
actual instance once T is large: its floor is eta L (n/k) sigma^2 = x sigma^2, against x sigma^2 / (2 - x) here.

Assumptions
-----------
The objective is isotropic; every unit has the same size; noise of mean zero, independent of w; fresh random masks.

How it is checked
-----------------
Exactly, one step: production `SimpleRandom.select` is called with words in every order, production weights are read
as Fractions, and the mean of L^2 |w'|^2 over all masks and all signs of the noise equals the right-hand side.
Statistically, whole runs: E |grad F(w_t)|^2 and R_T at every checkpoint against the closed form, two-sided Student
intervals, with an error of 1e-6 for all of them together (asymptotic in the number of replicates).

What would refute it
--------------------
Any error in the engine, the mask, the weight, the noise or the bookkeeping that moves a second moment by more than
the stated relative deviation: it is an equality, so it fails in both directions.

Source
------
Derived above (a linear recursion; the same computation underlies the lower bounds for fixed-step descent).
"""

from collections.abc import Iterator
from fractions import Fraction
from itertools import permutations, product

import numpy as np
import torch
from scipy import stats

from amss_min.designs import SimpleRandom
from amss_min.testing import Evidence, Guarantee, Method, Status
from amss_min.weightings import HorvitzThompson
from theory import oracles
from theory.assumptions import BOUNDED_VARIANCE, FRESH_RANDOMNESS, Assumption
from theory.bounds import run_factor
from theory.comparison import Comparison, equality
from theory.inference import Interval, t_interval
from theory.measurement import Array, Measurement, Objective, Run
from theory.sources import Source
from theory.verdict import Claim, Kind

ALPHA = 1e-6
"""Probability of any false contradiction over all runs and checkpoints, for many replicates."""

POWER = 0.9
"""The stated relative deviation would have been seen with this probability."""


def _is_isotropic(objective: Objective) -> bool:
    w = torch.linspace(-2, 3, sum(objective.units), dtype=torch.float64)
    # One product a coordinate: both sides round once at most, to 2^-53 each.
    return bool(((objective.gradient(w) - objective.L * w).abs() <= 2.0**-52 * (objective.L * w).abs()).all())


ISOTROPIC = Assumption("isotropic quadratic", r"$F = \frac{L}{2} \|w\|^2$", _is_isotropic)


def predicted(run: Run) -> tuple[Array, Array]:
    """a_t and R_T at every checkpoint of a run, from the constants of its own objective, noise and method."""
    t = np.array(run.checkpoints, dtype=np.float64)
    factor, sigma2, start = run_factor(run), run.sigma2, run.start_energy
    constants = {"L": run.objective.L, "stepsize": run.stepsize, "factor": factor, "sigma2": sigma2, "start": start}
    return oracles.energy(t, **constants), oracles.average_energy(t, **constants)


def check(measurement: Measurement) -> list[Evidence]:
    """One step in rationals, then every run; refuses runs on which a hypothesis fails."""
    tests = 2 * sum(len(run.checkpoints) for run in measurement.runs)
    one_step = equality(
        _one_step(),
        what="mean of |grad F|^2 after one step, over all masks and signs",
        scope="n = 4, k = 1, 2, 4, exact",
    )
    return [one_step, *(_judged(run, ALPHA / tests, tests) for run in measurement.runs)]


def _one_step() -> Iterator[Comparison]:
    """The recursion by enumeration: n / k is a power of two, so that production weights are exact."""
    n, L, scale = 4, Fraction(3), Fraction(1, 2)
    w = [Fraction(1), Fraction(-2), Fraction(1, 3), Fraction(0)]
    for k, eta in product((1, 2, 4), (Fraction(1, 12), Fraction(1, 7))):
        keys = torch.tensor(list(permutations(range(n))), dtype=torch.int64) << 40
        draw = SimpleRandom().select(torch.ones(len(keys), n, dtype=torch.float64), k, keys)
        masks = [[Fraction(value) for value in row] for row in HorvitzThompson()(draw).tolist()]
        signs = list(product((-scale, scale), repeat=n))
        total = sum(
            (L * (x - eta * m * (L * x + xi))) ** 2
            for mask in masks
            for noise in signs
            for x, m, xi in zip(w, mask, noise, strict=True)
        )
        energy, sigma2, factor = L * L * sum(x * x for x in w), n * scale * scale, Fraction(n, k)
        rho = 1 - 2 * eta * L + eta * eta * L * L * factor
        yield Comparison(
            expected=rho * energy + L * L * eta * eta * factor * sigma2,
            measured=Fraction(total) / (len(masks) * len(signs)),
            witness={"n": n, "k": k, "L": str(L), "stepsize": str(eta), "w": [str(x) for x in w]},
        )


def _judged(run: Run, alpha: float, tests: int) -> Evidence:
    if not ISOTROPIC.holds_on(run.objective):
        raise ValueError(f"F = (L/2) |w|^2 fails on {run.objective.name}: the closed form does not apply")
    factors = {n / k for n, k in zip(run.objective.units, run.drawn, strict=True)}
    if not isinstance(run.method.design, SimpleRandom) or run.method.importance is not None or len(factors) > 1:
        raise ValueError(f"the closed form needs a uniform mask with one n / k, found method {run.method.name!r}")
    rows: list[tuple[str, int, float, Interval]] = []
    for i, (t, energy, average) in enumerate(zip(run.checkpoints, *predicted(run), strict=True)):
        rows.append((f"E |grad F(w_{t})|^2", t, float(energy), t_interval(run.squared_gradient[:, i], alpha)))
        if t > 1:  # at T = 1 the average is |grad F(w_0)|^2 in every replicate
            rows.append((f"R_{t}", t, float(average), t_interval(run.average[:, i], alpha)))
    wrong = [row for row in rows if not abs(row[3].mean - row[2]) <= row[3].half]
    name, t, expected, found = wrong[0] if wrong else max(rows, key=lambda row: abs(row[3].mean - row[2]) / row[3].half)
    seen = max((row[3].half + stats.norm.ppf(POWER) * row[3].standard_error) / row[2] for row in rows)
    return Evidence(
        what=f"{name}: {run.label()}",
        method=Method.MONTE_CARLO,
        guarantee=Guarantee.ASYMPTOTIC,
        status=Status.REFUTED if wrong else Status.CONSISTENT,
        expected=expected,
        measured=found.mean,
        tolerance=found.half,
        tolerance_source=f"Student interval, error {ALPHA:g} over {tests} tests; a relative deviation of {seen:.2g} "
        f"would have been seen with probability {POWER}",
        scope=f"{run.objective.name}; {run.replicates} replicates a run; {len(run.checkpoints)} checkpoints",
        witness={**run.replay, "quantity": name} if wrong else None,
        details={
            "checkpoints": list(run.checkpoints),
            "energy": run.squared_gradient.mean(0).tolist(),
            "average": run.average.mean(0).tolist(),
            "energy predicted": predicted(run)[0].tolist(),
            "average predicted": predicted(run)[1].tolist(),
            "relative deviation seen": float(seen),
            "x = stepsize L n / k": run.stepsize * run.objective.L * run_factor(run),
        },
    )


CLAIM = Claim(
    id="quadratic-oracle",
    statement=r"On $F = \frac{L}{2} \|w\|^2$ with uniform Horvitz-Thompson masks, "
    r"$a_t = E\|\nabla F(w_t)\|^2$ satisfies $a_{t+1} = \rho a_t + L^2 \eta^2 \frac{n}{k} \sigma^2$ with "
    r"$\rho = 1 - 2 \eta L + \eta^2 L^2 \frac{n}{k}$, so that $a_t$ and its running average "
    r"are known in closed form at every $t$, with limit $\sigma^2 x / (2 - x)$, $x = \eta L n / k$.",
    kind=Kind.IDENTITY,
    source=Source(kind="derived", reference="linear recursion of second moments", place="proof in this file"),
    assumptions=(ISOTROPIC, BOUNDED_VARIANCE, FRESH_RANDOMNESS),
    expected_status=Status.CONSISTENT,
    check=check,
    empirical=True,
)
