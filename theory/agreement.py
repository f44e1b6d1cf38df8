"""Evidence on means over replicates: a mean against a predicted value, and a mean below a level, each at an alpha.

Checks of empirical claims are built from these; a bound on a whole family of runs has checks of its own.
"""

import math
from collections.abc import Mapping
from typing import Any

from amss_min.testing import Evidence, Guarantee, Method, Status
from theory.inference import log_evidence, t_interval
from theory.measurement import Array, Run


def agrees(
    run: Run,
    values: Array,
    expected: float,
    *,
    what: str,
    alpha: float,
    allowance: float = 0.0,
    allowed_for: str = "",
    resolution: float = math.inf,
    details: Mapping[str, Any] | None = None,
) -> Evidence:
    """Whether E X is `expected` up to `allowance`, by a two-sided Student interval.

    values (R,): X of each replicate. allowed_for: where the allowance comes from. resolution: allowance and half width
    together must stay below it, or the data decide nothing (INCONCLUSIVE). A value that is not finite refutes.
    """
    found = t_interval(values, alpha)
    inside = abs(found.mean - expected) <= found.half + allowance
    sharp = found.half + allowance < resolution
    status = Status.REFUTED if not inside else Status.CONSISTENT if sharp else Status.INCONCLUSIVE
    source = f"Student interval of half width {found.half:.3g} at {alpha:.2g}"
    return Evidence(
        what=f"{what}: {run.label()}",
        method=Method.MONTE_CARLO,
        guarantee=Guarantee.ASYMPTOTIC,
        status=status,
        expected=expected,
        measured=found.mean,
        tolerance=found.half + allowance,
        tolerance_source=f"{source}, and {allowance:.3g} for {allowed_for}" if allowance else source,
        scope=scope(run),
        witness={**run.replay, "quantity": what} if status is Status.REFUTED else None,
        details={"half width": found.half, "allowance": allowance, **(details or {})},
    )


def stays_below(
    run: Run,
    values: Array,
    level: float,
    *,
    what: str,
    alpha: float,
    level_source: str,
    details: Mapping[str, Any] | None = None,
) -> Evidence:
    """Whether E X <= level for X >= 0, by betting: exact at every sample size. A value that is not finite refutes."""
    log_e = log_evidence(values, level)
    alarm = log_e >= -math.log(alpha)
    mean = float(values.mean())
    return Evidence(
        what=f"{what}: {run.label()}",
        method=Method.MONTE_CARLO,
        guarantee=Guarantee.BOUNDED,
        status=Status.REFUTED if alarm else Status.CONSISTENT,
        expected=level,
        measured=mean,
        tolerance=None,
        tolerance_source=f"{level_source}; alarm at log e-value {-math.log(alpha):.1f}, found {log_e:.3g}",
        scope=scope(run),
        witness={**run.replay, "quantity": what, "log_e_value": log_e} if alarm else None,
        details={"tightness": mean / level, **(details or {})},
    )


def scope(run: Run) -> str:
    """How far the evidence reaches."""
    return f"{run.objective.name}; {run.replicates} replicates; {run.checkpoints[-1]} steps of {run.stepsize:g}"
