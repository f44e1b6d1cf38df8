"""False alarms and power: calculations against enumeration, a small run within its bounds, the page from its record."""

import itertools
import json
import math
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from amss_min.testing.bernoulli import log_e_bernoulli
from amss_min.testing.betting import log_mean
from simulations.__main__ import main
from simulations.seeding import stream
from simulations.statistics import estimators, measuring
from simulations.statistics.crossing import THRESHOLDS, Crossing, Inside, exact, log_e_of, simulated
from simulations.statistics.machinery import LEVELS
from simulations.statistics.page import PAGE, RECORD, page
from simulations.statistics.power import Power, rule
from simulations.statistics.row import LEVEL, measured, median, shares
from simulations.statistics.skewed import LAWS, looks
from simulations.statistics.tables import tables

DOCS = Path(__file__).parent.parent.parent / "docs"
CHANCE = 1e-12
"""Of a failure of a statistical test here, at most, if all is right."""


@pytest.fixture(scope="module")
def small() -> dict[str, Any]:
    """The quick tables, by this process alone."""
    return measuring.measure(tables(quick=True), root=1, workers=1)


def most(runs: int, chance: float) -> int:
    """The count that Bin(runs, chance) exceeds with probability CHANCE at most."""
    return int(stats.binom.isf(CHANCE, runs, chance))


# The calculations


@pytest.mark.parametrize("process", ["frequency", "weight, upward", "weight, downward"])
def test_the_exact_probability_is_that_of_all_paths(process: str) -> None:
    pi, horizon, threshold = 0.25, 12, 1.3
    log = log_e_of(process, pi)
    inside = Inside.of(log, pi, horizon, threshold)
    left = Fraction(0)
    for path in itertools.product((0, 1), repeat=horizon):
        s = np.cumsum(path).astype(np.float64)
        if (log(np.arange(1.0, horizon + 1), s) >= math.log(threshold)).any():
            left += Fraction(3 ** (horizon - sum(path)), 4**horizon)
    assert 0 < left < 1 / Fraction(threshold)
    assert exact(inside, pi) == pytest.approx(float(left), rel=3 * horizon * 2.0**-53)


@pytest.mark.parametrize("process", ["frequency", "weight, upward", "weight, downward"])
def test_an_interval_holds_exactly_what_is_below_the_threshold(process: str) -> None:
    log, inside = log_e_of(process, 0.25), Inside.of(log_e_of(process, 0.25), 0.25, 60, 10)
    for n, low, high in zip(range(1, 61), inside.low.tolist(), inside.high.tolist(), strict=True):
        s = np.arange(n + 1)
        below = log(np.full(n + 1, float(n)), s.astype(np.float64)) < math.log(10)
        assert (below == ((low <= s) & (s <= high))).all()


def test_an_e_process_above_the_threshold_at_the_mean_is_refused() -> None:
    with pytest.raises(ValueError, match="must be below the threshold at the mean"):
        Inside.of(lambda n, s: np.zeros_like(s), 0.5, 5, 1)


def test_simulated_paths_leave_as_often_as_calculated() -> None:
    pi, paths = 0.25, 4000
    insides = [Inside.of(log_e_of("frequency", pi), pi, 200, threshold) for threshold in THRESHOLDS]
    counts = simulated(insides, pi, paths, stream(0, test="crossing"))
    for inside, count in zip(insides, counts, strict=True):
        chance = exact(inside, pi)
        # Both tails, three thresholds.
        assert stats.binom.ppf(CHANCE / 6, paths, chance) <= count <= stats.binom.isf(CHANCE / 6, paths, chance)


@pytest.mark.parametrize("name", LAWS)
def test_skewed_draws_have_mean_zero_their_range_and_their_variance(name: str) -> None:
    law = LAWS[name]
    draws = law.sample(stream(0, test=name), (1, 200_000))[0]
    assert draws.min() >= -law.below
    assert draws.min() < -law.below + 0.1
    if name == "Pareto":  # W = 0.6 / U^(1/2.5): quantiles, since fourth moments are infinite
        assert pytest.approx(1) == 0.6 * 2.5 / 1.5
        assert pytest.approx(law.variance) == 0.36 * 2.5 / 0.5 - 1
        inside = int((draws + 1 <= 0.6 * 2**0.4).sum())  # the median
        assert stats.binom.ppf(CHANCE / 2, 200_000, 0.5) <= inside <= stats.binom.isf(CHANCE / 2, 200_000, 0.5)
    else:
        expected = stats.expon() if name == "exponential" else stats.lognorm(s=math.sqrt(math.log(4)), scale=0.5)
        assert (expected.mean() - 1, expected.var()) == pytest.approx((0, law.variance))
        assert stats.kstest(draws + 1, expected.cdf).pvalue > CHANCE


