"""How many draws it takes: to refute a bias, and to exclude one."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amss_min.testing.betting import Array
from amss_min.testing.check import check
from amss_min.testing.estimator import Estimator
from amss_min.testing.families import gradients
from amss_min.testing.settings import Settings
from amss_min.testing.status import Status
from simulations.seeding import seed, stream
from simulations.statistics.crossing import log_e_of
from simulations.statistics.row import Part, median

_GROWTH = 1.01  # looks: a median is at most 1 % too large for their number
_SPAN = 8.0  # they begin at an eighth of the rule and end at eight times it


def rule(pi: float, bias: float, alpha: float) -> float:
    """N = 2 (1 - pi) / (pi b^2) (log(1 / alpha) + log(N) / 2): draws to refute a relative bias b, about.

    >>> round(rule(0.5, 0.01, 1e-9))
    546580
    """
    factor, n = 2 * (1 - pi) / (pi * bias**2), 1e3
    for _ in range(100):  # a contraction: the derivative is factor / (2 N), at most 1 / 40
        n = factor * (math.log(1 / alpha) + math.log(n) / 2)
    return n


@dataclass(frozen=True, kw_only=True)
class Power:
    """Draws until e-processes against pi reach 1 / alpha where the truth is pi (1 + bias): medians over runs.

    The frequency and the weighted draws are held against the same paths.
    """

    pi: float
    bias: float
    alpha: float
    runs: int

    @property
    def parts(self) -> int:
        """One."""
        return 1

    def part(self, number: int, root: int) -> Part:
        """For both processes the draws of every run, infinite where eight times the rule was not enough."""
        generator = stream(root, part=number)
        typical = rule(self.pi, self.bias, self.alpha)
        steps = np.diff(_grid(typical / _SPAN, typical * _SPAN), prepend=0)
        successes = generator.binomial(steps, self.pi * (1 + self.bias), (self.runs, len(steps))).cumsum(1)
        n = np.broadcast_to(steps.cumsum().astype(np.float64), successes.shape)
        return {
            process: _first(log_e_of(process, self.pi)(n, successes.astype(np.float64)), n, self.alpha)
            for process in ("frequency", "weight, upward")
        }

    def whole(self, parts: Sequence[Part]) -> dict[str, Any]:
        """The row: the medians, beside the rule."""
        said = {"pi": self.pi, "bias": self.bias, "alpha": self.alpha, "rule": rule(self.pi, self.bias, self.alpha)}
        return {
            **said,
            "frequency": median(parts[0]["frequency"]),
            "weight": median(parts[0]["weight, upward"]),
        }


def _grid(first: float, last: float) -> NDArray[np.int64]:
    count = math.ceil(math.log(last / first) / math.log(_GROWTH)) + 1
    return np.unique(np.ceil(first * _GROWTH ** np.arange(count)).astype(np.int64))


def _first(log: Array, n: Array, alpha: float) -> list[float]:
    """The draws (runs,) at the first look at which the e-process has reached 1 / alpha."""
    reached = log >= math.log(1 / alpha)
    ever: list[float] = np.where(reached.any(1), n[0][reached.argmax(1)], np.inf).tolist()
    return ever


@dataclass(frozen=True, kw_only=True)
class Consistency:
    """Draws until a check of an unbiased estimator is CONSISTENT, on one family of 12 units: the median over runs.

    omega: E|C - g|^2 / |g|^2. declares: what the estimator says about itself. limit: draws at most; stakes are chosen
    for as many.
    """

    family: str
    omega: float
    declares: str
    estimator: Callable[[], Estimator]
    runs: int
    alpha: float = 1e-6
    detect: float = 0.05
    limit: int = 570_000

    @property
    def parts(self) -> int:
        """One."""
        return 1

    def part(self, number: int, root: int) -> Part:
        """Draws of every run, burn-in included; infinite where it did not end CONSISTENT."""
        draws = []
        for run in range(self.runs):
            chosen = seed(root, run=run)
            made = gradients(12, 1, seed=chosen >> 8, names=[self.family])
            settings = Settings(alpha=self.alpha, detect=self.detect, draws=self.limit, seed=chosen >> 1, patient=False)
            result = check(self.estimator(), made, settings)
            draws.append(result.draws if result.status is Status.CONSISTENT else math.inf)
        return {"draws": draws}

    def whole(self, parts: Sequence[Part]) -> dict[str, Any]:
        """The row: the median."""
        said = {"family": self.family, "omega": self.omega, "declares": self.declares}
        settings = {"alpha": self.alpha, "detect": self.detect, "limit": self.limit}
        return {**said, **settings, **median(parts[0]["draws"])}
