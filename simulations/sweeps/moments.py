"""Count, mean and sum of squared deviations of numbers that come in parts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Counts = NDArray[np.int64]
Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Moments:
    """n, mean and M2 = sum (x - mean)^2 of the numbers in each of C columns.

    n (C,) int64; mean, M2 (C,) float64, zero where n = 0. A column with a number that is not finite has a mean that is
    not, and M2 = nan. Two are merged by Chan, Golub and LeVeque's formula,

        delta = mean_b - mean_a,  n = n_a + n_b,
        mean = mean_a + delta (n_b / n),  M2 = (M2_a + M2_b) + delta^2 (n_a (n_b / n)).

    In floating point this is not associative: `merged` fixes one order.
    """

    n: Counts
    mean: Numbers
    M2: Numbers

    def __post_init__(self) -> None:
        """Refuse other shapes and dtypes, ValueError."""
        wanted = (("n", self.n, np.int64), ("mean", self.mean, np.float64), ("M2", self.M2, np.float64))
        for name, array, dtype in wanted:
            if array.ndim != 1 or array.dtype != dtype or array.shape != self.n.shape:
                raise ValueError(
                    f"moments need n (C,) int64 and mean, M2 (C,) float64, found {name} {array.shape} {array.dtype}"
                )

    @classmethod
    def of(cls, values: ArrayLike) -> "Moments":
        """Those of values (R, C), column by column; (R,) is one column.

        >>> m = Moments.of([1.0, 2.0, 6.0])
        >>> m.n, m.mean, m.M2
        (array([3]), array([3.]), array([14.]))
        """
        rows = as_rows(values)
        if not len(rows):
            none = np.zeros(rows.shape[1])
            return cls(none.astype(np.int64), none, none.copy())
        with np.errstate(invalid="ignore", over="ignore"):
            mean = rows.sum(0) / len(rows)
            M2 = np.square(rows - mean).sum(0)
        return cls(np.full(rows.shape[1], len(rows), dtype=np.int64), mean, M2)

    def merge(self, other: "Moments") -> "Moments":
        """These numbers and the others together; raises ValueError for another number of columns.

        >>> m = Moments.of([1.0, 2.0]).merge(Moments.of([6.0]))
        >>> m.n, m.mean, m.M2
        (array([3]), array([3.]), array([14.]))
        """
        if self.n.shape != other.n.shape:
            raise ValueError(f"moments must have the same columns, found {len(self.n)} and {len(other.n)}")
        return Moments(*_chan((self.n, self.mean, self.M2), (other.n, other.mean, other.M2)))

    @property
    def variance(self) -> Numbers:
        """The unbiased variance M2 / (n - 1), nan where n < 2."""
        with np.errstate(invalid="ignore"):
            return np.where(self.n > 1, self.M2 / np.maximum(self.n - 1, 1), np.nan)

    @property
    def standard_error(self) -> Numbers:
        """That of the mean, sqrt(variance / n), nan where n < 2."""
        with np.errstate(invalid="ignore"):
            error: Numbers = np.sqrt(self.variance / np.maximum(self.n, 1))
        return error


def merged(parts: Sequence[Moments]) -> Moments:
    """All of them: neighbours two by two, then the results two by two, and so on; an odd one out stays last.

    The order of `parts` alone fixes every bit of the result. Each number passes through ceil(log2(B)) merges, for B
    parts, so rounding grows with log B. Raises ValueError for no parts, or for different columns.
    """
    if not parts:
        raise ValueError("at least one part is needed, found none")
    widths = {len(part.n) for part in parts}
    if len(widths) > 1:
        raise ValueError(f"moments must have the same columns, found {' and '.join(map(str, sorted(widths)))}")
    return merged_rows(
        np.stack([part.n for part in parts]),
        np.stack([part.mean for part in parts]),
        np.stack([part.M2 for part in parts]),
    )


def merged_rows(n: Counts, mean: Numbers, M2: Numbers) -> Moments:
    """As `merged`, for B parts in the rows of arrays (B, C), B >= 1; ceil(log2(B)) passes over them."""
    while len(n) > 1:
        pairs = len(n) // 2 * 2
        joint = _chan(*((n[first:pairs:2], mean[first:pairs:2], M2[first:pairs:2]) for first in (0, 1)))
        n, mean, M2 = (np.concatenate([new, old[pairs:]]) for new, old in zip(joint, (n, mean, M2), strict=True))
    return Moments(n[0].copy(), mean[0].copy(), M2[0].copy())


_Parts = tuple[Counts, Numbers, Numbers]


def _chan(a: _Parts, b: _Parts) -> _Parts:
    (n_a, mean_a, M2_a), (n_b, mean_b, M2_b) = a, b
    n = n_a + n_b
    with np.errstate(invalid="ignore", over="ignore"):
        share = n_b / np.maximum(n, 1)
        delta = mean_b - mean_a
        mean = mean_a + delta * share
        M2 = (M2_a + M2_b) + np.square(delta) * (n_a * share)
    for none, kept_mean, kept_M2 in ((n_b == 0, mean_a, M2_a), (n_a == 0, mean_b, M2_b)):
        mean, M2 = np.where(none, kept_mean, mean), np.where(none, kept_M2, M2)
    return n, mean, M2


def as_rows(values: ArrayLike) -> Numbers:
    """Values (R, C) or (R,) as float64 (R, C); raises ValueError for another shape."""
    rows = np.asarray(values, dtype=np.float64)
    if rows.ndim not in (1, 2):
        raise ValueError(f"values must have shape (R,) or (R, C), found {rows.shape}")
    return rows[:, None] if rows.ndim == 1 else rows
