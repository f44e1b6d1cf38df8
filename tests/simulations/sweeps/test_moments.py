"""Moments: near exact rational ones by a derived bound, and merged in one order."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from simulations.sweeps.moments import Moments, merged

U = Fraction(1, 2**53)

# Multiples of 2^-10 up to 2^40: nothing overflows, and no square underflows.
numbers = st.integers(-(2**50), 2**50).map(lambda k: k / 1024)
parts = st.lists(st.lists(numbers, min_size=1, max_size=6), min_size=1, max_size=9)


def gamma(k: int) -> Fraction:
    """Largest relative error of k roundings, k u / (1 - k u)."""
    return k * U / (1 - k * U)


@dataclass
class Exact:
    """Exact moments of a part, |x| <= X, and bounds on the errors of the computed mean and M2."""

    n: int
    mean: Fraction
    M2: Fraction
    X: Fraction
    e: Fraction
    f: Fraction


def leaf(values: list[float]) -> Exact:
    # The sum has R - 1 roundings in any order and the quotient one. With m the computed mean, sum (x - m)^2 is
    # M2 + R (m - mean)^2, and its computation has two roundings a term (one of them squared) and R - 1 of the sum.
    x = [Fraction(value) for value in values]
    R, mean, X = len(x), sum(x) / len(x), max(map(abs, x))
    M2, e = sum((v - mean) ** 2 for v in x), gamma(R) * X
    return Exact(R, Fraction(mean), Fraction(M2), X, e, gamma(R + 2) * (M2 + R * e**2) + R * e**2)


def merge(a: Exact, b: Exact) -> Exact:
    # Mean: delta (n_b / n) has three roundings and |delta| <= 2 (X + e); the sum has one: 2 gamma_3 + u <= gamma_8.
    # M2: an error 2 e of delta makes one of at most 8 e X + 4 e^2 of delta^2; eight roundings touch each summand.
    n, X, e = a.n + b.n, max(a.X, b.X), max(a.e, b.e)
    w, delta = Fraction(a.n * b.n, n), b.mean - a.mean
    M2 = a.M2 + b.M2 + delta**2 * w
    inherited = a.f + b.f + w * (8 * e * X + 4 * e**2)
    mean = a.mean + delta * Fraction(b.n, n)
    return Exact(n, mean, M2, X, e + gamma(8) * (X + e), inherited + gamma(8) * (M2 + inherited))


def in_pairs(items: list, join) -> object:  # type: ignore[type-arg, no-untyped-def]
    while len(items) > 1:
        items = [join(*items[i : i + 2]) if i + 1 < len(items) else items[i] for i in range(0, len(items), 2)]
    return items[0]


@given(parts)
@example([[1.0]])
@example([[2.0**39 + k / 1024 for k in range(5)]] * 5)
def test_merged_moments_are_exact_but_for_rounding(values: list[list[float]]) -> None:
    exact = in_pairs([leaf(part) for part in values], merge)
    assert isinstance(exact, Exact)
    found = merged([Moments.of(part) for part in values])
    together = [Fraction(x) for part in values for x in part]
    assert exact.mean == sum(together) / len(together)  # the oracle's own check
    assert sum((x - exact.mean) ** 2 for x in together) == exact.M2
    assert int(found.n[0]) == exact.n
    assert abs(Fraction(float(found.mean[0])) - exact.mean) <= exact.e
    assert abs(Fraction(float(found.M2[0])) - exact.M2) <= exact.f


def test_the_bound_sees_a_wrong_formula() -> None:
    values = [[1.0, 2.0], [6.0]]
    exact = in_pairs([leaf(part) for part in values], merge)
    assert isinstance(exact, Exact)
    assert exact.f < Fraction(1, 10**12)
    assert exact.M2 == 14


def plain_chan(a: tuple[int, float, float], b: tuple[int, float, float]) -> tuple[int, float, float]:
    n = a[0] + b[0]
    share, delta = b[0] / n, b[1] - a[1]
    return n, a[1] + delta * share, (a[2] + b[2]) + delta * delta * (a[0] * share)


@given(parts)
def test_merging_rows_is_chans_formula_pair_by_pair_bit_for_bit(values: list[list[float]]) -> None:
    found = [Moments.of(part) for part in values]
    expected = in_pairs([(int(m.n[0]), float(m.mean[0]), float(m.M2[0])) for m in found], plain_chan)
    whole = merged(found)
    assert (int(whole.n[0]), float(whole.mean[0]), float(whole.M2[0])) == expected
    by_hand = in_pairs(found, Moments.merge)
    assert isinstance(by_hand, Moments)
    assert (by_hand.mean == whole.mean).all()
    assert (by_hand.M2 == whole.M2).all()


def test_columns_do_not_touch_each_other() -> None:
    rows = np.array([[1.0, np.inf, np.nan, 1e308], [3.0, 1.0, 0.0, 1e308]])
    found = merged([Moments.of(rows), Moments.of(rows)])
    assert found.n.tolist() == [4, 4, 4, 4]
    assert (found.mean[0], found.M2[0]) == (2.0, 4.0)
    assert found.mean[1] == np.inf or np.isnan(found.mean[1])
    assert np.isnan(found.M2[1:3]).all()
    assert found.variance[0] == 4 / 3
    assert found.standard_error[0] == np.sqrt(1 / 3)


def test_an_empty_part_changes_nothing() -> None:
    some, none = Moments.of([[0.1, np.inf], [0.7, 1.0]]), Moments.of(np.empty((0, 2)))
    for found in (some.merge(none), none.merge(some)):
        assert found.n.tolist() == [2, 2]
        assert np.array_equal(found.mean, some.mean, equal_nan=True)
        assert np.array_equal(found.M2, some.M2, equal_nan=True)
    nothing = none.merge(none)
    assert nothing.mean.tolist() == [0.0, 0.0]
    assert np.isnan(nothing.variance).all()
    assert np.isnan(nothing.standard_error).all()


def test_wrong_shapes_are_refused() -> None:
    one, two = Moments.of([1.0]), Moments.of([[1.0, 2.0]])
    with pytest.raises(ValueError, match="same columns, found 1 and 2"):
        one.merge(two)
    with pytest.raises(ValueError, match="same columns, found 1 and 2"):
        merged([one, two])
    with pytest.raises(ValueError, match="at least one part"):
        merged([])
    with pytest.raises(ValueError, match=r"shape \(R,\) or \(R, C\)"):
        Moments.of(np.zeros((1, 1, 1)))
    with pytest.raises(ValueError, match="found n"):
        Moments(np.zeros(1), np.zeros(1), np.zeros(1))