def test_looks_end_at_the_horizon() -> None:
    assert looks(50) == list(range(1, 51))
    found = looks(10_000)
    assert found[-1] == 10_000 and len(set(found)) == len(found)


LEVELS_OF = {
    "masked": (estimators.masked(0.25, bias=0.1, declare="omega"), {0.0: 0.75, 4.4: 0.25}),
    "hidden": (estimators.hidden(0.125, declare="omega"), {0.5: 0.875, 4.5: 0.125}),
    "alternating": (estimators.alternating(0.25, bias=0.1, declare="omega"), {0.1: 0.75, 4.1: 0.25}),
    "outliers": (estimators.outliers(0.25), {-19.0: 0.125, 0.5: 0.375, 1.5: 0.375, 21.0: 0.125}),
}
"""Weights of the first unit, with their probabilities."""


@pytest.mark.parametrize("name", LEVELS_OF)
def test_estimators_have_the_law_the_bias_and_the_omega_that_they_state(name: str) -> None:
    estimator, law = LEVELS_OF[name]
    g, draws = torch.tensor([[2.0], [-2.0]], dtype=torch.float64), 20_000
    found = estimator.draws(g, draws, torch.Generator().manual_seed(0)) / g
    seen = {value: int((found[:, 0, 0] - value).abs().lt(1e-12).sum()) for value in law}
    assert sum(seen.values()) == draws
    logs = log_e_bernoulli(list(seen.values()), draws, list(law.values()))
    assert float(log_mean(logs)) < math.log(1 / CHANCE)
    mean = sum(p * value for value, p in law.items())
    assert mean - 1 == pytest.approx({"masked": 0.1, "alternating": 0.1}.get(name, 0.0), abs=1e-14)
    if estimator.omega is not None:
        assert sum(p * (value - 1) ** 2 for value, p in law.items()) == pytest.approx(estimator.omega, rel=1e-14)
    second = found[:, 1, 0].sub(found[:, 1, 0].min()) + (-0.1 if name == "alternating" else min(law))
    assert {round(value, 9) for value in second.tolist()} == {
        round(value - 0.2 * (name == "alternating"), 9) for value in law
    }


def test_lognormal_weights_are_lognormal_of_mean_one() -> None:
    estimator, g = estimators.lognormal(3.0, declare="omega"), torch.full((5000, 1), -2.0, dtype=torch.float64)
    weights = (estimator.draws(g, 4, torch.Generator().manual_seed(0)) / g).flatten().numpy()
    law = stats.lognorm(s=math.sqrt(math.log(4)), scale=0.5)
    assert (law.mean(), law.var()) == pytest.approx((1, estimator.omega), rel=1e-12)
    assert stats.kstest(weights, law.cdf).pvalue > CHANCE


def test_what_is_not_known_cannot_be_declared() -> None:
    with pytest.raises(ValueError, match="declare must name a number that is known here, found 'bound'"):
        estimators.lognormal(1.0, declare="bound")


# Intervals


@pytest.mark.parametrize("chance", [0.003, 0.1, 0.5])
def test_the_interval_of_a_probability_covers_it(chance: float) -> None:
    runs = 200
    wrong = [
        count for count in range(runs + 1) if not (found := measured(count, runs))["low"] <= chance <= found["high"]
    ]
    assert 0 < float(stats.binom.pmf(wrong, runs, chance).sum()) <= 1 - LEVEL


@pytest.mark.parametrize("runs", [9, 15, 100, 501])
def test_the_interval_of_a_median_covers_it(runs: int) -> None:
    """The ends are the draws of rank r and runs + 1 - r: the median is left out if fewer than r are on one side."""
    found = median([float(value) for value in range(1, runs + 1)])
    rank = int(found["low"])
    assert found["high"] == runs + 1 - rank
    assert 2 * float(stats.binom.cdf(rank - 1, runs, 0.5)) <= 1 - LEVEL < 2 * float(stats.binom.cdf(rank, runs, 0.5))


def test_a_median_of_runs_that_did_not_end_is_open() -> None:
    assert median([1.0, math.inf, math.inf])["median"] is None
    assert median([1.0, 2.0, math.inf]) == {"runs": 3, "median": 2.0, "low": 0.0, "high": None}


def test_shares_are_all_of_it_once() -> None:
    assert [number for share in shares(11, 4) for number in share] == list(range(11))


# A small run


