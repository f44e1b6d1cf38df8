"""Exact means: from a finite support that the estimator gives, or from the pieces of an injected uniform.

Every float is a rational, so the sum over outcomes of probability times outcome has no rounding of its own. What the
estimator computed did round: an entry may be off by sixteen roundings, 16 x 2^-53 times the sum of probability times
absolute value, which is the eps that is printed with HOLDS.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from torch import Tensor

from amss_min.testing.bernoulli import log_e_bernoulli
from amss_min.testing.betting import Array, log_mean
from amss_min.testing.estimator import Estimator, EstimatorError

EPS = 16 * 2.0**-53


@dataclass(frozen=True, kw_only=True, eq=False)
class Law:
    """A finite law of C(g): outcomes (m, K, d), no two the same, with their probabilities."""

    gradient: Array
    outcomes: Array
    probabilities: tuple[Fraction, ...]
    path: str

    def bias(self) -> tuple[list[Fraction], list[Fraction]]:
        """E[C] - g entry by entry, and how much rounding explains: EPS times E|C| + |g|."""
        size = self.gradient.size
        mean, absolute = [Fraction(0)] * size, [Fraction(0)] * size
        for p, outcome in zip(self.probabilities, self.outcomes.reshape(-1, size).tolist(), strict=True):
            for entry, value in enumerate(outcome):
                if value:
                    mean[entry] += p * Fraction(value)
                    absolute[entry] += p * abs(Fraction(value))
        g = [Fraction(value) for value in self.gradient.ravel().tolist()]
        difference = [found - wanted for found, wanted in zip(mean, g, strict=True)]
        allowed = [Fraction(EPS) * (size + abs(wanted)) for size, wanted in zip(absolute, g, strict=True)]
        return difference, allowed

    def second_moment(self) -> float:
        """E|C|^2 / |g|^2."""
        unit = np.abs(self.gradient).max()  # squares of extreme entries would overflow or vanish
        energies = np.square(self.outcomes / unit).sum((1, 2)) / np.square(self.gradient / unit).sum()
        return float(sum(float(p) * value for p, value in zip(self.probabilities, energies.tolist(), strict=True)))

    def contradiction(self, draws: Tensor, alpha: float) -> str:
        """Why these draws (B, K, d) cannot come from this law, or "": one outside of it, or wrong frequencies."""
        place = {outcome.tobytes(): number for number, outcome in enumerate(self.outcomes + 0.0)}
        counts = np.zeros(len(place))
        for draw in draws.numpy() + 0.0:
            number = place.get(draw.tobytes())
            if number is None:
                return f"a draw that is none of the {len(place)} outcomes"
            counts[number] += 1
        logs = log_e_bernoulli(counts, len(draws), [float(p) for p in self.probabilities])
        if float(log_mean(logs)) < -np.log(alpha):
            return ""
        worst = int(np.argmax(logs))
        said, seen = float(self.probabilities[worst]), counts[worst] / len(draws)
        return f"an outcome of probability {said:.6g} in {seen:.6g} of {len(draws)} draws"


def law(estimator: Estimator, gradient: Tensor) -> Law | None:
    """The law that the estimator gives for a gradient (K, d), or None where it gives none.

    Raises EstimatorError for probabilities that are negative or do not sum to 1, for outcomes of another shape, and
    for an `at` that is not constant between cuts.
    """
    if estimator.support is not None:
        pairs, path = _supported(estimator, gradient), "support"
    elif estimator.cuts is not None and estimator.at is not None:
        pairs, path = _injected(estimator, gradient), "injected uniform"
    else:
        return None
    merged: dict[bytes, tuple[Fraction, Array]] = {}
    for p, outcome in pairs:
        key = (outcome + 0.0).tobytes()
        merged[key] = (merged.get(key, (Fraction(0), outcome))[0] + p, outcome)
    kept = [(p, outcome) for p, outcome in merged.values() if p > 0]
    outcomes = np.stack([outcome for _, outcome in kept])
    return Law(gradient=gradient.numpy(), outcomes=outcomes, probabilities=tuple(p for p, _ in kept), path=path)


def _supported(estimator: Estimator, gradient: Tensor) -> list[tuple[Fraction, Array]]:
    assert estimator.support is not None
    try:
        given = [
            (_exactly(p), _outcome(estimator, gradient, value)) for p, value in estimator.support(gradient.clone())
        ]
    except EstimatorError:
        raise
    except Exception as error:
        raise EstimatorError(f"support of {estimator.name} raised {type(error).__name__}: {error}") from error
    total = sum((p for p, _ in given), Fraction(0))
    if min((p for p, _ in given), default=Fraction(-1)) < 0 or abs(total - 1) > len(given) * Fraction(EPS):
        raise EstimatorError(f"probabilities of a support must be at least 0 and sum to 1, found {float(total)!r}")
    return given


def _injected(estimator: Estimator, gradient: Tensor) -> list[tuple[Fraction, Array]]:
    assert estimator.cuts is not None and estimator.at is not None
    try:
        ends = _pieces(estimator.cuts(gradient.clone()))
        pairs = []
        for left, right in itertools.pairwise(ends):
            inside = [float(left + (right - left) * Fraction(share, 16)) for share in (1, 8, 15)]
            values = [_outcome(estimator, gradient, estimator.at(gradient.clone(), uniform=u)) for u in inside]
            if not all(np.array_equal(value, values[0]) for value in values):
                place = f"({float(left)}, {float(right)})"
                raise EstimatorError(f"at must be constant between cuts, found it different within {place}")
            pairs.append((right - left, values[0]))
    except EstimatorError:
        raise
    except Exception as error:
        raise EstimatorError(f"cuts or at of {estimator.name} raised {type(error).__name__}: {error}") from error
    return pairs


def _pieces(cuts: Iterable[Any]) -> Sequence[Fraction]:
    inner = {_exactly(cut) for cut in cuts}
    if not all(0 <= cut <= 1 for cut in inner):
        raise EstimatorError("cuts must be in [0, 1], found some outside")
    return sorted(inner | {Fraction(0), Fraction(1)})


def _exactly(number: Any) -> Fraction:
    return Fraction(number.item() if isinstance(number, Tensor | np.generic) else number)


def _outcome(estimator: Estimator, gradient: Tensor, value: Any) -> Array:
    outcome = torch.as_tensor(value).detach().to("cpu", torch.float64)
    if outcome.shape != gradient.shape:
        expected, found = tuple(gradient.shape), tuple(outcome.shape)
        raise EstimatorError(f"outcomes of {estimator.name} must have the gradient's shape {expected}, found {found}")
    if not bool(outcome.isfinite().all()):
        raise EstimatorError(f"outcomes of {estimator.name} must be finite, found one that is not")
    return outcome.numpy()
