"""Which bound applies to a mask at a checkpoint: the floor that it predicts and the step that it allows.

Let kappa = sum_u |c_u|^2 / d_u and d_min = min_u d_u. The cases, in order:

- unbiased: E[m g | g] = g. No floor but that of any noisy gradient, which shrinks with the step; step lr / (1 + omega),
  with the largest omega that was seen (claims nonconvex-bound, ht-second-moment).
- full gradient: a minibatch is all rows. No floor, step lr (claim full-gradient-no-floor).
- independent: the law of the mask does not depend on the size of the gradient, and mu did not change over minibatches.
  No floor; 0/1 masks take step lr (claim independent-mask-no-bias).
- self-importance: everything else. |grad F|^2 comes below 2 kappa / d_min, and its fixed points have
  |grad F|^2 = |D^-1 c|^2; 0/1 masks take step lr d_min / 2 (claim self-importance-descent).

lr stands for 1/L, the step of the unmasked gradient. The floor needs the largest c and the least d_min on the way;
these are values at the checkpoint. Where a mask is biased and not 0/1, no step is stated.
"""

from typing import Any

from torch import Tensor

from simulations.multimodal.diagnosis.estimates import Covariance, Estimate, jackknifed, number

UNBIASED, FULL_GRADIENT, INDEPENDENT, SELF_IMPORTANCE = "unbiased", "full gradient", "independent", "self-importance"
_NONE: Estimate = {"value": 0.0, "standard_error": 0.0}


def floor(case: str, found: Covariance, *, exact: bool) -> dict[str, Any]:
    """{"case", "formula", "bound", "mean_field"}, estimates of |grad F|^2; 0 without error where there is none.

    Estimates are negative at times where c is small beside its error.
    """
    if case != SELF_IMPORTANCE:
        return {"case": case, "formula": "0", "bound": dict(_NONE), "mean_field": dict(_NONE)}
    result: dict[str, Any] = {"case": case, "formula": "bound: 2 |c|^2_{1/D} / d_min; mean field: |D^-1 c|^2"}
    if not bool((found.kept > 0).all()):
        return {**result, "bound": None, "mean_field": None, "reason": "some unit was never kept: d_min is 0"}
    value, without = (_both(found.squared, found.kept), _both(found.squared_without, found.kept_without))
    for index, name in enumerate(("bound", "mean_field")):
        result[name] = jackknifed(value[index], without[index], exact=exact)
    return result


def step(case: str, lr: float, *, zero_one: bool, omega: Tensor | None, least_kept: Tensor) -> dict[str, Any]:
    """{"rule", "value"}, value None with a reason where no bound applies."""
    if case == UNBIASED:
        rule = "lr / (1 + omega)"
        if omega is None:
            return {"rule": rule, "value": None, "reason": "E[m^2] has no closed form for this weighting"}
        return {"rule": rule, "value": number(lr / (1 + float(omega.max())))}
    rule = "lr d_min / 2" if case == SELF_IMPORTANCE else "lr"
    if not zero_one:
        return {"rule": None, "value": None, "reason": "the bounds on steps of biased masks are for masks of 0 and 1"}
    return {"rule": rule, "value": number(lr * float(least_kept) / 2 if case == SELF_IMPORTANCE else lr)}


def _both(squared: Tensor, kept: Tensor) -> tuple[Tensor, Tensor]:
    bound = 2 * (squared / kept).sum(-1) / kept.amin(-1)
    return bound, (squared / kept.square()).sum(-1)
