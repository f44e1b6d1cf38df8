"""How often an e-process for two-point draws ever reaches a threshold: exactly, and by simulation.

After N draws, s of them successes, the e-process is a function of (N, s), and its logarithm is convex in s: it is below
a threshold for s in an interval [low_N, high_N]. A path ends where it leaves it. The distribution of the paths that
are left is carried from N to N + 1 (two products and a sum per state), so the probability of ever leaving, up to a
horizon, is known to rounding: that is `exact`. `simulated` counts paths that leave, drawn one by one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amss_min.testing.bernoulli import log_e_bernoulli
from amss_min.testing.betting import Array, log_e
from simulations.seeding import stream
from simulations.statistics.row import Part, measured, shares

THRESHOLDS = (10, 100, 1000)
"""Values of an e-process that are waited for, in rising order; the nominal error is one over each."""

_SHARE, _ROWS = 2500, 50  # paths of one part, and drawn at a time
_GRID = 2.0**24  # a uniform number of 32 bits is a multiple of 2^-24

LogE = Callable[[Any, Array], Array]


def log_e_of(process: str, pi: float) -> LogE:
    """log E as a function of (N, s), for draws that succeed with probability pi.

    process: "frequency", the Beta-Bernoulli e-process; "weight, upward" and "weight, downward", the bets of
    `betting.log_e` on Horvitz-Thompson draws X = B / pi - 1, against E X <= 0 and E X >= 0.
    """
    if process == "frequency":
        return lambda n, s: log_e_bernoulli(s, n, pi)
    sign = 1 if process.endswith("upward") else -1
    drawn = 1 / pi - 1
    below = np.array(1.0 if sign > 0 else drawn)
    return lambda n, s: log_e(n, sign * (s * drawn - (n - s)), s * drawn**2 + (n - s), below)


@dataclass(frozen=True)
class Inside:
    """The successes (horizon,) for which an e-process is below a threshold after 1, 2, ... draws, ends included."""

    low: NDArray[np.int64]
    high: NDArray[np.int64]

    @classmethod
    def of(cls, log: LogE, pi: float, horizon: int, threshold: float) -> "Inside":
        """The interval around floor(N pi) for every N; raises ValueError where the e-process is not below it there."""
        n = np.arange(1, horizon + 1)
        needed, middle = np.log(threshold), np.floor(n * pi).astype(np.int64)
        if not (log(n.astype(np.float64), middle.astype(np.float64)) < needed).all():
            raise ValueError(f"the e-process must be below the threshold at the mean, found more than {threshold}")

        def last(outside: NDArray[np.int64]) -> NDArray[np.int64]:
            inside: NDArray[np.int64] = middle.copy()
            while (apart := np.abs(inside - outside) > 1).any():
                tried = np.clip((inside + outside) // 2, 0, n)
                below = log(n.astype(np.float64), tried.astype(np.float64)) < needed
                inside, outside = np.where(apart & below, tried, inside), np.where(apart & ~below, tried, outside)
            return inside

        return cls(last(np.full(horizon, -1)), last(n + 1))


def exact(inside: Inside, pi: float) -> float:
    """P(the path leaves within the horizon) for draws of success probability pi.

    A step adds and multiplies nonnegative numbers only: after N steps the relative error is below 3 N 2^-53.
    """
    start, alive, left = 0, np.ones(1), 0.0
    for low, high in zip(inside.low.tolist(), inside.high.tolist(), strict=True):
        moved = np.zeros(len(alive) + 1)
        moved[:-1] = alive * (1 - pi)
        moved[1:] += alive * pi
        first, end = max(low - start, 0), min(high + 1 - start, len(moved))
        left += float(moved[:first].sum() + moved[end:].sum())
        start, alive = start + first, moved[first:end]
    return left


def simulated(insides: Sequence[Inside], pi: float, paths: int, generator: np.random.Generator) -> list[int]:
    """How many of these paths leave each interval within the horizon; pi is a multiple of 2^-24, so drawn exactly.

    All intervals, each within the next one, are held against the same paths.
    """
    horizon, counts = len(insides[0].low), [0] * len(insides)
    ends = [(inside.low.astype(np.int32), inside.high.astype(np.int32)) for inside in insides]
    for begin in range(0, paths, _ROWS):
        drawn = generator.random((min(_ROWS, paths - begin), horizon), dtype=np.float32) < np.float32(pi)
        successes = np.cumsum(drawn, axis=1, dtype=np.int32)
        for number, (low, high) in enumerate(ends):
            successes = successes[((successes < low) | (successes > high)).any(1)]
            counts[number] += len(successes)
    return counts


@cache  # the parts of a row ask for the same ones
def _insides(process: str, pi: float, horizon: int) -> tuple[Inside, ...]:
    return tuple(Inside.of(log_e_of(process, pi), pi, horizon, threshold) for threshold in THRESHOLDS)


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """False alarms of an e-process on draws that have the success probability pi that it supposes.

    process: see `log_e_of`. runs: simulated paths, of `horizon` draws each, looked at after every draw.
    """

    process: str
    pi: float
    horizon: int
    runs: int

    @property
    def parts(self) -> int:
        """The exact probabilities, and the simulation in shares."""
        return 1 + len(shares(self.runs, _SHARE))

    def part(self, number: int, root: int) -> Part:
        """Part 0: {"exact": probabilities}; others: {"left": counts}, one for each threshold."""
        pi = round(self.pi * _GRID) / _GRID
        insides = _insides(self.process, pi, self.horizon)
        if number == 0:
            return {"exact": [exact(inside, pi) for inside in insides]}
        generator = stream(root, part=number)
        paths = len(shares(self.runs, _SHARE)[number - 1])
        return {"left": simulated(insides, pi, paths, generator)}

    def whole(self, parts: Sequence[Part]) -> dict[str, Any]:
        """The row: for every threshold nominal, exact and measured probability."""
        counts = np.sum([part["left"] for part in parts[1:]], axis=0).tolist()
        found = zip(THRESHOLDS, parts[0]["exact"], counts, strict=True)
        crossings = [
            {"threshold": threshold, "nominal": 1 / threshold, "exact": chance, **measured(count, self.runs)}
            for threshold, chance, count in found
        ]
        return {"process": self.process, "pi": self.pi, "horizon": self.horizon, "crossings": crossings}
