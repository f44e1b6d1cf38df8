"""Keep fractions from the mutual information rate, to fifty digits: the theory's own implementation.

Written from the formulas, sample by sample, with `theory.precise`; floats come in as the fractions that they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from theory import precise
from theory.rounding import ROUNDING

Rows = Sequence[Sequence[float]]


@dataclass(frozen=True, kw_only=True)
class Batch:
    """One observed batch: logits[m][b][c] and features[m][b][d] of every modality, target[b]."""

    logits: Sequence[Rows]
    features: Sequence[Rows]
    target: Sequence[int]

    @cached_property
    def cross_entropies(self) -> list[Fraction]:
        """Mean cross entropy of every modality's logits, nats."""
        classes = len(self.logits[0][0])
        labels = [[Fraction(int(label == c)) for c in range(classes)] for label in self.target]
        return [
            _mean([precise.cross_entropy(p, _exact(row)) for row, p in zip(rows, labels, strict=True)])
            for rows in self.logits
        ]

    @cached_property
    def feature_entropies(self) -> list[Fraction]:
        """Mean entropy of the softmax of every modality's features, nats."""
        return [_mean([precise.entropy(precise.softmax(_exact(row))) for row in rows]) for rows in self.features]

    @property
    def inputs(self) -> dict[str, Any]:
        """The batch in JSON types."""
        return {"logits": self.logits, "features": self.features, "target": self.target}


def label_entropy(counts: Sequence[int]) -> Fraction:
    """H(Y) of the label counts, nats."""
    return precise.entropy(_shares(counts))


def released_label_entropy(counts: Sequence[int]) -> Fraction:
    """CE(p, p): the cross entropy of p against the softmax of p, nats."""
    return precise.cross_entropy(_shares(counts), _shares(counts))


def rates(batch: Batch, *, released_entropy: bool = False) -> list[Fraction]:
    """u_m = (H(Y) - CE_m) / H(Z_m)."""
    classes = len(batch.logits[0][0])
    counts = [sum(label == c for label in batch.target) for c in range(classes)]
    information = released_label_entropy(counts) if released_entropy else label_entropy(counts)
    pairs = zip(batch.cross_entropies, batch.feature_entropies, strict=True)
    return [(information - loss) / entropy for loss, entropy in pairs]


def keep_fractions(found: Sequence[Fraction], temperature: float, floor: float, ceiling: float) -> list[Fraction]:
    """rho_m = 1 - softmax(u / temperature)_m, clamped."""
    share = precise.softmax([rate / Fraction(temperature) for rate in found])
    return [min(max(1 - value, Fraction(floor)), Fraction(ceiling)) for value in share]


def entropy_error(classes: int) -> Fraction:
    """Absolute error of either label entropy in float64, for any counts.

    A share rounds once. log p (or the log-softmax of p in [0, 1], with its C exponentials, C - 1 sums and one
    logarithm) errs by at most (C + 8) roundings of a quantity below 2 + log C <= C + 1, and the terms are weighted by
    shares that sum to 1 and added in C - 1 sums: at most (2 C + 10)(C + 1) roundings, exponentials and logarithms
    counted as two.
    """
    return (2 * classes + 10) * (classes + 1) * ROUNDING


def rate_error(batch: Batch, *, released_entropy: bool = False) -> Fraction:
    """Absolute error of the production rates in float64, for this batch.

    With A the largest |logit| or |feature|, w classes or feature coordinates and B samples, a log-softmax errs by at
    most (w + 8) roundings of a quantity below 2 A + w, and so does its mean over samples after B sums: e = (w + B +
    10)(2 A + w + 1) roundings for a cross entropy and, with one more factor 2 for the probabilities in it, for a
    feature entropy. A quotient I / H of quantities with errors e errs by e (1 + |I|/H) / H, doubled for second order.
    """
    error = Fraction(0)
    for rows in (*batch.logits, *batch.features):
        width = len(rows[0])
        reach = max(abs(Fraction(value)) for row in rows for value in row)
        error = max(error, 2 * (width + len(batch.target) + 10) * (2 * reach + width + 1) * ROUNDING)
    error += entropy_error(len(batch.logits[0][0]))
    largest = max(abs(rate) for rate in rates(batch, released_entropy=released_entropy))
    return 2 * error * (1 + largest) / min(batch.feature_entropies)


def keep_error(batch: Batch, temperature: float) -> Fraction:
    """Absolute error of the production keep fractions.

    A softmax share moves by at most half of the largest change of its arguments u / temperature, which err by the
    rate's error and two roundings; exponentials and sums over M modalities, and 1 - share, add 2 M + 8 roundings.
    """
    scale = max(abs(rate) for rate in rates(batch)) / Fraction(temperature)
    return rate_error(batch) / Fraction(temperature) + (2 * scale + 2 * len(batch.logits) + 8) * ROUNDING


def _shares(counts: Sequence[int]) -> list[Fraction]:
    return [Fraction(count, sum(counts)) for count in counts]


def _exact(row: Sequence[float]) -> list[Fraction]:
    return [Fraction(value) for value in row]


def _mean(values: Sequence[Fraction]) -> Fraction:
    return sum(values, Fraction(0)) / len(values)
