"""Sums over draws: what they are, when they start anew, and the intervals that they give."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from amss_min.testing import betting
from amss_min.testing.betting import Array
from amss_min.testing.evidence import Guarantee
from amss_min.testing.functionals import Functionals
from amss_min.testing.ledger import WIDEST_MATRIX, Ledger, interval, measured
from amss_min.testing.reach import Reach, burned_in

G = torch.tensor([[3.0], [-1.0], [0.5]], dtype=torch.float64)
ONE = torch.ones(1, 1, dtype=torch.float64)
ULP = 2.0**-53


def reach_of(gradient: torch.Tensor, far: float, omega: float | None = None) -> Reach:
    """Every functional in [-far, far], and no draw further away than far |g|."""
    ends = np.full(len(Functionals.of(gradient).names), far)
    kind = Guarantee.BOUNDED if omega is None else Guarantee.VARIANCE_BOUNDED
    return Reach(guarantee=kind, below=ends, above=ends, radius=far, energy=(far + 1) ** 2, omega=omega)


def ledger_of(gradient: torch.Tensor, reach: Reach, rounding: float = 0.0) -> Ledger:
    return Ledger(gradient, reach, direction=1.0, horizon=1000, alpha=1e-3, rounding=rounding)


def masks(gradient: torch.Tensor, count: int, inclusion: float = 0.5, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    kept = torch.rand(count, len(gradient), 1, dtype=torch.float64, generator=generator) < inclusion
    return gradient * kept / inclusion


def test_it_adds_up_what_it_says() -> None:
    draws = masks(G, 300)
    ledger = ledger_of(G, reach_of(G, 4.0))
    assert ledger.add(draws)
    scaled, values, noises, energies = measured(ledger.functionals, draws)
    assert ledger.n == 300
    assert (ledger.totals == values.sum(0)).all()
    assert (ledger.squares == np.square(values).sum(0)).all()
    deviations = (draws - G).flatten(1).numpy()
    assert scaled == pytest.approx(deviations / float(G.norm()), rel=4 * ULP)
    assert noises == pytest.approx(np.square(deviations).sum(1) / 10.25, rel=16 * ULP)
    assert energies == pytest.approx(draws.square().sum((1, 2)).numpy() / 10.25, rel=16 * ULP)
    assert ledger.expected_size == float((draws != 0).any(2).double().mean() * 3)


def test_blocks_add_up_to_the_whole() -> None:
    draws = masks(G, 1000)
    whole, parts = ledger_of(G, reach_of(G, 4.0)), ledger_of(G, reach_of(G, 4.0))
    whole.add(draws)
    for block in draws.split(130):
        parts.add(block)
    assert whole.n == parts.n
    # Sums of 1000 numbers of at most 9, in another order.
    assert np.abs(whole.totals - parts.totals).max() <= 2000 * ULP * 1000 * 3
    assert whole.largest_bias(0.1) == pytest.approx(parts.largest_bias(0.1), rel=2e-3)  # bisected to 1e-3
    assert whole.second_moment(0.1) == pytest.approx(parts.second_moment(0.1), rel=1e-9)


def test_a_draw_outside_starts_the_sums_anew() -> None:
    draws = masks(G, 100)
    _, *values = measured(Functionals.of(G), draws)
    ledger = ledger_of(G, burned_in(Functionals.of(G), *values))
    first = ledger.reach
    assert ledger.add(draws) and ledger.n == 100
    far = draws.clone()
    far[7] = 50.0 * G
    assert not ledger.add(far)
    assert (ledger.n, ledger.beyond, ledger.reach.attempt) == (0, 1, 2)
    assert not ledger.totals.any() and not ledger.squares.any()
    assert ledger.largest_bias(0.1) == math.inf
    assert (ledger.reach.above >= first.above).all() and ledger.reach.radius > first.radius
    assert ledger.add(far) and ledger.n == 100  # now it is inside
    # The second attempt has a quarter of alpha, and the first a half.
    fresh = betting.log_bets(100, ledger.totals, ledger.squares, ledger.reach.below, 0.0)
    assert ledger.log_bets(upward=True) == pytest.approx(fresh - 2 * math.log(2), rel=0, abs=1e-12)


def test_the_bets_look_in_the_direction_that_is_asked_for() -> None:
    ledger = ledger_of(G, reach_of(G, 4.0))
    ledger.add(masks(G, 500) * 1.5)
    up, down = (betting.log_mean(ledger.log_bets(upward=side)) for side in (True, False))
    assert up[:3].min() > 10 > 0 > down[:3].max()
    place = np.array([0, 2])
    log = ledger.log_capital(place, np.zeros(2), upward=True)
    assert log == pytest.approx(
        betting.log_bets_within(500, ledger.totals[place], ledger.squares[place], 8.0, np.zeros(2))
    )


def test_each_direction_has_its_own_range_and_an_omega_the_variance_of_each_functional() -> None:
    draws, symmetric = masks(G, 200), reach_of(G, 4.0)
    lopsided = replace(symmetric, below=np.full(6, 1.5), above=np.full(6, 3.5))
    ledger = ledger_of(G, lopsided)
    assert ledger.add(draws)
    for upward, sign, far in ((True, 1, lopsided.below), (False, -1, lopsided.above)):
        wanted = betting.log_bets(200, sign * ledger.totals, ledger.squares, far, 0.0)
        assert (ledger.log_bets(upward=upward) == wanted).all()
    free = ledger_of(G, reach_of(G, math.inf, 2.0))
    free.add(draws)
    variances = 2.0 * np.square(free.functionals.norms())
    for upward, sign in ((True, 1), (False, -1)):
        wanted = betting.log_bets_of_variance(200, sign * free.totals, free.squares, variances, 0.0)
        assert (free.log_bets(upward=upward) == wanted).all()


def test_an_interval_spends_half_of_alpha_on_each_side() -> None:
    ledger = ledger_of(G, reach_of(G, 4.0))
    ledger.add(masks(G, 500))
    total, squares = ledger.totals[:1], ledger.squares[:1]

    def edge(sign: int) -> float:
        def log_capital(mean: Array) -> Array:
            return betting.log_bets_within(500, sign * total, squares, 8.0, mean)

        return float(betting.lower_edge(log_capital, np.array([-4.0]), sign * total / 500, 1e-3 / 2)[0])

    assert ledger.interval(0, 1e-3) == (edge(1), -edge(-1))


def test_rounding_is_not_looked_for() -> None:
    found = []
    for rounding in (0.0, 2.0**-10):
        ledger = ledger_of(ONE, reach_of(ONE, 2.0**-10), rounding)
        ledger.add(torch.full((100_000, 1, 1), 1 + 2.0**-11, dtype=torch.float64))
        found.append(float(betting.log_mean(ledger.log_bets(upward=True)).max()))
    assert found[0] > 20 and found[1] < 0


@pytest.mark.parametrize(("omega", "alpha"), [(None, 0.7), (1.0, 0.4)])
def test_the_interval_of_a_unit_leaves_out_the_truth_with_probability_alpha_at_most(
    omega: float | None, alpha: float
) -> None:
    """All 2^10 sequences of masks of inclusion 1/2 (deviations -1 and 1), looked at after every draw."""
    wrong = 0
    known: dict[tuple[int, int], bool] = {}
    for row in itertools.product((0.0, 2.0), repeat=10):
        for seen in range(1, 11):
            key = (seen, int(sum(row[:seen])))
            if key not in known:
                ledger = ledger_of(ONE, reach_of(ONE, 1.0, omega))
                ledger.add(torch.tensor(row[:seen], dtype=torch.float64).reshape(-1, 1, 1))
                low, high = ledger.interval(0, alpha)
                assert low <= ledger.totals[0] / seen <= high
                known[key] = not low <= 0 <= high
            if known[key]:
                wrong += 1
                break
    assert 0 < wrong / 2**10 <= alpha


def test_intervals_shrink_and_hold_a_known_mean() -> None:
    widths = []
    for count in (500, 5000, 50_000):
        ledger = ledger_of(G, reach_of(G, 4.0))
        ledger.add(masks(G, count))
        ends = [ledger.interval(unit, 1e-12) for unit in range(3)]
        assert all(low < 0 < high for low, high in ends)
        widths.append(max(high - low for low, high in ends))
    assert widths[0] > 2 * widths[1] > 4 * widths[2]


def test_parts_that_share_a_mean_are_narrower_together() -> None:
    ledgers = [ledger_of(G, reach_of(G, 4.0)) for _ in range(3)]
    for seed, ledger in enumerate(ledgers):
        ledger.add(masks(G, 2000, seed=seed))
    place = np.array([1])
    alone = interval([(ledgers[0], place)], 1e-6)
    together = interval([(ledger, place) for ledger in ledgers], 1e-6)
    assert together[1] - together[0] < alone[1] - alone[0]
    assert together[0] < 0 < together[1]


def test_without_draws_there_is_no_interval() -> None:
    ledger = ledger_of(G, reach_of(G, 4.0))
    assert ledger.interval(1, 0.1) == (-math.inf, math.inf)
    assert ledger.largest_bias(0.5) == math.inf
    assert ledger.expected_size == 0


@pytest.mark.parametrize("omega", [None, 3.0])
def test_the_second_moment_is_inside_its_interval(omega: float | None) -> None:
    ledger = ledger_of(G, reach_of(G, 5.0, omega))
    ledger.add(masks(G, 4000, inclusion=0.25))
    sample, low, high = ledger.second_moment(1e-9)
    # E|C|^2 / |g|^2 = 1 / pi = 4; an interval at 1e-9 may leave it out with that probability.
    assert low < 4.0 <= high
    assert low < sample and (omega is not None or sample < high)
    if omega is not None:
        assert high == (1 + math.sqrt(omega)) ** 2  # the norm of a sum, in mean square


def test_more_noise_than_declared_is_evidence() -> None:
    ledger = ledger_of(G, reach_of(G, math.inf, 1.0))
    ledger.add(masks(G, 4000, inclusion=0.25))  # omega = 3
    assert ledger.log_noise(1.0) > math.log(1e9)
    assert ledger.log_noise(3.1) < 0


def test_where_directions_are_not_told_apart_the_trace_stands_for_the_widest() -> None:
    shape = (WIDEST_MATRIX // 2, 2)
    at, beyond = (torch.ones(*size, dtype=torch.float64) for size in (shape, (shape[0] + 1, 2)))
    found = []
    for gradient in (at, beyond):
        ledger = ledger_of(gradient, reach_of(gradient, 4.0))
        ledger.add(masks(gradient, 2000))
        found.append(ledger.largest_bias(1e-3))
    # Independent units of equal size: the trace is K times the widest direction, so more draws are needed.
    assert found[0] < found[1] < math.inf
