"""All evidence as one e-value: its expectation by summing over all draws, and where it points."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from amss_min.testing.betting import log_mean
from amss_min.testing.evaluation import ALL, evaluate
from amss_min.testing.evidence import Guarantee
from amss_min.testing.functionals import Functionals
from amss_min.testing.ledger import Ledger, interval
from amss_min.testing.reach import Reach

G = torch.tensor([[3.0], [-1.0]], dtype=torch.float64)
TURNED = torch.tensor([[1.0], [2.0]], dtype=torch.float64)


def ledger_of(
    gradient: torch.Tensor, draws: torch.Tensor, omega: float | None = None, attempt: int = 0, far: float = 4.0
) -> Ledger:
    """A ledger of these draws, none of them further away than `far` in any functional."""
    ends = np.full(len(Functionals.of(gradient).names), far)
    kind = Guarantee.BOUNDED if omega is None else Guarantee.VARIANCE_BOUNDED
    reach = Reach(guarantee=kind, below=ends, above=ends, radius=far, energy=25.0, omega=omega, attempt=attempt)
    ledger = Ledger(gradient, reach, direction=1.0, horizon=1000, alpha=1e-3, rounding=0.0)
    assert not len(draws) or ledger.add(draws)
    return ledger


def masks(gradient: torch.Tensor, count: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    kept = torch.rand(count, len(gradient), 1, dtype=torch.float64, generator=generator) < 0.5
    return gradient * kept * 2


def kept(gradient: torch.Tensor, row: tuple[float, ...]) -> torch.Tensor:
    """Draws with these weights, one for each unit of each draw."""
    return gradient * torch.tensor(row, dtype=torch.float64).reshape(-1, 2, 1)


ROWS = list(itertools.product((0.0, 2.0), repeat=4))
"""Weights of masks of inclusion 1/2 in two draws of two units: relative deviations -1 and 1."""


def e_values(omega: float | None = None) -> dict[tuple[float, ...], float]:
    """The e-value of two families for all 2^8 outcomes of two draws on each."""
    made = [[ledger_of(g, kept(g, row), omega, far=1.0) for row in ROWS] for g in (G, TURNED)]
    pairs = zip(itertools.product(*made), itertools.product(ROWS, ROWS), strict=True)
    return {one + other: math.exp(evaluate({"a": first, "b": second})[0]) for (first, second), (one, other) in pairs}


@pytest.mark.parametrize("omega", [None, 1.0])
def test_the_e_value_of_two_families_is_fair_at_most(omega: float | None) -> None:
    """Units that are drawn alike or not: every law of the two masks of a draw that has inclusions 1/2."""
    values = e_values(omega)
    for together in (0.25, 0.5, 0.0):  # P(both drawn) = P(neither): independent, in unison, in turn
        chance = {True: together, False: 0.5 - together}  # of a draw, by whether both units fare alike
        mean = math.fsum(
            value * math.prod(chance[row[2 * draw] == row[2 * draw + 1]] for draw in range(4))
            for row, value in values.items()
        )
        # An average of exponentials of logs of at most 64 * 8 in size; those that matter are above -40.
        assert 0.5 < mean <= 1 + 64 * 2.0**-53 * 512


def test_an_unbalanced_law_is_not_fair() -> None:
    """Weights 0 and 2 with probabilities 1/16 and 15/16: the same average exceeds 1, so the test above can fail."""
    values = e_values()
    mean = math.fsum(value * 0.9375 ** row.count(2.0) * 0.0625 ** row.count(0.0) for row, value in values.items())
    assert mean > 1.05


def test_one_family_spends_all_on_its_functionals_in_both_directions() -> None:
    ledger = ledger_of(G, masks(G, 50, 0))
    logs = np.concatenate([log_mean(ledger.log_bets(upward=upward)) for upward in (True, False)])
    log, finding = evaluate({"a": ledger})
    assert log == pytest.approx(float(log_mean(logs)), rel=1e-14)
    assert finding.log_e == logs.max()
    assert finding.family == "a"


def test_half_is_spent_on_what_families_share() -> None:
    """The average of two averages: over functionals of each family, and over shared ones, both in both directions."""
    ledgers = {"a": ledger_of(G, masks(G, 30, 0) * 1.2), "b": ledger_of(TURNED, masks(TURNED, 40, 1) * 1.2)}
    alone, shared = [], []
    for upward in (True, False):
        logs = {name: ledger.log_bets(upward=upward) for name, ledger in ledgers.items()}
        alone += [np.exp(found).mean(0) for found in logs.values()]
        places = {name: ledger.functionals.shared for name, ledger in ledgers.items()}
        seen = {name: np.where(places[name] >= 0, found[:, places[name]], 0.0) for name, found in logs.items()}
        shared.append(np.exp(seen["a"] + seen["b"]).mean(0))
    expected = math.log((np.concatenate(alone).mean() + np.concatenate(shared).mean()) / 2)
    assert evaluate(ledgers)[0] == pytest.approx(expected, abs=1e-12)  # sums of 41 exponentials: far fewer roundings


def test_the_interval_of_a_finding_is_simultaneous() -> None:
    """Alpha is split over all functionals of all families, or over the shared ones."""
    ledgers = {"a": ledger_of(G, masks(G, 300, 0)), "b": ledger_of(TURNED, masks(TURNED, 400, 1))}
    _, finding = evaluate(ledgers)
    own = replace(finding, family="a", place=1)
    expected = interval([(ledgers["a"], np.array([1]))], 1e-3 / 10)  # 5 functionals each
    assert own.measured(ledgers, 1e-3)[1] == (float(expected[0][0]), float(expected[1][0]))
    common = replace(finding, family=ALL, place=2)  # the largest unit: 0 of a, 1 of b; 2 + 2 + 3 are shared
    expected = interval([(ledgers["a"], np.array([0])), (ledgers["b"], np.array([1]))], 1e-3 / 7)
    assert common.measured(ledgers, 1e-3)[1] == (float(expected[0][0]), float(expected[1][0]))


def test_attempts_lower_the_evidence_by_their_shares() -> None:
    draws = masks(G, 50, 0) * 1.5
    logs = [evaluate({"a": ledger_of(G, draws, attempt=attempt)})[0] for attempt in (0, 1, 3)]
    assert logs[0] - logs[1] == pytest.approx(math.log(2), rel=1e-12)
    assert logs[0] - logs[2] == pytest.approx(3 * math.log(2), rel=1e-12)


def test_a_bias_in_one_family_is_found_there() -> None:
    biased = masks(G, 2000, 0)
    biased[:, 1] *= 1.3
    ledgers = {"a": ledger_of(G, biased), "b": ledger_of(TURNED, masks(TURNED, 2000, 1))}
    log, finding = evaluate(ledgers)
    assert log > math.log(1e6)
    assert (finding.family, finding.where, finding.unit) == ("a", "unit 1", 1)
    bias, (low, high) = finding.measured(ledgers, 1e-6)
    assert bias == pytest.approx(float((biased / G - 1)[:, 1].mean()), rel=1e-12)
    assert 0 < low < 0.3 < high and low < bias < high
    assert not finding.covers_zero(ledgers, 1e-6)


def test_a_bias_that_families_share_is_found_in_all_of_them() -> None:
    """10 % too much in the unit at the same place, or in the largest unit: too little for any family alone."""
    families = {str(seed): (G if seed % 2 else TURNED) for seed in range(6)}
    by_place, by_rank = {}, {}
    for seed, g in families.items():
        draws = masks(g, 1500, int(seed))
        placed, ranked = draws.clone(), draws.clone()
        placed[:, 0] *= 1.1
        ranked[:, int(g.abs().argmax())] *= 1.1
        by_place[seed], by_rank[seed] = ledger_of(g, placed), ledger_of(g, ranked)
    for ledgers, where in ((by_place, "unit 0"), (by_rank, "the largest unit")):
        log, finding = evaluate(ledgers)
        assert (finding.family, finding.where) == (ALL, where)
        shown = families[finding.example]
        assert finding.unit == (0 if ledgers is by_place else int(shown.abs().argmax()))
        assert log > max(evaluate({name: ledger})[0] for name, ledger in ledgers.items()) + 1
        bias, (low, high) = finding.measured(ledgers, 1e-3)
        assert low < 0.1 < high and low < bias < high


def test_a_zero_unit_is_no_part_of_what_is_shared() -> None:
    flat = torch.tensor([[2.0], [0.0]], dtype=torch.float64)
    ledgers = {
        "a": ledger_of(flat, masks(flat, 500, 0)),
        "b": ledger_of(G, masks(G, 500, 1) * torch.tensor([[1.0], [1.5]])),
    }
    _, finding = evaluate(ledgers)
    assert finding.unit == 1
    bias, _ = finding.measured(ledgers, 1e-3)
    assert bias == pytest.approx(float(ledgers["b"].totals[1]) / 500, rel=1e-12)


def test_a_unit_that_is_zero_everywhere_is_no_finding() -> None:
    """Without evidence against anything, what was never looked at must not come first."""
    first, second = (torch.tensor([[0.0], [value], [1.0]], dtype=torch.float64) for value in (2.0, -3.0))
    for seed in range(5):
        ledgers = {"a": ledger_of(first, masks(first, 500, seed)), "b": ledger_of(second, masks(second, 500, seed + 5))}
        _, finding = evaluate(ledgers)
        assert finding.family != ALL or finding.unit in (1, 2)
        assert finding.covers_zero(ledgers, 1e-12)


def test_a_sum_over_no_entries_is_no_finding_and_no_part_of_one() -> None:
    positive = torch.tensor([[1.0], [2.0]], dtype=torch.float64)
    _, finding = evaluate({"a": ledger_of(positive, masks(positive, 500, 0))})
    assert finding.where != "negative entries"
    negative = masks(G, 3000, 1)
    negative[:, 1] *= 1.3  # its only negative entry
    ledgers = {"a": ledger_of(positive, masks(positive, 3000, 0)), "b": ledger_of(G, negative)}
    place = ledgers["a"].functionals.shared_names.index("negative entries")
    shared = replace(evaluate(ledgers)[1], family=ALL, place=place)
    bias, (low, high) = shared.measured(ledgers, 1e-3)
    assert bias == pytest.approx(float((negative / G - 1)[:, 1].mean()), rel=1e-12)  # not diluted by the other family
    assert low < 0.3 < high


def test_without_draws_there_is_no_evidence() -> None:
    nothing = torch.empty(0, 2, 1, dtype=torch.float64)
    log, finding = evaluate({"a": ledger_of(G, nothing), "b": ledger_of(TURNED, nothing)})
    assert (log, finding.log_e) == (0.0, 0.0)
    assert finding.covers_zero({"a": ledger_of(G, nothing), "b": ledger_of(TURNED, nothing)}, 0.1)
