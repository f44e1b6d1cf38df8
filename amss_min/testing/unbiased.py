"""The check as a function and as an assertion, for anybody's test suite."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from amss_min.testing.budget import TestBudget
from amss_min.testing.check import check
from amss_min.testing.estimator import Estimator
from amss_min.testing.families import gradients as of_families
from amss_min.testing.result import CheckResult
from amss_min.testing.settings import Settings
from amss_min.testing.status import Status


class Undecided(AssertionError):
    """The draws neither refute the estimator nor exclude a bias above `detect`."""


def estimate_bias(
    estimate: Callable[..., Tensor] | Estimator,
    gradient: Tensor | Mapping[str, Tensor] | None = None,
    *,
    alpha: float = 1e-6,
    detect: float = 0.05,
    draws: int | None = None,
    seconds: float = 45.0,
    seed: int = 0,
    units: int = 12,
    dim: int = 3,
    patient: bool = False,
    budget: TestBudget | None = None,
    **declared: Any,
) -> CheckResult:
    """Whether E[C(g)] = g, how far off it may be, and the second moment, with every draw accounted for.

    estimate: estimate(gradient, *, generator) -> Tensor, (K, d) to (K, d). gradient: one, (K, d) or (K,), or several by
    name; without any, one of every family with `units` units of `dim` coordinates. alpha, detect, draws, seconds, seed:
    see Settings. budget: a test's share, which gives alpha and seed instead. patient: go on until the draws are spent
    (else a check ends as soon as it can say CONSISTENT). declared: batched, name, bound, omega, support, cuts, at, see
    Estimator.

    Raises EstimatorError where the estimator cannot be called as agreed; ValueError or TypeError for settings,
    gradients or declarations that make no sense.

    >>> def halves(gradient, *, generator):
    ...     keep = torch.rand(len(gradient), 1, generator=generator) < 0.5
    ...     return gradient * keep / 0.5
    >>> result = estimate_bias(halves, torch.tensor([3.0, 1.0]), detect=0.2, draws=20_000)
    >>> result.status.value, result.guarantee.value
    ('CONSISTENT', 'truncated')
    """
    if budget is not None:
        alpha, seed = budget.spend(), budget.seed()
    settings = Settings(alpha=alpha, detect=detect, draws=draws, seconds=seconds, seed=seed, patient=patient)
    return check(Estimator.of(estimate, **declared), _gradients(gradient, units, dim, seed), settings)


def assert_unbiased(
    estimate: Callable[..., Tensor] | Estimator,
    gradient: Tensor | Mapping[str, Tensor] | None = None,
    **settings: Any,
) -> CheckResult:
    """Assert that E[C(g)] = g: HOLDS or CONSISTENT passes, and the result is returned.

    Takes what `estimate_bias` takes. Raises AssertionError for REFUTED, a bias or a broken contract, and its subclass
    Undecided for INCONCLUSIVE: not having found a bias is no pass.

    >>> def keeps_half(gradient, *, generator):
    ...     return gradient * (torch.rand(len(gradient), 1, generator=generator) < 0.5)
    >>> assert_unbiased(keeps_half, torch.tensor([3.0, 1.0]))
    Traceback (most recent call last):
    ...
    AssertionError: keeps_half is REFUTED: ...
    """
    result = estimate_bias(estimate, gradient, **settings)
    if result.status is Status.REFUTED:
        raise AssertionError(f"{result.estimator} is REFUTED: {_reason(result)}")
    if result.status is Status.INCONCLUSIVE:
        raise Undecided(f"{result.estimator} is INCONCLUSIVE after {result.draws} draws: {result.text}")
    return result


def _gradients(given: Tensor | Mapping[str, Tensor] | None, units: int, dim: int, seed: int) -> dict[str, Tensor]:
    if given is None:
        return of_families(units, dim, seed=seed)
    named = dict(given) if isinstance(given, Mapping) else {"given": given}
    return {name: matrix(gradient) for name, gradient in named.items()}


def matrix(gradient: Tensor) -> Tensor:
    """A gradient as float64 (K, d); a vector has units of one coordinate.

    Raises TypeError for what is no tensor, ValueError for other shapes.
    """
    if not isinstance(gradient, Tensor):
        raise TypeError(f"a gradient must be a torch.Tensor, found {type(gradient).__name__}")
    if gradient.ndim not in (1, 2) or 0 in gradient.shape:
        raise ValueError(f"a gradient must be of shape (K, d) or (K,), found {tuple(gradient.shape)}")
    values = gradient.detach().to("cpu", torch.float64)
    return values.unsqueeze(1) if values.ndim == 1 else values


def _reason(result: CheckResult) -> str:
    if result.violations:
        found = result.violations[0]
        return f"{found['rule']}; found {found['finding']}; {found['reason']} (family {found['family']})"
    if result.finding is None or result.bias is None:
        worst = result.worst
        place = (
            "" if worst is None else f", unit {worst.worst_unit} of family {worst.family}: {worst.relative_bias:+.3g}"
        )
        return f"{result.text}{place}"
    bias, (low, high) = result.bias
    where = f"{result.finding.where} of family {result.finding.family}"
    return (
        f"{where} is off by {bias:+.3g} of itself [{low:+.3g}, {high:+.3g}] after {result.draws} draws; {result.text}"
    )
