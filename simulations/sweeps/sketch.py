"""Quantiles of numbers that come in parts, to one part in 128, by counts in fixed bins."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulations.sweeps.moments import as_rows

ACCURACY = 1 / 128
"""Largest relative error of a quantile of absolute value 2^-1022 or more; below that it is 1/64."""

_PER_OCTAVE = 64
_FIRST = 1074  # exponents of frexp begin at -1073, so keys of positive numbers begin at 64
_INFINITY = (1024 + _FIRST + 1) * _PER_OCTAVE
_NAN = _INFINITY + 1
_DENSE = 2**21  # bins that a table may have, 16 MiB


@dataclass(frozen=True, eq=False)
class Sketch:
    """Counts of numbers in bins, for each of C columns.

    columns: C. column, key (E,) int32 and count (E,) int64, positive: the bins that are not empty, sorted by (column,
    key). The bins depend on nothing, so merging adds integers: it is exact, associative and commutative, and equal
    numbers give equal arrays however they were divided.

    Bins. A positive x = m 2^e with 1/2 <= m < 1 (frexp, exact) lies in bin j = floor(128 (m - 1/2)) of octave e, j = 0
    .. 63: the interval [l, l + w) with l = (1/2 + j/128) 2^e and w = 2^e/128, so that w/l <= 1/64. Its key is
    64 (e + 1074) + j >= 64; a negative number has the key of -x with a minus sign, zero has key 0, and inf, -inf
    and nan have keys of their own. Keys are in the order of the numbers.

    Quantiles. The value of order q is the number of rank floor(q (n - 1)), counted from 0, of the n numbers that are
    not nan, sorted. Keys are in order, so its bin is found exactly, and the bin's value c = 2 l (l + w) / (2 l + w)
    answers: over x in [l, l + w], |c - x| / x is largest at the ends, and there it is w / (2 l + w) =
    1 / (2 l/w + 1) <= 1/129. Of the computation of c only the division rounds, by 2^-53 of c, so the error stays below
    1/128. Numbers below 2^-1022 are multiples of g = 2^-1074, and c is rounded to one. If |c - x| < g/2 it becomes x;
    otherwise rounding adds at most g/2 <= |c - x|, so the error at most doubles, and stays below 1/64.
    """

    columns: int
    column: NDArray[np.int32]
    key: NDArray[np.int32]
    count: NDArray[np.int64]

    @classmethod
    def of(cls, values: ArrayLike) -> "Sketch":
        """That of values (R, C), column by column; (R,) is one column.

        >>> Sketch.of([1.0, 1.001, -3.0, 0.0, float("inf")]).key
        array([-68896,      0,  68800, 134336], dtype=int32)
        """
        rows = as_rows(values)
        column = np.broadcast_to(np.arange(rows.shape[1], dtype=np.int32), rows.shape)
        return _gathered(rows.shape[1], column.ravel(), _keys(rows.ravel()), np.ones(rows.size, dtype=np.int64))

    def merge(self, other: "Sketch") -> "Sketch":
        """These numbers and the others together; raises ValueError for another number of columns."""
        return merged_sketches([self, other])

    @property
    def n(self) -> NDArray[np.int64]:
        """Numbers in each column (C,), those that are not finite included."""
        return self._sums(np.ones(len(self.key), dtype=bool))

    @property
    def nan(self) -> NDArray[np.int64]:
        """Numbers that are nan, in each column (C,)."""
        return self._sums(self.key == _NAN)

    @property
    def infinite(self) -> NDArray[np.int64]:
        """Numbers that are inf or -inf, in each column (C,)."""
        return self._sums(np.abs(self.key) == _INFINITY)

    def _sums(self, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
        found = np.zeros(self.columns, dtype=np.int64)
        np.add.at(found, self.column[chosen], self.count[chosen])
        return found

    def quantile(self, order: float) -> NDArray[np.float64]:
        """The quantile of each column (C,), nan where there is no number; order in [0, 1], ValueError otherwise.

        >>> Sketch.of([1.0, 2.0, 4.0]).quantile(0.5).round(2)
        array([2.02])
        """
        if not 0 <= order <= 1:
            raise ValueError(f"the order of a quantile must be in [0, 1], found {order!r}")
        found = np.full(self.columns, np.nan)
        ends = np.searchsorted(self.column, np.arange(self.columns + 1))
        for c in range(self.columns):
            key, count = self.key[ends[c] : ends[c + 1]], self.count[ends[c] : ends[c + 1]]
            upto = np.cumsum(count[key != _NAN])
            if len(upto):
                rank = int(np.floor(order * (int(upto[-1]) - 1)))
                found[c] = _value(int(key[np.searchsorted(upto, rank, side="right")]))
        return found


def merged_sketches(parts: Sequence[Sketch]) -> Sketch:
    """All of them together, in any order; raises ValueError for none, or for different columns."""
    if not parts:
        raise ValueError("at least one part is needed, found none")
    widths = {part.columns for part in parts}
    if len(widths) > 1:
        raise ValueError(f"sketches must have the same columns, found {' and '.join(map(str, sorted(widths)))}")
    return _gathered(
        parts[0].columns,
        np.concatenate([part.column for part in parts]),
        np.concatenate([part.key for part in parts]),
        np.concatenate([part.count for part in parts]),
    )


def _gathered(columns: int, column: NDArray[np.int32], key: NDArray[np.int32], count: NDArray[np.int64]) -> Sketch:
    """Equal bins become one; bins are sorted."""
    least, most = (int(key.min()), int(key.max())) if len(key) else (0, 0)
    span = most - least + 1
    place = column.astype(np.int64) * span + (key - np.int64(least))
    if columns * span <= _DENSE:
        table = np.bincount(place, weights=count, minlength=columns * span)  # sums below 2^53 are exact in float64
        bins = np.flatnonzero(table)
        total = table[bins].astype(np.int64)
    else:
        bins, where = np.unique(place, return_inverse=True)
        total = np.zeros(len(bins), dtype=np.int64)
        np.add.at(total, where, count)
    found, inside = np.divmod(bins, span)
    return Sketch(columns, found.astype(np.int32), (inside + least).astype(np.int32), total)


def _keys(values: NDArray[np.float64]) -> NDArray[np.int32]:
    finite = np.where(np.isfinite(values), values, 0.0)
    mantissa, exponent = np.frexp(np.abs(finite))
    inside = np.floor((mantissa - 0.5) * (2 * _PER_OCTAVE)).astype(np.int32)
    key = np.where(finite == 0, 0, (exponent.astype(np.int32) + _FIRST) * _PER_OCTAVE + inside)
    key = np.where(np.isinf(values), _INFINITY, np.where(np.isnan(values), _NAN, key))
    signed: NDArray[np.int32] = np.where((values < 0), -key, key).astype(np.int32)
    return signed


def _value(key: int) -> float:
    """The number that stands for a bin."""
    size = abs(key)
    if size == _INFINITY:
        return np.inf if key > 0 else -np.inf
    if size == 0:
        return 0.0
    octave, j = divmod(size, _PER_OCTAVE)
    low, high = (_PER_OCTAVE + j) / (2 * _PER_OCTAVE), (_PER_OCTAVE + j + 1) / (2 * _PER_OCTAVE)
    value = float(np.ldexp(2 * low * high / (low + high), octave - _FIRST))
    return value if key > 0 else -value
