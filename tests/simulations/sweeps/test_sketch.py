"""Sketches: merging is exact and free of order, quantiles are within the stated error."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from simulations.sweeps.sketch import ACCURACY, Sketch, merged_sketches

SMALLEST_NORMAL = 2.0**-1022
finite = st.floats(allow_nan=False, allow_infinity=False)
lists = st.lists(st.floats(), max_size=30)
EDGES = [
    0.0,
    -0.0,
    5e-324,
    -5e-324,
    1.5e-323,
    SMALLEST_NORMAL,
    1.0,
    math.nextafter(1, 2),
    math.nextafter(1, 0),
    1.7e308,
]


def same(a: Sketch, b: Sketch) -> bool:
    pairs = ((a.column, b.column), (a.key, b.key), (a.count, b.count))
    return a.columns == b.columns and all(x.dtype == y.dtype and np.array_equal(x, y) for x, y in pairs)


@given(lists, lists, lists)
def test_merging_is_associative_and_commutative_and_that_of_all_numbers(
    x: list[float], y: list[float], z: list[float]
) -> None:
    a, b, c = (Sketch.of(values) for values in (x, y, z))
    whole = Sketch.of(x + y + z)
    assert same(a.merge(b).merge(c), whole)
    assert same(a.merge(b.merge(c)), whole)
    assert same(c.merge(a).merge(b), whole)
    assert same(merged_sketches([b, c, a]), whole)
    assert whole.n.tolist() == [len(x) + len(y) + len(z)]


@given(st.lists(finite, min_size=1, max_size=40), st.fractions(0, 1))
@example(EDGES + [-x for x in EDGES], Fraction(1, 2))
def test_quantiles_are_within_the_stated_error(values: list[float], order: Fraction) -> None:
    found = Sketch.of(values).quantile(float(order))[0]
    true = Fraction(sorted(values)[math.floor(float(order) * (len(values) - 1))])
    bound = Fraction(ACCURACY) if abs(true) >= Fraction(SMALLEST_NORMAL) else Fraction(1, 64)
    assert abs(Fraction(float(found)) - true) <= bound * abs(true)


@given(st.floats(min_value=2.0**-1000, max_value=1e300), st.booleans())
def test_numbers_a_64th_apart_are_told_apart(x: float, negative: bool) -> None:
    pair = np.array([x, x * (1 + 1 / 64)]) * (-1 if negative else 1)
    assert len(Sketch.of(pair).key) == 2


@pytest.mark.parametrize("x", EDGES)
def test_one_number_answers_every_order(x: float) -> None:
    for sign in (1, -1):
        sketch = Sketch.of([sign * x] * 3)
        assert len(sketch.key) == 1
        assert {float(sketch.quantile(q)[0]) for q in (0, 0.5, 1)} == {float(sketch.quantile(0.5)[0])}


def test_keys_are_in_the_order_of_the_numbers() -> None:
    values = np.sort(np.concatenate([EDGES, np.negative(EDGES), [np.inf, -np.inf]]))
    keys = [int(Sketch.of([x]).key[0]) for x in values]
    assert keys == sorted(keys)


def test_what_is_not_finite_is_counted_apart() -> None:
    sketch = Sketch.of([math.nan, math.inf, -math.inf, 1.0, 1.0, math.nan, -math.nan])
    assert (sketch.n.tolist(), sketch.nan.tolist(), sketch.infinite.tolist()) == ([7], [3], [2])
    assert sketch.quantile(0.0)[0] == -math.inf
    assert sketch.quantile(1.0)[0] == math.inf
    assert abs(sketch.quantile(0.5)[0] - 1) <= ACCURACY


def test_columns_are_apart() -> None:
    rng = np.random.default_rng(5)
    rows = rng.standard_normal((50, 3)) * [1.0, 1e-200, 1e200]
    sketch = Sketch.of(rows)
    for c in range(3):
        alone = Sketch.of(rows[:, c])
        assert sketch.quantile(0.3)[c] == alone.quantile(0.3)[0]
        assert sketch.n[c] == 50


def test_the_two_ways_of_gathering_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.random.default_rng(5).standard_normal((50, 3)) * [1.0, 1e-200, 1e200]
    dense = Sketch.of(np.tile(rows, (3, 1)))
    monkeypatch.setattr("simulations.sweeps.sketch._DENSE", 0)
    assert same(Sketch.of(np.tile(rows, (3, 1))), dense)
    assert same(Sketch.of(rows).merge(Sketch.of(rows)).merge(Sketch.of(rows)), dense)


def test_nothing_has_no_quantile() -> None:
    for none in (Sketch.of([]), Sketch.of([math.nan])):
        assert np.isnan(none.quantile(0.5)).all()
    assert same(Sketch.of([]).merge(Sketch.of([2.0])), Sketch.of([2.0]))


def test_wrong_calls_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\[0, 1\], found 1.5"):
        Sketch.of([1.0]).quantile(1.5)
    with pytest.raises(ValueError, match="same columns, found 1 and 2"):
        Sketch.of([1.0]).merge(Sketch.of([[1.0, 2.0]]))
    with pytest.raises(ValueError, match="at least one"):
        merged_sketches([])
