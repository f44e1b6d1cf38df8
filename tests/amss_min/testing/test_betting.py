"""The bets: their inequalities on grids, their expectations by summing over all sequences, their intervals."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from amss_min.testing.betting import (
    STAKES,
    Array,
    log_bets,
    log_bets_of_variance,
    log_bets_within,
    log_e,
    log_mean,
    lower_edge,
    psi,
)

ULP = 2.0**-53
# psi leaves out s^5/5 + s^6/6 + ... below s = 1e-3: relative to s^2/2 at most 0.4 s^3 / (1 - s).
PSI_ERROR = 0.4e-9 / (1 - 1e-3)

Law = dict[float, Fraction]
"""Values, all of them dyadic, with their probabilities."""

HALF, QUARTER = Fraction(1, 2), Fraction(1, 4)
FAIR: Law = {-1.0: HALF, 1.0: HALF}
MASK: Law = {-1.0: 3 * QUARTER, 3.0: QUARTER}
RARE: Law = {-1.0: Fraction(63, 64), 63.0: Fraction(1, 64)}
SPREAD: Law = {-1.0: HALF, 0.0: QUARTER, 2.0: QUARTER}
FAR: Law = {-1.0: Fraction(1023, 1024), 1023.0: Fraction(1, 1024)}
CENTRED = [FAIR, MASK, RARE, SPREAD, FAR]


def mean(law: Law) -> float:
    return float(sum(p * Fraction(x) for x, p in law.items()))


def square(law: Law) -> float:
    return float(sum(p * Fraction(x) ** 2 for x, p in law.items()))


def sequences(law: Law, n: int) -> tuple[Array, Array]:
    """All sequences (m^n, n) of n draws, and their probabilities (m^n,)."""
    values = np.array(list(itertools.product(law, repeat=n)))
    chances = np.array([float(math.prod(law[x] for x in row)) for row in values.tolist()])
    return values, chances


def expectation(logs: Array, chances: Array) -> Array:
    """E exp(logs), logs (41, sequences)."""
    found: Array = (np.exp(logs) * chances).sum(1)
    return found


def slack(values: Array, reach: float) -> float:
    """How far rounding may move an expectation: 16 roundings of the largest log, and the error of psi.

    A log is the difference of two terms; those of the stakes are at most |sum Y| / 2 and psi(1/2) sum Y^2, and below
    s = 1e-3, where psi is a series, PSI_ERROR of 1e-6 / 2 sum Y^2. A log below -40 adds less than 1e-17.
    """
    y = values / reach
    largest = min(float(np.abs(y).sum(1).max()) + 0.2 * float(np.square(y).sum(1).max()), 80.0)
    return 16 * ULP * (1 + largest) + PSI_ERROR * 1e-6 / 2 * float(np.square(y).sum(1).max())


@pytest.mark.parametrize("share", [1e-12, 1e-6, 9.999e-4, 1e-3, 1.001e-3, 0.02, 0.25, 0.5])
def test_psi_is_minus_log_minus_share(share: float) -> None:
    s = Fraction(share)
    exact = sum((s**power / power for power in range(2, 60)), Fraction(0))  # what is left out is below s^2 2^-58
    # From 1e-3 on the difference -log(1 - s) - s loses: 3 roundings of s, relative to s^2/2, are 6 * 2^-53 / s.
    allowed = PSI_ERROR if share < 1e-3 else 6 * ULP / share + 4 * ULP
    assert float(psi(np.array(share))) == pytest.approx(float(exact), rel=allowed)


def test_the_bet_never_pays_more_than_the_share_that_is_bet() -> None:
    """exp(s y - psi(s) y^2) <= 1 + s y for y >= -1, the bound of Fan, Grama and Liu; equal at y = -1 and y = 0."""
    s = np.concatenate([np.geomspace(1e-12, 0.5, 400), [9.999e-4, 1e-3, 0.5]])[:, None]
    y = np.concatenate([[-1.0, 0.0], -1 + np.geomspace(1e-9, 1, 200), np.geomspace(1e-9, 1e12, 800)])
    left, right = s * y - psi(s) * y * y, np.log1p(s * y)
    rounding = 8 * ULP * (np.abs(s * y) + psi(s) * y * y + np.abs(right)) + PSI_ERROR * psi(s) * y * y
    assert (left <= right + rounding).all()
    assert (left[:, 0] >= right[:, 0] - rounding[:, 0]).all()


def test_a_square_is_enough_without_a_range() -> None:
    """exp(y - y^2/6) <= 1 + y + y^2/3 for every real y, the bound of Delyon."""
    y = np.concatenate([sign * np.geomspace(1e-9, 1e6, 4000) for sign in (1, -1)] + [np.linspace(-6, 6, 4001)])
    left, right = y - y * y / 6, np.log1p(y + y * y / 3)
    assert (left <= right + 8 * ULP * (np.abs(y) + y * y + np.abs(right))).all()


@pytest.mark.parametrize("n", [1, 3, 6])
@pytest.mark.parametrize("law", CENTRED)
def test_every_stake_is_fair_at_most_at_the_boundary(law: Law, n: int) -> None:
    """E exp(log_bets) <= 1 at E X = mean, for every stake, over all sequences."""
    for shift in (0.0, 0.25, -0.5):  # exact in floating point: the values are dyadic
        values, chances = sequences({x + shift: p for x, p in law.items()}, n)
        below = np.array(1.0 - shift)
        logs = log_bets(n, values.sum(1), np.square(values).sum(1), below, shift)
        assert logs.shape == (len(STAKES), len(values))
        assert expectation(logs, chances).max() <= 1 + slack(values - shift, 1.0)


@pytest.mark.parametrize("law", CENTRED)
def test_every_stake_loses_below_the_boundary_and_some_wins_above(law: Law) -> None:
    values, chances = sequences(law, 4)
    total, squares = values.sum(1), np.square(values).sum(1)
    above = log_bets(4, total, squares, np.array(1.0), 0.25)
    assert expectation(above, chances).max() <= 1 + slack(values - 0.25, 1.25)
    below = log_bets(4, total, squares, np.array(1.0), -0.5)
    # A small stake s per unit gains about s / 4 a draw here; 2^-11 is small for a variance of up to 1023.
    assert expectation(below, chances).max() > 1 + 4 * 2.0**-11 / 8


def test_a_range_that_is_not_one_breaks_the_bet() -> None:
    """The inequality fails left of -1: the expectation notices, so the tests above can fail."""
    values, chances = sequences({-8.0: Fraction(1, 9), 1.0: Fraction(8, 9)}, 3)
    logs = log_bets(3, values.sum(1), np.square(values).sum(1), np.array(1.0))
    assert expectation(logs, chances).max() > 1.1


@pytest.mark.parametrize(
    "law", [FAIR, MASK, RARE, SPREAD, {x: p for x, p in zip((-3.0, 1.0), MASK.values(), strict=True)}]
)
@pytest.mark.parametrize("sign", [1, -1])
def test_every_stake_is_fair_at_most_given_the_variance(law: Law, sign: int) -> None:
    values, chances = sequences({sign * x: p for x, p in law.items()}, 4)
    offset = mean({sign * x: p for x, p in law.items()})
    total, squares = values.sum(1), np.square(values).sum(1)
    logs = log_bets_of_variance(4, total, squares, square(law), offset)
    # A log is at most 64 |sum X| in size where it matters (above -40): 16 roundings of that.
    assert expectation(logs, chances).max() <= 1 + 16 * ULP * 64 * float(np.abs(values).sum(1).max())
    for higher in (offset + 1 / 128, offset + 1 / 64):
        if offset == 0:
            beyond = log_bets_of_variance(4, total, squares, square(law), higher)
            assert expectation(beyond, chances).max() <= 1 + 16 * ULP * 64 * float(np.abs(values).sum(1).max())


def test_a_variance_that_is_too_small_breaks_the_bet() -> None:
    values, chances = sequences({-1.0: 3 * QUARTER, 3.0: QUARTER}, 4)
    logs = log_bets_of_variance(4, values.sum(1), np.square(values).sum(1), 0.5)
    assert expectation(logs, chances).max() > 1.1


def test_sums_of_independent_sources_multiply() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.uniform(-1, 3, 40), rng.uniform(-1, 3, 60)
    both = np.concatenate([x, y])
    parts = [log_bets(len(z), z.sum(), np.square(z).sum(), np.array(1.0), 0.25) for z in (x, y, both)]
    # Sums of at most 100 numbers of at most 9, in two orders, and 8 roundings more.
    assert np.abs(parts[0] + parts[1] - parts[2]).max() <= 200 * ULP * 900


def test_log_mean_is_the_log_of_the_average() -> None:
    logs = np.array([[0.0, -np.inf, 1000.0, -2000.0], [np.log(3.0), 0.0, 1000.0, np.inf]])
    found = log_mean(logs)
    assert found[0] == pytest.approx(math.log(2), rel=4 * ULP)
    assert found[1] == pytest.approx(-math.log(2), rel=4 * ULP)
    assert found[2] == pytest.approx(1000.0, rel=4 * ULP)
    assert found[3] == np.inf
    assert log_mean(logs[:, :1], axis=1).tolist() == logs[:, 0].tolist()


def test_log_e_averages_over_the_stakes() -> None:
    heads = np.array([600.0, 700.0])
    logs = log_bets(1000, heads, heads, np.array(0.0), 0.5)
    assert (log_e(1000, heads, heads, np.array(0.0), 0.5) == log_mean(logs)).all()


def test_enough_evidence_refutes_and_the_wrong_direction_never_does() -> None:
    heads = np.array([300.0, 500.0, 700.0])
    found = log_e(1000, heads, heads, np.array(0.0), 0.5)
    assert found[0] < 0 and found[1] <= 0 and found[2] > math.log(1e9)


WITHIN: list[tuple[Law, int, float]] = [
    ({0.0: HALF, 1.0: HALF}, 10, 0.5),
    ({0.0: HALF, 1.0: HALF}, 12, 0.2),
    ({0.0: 3 * QUARTER, 1.0: QUARTER}, 10, 0.4),
    ({0.0: QUARTER, 0.5: HALF, 1.0: QUARTER}, 7, 0.5),
]


@pytest.mark.parametrize(("law", "n", "alpha"), WITHIN)
def test_the_lower_edge_exceeds_the_mean_with_probability_alpha_at_most(law: Law, n: int, alpha: float) -> None:
    """Over all sequences, and looking after every draw: the interval is valid at every stop."""
    values, chances = sequences(law, n)
    wrong = np.zeros(len(values), dtype=bool)
    for seen in range(1, n + 1):
        sums = np.stack([values[:, :seen].sum(1), np.square(values[:, :seen]).sum(1)])
        (total, squares), place = np.unique(sums, axis=1, return_inverse=True)
        wrong |= (edge(seen, total, squares, alpha) > mean(law))[place]
    error = float(chances[wrong].sum())
    assert 0 < error <= alpha  # the chances are dyadic: their sum is exact


def edge(n: int, total: Array, squares: Array, alpha: float) -> Array:
    """The lower bound for draws in [0, 1]."""

    def log_capital(tried: Array) -> Array:
        return log_bets_within(n, total, squares, 1.0, tried)

    return lower_edge(log_capital, np.zeros_like(total), total / n, alpha)


def test_the_lower_edge_rises_with_alpha_and_with_the_evidence() -> None:
    hits = np.arange(0.0, 1001.0, 50.0)
    strict, loose = (edge(1000, hits, hits, alpha) for alpha in (1e-9, 1e-3))
    assert (strict <= loose).all() and (loose <= hits / 1000).all()
    assert (np.diff(strict) >= 0).all()
    assert strict[0] == loose[0] == 0.0
    assert (edge(10_000, 10 * hits, 10 * hits, 1e-9) >= strict).all()


def test_the_lower_edge_is_refuted_and_a_little_more_is_not() -> None:
    total = np.array(700.0)

    def log_capital(tried: Array) -> Array:
        return log_bets_within(1000, total, total, 1.0, tried)

    found = edge(1000, total, total, 1e-6)
    needed = math.log(1e6)
    assert log_mean(log_capital(found)) >= needed > log_mean(log_capital(found + 2.0**-50))


@pytest.mark.parametrize("seed", range(5))
def test_the_log_capital_falls_as_the_mean_that_is_tried_rises(seed: int) -> None:
    """Every stake, for means in the range and up to the sample mean: one crossing, which bisection finds."""
    draws = np.random.default_rng(seed).choice([0.0, 0.1, 1.0], size=50, p=[0.6, 0.3, 0.1])
    tried = np.linspace(0, draws.mean(), 200)
    totals, squares = np.full(200, draws.sum()), np.full(200, np.square(draws).sum())
    logs = log_bets_within(50, totals, squares, 1.0, tried)
    # Logs are below 50 / 2 + psi(1/2) 50 in size: 16 roundings of 50.
    assert np.diff(logs, axis=1).max() <= 16 * ULP * 50
