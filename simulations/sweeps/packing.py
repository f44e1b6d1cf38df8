"""Moments and sketches as arrays, and back, merged over the blocks of a cell."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simulations.sweeps.arrays import Damaged, Stored, checked, encoded
from simulations.sweeps.moments import Moments, merged_rows
from simulations.sweeps.sketch import Sketch, merged_sketches

_AT_ONCE = 2**22  # bins of a part of a long merge, some 150 MiB of work


def packed_moments(moments: Moments) -> Stored:
    """n, mean and M2 as the rows of a float64 array (3, C). Raises ValueError for counts above 2^53."""
    if moments.n.size and int(moments.n.max()) > 2**53:
        raise ValueError(f"counts must be at most 2^53, found {int(moments.n.max())}")
    return encoded(np.stack([moments.n.astype(np.float64), moments.mean, moments.M2]))


def unpacked_moments(stored: Sequence[Stored]) -> Moments:
    """Those of all blocks, at least one, merged as `moments.merged` does; raises Damaged, also for other columns."""
    dtype, shape = _common(stored, "moments")
    if dtype != "<f8" or len(shape) != 2 or shape[0] != 3:
        raise Damaged(f"moments must be float64 (3, C), found {dtype} {shape}")
    rows = np.frombuffer(b"".join(item[3] for item in stored), dtype=dtype).reshape(len(stored), *shape)
    return merged_rows(rows[:, 0].astype(np.int64), rows[:, 1], rows[:, 2])


def packed_sketch(sketch: Sketch) -> tuple[Stored, Stored]:
    """int32 (2, C): the number of bins of each column and its first key; and integers (2, E): gaps and counts.

    The gap of a bin is its key less the one before in its column, 0 for the first; gaps and counts have the smallest of
    four types that fits them, one byte as a rule.
    """
    sizes = np.bincount(sketch.column, minlength=sketch.columns)
    begins = np.cumsum(sizes) - sizes
    some = begins[sizes > 0]
    first = np.zeros(sketch.columns, dtype=np.int64)
    first[sizes > 0] = sketch.key[some]
    gaps = np.diff(sketch.key, prepend=np.int32(0)).astype(np.int64)
    gaps[some] = 0
    bins = np.stack([gaps, sketch.count])
    most = int(bins.max()) if bins.size else 0
    dtype = next((np.dtype(name) for name, limit in _SMALL if most < limit), np.dtype("<i8"))
    return encoded(np.stack([sizes, first]).astype(np.int32)), encoded(bins.astype(dtype))


def unpacked_sketches(runs: Sequence[Stored], bins: Sequence[Stored]) -> Sketch:
    """Those of all blocks together, at least one; raises Damaged, also for other columns."""
    dtype, shape = _common(runs, "sketches")
    if dtype != "<i4" or len(shape) != 2 or shape[0] != 2 or len(runs) != len(bins):
        raise Damaged(
            f"sketches must be int32 (2, C) with bins each, found {dtype} {shape}, {len(runs)} and {len(bins)}"
        )
    tables = np.frombuffer(b"".join(item[3] for item in runs), dtype=dtype).reshape(len(runs), *shape)
    found: Sketch | None = None
    first, held, parts = 0, 0, list[NDArray[np.int64]]()
    for last, (table, item) in enumerate(zip(tables, bins, strict=True), start=1):
        kind, size = checked(item)
        if kind.kind not in "iu" or len(size) != 2 or size[0] != 2 or size[1] != table[0].sum() or table[0].min() < 0:
            raise Damaged(f"the bins of a sketch must be {table[0].sum()} gaps and counts, found {kind} {size}")
        parts.append(np.frombuffer(item[3], dtype=kind).reshape(size).astype(np.int64))
        held += size[1]
        if held >= _AT_ONCE or last == len(bins):
            part = _joined(tables[first:last], np.concatenate(parts, axis=1))
            found = part if found is None else found.merge(part)
            first, held, parts = last, 0, []
    assert found is not None  # there is a last block
    return found


_SMALL = (("|u1", 2**8), ("<u2", 2**16), ("<u4", 2**32))


def _common(stored: Sequence[Stored], what: str) -> tuple[np.dtype[np.generic], tuple[int, ...]]:
    kinds = {checked(item) for item in stored}
    if len(kinds) != 1:
        raise Damaged(f"{what} of one cell must have one dtype and shape, found {' and '.join(map(str, kinds))}")
    return kinds.pop()


def _joined(tables: NDArray[np.int32], bins: NDArray[np.int64]) -> Sketch:
    """One sketch of several, from their run tables (B, 2, C) and their bins (2, E) one after another."""
    columns = tables.shape[2]
    sizes, first = (tables[:, row].ravel().astype(np.int64) for row in (0, 1))
    steps = np.cumsum(bins[0])
    begins = np.cumsum(sizes) - sizes
    before = np.where(sizes > 0, steps[np.minimum(begins, max(len(steps) - 1, 0))] if len(steps) else 0, 0)
    key = np.repeat(first - before, sizes) + steps
    column = np.repeat(np.tile(np.arange(columns, dtype=np.int32), len(tables)), sizes)
    return merged_sketches([Sketch(columns, column, key.astype(np.int32), bins[1])])
