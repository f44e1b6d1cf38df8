"""The descent lemmas, against their recursions run at equality in rationals."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory import descent

SHARES = st.fractions(Fraction(1, 20), Fraction(1), max_denominator=20)
SMALL = st.fractions(Fraction(0), Fraction(3), max_denominator=20)
ROUNDED = 2.0**-40
"""T = 12 steps of a few roundings each; 1 - rate >= 1/20 costs a factor 20."""


@given(SHARES, SMALL, SMALL, st.lists(st.fractions(0, 1, max_denominator=8), min_size=12, max_size=12))
def test_no_sequence_within_the_hypotheses_exceeds_the_average_bound(
    pl: Fraction, gap: Fraction, drift: Fraction, energies: list[Fraction]
) -> None:
    # L = 2; a_t is any part of its limit 2 L delta_t = 4 delta_t, and the step takes all of the descent.
    progress, delta, total = pl / 2, gap, Fraction(0)
    for T, part in enumerate(energies, start=1):
        energy = part * 4 * delta
        total, delta = total + energy, delta - progress / 2 * energy + drift
        bound = descent.average_bound(
            np.array([T]), L=2.0, gap=float(gap), progress=float(progress), drift=float(drift)
        )
        assert float(total / T) <= float(bound[0]) * (1 + ROUNDED)


@given(SHARES, SMALL)
def test_the_average_bound_is_attained_without_drift(pl: Fraction, gap: Fraction) -> None:
    progress, delta, total = pl / 2, gap, Fraction(0)
    for T in range(1, 9):
        energy = 4 * delta
        total, delta = total + energy, delta - progress / 2 * energy
        bound = descent.average_bound(np.array([T]), L=2.0, gap=float(gap), progress=float(progress), drift=0.0)
        assert float(bound[0]) == pytest.approx(float(total / T), rel=ROUNDED)


@given(st.fractions(0, Fraction(19, 20), max_denominator=20), SMALL, SMALL)
def test_the_last_value_solves_its_recursion(rate: Fraction, gap: Fraction, drift: Fraction) -> None:
    delta = gap
    for T in range(9):
        found = descent.last_bound(np.array([T]), gap=float(gap), rate=float(rate), drift=float(drift))
        # 1 - (1 - rate^T) cancels: absolute, relative to the gap and the drift.
        assert float(found[0]) == pytest.approx(float(delta), rel=ROUNDED, abs=ROUNDED * float(gap + drift))
        delta = rate * delta + drift


def test_a_negative_rate_counts_as_zero() -> None:
    found = descent.last_bound(np.array([0.0, 1.0, 2.0]), gap=4.0, rate=-0.5, drift=1.0)
    assert found.tolist() == [4.0, 1.0, 1.0]


@given(
    st.fractions(0, 1, max_denominator=10),
    SHARES,
    SMALL,
    SMALL,
    st.lists(st.fractions(0, 1, max_denominator=8), min_size=8, max_size=8),
)
def test_no_sequence_within_the_hypotheses_exceeds_the_weighted_bound(
    growth: Fraction, progress: Fraction, gap: Fraction, drift: Fraction, parts: list[Fraction]
) -> None:
    q, delta, total, weights = 1 + growth, gap, Fraction(0), Fraction(0)
    for t, part in enumerate(parts):
        energy = part * 2 / progress * (q * delta + drift)  # whatever leaves the next gap at least 0
        total, weights = total + energy / q ** (t + 1), weights + 1 / q ** (t + 1)
        delta = q * delta - progress / 2 * energy + drift
        bound = descent.weighted_bound(
            np.array([t + 1]), gap=float(gap), progress=float(progress), drift=float(drift), growth=float(growth)
        )
        assert float(total / weights) <= float(bound[0]) * (1 + ROUNDED)


@given(st.fractions(0, 1, max_denominator=10), st.integers(1, 30))
def test_the_sum_of_weights(growth: Fraction, T: int) -> None:
    exact = sum((1 + growth) ** -(t + 1) for t in range(T))
    assert float(descent.weight_sum(np.array([T]), growth=float(growth))[0]) == pytest.approx(float(exact), rel=1e-13)


@pytest.mark.parametrize(
    "refused",
    [
        lambda: descent.average_bound(np.array([1.0]), L=1.0, gap=1.0, progress=1.01, drift=0.0),
        lambda: descent.average_bound(np.array([1.0]), L=1.0, gap=1.0, progress=0.0, drift=0.0),
        lambda: descent.average_bound(np.array([0.0]), L=1.0, gap=1.0, progress=0.5, drift=0.0),
        lambda: descent.last_bound(np.array([1.0]), gap=1.0, rate=1.0, drift=0.0),
        lambda: descent.weight_sum(np.array([1.0]), growth=-0.1),
        lambda: descent.weight_sum(np.array([0.5]), growth=0.1),
        lambda: descent.check_stepsize(1.0, 1.0, name="1"),
        lambda: descent.check_stepsize(float("nan"), 1.0, name="1"),
    ],
)
def test_what_is_outside_the_hypotheses_is_refused(refused: object) -> None:
    with pytest.raises(ValueError, match="found"):
        refused()
