"""Means over seeds with intervals, and differences to plain joint training, seed by seed."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from scipy import stats

BASELINE = "joint"
ASSUMPTION = (
    "t-interval over seeds: exact if the values of independent seeds are normal, otherwise asymptotic in the number "
    "of seeds. A seed draws split, initial weights, order of the batches and masks; the rows are the same throughout, "
    "so the interval speaks of this data set's mean over such draws, not of new recordings or new people. "
    "Several comparisons are shown and none is corrected for their number."
)


@dataclass(frozen=True)
class Interval:
    """A mean with its t-interval; low and high are None for fewer than two values, mean for none.

    deviation: standard deviation over the seeds (divisor n - 1), None for fewer than two values.
    """

    mean: float | None
    low: float | None
    high: float | None
    deviation: float | None
    n: int

    def __str__(self) -> str:
        if self.mean is None:
            return "no run"
        if self.low is None or self.high is None:
            return f"{self.mean:.3f}"
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"


def t_interval(values: Sequence[float], confidence: float) -> Interval:
    """mean +- t s / sqrt(n), t the (1 + confidence)/2 quantile of Student's law with n - 1 degrees of freedom.

    >>> str(t_interval([0.9, 1.0, 1.1], 0.95))
    '1.000 [0.752, 1.248]'
    """
    n = len(values)
    if n == 0:
        return Interval(None, None, None, None, 0)
    mean = math.fsum(values) / n
    if n == 1:
        return Interval(mean, None, None, None, 1)
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))
    half = float(stats.t.ppf((1 + confidence) / 2, n - 1)) * deviation / math.sqrt(n)
    return Interval(mean, mean - half, mean + half, deviation, n)


def flat_metrics(run: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a run that are averaged, by name, the task's primary metric first.

    The metrics on test; alone_<modality>, the primary metric of each modality's own logits; shapley_<modality>, its
    Shapley value; validation, the primary metric there.
    """
    test = run["test"]
    return {
        **test["metrics"],
        **{f"alone_{name}": value for name, value in test["modality"].items()},
        **{f"shapley_{name}": value for name, value in test["shapley"].items()},
        "validation": next(iter(run["validation"]["metrics"].values())),
    }


def summary(
    runs: Sequence[Mapping[str, Any]], methods: Sequence[str], confidence: float, baseline: str = BASELINE
) -> dict[str, Any]:
    """Intervals by method and metric, and of the paired differences to the baseline over the seeds that both ended.

    runs: records with method, seed, test and validation. A method without a run gets
    intervals with n = 0; without any run there are none at all.
    """
    table = {(run["method"], run["seed"]): flat_metrics(run) for run in runs}
    metrics = list(next(iter(table.values()), {}))
    values: dict[str, Any] = {}
    differences: dict[str, Any] = {}
    for method in methods:
        own = {seed: row for (name, seed), row in sorted(table.items()) if name == method}
        values[method] = {key: asdict(t_interval([row[key] for row in own.values()], confidence)) for key in metrics}
        if method != baseline and baseline in methods:
            pairs = [(row, table[baseline, seed]) for seed, row in own.items() if (baseline, seed) in table]
            differences[method] = {
                key: asdict(t_interval([row[key] - base[key] for row, base in pairs], confidence)) for key in metrics
            }
    return {
        "confidence": confidence,
        "assumption": ASSUMPTION,
        "primary": next(iter(metrics), None),
        "methods": values,
        "difference_to_joint": differences,
    }
