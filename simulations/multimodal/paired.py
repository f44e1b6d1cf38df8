"""Paired differences over seeds, with intervals that hold for all comparisons at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

GUARANTEE = (
    "asymptotic in the number of seeds: intervals are studentised by the bootstrap of whole seeds, and the quantile is "
    "that of the largest |t| over all comparisons, so that they hold together; where the t quantile corrected by "
    "Bonferroni is larger it is used instead, since few seeds have few distinct resamples"
)


@dataclass(frozen=True)
class Difference:
    """Mean difference to the baseline with its simultaneous interval; low and high are infinite for one seed.

    finding: helps (low > 0), harms (high < 0), or no difference seen; excluded: the least x so that the interval
    excludes all differences above x in size.
    """

    mean: float
    low: float
    high: float
    n: int

    @property
    def finding(self) -> str:
        """What the interval tells, in words."""
        if self.low > 0:
            return f"helps, by at least {self.low:.3f}"
        if self.high < 0:
            return f"harms, by at least {-self.high:.3f}"
        excluded = f"differences above {self.excluded:.3f} excluded" if np.isfinite(self.excluded) else "none excluded"
        return f"no difference seen, {excluded}"

    @property
    def excluded(self) -> float:
        """max(|low|, |high|)."""
        return max(abs(self.low), abs(self.high))


def differences(
    values: Mapping[str, Sequence[float]], confidence: float, resamples: int, rng: np.random.Generator
) -> dict[str, Difference]:
    """Simultaneous intervals for the means of several lists of paired differences, one number a seed in each.

    values: comparison -> differences d_1 .. d_n, the same seeds in the same order. With mean m, standard error s and a
    bootstrap of whole seeds, t* = max over comparisons of |m* - m| / s*; the intervals are m +- q s, with q the larger
    of the quantile of t* and the t quantile (n - 1 degrees of freedom) at 1 - (1 - confidence) / (2 comparisons).
    A comparison whose differences are all equal has the interval [m, m]. Resamples in which a comparison has no spread
    are left out. Raises ValueError for lists of unequal length. Cost: resamples x n x comparisons.

    >>> found = differences({"a": [0.1, 0.2, 0.3, 0.2]}, 0.95, 2000, np.random.default_rng(0))
    >>> found["a"].low < found["a"].mean < found["a"].high
    True
    """
    names = list(values)
    if not names:
        return {}
    if len({len(row) for row in values.values()}) != 1:
        raise ValueError(f"all comparisons need the same seeds, found {[len(row) for row in values.values()]}")
    table = np.array([values[name] for name in names], dtype=np.float64)
    n, mean = table.shape[1], table.mean(1)
    if n < 2:
        return {name: Difference(float(m), -np.inf, np.inf, n) for name, m in zip(names, mean, strict=True)}
    error = table.std(1, ddof=1) / np.sqrt(n)
    quantile = max(_largest(table, mean, confidence, resamples, rng), _bonferroni(n, len(names), confidence))
    # Equal differences have an error of some rounding errors.
    half = np.where(table.max(1) == table.min(1), 0.0, quantile * error)
    return {
        name: Difference(float(m), float(m - h), float(m + h), n) for name, m, h in zip(names, mean, half, strict=True)
    }


def lower_bound(values: Sequence[float], confidence: float) -> float:
    """One-sided lower confidence bound of a mean by Student's t; -inf for fewer than two values."""
    n = len(values)
    if n < 2:
        return float("-inf")
    error = float(np.std(values, ddof=1)) / np.sqrt(n)
    return float(np.mean(values) - stats.t.ppf(confidence, n - 1) * error)


def _bonferroni(n: int, comparisons: int, confidence: float) -> float:
    return float(stats.t.ppf(1 - (1 - confidence) / (2 * comparisons), n - 1))


def _largest(
    table: NDArray[np.float64], mean: NDArray[np.float64], confidence: float, resamples: int, rng: np.random.Generator
) -> float:
    spread = table.max(1) > table.min(1)
    if not spread.any():
        return 0.0
    own, n = table[spread], table.shape[1]
    drawn = own[:, rng.integers(n, size=(resamples, n))]
    means, errors = drawn.mean(2), drawn.std(2, ddof=1) / np.sqrt(n)
    kept = (drawn.max(2) > drawn.min(2)).all(0)
    if not kept.any():
        return 0.0
    t = np.abs(means[:, kept] - mean[spread, None]) / errors[:, kept]
    return float(np.quantile(t.max(0), confidence, method="higher"))
