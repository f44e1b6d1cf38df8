"""What a check of an estimator found, in the words and numbers that are printed and stored."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from amss_min.testing.evaluation import Finding
from amss_min.testing.evidence import Guarantee
from amss_min.testing.settings import Settings
from amss_min.testing.status import Status


@dataclass(frozen=True, kw_only=True)
class FamilyResult:
    """What the draws on one gradient said.

    worst_unit: the unit with the most evidence against it; relative_bias: <g_j, E[C_j] - g_j> / |g_j|^2, estimated,
    with its simultaneous interval. bias_at_most: norms of bias from here on, over |g|, are excluded. second_moment: the
    factor 1 + omega = E|C|^2 / |g|^2 with its interval; optimum: the least factor of a mask of the same expected size.
    left_out: at most this probability lies beyond the caps (truncated only). draws: those that count.
    log_e: the largest log e-value of a functional of this gradient.
    """

    family: str
    status: Status
    guarantee: Guarantee
    draws: int
    worst_unit: int
    relative_bias: float
    interval: tuple[float, float]
    bias_at_most: float
    second_moment: float
    second_moment_interval: tuple[float, float]
    optimum: float
    expected_size: float
    left_out: float
    beyond: int = 0
    log_e: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """The result in JSON types; what is infinite is null."""
        return {
            "family": self.family,
            "status": self.status.value,
            "guarantee": self.guarantee.value,
            "draws": self.draws,
            "worst_unit": self.worst_unit,
            "relative_bias": finite(self.relative_bias),
            "interval": [finite(end) for end in self.interval],
            "bias_at_most": finite(self.bias_at_most),
            "omega": {
                "factor": finite(self.second_moment),
                "interval": [finite(end) for end in self.second_moment_interval],
                "optimum": finite(self.optimum),
                "expected_size": self.expected_size,
            },
            "left_out": self.left_out,
            "beyond_earlier_caps": self.beyond,
            "log_e": finite(self.log_e),
        }


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """The outcome of a check. It has no truth value: compare `status`.

    finding: the strongest evidence of a bias, and bias its size with an interval; None on the exact path and where the
    contract is broken. log_e: log e-value against unbiasedness, all gradients together. draws: all that were made,
    `burn_in` of them on each gradient before the draws that count. seconds_per_draw: their cost. witness: for REFUTED,
    what a replay needs.
    """

    estimator: str
    status: Status
    guarantee: Guarantee
    text: str
    families: Sequence[FamilyResult]
    violations: Sequence[Mapping[str, str]]
    draws: int
    burn_in: int
    settings: Settings
    seconds_per_draw: float
    log_e: float = 0.0
    finding: Finding | None = None
    bias: tuple[float, tuple[float, float]] | None = None
    witness: Mapping[str, Any] | None = None

    def __bool__(self) -> bool:
        raise TypeError("a result has four outcomes and no truth value; compare it: result.status is Status.HOLDS")

    @property
    def worst(self) -> FamilyResult | None:
        """The family to look at first: the one that shows the bias, else the one whose excluded norm is largest."""
        if self.status is Status.REFUTED and self.finding is not None:
            return next(result for result in self.families if result.family == self.finding.example)
        refuted = [result for result in self.families if result.status is Status.REFUTED]
        return max(refuted or self.families, key=lambda result: result.bias_at_most, default=None)

    def as_json(self) -> dict[str, Any]:
        """The result in JSON types.

        worst_unit, in worst_family, with its relative_bias and interval: for REFUTED that of the strongest evidence,
        over all families where they share it (the unit at one place, or of one rank).
        """
        worst = self.worst
        bias, interval = (None, None) if worst is None else (worst.relative_bias, worst.interval)
        strongest = None
        if self.finding is not None and self.bias is not None:
            strongest = {
                "family": self.finding.family,
                "where": self.finding.where,
                "relative_bias": finite(self.bias[0]),
                "interval": [finite(end) for end in self.bias[1]],
                "log_e": finite(self.finding.log_e),
            }
            if self.status is Status.REFUTED and self.finding.unit is not None:
                bias, interval = self.bias
        return {
            "estimator": self.estimator,
            "status": self.status.value,
            "guarantee": self.guarantee.value,
            "text": self.text,
            "worst_unit": None if worst is None else worst.worst_unit,
            "worst_family": None if worst is None else worst.family,
            "relative_bias": None if bias is None else finite(bias),
            "interval": None if interval is None else [finite(end) for end in interval],
            "strongest": strongest,
            "omega": None if worst is None else worst.as_json()["omega"],
            "draws": self.draws,
            **self.settings.as_json(),
            "log_e": finite(self.log_e),
            "seconds_per_draw": self.seconds_per_draw,
            "families": [result.as_json() for result in self.families],
            "violations": [dict(violation) for violation in self.violations],
            "witness": None if self.witness is None else dict(self.witness),
        }


def finite(value: float) -> float | None:
    """The number, or None where JSON has none for it."""
    return float(value) if math.isfinite(value) else None
