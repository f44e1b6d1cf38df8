"""The bound that applies to a run, if there is one, or the reason why none does."""

import math
from dataclasses import dataclass

import numpy as np

from amss_min.designs import Successive, TopK
from amss_min.weightings import Indicator
from theory.abc_bounds import abc_bound, masked
from theory.biased_bounds import full_gradient_bound
from theory.bounds import run_factor, sharp_bound
from theory.curvature import GLOBAL
from theory.dominance import refuse_other_descent
from theory.measurement import Array, Run


@dataclass(frozen=True)
class Bound:
    """A bound of E (1/T) sum_{t<T} |grad F(w_t)|^2 at every checkpoint. name: its function. curve: None without one.

    reason: why there is none.
    """

    name: str
    curve: Array | None
    reason: str = ""


def bound_of(run: Run) -> Bound:
    """The bound with the weakest hypotheses that this run fulfils.

    Unbiased masks under a uniform sigma^2: theory.bounds.sharp_bound. Under E|g|^2 <= B |grad F|^2 + C:
    theory.abc_bounds.abc_bound. Exact gradients under AMSS or top-k: theory.biased_bounds.full_gradient_bound.
    """
    horizon = np.array(run.checkpoints, dtype=np.float64)
    constants = {"L": run.objective.L, "gap": run.gap, "stepsize": run.stepsize}
    try:
        if not GLOBAL.holds_on(run.objective):
            raise ValueError("L and f_star hold on a ball only, and nothing keeps the iterates inside")
        refuse_other_descent(run)
        if isinstance(run.method.weighting, Indicator):
            if run.noise.sigma2 != 0 or not isinstance(run.method.design, Successive | TopK):
                raise ValueError("0/1 masks have a bound here for exact gradients under Successive or TopK only")
            share = min(k / n for n, k in zip(run.objective.units, run.drawn, strict=True))
            return Bound("full_gradient_bound", full_gradient_bound(horizon, share=share, **constants))
        factor = run_factor(run)
        if run.noise.sigma2 is not None:
            return Bound("sharp_bound", sharp_bound(horizon, factor=factor, sigma2=run.noise.sigma2, **constants))
        abc = masked(run.noise.abc(run.objective), factor)
        if abc[0] > 0:
            raise ValueError("under expected smoothness with A > 0 only a weighted average has a bound")
        return Bound("abc_bound", abc_bound(horizon, abc=abc, **constants))
    except ValueError as error:
        return Bound("", None, " ".join(str(error).split()))


def tightness(run: Run, bound: Bound) -> float:
    """Measured over bound at the last checkpoint; not a number without a bound."""
    if bound.curve is None or not bound.curve[-1] > 0:
        return math.nan
    return float(run.average[:, -1].mean() / bound.curve[-1])
