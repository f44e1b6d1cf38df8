"""Multipliers in closed form that prove the worst cases of `theory.worst_case.closed_forms`, with no slack.

Those of the average criteria unroll one induction. Where a step gives delta_{t+1} <= delta_t - (h/2) a_t and
a_t <= 2 delta_t, with delta_t = E F(w_t) and a_t = E |grad F(w_t)|^2, the multipliers of the two are, r = 1 - h,

    lambda_t = (2 / h) (1 - r^(T-1-t))   and   gamma_t = r^(T-1-t):

(h/2) lambda_t + gamma_t = 1 gives the sum of all a_t, lambda_{t-1} = lambda_t + 2 gamma_t cancels every delta_t but the
first, and lambda_{-1} = (2 / h) (1 - r^T) is the bound.
"""

from collections.abc import Sequence
from fractions import Fraction

from theory.certificates import Certificate
from theory.worst_case import closed_forms


def gradient_descent(steps: int, *, drop: bool) -> Certificate:
    """One for every step, a half or three quarters for every gradient: the bound is their common scale.

    smooth(t, t+1) reads F(w_t) - F(w_{t+1}) >= |g_t|^2 / 2 + |g_{t+1}|^2 / 4 at eta = 1.
    """
    bound = closed_forms.smallest_from_drop(steps) if drop else closed_forms.smallest_from_gap(steps)
    weights = [Fraction(1, 2), *[Fraction(3, 4)] * (steps - 1), Fraction(1, 4)]
    found = {f"smooth({t},{t + 1})": bound for t in range(steps)} | {"gap": bound}
    if not drop:
        weights[-1] += Fraction(1, 2)
        found[f"lower({steps})"] = bound
    return Certificate(bound=bound, multipliers=found | {f"least({t})": bound * w for t, w in enumerate(weights)})


def masked_descent(steps: int, n: int, k: int, masks: int) -> Certificate:
    """h = k / n; a multiplier of step t is shared among the points of depth t, or the courses between them."""
    found: dict[str, Fraction] = {}
    bound, level = closed_forms.masked_average(steps, n, k), ["0"]
    for t, (step, gradient) in enumerate(_unrolled(steps, Fraction(k, n))):
        found |= {f"lower({name})": 2 * gradient / (steps * len(level)) for name in level}
        if t < steps - 1:
            share = step / (steps * len(level) * masks)
            pairs = [(name, f"{name}.{s}") for name in level for s in range(masks)]
            found |= {f"smooth({parent},{child})": share for parent, child in pairs}
            level = [child for _, child in pairs]
    return Certificate(bound=bound, multipliers=found | {"gap": bound})


def biased_descent(steps: int, relative: Fraction, absolute: Fraction) -> Certificate:
    """h = 1 - m; half the multiplier of a step goes to its bias."""
    found: dict[str, Fraction] = {}
    for t, (step, gradient) in enumerate(_unrolled(steps, 1 - relative)):
        found[f"lower({t})"] = 2 * gradient / steps
        if t < steps - 1:
            found |= {f"smooth({t},{t + 1})": step / steps, f"bias({t})": step / (2 * steps)}
    gap = closed_forms.biased_average(steps, relative, Fraction(0))
    return Certificate(bound=closed_forms.biased_average(steps, relative, absolute), multipliers=found | {"gap": gap})


def top_one(steps: int, n: int, course: Sequence[int]) -> Certificate:
    """h = 1 / n: the largest of n blocks has at least 1 / n of the energy."""
    found: dict[str, Fraction] = {}
    bound = closed_forms.top_one_average(steps, n)
    for t, (step, gradient) in enumerate(_unrolled(steps, Fraction(1, n))):
        found[f"lower({t})"] = 2 * gradient / steps
        if t < steps - 1:
            found[f"smooth({t},{t + 1})"] = step / steps
            found |= {f"chosen({t},{o})": step / (2 * n * steps) for o in range(n) if o != course[t]}
    return Certificate(bound=bound, multipliers=found | {"gap": bound})


def _unrolled(steps: int, h: Fraction) -> list[tuple[Fraction, Fraction]]:
    """(lambda_t, gamma_t) for t < T."""
    powers = [(1 - h) ** (steps - 1 - t) for t in range(steps)]
    return [(2 / h * (1 - power), power) for power in powers]
