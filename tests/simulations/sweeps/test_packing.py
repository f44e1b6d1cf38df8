"""What is stored comes back bit for bit, or is refused as damaged."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from simulations.sweeps.arrays import DTYPES, Damaged, Stored, decoded, encoded
from simulations.sweeps.moments import Moments, merged
from simulations.sweeps.packing import packed_moments, packed_sketch, unpacked_moments, unpacked_sketches
from simulations.sweeps.sketch import Sketch, merged_sketches

shapes = st.lists(st.integers(0, 3), max_size=3)


@given(st.sampled_from(DTYPES), shapes, st.randoms(use_true_random=False))
def test_arrays_come_back(dtype: str, shape: list[int], chance) -> None:  # type: ignore[no-untyped-def]
    size = int(np.prod(shape, dtype=int))
    raw = bytes(chance.getrandbits(8) for _ in range(size * np.dtype(dtype).itemsize))
    array = np.frombuffer(raw, dtype="|u1" if dtype == "|b1" else dtype).reshape(shape)
    array = array % 2 == 1 if dtype == "|b1" else array
    found = decoded(encoded(array))
    assert (found.dtype, found.shape, found.tobytes()) == (array.dtype, array.shape, array.tobytes())


def test_other_byte_orders_and_layouts_are_stored_in_one_way() -> None:
    array = np.arange(6.0).reshape(2, 3)
    for other in (array.astype(">f8"), np.asfortranarray(array), np.repeat(array, 2, axis=0)[::2]):
        assert encoded(other) == encoded(array)


@pytest.mark.parametrize("dtype", ["O", "U3", "c16", "f2", "M8[s]"])
def test_other_dtypes_are_refused(dtype: str) -> None:
    with pytest.raises(ValueError, match="must be one of <f8"):
        encoded(np.zeros(2, dtype=dtype))


def damaged(stored: Stored) -> list[Stored]:
    dtype, shape, checksum, data = stored
    flipped = bytes([data[0] ^ 1]) + data[1:]
    return [
        (dtype, shape, checksum, flipped),
        (dtype, shape, checksum, data[:-1]),
        (dtype, shape, checksum + 1, data),
        (dtype, f"{shape},2", checksum, data),
        (dtype, "-1,-2", checksum, data),
        (dtype, "two", checksum, data),
        ("|O8", shape, checksum, data),
    ]


@pytest.mark.parametrize("case", range(7))
def test_damage_is_found(case: int) -> None:
    moments, sketch = Moments.of([1.0, 2.0]), Sketch.of([1.0, 2.0])
    with pytest.raises(Damaged):
        decoded(damaged(encoded(np.arange(3.0)))[case])
    with pytest.raises(Damaged):
        unpacked_moments([damaged(packed_moments(moments))[case]])
    runs, bins = packed_sketch(sketch)
    for pair in ((damaged(runs)[case], bins), (runs, damaged(bins)[case])):
        with pytest.raises(Damaged):
            unpacked_sketches([pair[0]], [pair[1]])


floats = st.floats()
tables = st.integers(1, 4).flatmap(
    lambda columns: st.lists(
        st.lists(st.lists(floats, min_size=columns, max_size=columns), max_size=8).map(
            lambda rows: np.array(rows, dtype=float).reshape(-1, columns)
        ),
        min_size=1,
        max_size=5,
    )
)


@given(tables)
@example([np.empty((0, 2)), np.full((300, 2), 1.5)])
@example([np.array([[-np.inf, 1.0], [np.nan, 5e-324]]), np.empty((0, 2))])
def test_blocks_come_back_merged(blocks: list[np.ndarray]) -> None:  # type: ignore[type-arg]
    moments, sketches = [Moments.of(b) for b in blocks], [Sketch.of(b) for b in blocks]
    found, whole = unpacked_moments([packed_moments(m) for m in moments]), merged(moments)
    assert found.n.tolist() == whole.n.tolist()
    assert (found.mean.tobytes(), found.M2.tobytes()) == (whole.mean.tobytes(), whole.M2.tobytes())
    packed = [packed_sketch(s) for s in sketches]
    back, together = unpacked_sketches([p[0] for p in packed], [p[1] for p in packed]), merged_sketches(sketches)
    assert back.columns == together.columns
    for a, b in ((back.column, together.column), (back.key, together.key), (back.count, together.count)):
        assert a.tolist() == b.tolist()


def test_long_merges_go_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulations.sweeps.packing._AT_ONCE", 50)
    rng = np.random.default_rng(3)
    sketches = [Sketch.of(rng.standard_normal((20, 2))) for _ in range(7)]
    packed = [packed_sketch(s) for s in sketches]
    back, together = unpacked_sketches([p[0] for p in packed], [p[1] for p in packed]), merged_sketches(sketches)
    assert back.key.tolist() == together.key.tolist()
    assert back.count.tolist() == together.count.tolist()


@pytest.mark.parametrize(("count", "dtype"), [(1, "|u1"), (255, "|u1"), (256, "<u2"), (2**16, "<u4"), (2**32, "<i8")])
def test_counts_take_the_smallest_type_that_fits(count: int, dtype: str) -> None:
    one = Sketch.of([1.0, 1.1])
    many = Sketch(1, one.column, one.key, one.count * count)
    runs, bins = packed_sketch(many)
    assert bins[0] == dtype
    assert unpacked_sketches([runs], [bins]).count.tolist() == [count] * len(one.key)


def test_blocks_with_other_columns_are_refused() -> None:
    narrow, wide = np.zeros((2, 1)), np.zeros((2, 2))
    with pytest.raises(Damaged, match="one dtype and shape"):
        unpacked_moments([packed_moments(Moments.of(x)) for x in (narrow, wide)])
    packed = [packed_sketch(Sketch.of(x)) for x in (narrow, wide)]
    with pytest.raises(Damaged, match="one dtype and shape"):
        unpacked_sketches([p[0] for p in packed], [p[1] for p in packed])
    with pytest.raises(Damaged, match=r"moments must be float64 \(3, C\)"):
        unpacked_moments([encoded(np.zeros((2, 2)))])
    with pytest.raises(Damaged, match="gaps and counts"):
        unpacked_sketches([packed[0][0]], [encoded(np.zeros((2, 5), dtype=np.uint8))])
    with pytest.raises(ValueError, match=r"at most 2\^53"):
        packed_moments(Moments(np.array([2**53 + 1]), np.zeros(1), np.zeros(1)))
