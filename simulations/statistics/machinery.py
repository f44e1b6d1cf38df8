"""How often a whole check errs: unbiased estimators called REFUTED, and biased ones called CONSISTENT.

Every run has a fresh seed and fresh gradients, and is `amss_min.testing.check.check` as a user calls it: contract,
burn-in, caps, rounds of draws, restarts, and the decision.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from amss_min.testing.check import check
from amss_min.testing.estimator import Estimator
from amss_min.testing.families import gradients
from amss_min.testing.result import CheckResult
from amss_min.testing.settings import Settings
from amss_min.testing.status import Status
from simulations.seeding import seed
from simulations.statistics.row import Part, measured, shares

LEVELS = (0.5, 0.2, 0.1)
"""Error probabilities that the log e-value of a run is held against; the last one is the run's own alpha."""

_SHARE = 100  # runs of one part


@dataclass(frozen=True, kw_only=True)
class Runs:
    """One way of running a check, many times, at alpha = 0.1.

    name: what the estimator does, for people. families, units: of the gradients, of dimension 1. draws: of one check.
    counts: what to count in a result.
    """

    name: str
    estimator: Callable[[], Estimator]
    draws: int
    runs: int
    families: tuple[str, ...] = ("gaussian",)
    units: int = 1

    @property
    def parts(self) -> int:
        """Shares of the runs."""
        return len(shares(self.runs, _SHARE))

    def results(self, number: int, root: int, *, detect: float, patient: bool) -> list[CheckResult]:
        """The results of part `number`."""
        found = []
        for run in shares(self.runs, _SHARE)[number]:
            chosen = seed(root, run=run)
            made = gradients(self.units, 1, seed=chosen >> 8, names=self.families)  # the family's number is appended
            settings = Settings(alpha=LEVELS[-1], detect=detect, draws=self.draws, seed=chosen, patient=patient)
            found.append(check(self.estimator(), made, settings))
        return found

    def described(self, results: Sequence[CheckResult]) -> dict[str, Any]:
        """What the row is about; the guarantee is that of the results."""
        (guarantee,) = {result.guarantee.value for result in results}
        return {"guarantee": guarantee}

    def head(self, parts: Sequence[Part]) -> dict[str, Any]:
        """The columns that say what was run."""
        sizes = {"families": len(self.families), "units": self.units, "draws": self.draws}
        return {"name": self.name, "guarantee": parts[0]["guarantee"], **sizes, "alpha": LEVELS[-1]}


@dataclass(frozen=True, kw_only=True)
class FalseAlarms(Runs):
    """Checks of an unbiased estimator: how often the evidence reaches 1 / level, and an interval leaves out 0."""

    def part(self, number: int, root: int) -> Part:
        """Counts over the runs of this part."""
        results = self.results(number, root, detect=0.05, patient=True)
        alarms = [sum(result.log_e >= math.log(1 / level) for result in results) for level in LEVELS]
        refuted = sum(result.status is Status.REFUTED for result in results)
        missed = sum(result.bias is not None and not result.bias[1][0] <= 0 <= result.bias[1][1] for result in results)
        restarted = sum(any(family.beyond for family in result.families) for result in results)
        counts = {"alarms": alarms, "refuted": refuted, "missed": missed, "restarted": restarted}
        return {**self.described(results), **counts}

    def whole(self, parts: Sequence[Part]) -> dict[str, Any]:
        """The row: runs with caps exceeded, REFUTED, evidence at every level, intervals without the true bias 0."""
        alarms = [sum(part["alarms"][place] for part in parts) for place in range(len(LEVELS))]
        refuted, missed, restarted = (sum(part[name] for part in parts) for name in ("refuted", "missed", "restarted"))
        return {
            **self.head(parts),
            "restarted": restarted,
            "refuted": measured(refuted, self.runs),
            "levels": [
                {"level": level, **measured(count, self.runs)} for level, count in zip(LEVELS, alarms, strict=True)
            ],
            "missed": measured(missed, self.runs),
        }


@dataclass(frozen=True, kw_only=True)
class Misses(Runs):
    """Checks of an estimator with a bias of norm just above detect |g|: how often it is called CONSISTENT.

    A check ends as soon as every bias above detect is excluded: the look that errs, if one does, is the last one.
    bias: its norm, over |g|.
    """

    bias: float
    detect: float

    def part(self, number: int, root: int) -> Part:
        """Counts of every status over the runs of this part."""
        results = self.results(number, root, detect=self.detect, patient=False)
        statuses = Counter(result.status.value for result in results)
        return {**self.described(results), "statuses": dict(statuses)}

    def whole(self, parts: Sequence[Part]) -> dict[str, Any]:
        """The row: how often each status was the outcome."""
        statuses = [Status.CONSISTENT, Status.INCONCLUSIVE, Status.REFUTED]
        counts = {status.value: sum(part["statuses"].get(status.value, 0) for part in parts) for status in statuses}
        found = {"bias": self.bias, "detect": self.detect, "counts": counts}
        return {**self.head(parts), **found, "consistent": measured(counts["CONSISTENT"], self.runs)}
