r"""Runs of masked momentum on quadratics follow the full gradient in the mean; the 0/1 mask lags behind.

Setting
-------
F quadratic, averaged momentum v_{t+1} = beta v_t + (1 - beta) x_t, v_0 = 0, uniform masks of k of n units, before the
average (x = M * g, step v) or after it (x = g, step M * v).

Claim
-----
With Horvitz-Thompson weights E w_t is the trajectory of the full gradient, at every t and in both places. With the 0/1
mask it is that of (k / n) grad F. Proof: every update is linear in (w, v) with coefficients that are independent of
them and have the mean 1, respectively k / n of the modality; so (E w, E v) obeys the recursion with these means. QED.

On |w|^2 / 2 from w_0 = 1 with eta = .02, beta = .9, n / k = 4, after 101 updates: .0995, and .6187 with the 0/1 mask.

Assumptions
-----------
An affine gradient; noise of mean zero, independent of w; fresh random masks.

How it is checked
-----------------
Every coordinate of the iterate at every checkpoint, the mean over replicates against the trajectory: two-sided Student
intervals, with an error of 1e-6 for all of them together. They must tell the two trajectories apart.

What would refute it
--------------------
A weight whose mean is not 1, a mask that depends on the gradient.

Source
------
Derived above; exactly for three steps in momentum-mean-trajectory.
"""

from typing import Any

import numpy as np
import torch

from amss_min.designs import SimpleRandom
from amss_min.testing import Evidence, Status
from amss_min.weightings import HorvitzThompson, Indicator
from theory.agreement import agrees
from theory.assumptions import FRESH_RANDOMNESS, Assumption
from theory.inference import t_interval
from theory.measurement import Array, Measurement, Objective, Run
from theory.sources import Source
from theory.verdict import Claim, Kind

ALPHA = 1e-6
"""Probability of any false contradiction over all runs, checkpoints and coordinates, for many replicates."""


def _is_affine(objective: Objective) -> bool:
    """Whether grad F(x) + grad F(y) = grad F(x + y) + grad F(0) on a few points, up to rounding."""
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(2, 16, sum(objective.units), dtype=torch.float64, generator=generator)
    g, h, zero = objective.gradient(x), objective.gradient(y), objective.gradient(torch.zeros_like(x))
    apart = (g + h - objective.gradient(x + y) - zero).abs().amax()
    # A few dozen roundings of 2^-53 of the largest term: 2^-40 is room for a thousand coordinates.
    return bool(apart <= 2.0**-40 * (g.abs().amax() + h.abs().amax() + zero.abs().amax()))


AFFINE = Assumption("affine gradient", r"$\nabla F$ is affine: $F$ is a quadratic", _is_affine)


def trajectory(run: Run, scales: Array) -> Array:
    """w_t of the full gradient times these scales, one a coordinate, at every checkpoint: (C, d)."""
    optimiser: Any = run.optimiser
    beta, factor = float(optimiser.beta), torch.from_numpy(scales)
    w, found = torch.from_numpy(run.start), []
    v = torch.zeros_like(w)
    for t in range(1, run.checkpoints[-1] + 1):
        v = beta * v + (1 - beta) * factor * run.objective.gradient(w)
        w = w - run.stepsize * v
        if t in run.checkpoints:
            found.append(w.numpy())
    return np.array(found)


def means(run: Run) -> tuple[Array, Array]:
    """E M of the run's mask and of the other mask of the claim, one a coordinate.

    Raises ValueError for other methods and optimisers than those of the claim.
    """
    method: Any = run.method
    if not getattr(run.optimiser, "averaged", False) or run.schedule is not None:
        raise ValueError(f"the claim is about averaged momentum with a constant step, found {run.label()}")
    if not isinstance(method.design, SimpleRandom) or method.importance is not None:
        raise ValueError(f"the claim is about uniform masks, found method {method.name!r}")
    shares = np.concatenate([np.full(n, k / n) for n, k in zip(run.objective.units, run.drawn, strict=True)])
    ones = np.ones_like(shares)
    if isinstance(method.weighting, HorvitzThompson):
        return ones, shares
    if isinstance(method.weighting, Indicator):
        return shares, ones
    raise ValueError(f"the claim is about Horvitz-Thompson and 0/1 masks, found method {method.name!r}")


def predicted(run: Run) -> Array:
    """E w_t at every checkpoint, (C, d)."""
    return trajectory(run, means(run)[0])


def check(measurement: Measurement) -> list[Evidence]:
    """One piece of evidence a run, on its worst coordinate and checkpoint; refuses runs on which a hypothesis fails."""
    tests = sum(run.iterate[0].size for run in measurement.runs)
    return [_judged(run, ALPHA / tests) for run in measurement.runs]


def _judged(run: Run, alpha: float) -> Evidence:
    if not AFFINE.holds_on(run.objective):
        raise ValueError(f"{AFFINE.statement} fails on {run.objective.name}: the claim does not apply")
    expected, other = (trajectory(run, scales) for scales in means(run))
    rows = [(i, j, t_interval(run.iterate[:, i, j], alpha)) for i, j in np.ndindex(*expected.shape)]
    # The first that the interval misses by most; one that is nan, from an overflow, before all others.
    i, j, _ = max(rows, key=lambda row: np.nan_to_num(abs(row[2].mean - expected[row[:2]]) - row[2].half, nan=np.inf))
    return agrees(
        run,
        run.iterate[:, i, j],
        float(expected[i, j]),
        what=f"E w_{run.checkpoints[i]}, coordinate {j + 1} (the worst)",
        alpha=alpha,
        resolution=max(abs(float(expected[i, m] - other[i, m])) for m in range(expected.shape[1])),
        details={
            "checkpoints": list(run.checkpoints),
            "mean coordinate": run.iterate.mean((0, 2)).tolist(),
            "mean coordinate predicted": expected.mean(1).tolist(),
            "mean coordinate of the other mask": other.mean(1).tolist(),
        },
    )


CLAIM = Claim(
    id="momentum-mean-runs",
    statement=r"On a quadratic, $E w_t$ of averaged momentum under uniform Horvitz-Thompson masks is the trajectory of "
    r"the full gradient, with the mask before the average or after it; under the $0/1$ mask it is that of "
    r"$\frac{k}{n} \nabla F$. On $\frac12 \|w\|^2$ from $1$ with $\eta = .02$, $\beta = .9$, $n/k = 4$ that is $.0995$ "
    r"against $.6187$ after 101 updates.",
    kind=Kind.IDENTITY,
    source=Source(kind="derived", reference="linearity of the update; proof in this file"),
    assumptions=(AFFINE, FRESH_RANDOMNESS),
    expected_status=Status.CONSISTENT,
    check=check,
    empirical=True,
)
