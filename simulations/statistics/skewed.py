"""False alarms of the bets on skewed and unbounded draws, which no finite calculation covers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from amss_min.testing.betting import Array, log_bets_of_variance, log_e, log_mean
from simulations.seeding import stream
from simulations.statistics.crossing import THRESHOLDS
from simulations.statistics.row import Part, measured, shares

_SHARE, _ROWS = 2500, 250  # paths of one part, and drawn at a time
_EVERY, _GROWTH = 100, 1.05  # looks: after each of the first 100 draws, then after 5 % more

TESTS = ("range, upward", "variance, upward", "variance, downward")
"""Against E X <= 0 from X >= -below; against E X = 0 from E X^2 <= v, in both directions."""


@dataclass(frozen=True)
class Law:
    """Draws of mean 0: sample(generator, shape) are they, -below their minimum, variance their variance."""

    sample: Callable[[np.random.Generator, tuple[int, int]], Array]
    below: float
    variance: float


def _pareto(generator: np.random.Generator, shape: tuple[int, int]) -> Array:
    return 0.6 * (1 + generator.pareto(2.5, shape)) - 1


def _lognormal(generator: np.random.Generator, shape: tuple[int, int]) -> Array:
    return generator.lognormal(-np.log(4) / 2, np.sqrt(np.log(4)), shape) - 1


def _exponential(generator: np.random.Generator, shape: tuple[int, int]) -> Array:
    return generator.exponential(1, shape) - 1


LAWS = {
    "exponential": Law(_exponential, 1.0, 1.0),
    "lognormal": Law(_lognormal, 1.0, 3.0),
    "Pareto": Law(_pareto, 0.4, 0.8),
}
"""Weights of mean 1, less 1: exponential; lognormal of variance 3; Pareto of tail index 2.5, from .6 up."""


def looks(horizon: int) -> list[int]:
    """After how many draws the e-process is looked at, the last one being the horizon.

    >>> looks(200)[98:104], looks(200)[-1]
    ([99, 100, 105, 111, 117, 123], 200)
    """
    chosen = list(range(1, min(_EVERY, horizon) + 1))
    while chosen[-1] < horizon:
        chosen.append(min(int(np.ceil(chosen[-1] * _GROWTH)), horizon))
    return chosen


@dataclass(frozen=True, kw_only=True)
class Skewed:
    """False alarms of the bets on draws of mean 0 from one of LAWS, `runs` paths of `horizon` draws."""

    law: str
    horizon: int
    runs: int

    @property
    def parts(self) -> int:
        """Shares of the runs."""
        return len(shares(self.runs, _SHARE))

    def part(self, number: int, root: int) -> Part:
        """For every test of TESTS the counts of paths that reached each threshold."""
        generator = stream(root, part=number)
        law, when = LAWS[self.law], looks(self.horizon)
        counts = np.zeros((len(TESTS), len(THRESHOLDS)), dtype=np.int64)
        for rows in shares(len(shares(self.runs, _SHARE)[number]), _ROWS):
            draws = law.sample(generator, (len(rows), self.horizon))
            begins = [0, *when[:-1]]
            total = np.cumsum(np.add.reduceat(draws, begins, axis=1), axis=1)
            squares = np.cumsum(np.add.reduceat(np.square(draws), begins, axis=1), axis=1)
            n: Any = np.array(when, dtype=np.float64)
            logs = (
                log_e(n, total, squares, np.array(law.below)),
                log_mean(log_bets_of_variance(n, total, squares, law.variance)),
                log_mean(log_bets_of_variance(n, -total, squares, law.variance)),
            )
            counts += [[int((log.max(1) >= np.log(most)).sum()) for most in THRESHOLDS] for log in logs]
        return {"counts": counts.tolist()}

    def whole(self, parts: Sequence[Part]) -> dict[str, Any]:
        """The row: for every test and threshold nominal and measured probability."""
        counts = np.sum([part["counts"] for part in parts], axis=0).tolist()
        tests = [
            {
                "test": test,
                "crossings": [
                    {"threshold": most, "nominal": 1 / most, **measured(count, self.runs)}
                    for most, count in zip(THRESHOLDS, found, strict=True)
                ],
            }
            for test, found in zip(TESTS, counts, strict=True)
        ]
        return {"law": self.law, "horizon": self.horizon, "looks": len(looks(self.horizon)), "tests": tests}