def test_false_alarms_stay_within_their_bounds(small: dict[str, Any]) -> None:
    """A count of runs whose chance is at most the nominal one exceeds `most` with probability CHANCE at most."""
    found = small["tables"]
    crossings = [c for name in ("frequencies", "weights") for row in found[name] for c in row["crossings"]]
    crossings += [c for row in found["skewed"] for test in row["tests"] for c in test["crossings"]]
    for crossing in crossings:
        assert crossing.get("exact", 0.0) <= crossing["nominal"]
        assert crossing["count"] <= most(crossing["runs"], crossing["nominal"])
    for row in found["unbiased"]:
        for level in row["levels"]:
            assert level["count"] <= most(level["runs"], level["level"])
        assert row["missed"]["count"] <= most(row["missed"]["runs"], row["alpha"])
        assert row["refuted"]["count"] == row["levels"][-1]["count"]
    for row in found["outside"]:
        assert row["guarantee"] == "truncated" or row["refuted"]["count"] <= most(row["refuted"]["runs"], LEVELS[-1])
    for row in found["biased"]:
        assert sum(row["counts"].values()) == row["consistent"]["runs"]
        assert not row["bias"] or row["consistent"]["count"] <= most(row["consistent"]["runs"], row["alpha"])


def test_a_small_run_finds_what_there_is_to_find(small: dict[str, Any]) -> None:
    found = small["tables"]
    (row,) = found["power"]
    for process in ("frequency", "weight"):
        # The rule leaves out a constant and the width of the law: a factor of 2 is far outside of what 51 runs vary.
        assert 0.5 < row[process]["median"] / row["rule"] < 2
    assert all(row["median"] is not None for row in found["consistency"])
    assert found["biased"][-1]["counts"]["CONSISTENT"] > 0


def test_every_table_has_its_section_and_its_numbers(small: dict[str, Any]) -> None:
    text = page(json.loads(json.dumps(small, allow_nan=False)))
    assert text.count("\n## ") == len(small["tables"])
    assert "None" not in text and "nan" not in text and "{" not in text
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in lines)
    assert max(len(line) for line in text.splitlines() if not line.startswith("|")) <= 120
    assert text.endswith("|\n") and "\n\n\n" not in text


@pytest.mark.slow
def test_the_tables_do_not_depend_on_who_works_them_out() -> None:
    few = {"power": tables(quick=True)["power"], "weights": tables(quick=True)["weights"]}
    records = [measuring.measure(few, root=3, workers=workers)["tables"] for workers in (1, 2)]
    assert records[0] == records[1]
    assert measuring.measure(few, root=4, workers=1)["tables"]["power"] != records[0]["power"]


def test_the_rule_solves_its_own_equation() -> None:
    for pi, bias, alpha in itertools.product((0.5, 0.01), (0.3, 0.01), (1e-9, 0.1)):
        n = rule(pi, bias, alpha)
        wanted = 2 * (1 - pi) / (pi * bias**2) * (math.log(1 / alpha) + math.log(n) / 2)
        # 100 steps of a contraction by 1/2 or less leave rounding.
        assert n == pytest.approx(wanted, rel=1e-12)


def test_a_run_that_takes_longer_than_the_grid_is_no_number() -> None:
    row = Power(pi=0.5, bias=0.3, alpha=1e-300, runs=3)
    never = {"frequency": [math.inf] * 3, "weight, upward": [1.0, 2.0, math.inf]}
    assert row.whole([never])["frequency"]["median"] is None


# The command and the page


def test_the_page_is_made_from_its_record() -> None:
    record: Mapping[str, Any] = json.loads((DOCS / RECORD).read_text(encoding="utf-8"))
    assert page(record) == (DOCS / PAGE).read_text(encoding="utf-8")


def test_the_record_is_of_the_full_tables_and_within_its_bounds() -> None:
    found = json.loads((DOCS / RECORD).read_text(encoding="utf-8"))["tables"]
    full = tables()
    assert {name: len(rows) for name, rows in found.items()} == {name: len(rows) for name, rows in full.items()}
    assert sum(row["refuted"]["runs"] for row in found["unbiased"]) >= 20_000
    for row in found["unbiased"]:
        for level in row["levels"]:
            assert level["count"] <= most(level["runs"], level["level"])
    for row, wanted in zip(found["frequencies"], full["frequencies"], strict=True):
        assert isinstance(wanted, Crossing)
        assert (row["pi"], row["horizon"]) == (wanted.pi, wanted.horizon)
        for crossing in row["crossings"]:
            assert crossing["runs"] == 20_000
            tails = [stats.binom.ppf, stats.binom.isf]
            low, high = (tail(CHANCE / 2, 20_000, crossing["exact"]) for tail in tails)
            assert low <= crossing["count"] <= high


def test_the_command_writes_page_and_record(
    small: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(measuring, "measure", lambda tables, *, root, done: {**small, "seed": root})
    assert main(["statistics", "--quick", "--seed", "5", "--docs", str(tmp_path)]) == 0
    record = json.loads((tmp_path / RECORD).read_text())
    assert record["seed"] == 5
    assert (tmp_path / PAGE).read_text() == page(record)
    assert str(tmp_path / PAGE) in capsys.readouterr().out


def test_the_command_says_where_it_cannot_write(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert main(["statistics", "--quick", "--docs", str(tmp_path / "file")]) == 2
    assert "cannot write to" in capsys.readouterr().err
