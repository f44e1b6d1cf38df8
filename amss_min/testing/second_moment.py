"""Second moments of an estimator, held against a declared constant: omega, ABC, contraction.

Each is a statement E Z <= limit about a number Z >= 0 of every draw. To refute it Z >= 0 is all it takes. To agree with
it takes a cap on Z, which is fixed on a burn-in and held against fresh draws: the guarantee is truncated, with the
probability of what lies beyond.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from amss_min.testing.betting import Array, log_bets_within, log_e, lower_edge
from amss_min.testing.estimator import Estimator
from amss_min.testing.reach import MARGIN, ROUNDING
from amss_min.testing.settings import Settings
from amss_min.testing.status import Status
from amss_min.testing.unbiased import Undecided, matrix

_BURN_IN, _BLOCK = 1000, 2000


@dataclass(frozen=True)
class Held:
    """A mean held against a limit, in the units of the limit.

    mean: of the draws; low, high: confidence bounds at alpha. left_out: at most this probability lies beyond the cap,
    and is assumed to carry no mean.
    """

    what: str
    limit: float
    mean: float
    low: float
    high: float
    draws: int
    left_out: float
    status: Status


def assert_omega(estimate: Callable[..., Tensor] | Estimator, omega: float, gradient: Tensor, **settings: Any) -> Held:
    """Assert E|C(g) - g|^2 <= omega |g|^2; an unbiased C then has the second-moment factor 1 + omega.

    settings: alpha (1e-6), detect (0.05), draws (200,000), seed (0), and what an Estimator declares. Passes where means
    above omega (1 + detect) are excluded at alpha. Raises AssertionError where means up to omega are, Undecided where
    neither is, ValueError for an omega below 0.

    >>> def halves(gradient, *, generator):
    ...     keep = torch.rand(len(gradient), 1, generator=generator) < 0.5
    ...     return gradient * keep / 0.5
    >>> 0.9 < assert_omega(halves, 1.0, torch.tensor([3.0, 1.0]), detect=0.2).mean < 1.1
    True
    """
    _at_least_zero(omega=omega)
    g = matrix(gradient)
    return _held(estimate, g, lambda c: _energy(c - g) / _energy(g), omega, "E|C - g|^2 / |g|^2", **settings)


def assert_contraction(
    estimate: Callable[..., Tensor] | Estimator, delta: float, gradient: Tensor, **settings: Any
) -> Held:
    """Assert E|C(g) - g|^2 <= (1 - delta) |g|^2, the contraction of biased compressors: delta = k / n for top-k.

    settings and errors as for `assert_omega`; ValueError for delta outside (0, 1].
    """
    if not 0 < delta <= 1:
        raise ValueError(f"delta must be in (0, 1], found delta={delta}")
    return assert_omega(estimate, 1 - delta, gradient, **settings)


def assert_abc(
    estimate: Callable[..., Tensor] | Estimator,
    gradient: Tensor,
    *,
    a: float = 0.0,
    b: float = 1.0,
    c: float = 0.0,
    gap: float = 0.0,
    **settings: Any,
) -> Held:
    """Assert E|C(g)|^2 <= 2 A (F - F*) + B |g|^2 + C at one point, where F - F* = gap and the gradient is g.

    settings and errors as for `assert_omega`; ValueError for constants below 0.
    Source: Khaled and Richtarik, arXiv 2002.03329, assumption 2 (expected smoothness).
    """
    _at_least_zero(a=a, b=b, c=c, gap=gap)
    g = matrix(gradient)
    limit = 2 * a * gap + b * float(_energy(g)) + c
    return _held(estimate, g, _energy, limit, "E|C|^2", **settings)


def _held(
    estimate: Callable[..., Tensor] | Estimator,
    gradient: Tensor,
    measure: Callable[[Tensor], Tensor],
    limit: float,
    what: str,
    *,
    alpha: float = 1e-6,
    detect: float = 0.05,
    draws: int = 200_000,
    seed: int = 0,
    **declared: Any,
) -> Held:
    settings = Settings(alpha=alpha, detect=detect, draws=draws, seed=seed)
    estimator = Estimator.of(estimate, **declared)
    generator = torch.Generator().manual_seed(seed)
    scale = limit or float(_energy(gradient))  # Z is weighed in units of the limit
    sums = _Sums(alpha)
    size = min(_BURN_IN, max(draws // 4, 1))
    while True:
        sums.add(measure(estimator.draws(gradient, size, generator)).numpy() / scale)
        refuted = sums.refutes(limit / scale * (1 + ROUNDING) + ROUNDING)
        agreed = sums.high() <= limit / scale + settings.detect
        size = min(_BLOCK, draws - sums.spent)
        if refuted or agreed or size <= 0:
            break
    status = Status.REFUTED if refuted else Status.CONSISTENT if agreed else Status.INCONCLUSIVE
    mean, low, high = (value * scale for value in (sums.mean, sums.low(), sums.high()))
    held = Held(what, limit, mean, low, high, sums.spent, sums.left_out, status)
    if status is Status.CONSISTENT:
        return held
    said = f"{what} must be at most {limit:.6g}, found {held.mean:.6g} [{held.low:.6g}, {held.high:.6g}]"
    raise (AssertionError if refuted else Undecided)(
        f"{estimator.name} is {status.value}: {said} in {sums.spent} draws"
    )


class _Sums:
    """Sums of Z >= 0 behind a cap; a value beyond it starts them anew behind a wider one, with half the alpha."""

    def __init__(self, alpha: float) -> None:
        self._alpha, self._cap = alpha, 0.0
        self.spent = self.n = 0
        self._total = self._squares = 0.0

    def add(self, values: Array) -> None:
        self.spent += len(values)
        if values.max() > self._cap:
            self._cap, self._alpha = MARGIN * max(float(values.max()), 1.0), self._alpha / 2
            self.n, self._total, self._squares = 0, 0.0, 0.0
            return
        self.n += len(values)
        self._total += float(values.sum())
        self._squares += float(np.square(values).sum())

    @property
    def mean(self) -> float:
        return self._total / max(self.n, 1)

    @property
    def left_out(self) -> float:
        return -math.expm1(math.log(self._alpha) / self.n) if self.n else 1.0

    def refutes(self, limit: float) -> bool:
        """Whether E Z <= limit is refuted, which needs no cap."""
        evidence = log_e(self.n, np.array(self._total), np.array(self._squares), np.zeros(()), limit)
        return float(evidence) >= -math.log(self._alpha)

    def low(self) -> float:
        return self._edge(1, 0.0, min(self.mean, self._cap))

    def high(self) -> float:
        return -self._edge(-1, -self._cap, -self.mean) if self.n else math.inf

    def _edge(self, sign: int, low: float, high: float) -> float:
        def log_capital(mean: Array) -> Array:
            return log_bets_within(self.n, sign * np.array(self._total), np.array(self._squares), self._cap, mean)

        return float(lower_edge(log_capital, np.array(low), np.array(high), self._alpha))


def _energy(values: Tensor) -> Tensor:
    return values.square().sum((-2, -1))


def _at_least_zero(**constants: float) -> None:
    for name, value in constants.items():
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f"{name} must be a number of at least 0, found {name}={value}")
