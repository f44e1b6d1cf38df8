"""Betting and t intervals: they stay quiet under the null, speak up otherwise, and refuse what they cannot judge."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from theory.inference import FEWEST, log_evidence, refuted_below, t_interval

SAMPLES = st.lists(st.just(0.0) | st.floats(1e-300, 10), min_size=1, max_size=30).map(np.array)


@given(st.floats(0.05, 20.0), st.floats(0.01, 0.99), st.integers(1, 5))
def test_the_e_value_is_a_fair_bet_on_the_edge_of_the_null(bound: float, p: float, length: int) -> None:
    # X is bound / p with probability p, else 0: E X = bound exactly. The final wealth, before any maximum, has mean 1.
    mean = 0.0
    for outcome in itertools.product((0, 1), repeat=length):
        values = np.array(outcome) * bound / p
        stakes = 2.0 ** -np.arange(1, 11)
        wealth = float(np.prod(1 + stakes[:, None] * (values / bound - 1), axis=1).mean())
        assert log_evidence(values, bound) >= math.log(wealth) - 2.0**-40 * length
        mean += p ** sum(outcome) * (1 - p) ** (length - sum(outcome)) * wealth
    assert mean == pytest.approx(1.0, rel=2.0**-40)


def test_false_alarms_are_as_rare_as_promised() -> None:
    rng = np.random.default_rng(1)
    alarms = sum(log_evidence(rng.exponential(size=300), 1.0) >= math.log(20) for _ in range(400))
    # P(alarm) <= 1/20: 52 or more alarms of 400 have probability below 1e-9.
    assert alarms <= stats.binom.isf(1e-9, 400, 1 / 20)


def test_a_violation_is_seen() -> None:
    rng = np.random.default_rng(2)
    assert log_evidence(rng.exponential(size=2000), 0.7) > math.log(1e9)


@given(SAMPLES, st.floats(0.1, 5.0), st.floats(1.0, 3.0))
def test_evidence_falls_as_the_bound_grows(values: np.ndarray, bound: float, more: float) -> None:
    # Equal up to the roundings of 30 logarithms.
    assert log_evidence(values, bound * more) <= log_evidence(values, bound) + 2.0**-40


@given(SAMPLES)
def test_what_is_refuted_is_below_the_largest_value(values: np.ndarray) -> None:
    edge = refuted_below(values, 1e-3)
    assert 0 <= edge <= values.max()
    if edge > 0:  # scaled there and back: 30 logarithms with a few roundings each
        assert log_evidence(values, edge) >= math.log(1e3) - 2.0**-40


def test_a_run_that_overflowed_is_evidence() -> None:
    assert log_evidence(np.array([1.0, np.nan]), 1.0) == math.inf
    assert log_evidence(np.array([1.0, np.inf]), 1.0) == math.inf
    assert refuted_below(np.array([1.0, np.inf]), 0.01) == math.inf


@pytest.mark.parametrize(("values", "bound"), [([-1.0], 1.0), ([1.0], 0.0), ([1.0], math.nan)])
def test_betting_refuses_negative_values_and_bounds(values: list[float], bound: float) -> None:
    with pytest.raises(ValueError, match="betting needs"):
        log_evidence(np.array(values), bound)


def test_the_interval_is_that_of_student() -> None:
    values = np.random.default_rng(3).normal(size=400)
    found = t_interval(values, 0.01)
    low, high = stats.t.interval(0.99, 399, values.mean(), stats.sem(values))
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-12)


def test_few_replicates_are_refused_and_overflow_compares_with_nothing() -> None:
    with pytest.raises(ValueError, match="at least 256 replicates, found 255"):
        t_interval(np.zeros(FEWEST - 1), 0.01)
    lost = t_interval(np.append(np.zeros(FEWEST), np.inf), 0.01)
    assert not lost.low <= 0
    assert not lost.high >= 0
