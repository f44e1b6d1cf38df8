r"""Whole runs of Adam with eps = 0 are the same, bit for bit, with the 0/1 mask and with the Horvitz-Thompson mask.

Setting
-------
Adam with bias correction and eps = 0 (a coordinate whose second moment is still 0 does not move), uniform masks before
it, the same draws and the same noise in both runs, k of n units a modality with n / k a power of two.

Claim
-----
Every iterate of every replicate is the same with the weights 1 and n / k. Proof: by induction both see the same g_t and
the same draws; the first moments differ by n / k, the second by (n / k)^2, and the quotient of the first by the root of
the second is the same. A power of two scales every intermediate value without rounding, barring overflow and
underflow, so the floating-point iterates are equal too. QED. So AMSS and AMSS+ do not differ under Adam as long as the
inclusion probabilities are constant.

It takes eps = 0 and the mask before Adam: plain descent tells the masks apart, and so does Adam with the mask after it.

Assumptions
-----------
Constant inclusion probabilities; common random numbers.

How it is checked
-----------------
Pairs of runs of the production SimpleRandom with Indicator and with HorvitzThompson on a non-convex objective with two
modalities and different n / k, under Gaussian noise: all iterates compared bit for bit (also that they moved, and are
finite). For the contrast, runs that must differ in every replicate: descent, and Adam with the mask after it.

What would refute it
--------------------
A weight that changes from draw to draw or over time, other draws under one of the methods, an eps that is not 0.

Source
------
Derived above, from Adam's update (Kingma and Ba 2015); adam-blind-to-constant-weights for torch.optim.Adam.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from amss_min.designs import SimpleRandom
from amss_min.testing import Evidence, Guarantee, Method, Status
from amss_min.weightings import HorvitzThompson, Indicator
from theory.agreement import scope
from theory.assumptions import FRESH_RANDOMNESS, Assumption
from theory.measurement import Measurement, Run
from theory.sources import Source
from theory.verdict import Claim, Kind

CONSTANT_INCLUSION = Assumption("constant inclusion", r"$\pi_j$ is the same in every step")

ASSUMPTIONS = (CONSTANT_INCLUSION, FRESH_RANDOMNESS)


def check(measurement: Measurement) -> list[Evidence]:
    """One piece of evidence a pair of runs: equal where the claim says so, different in the contrast."""
    pairs: dict[str, list[Run]] = {}
    for run in measurement.runs:
        _demand_mask(run)
        pairs.setdefault("" if run.optimiser is None else run.optimiser.name, []).append(run)
    if not any(_blind(found[0]) for found in pairs.values()):
        raise ValueError("the claim needs a pair of runs under Adam with eps = 0 and the mask before it")
    return [_judged(found) for found in pairs.values()]


def _demand_mask(run: Run) -> None:
    uniform = isinstance(run.method.design, SimpleRandom) and run.method.importance is None
    if not uniform or not isinstance(run.method.weighting, Indicator | HorvitzThompson):
        raise ValueError(f"the claim is about uniform 0/1 and Horvitz-Thompson masks, found {run.method.name!r}")
    factors = [n / k for n, k in zip(run.objective.units, run.drawn, strict=True)]
    if any(math.frexp(factor)[0] != 0.5 for factor in factors):
        raise ValueError(f"n / k must be powers of two, found {factors}: other weights round")


def _blind(run: Run) -> bool:
    """Whether the run is one of Adam with the mask before it; ValueError for Adam with another eps than 0."""
    optimiser: Any = run.optimiser
    if not hasattr(optimiser, "epsilon"):
        return False
    if optimiser.epsilon != 0:
        raise ValueError(f"the claim is about eps = 0, found eps={optimiser.epsilon}")
    return not optimiser.mask_after


def _judged(pair: Sequence[Run]) -> Evidence:
    if len(pair) != 2 or {type(run.method.weighting) for run in pair} != {Indicator, HorvitzThompson}:
        raise ValueError(f"runs come in pairs of the two weights, found {[run.label() for run in pair]}")
    one, other = pair
    if one.objective != other.objective or one.noise != other.noise or np.any(one.start != other.start):
        raise ValueError(f"a pair shares objective, noise and start, found {one.replay} and {other.replay}")
    same = np.array_equal(one.iterate, other.iterate)
    differ = bool((one.iterate != other.iterate).any((1, 2)).all())
    moved = bool(np.isfinite(one.iterate).all() and (one.iterate[:, -1] != one.start).any(1).all())
    blind = _blind(one)
    holds = moved and (same if blind else differ)
    gap = float(np.abs(one.iterate - other.iterate).max())
    return Evidence(
        what=f"iterates with the weights 1 and n / k, {'equal' if blind else 'different'}: {one.label()}",
        method=Method.MONTE_CARLO,
        guarantee=Guarantee.EXACT,
        status=Status.CONSISTENT if holds else Status.REFUTED,
        expected="equal bit for bit" if blind else "different in every replicate",
        measured="equal" if same else f"largest difference {gap:.3g}",
        tolerance=0.0,
        tolerance_source="powers of two scale without rounding",
        scope=scope(one),
        witness=None if holds else {**one.replay, "difference": gap, "moved": moved},
        details={"replicates compared": one.replicates, "checkpoints": list(one.checkpoints)},
    )


CLAIM = Claim(
    id="adam-blind-runs",
    statement=r"Under Adam with $\epsilon = 0$, uniform masks before it and $n/k$ a power of two, the $0/1$ mask and "
    r"the Horvitz-Thompson mask with the same draws give the same iterates, bit for bit: a constant reweighting is "
    r"invisible. Under plain descent, or with the mask after Adam, they differ.",
    kind=Kind.IDENTITY,
    source=Source(kind="derived", reference="scale invariance of Adam's update; proof in this file"),
    assumptions=ASSUMPTIONS,
    expected_status=Status.CONSISTENT,
    check=check,
    empirical=True,
)
