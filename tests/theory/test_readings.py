"""Readings: production agrees with the law, and what a reading would notice."""

import itertools
import random
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from amss_min.designs import Design, Draw, Poisson, SimpleRandom, Successive, Systematic, TopK
from amss_min.designs.conditional_poisson import ConditionalPoisson
from amss_min.designs.pivotal import Pivotal
from amss_min.designs.sampford import Sampford
from amss_min.weightings import HorvitzThompson, Indicator
from tests.strategies import sizes_and_count
from theory import enumeration, moments, readings
from theory.instances import edge_instances, random_instances
from theory.rounding import ROUNDING
from theory.trials import DESIGNS, by_exactness, scope, trials

SIZES = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64)


class LateStart(Systematic):
    """Off by one unit of the grid at the start."""

    def select(self, p: Tensor, k: int | Tensor, bits: Tensor) -> Draw:
        late = bits.clone()
        late[..., -1] = (late[..., -1] + 2**22) % 2**62
        return super().select(p, k, late)


class LateDuel(Pivotal):
    """Off by one word in every duel."""

    def select(self, p: Tensor, k: int | Tensor, bits: Tensor) -> Draw:
        return super().select(p, k, (bits + 1) % 2**62)


class OtherWinner(Pivotal):
    """Duels that are decided with the right chances by the other end of the words: the law is the same."""

    def select(self, p: Tensor, k: int | Tensor, bits: Tensor) -> Draw:
        return super().select(p, k, 2**62 - 1 - bits)


class LongThreshold(ConditionalPoisson):
    """Thresholds too high by one part in 10^12, a hundred times the error that float64 may make."""

    def select(self, p: Tensor, k: int | Tensor, bits: Tensor) -> Draw:
        return super().select(p, k, (bits.to(torch.float64) * (1 - 1e-12)).to(torch.int64))


class SampfordForConditionalPoisson(Sampford):
    """The right inclusion probabilities, and the joint law of another design."""

    def select(self, p: Tensor, k: int | Tensor, bits: Tensor) -> Draw:
        return ConditionalPoisson().select(p, k, bits)


class Clustered(Poisson):
    """All units decide by the first unit's word: the marginals are right, the law is not."""

    def select(self, p: Tensor, k: int | Tensor, bits: Tensor) -> Draw:
        return super().select(p, k, bits[..., :1].expand_as(bits))


@given(sizes_and_count(5), st.sampled_from(DESIGNS))
def test_production_draws_what_the_definition_says(case: tuple[list[Fraction], int], design: Design) -> None:
    sizes, k = case
    p = torch.tensor([float(size) for size in sizes], dtype=torch.float64)
    orders = [tuple(range(len(sizes))), tuple(reversed(range(len(sizes))))]
    for reading in readings.readings(design, Indicator(), p, k, orders):
        assert reading.wrong == []
        assert sum(probability for probability, _ in reading.outcomes) == 1
        assert moments.mean_multipliers(reading.outcomes) == moments.inclusion(reading.law)


def test_orders_are_all_read_up_to_five_units_and_refused_beyond() -> None:
    found = readings.readings(Systematic(), HorvitzThompson(), SIZES, 2)
    assert sorted(reading.inputs["order"] for reading in found) == sorted(itertools.permutations(range(4)))
    with pytest.raises(ValueError, match="up to n = 5, found n = 6"):
        readings.readings(Systematic(), HorvitzThompson(), torch.ones(6), 2)


NOTICED = [LateStart(), LateDuel("random"), LateDuel("ordered"), LateDuel("tree"), OtherWinner("ordered"), Clustered()]


@pytest.mark.parametrize("design", [*NOTICED, LongThreshold(), SampfordForConditionalPoisson()])
def test_a_design_that_draws_otherwise_is_noticed(design: Design) -> None:
    wrong = [entry for reading in readings.readings(design, Indicator(), SIZES, 2) for entry in reading.wrong]
    assert wrong
    assert wrong[0]["expected mask"] != wrong[0]["drawn mask"]
    words = torch.tensor(wrong[0]["words"])
    assert "".join(str(int(d)) for d in design.select(SIZES, 2, words).drawn) == wrong[0]["drawn mask"]


def test_multipliers_that_change_inside_a_piece_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def by_row(self: Indicator, draw: Draw) -> Tensor:
        return draw.drawn * torch.arange(1.0, len(draw.drawn) + 1, dtype=torch.float64).unsqueeze(-1)

    monkeypatch.setattr(Indicator, "__call__", by_row)
    (reading,) = readings.readings(Poisson(), Indicator(), SIZES, 2)
    assert reading.wrong


@pytest.mark.parametrize("design", DESIGNS, ids=repr)
def test_inclusion_is_that_of_the_law_within_the_stated_error(design: Design) -> None:
    for reading in readings.readings(design, Indicator(), SIZES, 2):
        for pi, reported in zip(reading.pi, readings.fractions(design.inclusion(SIZES, 2)), strict=True):
            # Successive sampling: rational, rounded once, at sizes that were rounded twice more.
            slack = 4 * ROUNDING if isinstance(design, Successive | SimpleRandom) else Fraction(0)
            assert abs(pi - reported) <= readings.inclusion_error(design, len(SIZES), pi) + slack
    assert readings.has_rounded_thresholds(design) == (readings.inclusion_error(design, 4, Fraction(1, 2)) > 0)


@pytest.mark.parametrize(("order", "duels"), [("random", 6), ("ordered", 6), ("tree", 3)])
def test_the_error_of_pivotal_sampling_is_a_word_a_duel(order: str, duels: int) -> None:
    assert readings.inclusion_error(Pivotal(order), 7, Fraction(1, 3)) == Fraction(duels, 2**62)


def test_the_error_of_laws_of_product_form_is_derived() -> None:
    pi, small = Fraction(1, 3), 8 * 8 * ROUNDING
    words = Fraction(7, 2**62)
    sampford = pi * ((1 + small) ** 7 - 1) + words
    assert readings.inclusion_error(Sampford(), 7, pi) == sampford
    assert readings.inclusion_error(ConditionalPoisson(), 7, pi) == sampford + small * pi


def test_the_trials_are_told_apart_by_their_thresholds() -> None:
    found = list(trials(Indicator(), seed=0, designs=[Systematic(), Pivotal(), Sampford()]))
    exactly, nearly = by_exactness(found)
    assert {repr(trial.design) for trial in exactly} == {"Systematic()"}
    assert {repr(trial.design) for trial in nearly} == {"Pivotal()", "Sampford()"}
    assert len(exactly) + len(nearly) == len(found)
    assert "all orders up to n = 5, 8 orders each beyond" in scope(exactly)
    assert "all orders up to n = 4, 8 orders each beyond" in scope(nearly)
    assert "orders" not in scope([trial for trial in found if isinstance(trial.design, Sampford)])


def test_a_relative_error_bounds_the_quotient_or_nothing() -> None:
    (trial, *_) = (t for t in trials(Indicator(), seed=0, designs=[Pivotal("tree")]) if t.instance.n == 4)
    error = Fraction(2, 2**62)
    assert trial.error(Fraction(1, 2)) == error
    assert trial.relative_error(Fraction(1, 2)) == error / (Fraction(1, 2) - error)
    assert trial.relative_error(error) == 0


def test_an_unknown_design_is_refused() -> None:
    class Other(TopK):
        pass

    assert readings.readings(Other(), Indicator(), SIZES, 2)

    class Alien:
        pass

    with pytest.raises(TypeError, match="exact readings are known for the designs of amss_min with a finite law"):
        readings.readings(Alien(), Indicator(), SIZES, 2)  # type: ignore[arg-type]


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_simple_random_sampling_over_all_rankings_of_its_keys(n: int) -> None:
    # Every ranking is equally likely, so counting masks over n! rankings gives the law of the code.
    for k in range(1, n + 1):
        keys = torch.tensor(list(itertools.permutations(range(n))))
        masks = [tuple(row) for row in SimpleRandom().select(torch.ones(len(keys), n), k, keys).drawn.tolist()]
        law = {mask: Fraction(masks.count(mask), len(masks)) for mask in set(masks)}
        assert law == enumeration.simple_random_law([Fraction(1)] * n, k)


def test_inclusion_asked_for_once_is_what_every_row_would_get() -> None:
    p = torch.tensor([1.0, 2.0, 3.0, 5.0], dtype=torch.float64)
    (reading,) = readings.readings(Successive(), HorvitzThompson(), p, 2)
    pi = Successive().inclusion(p, 2)
    for _, multipliers in reading.outcomes:
        for unit, multiplier in enumerate(multipliers):
            assert multiplier in (0, Fraction(float(1 / pi[unit])))


def test_exact_keeps_what_is_not_finite() -> None:
    values = readings.exact(torch.tensor([0.1, float("inf"), float("nan")], dtype=torch.float64))
    assert values[0] == Fraction(0.1)
    assert values[1] == float("inf")
    assert values[2] != values[2]


def test_instances_are_exact_in_float64_and_repeat() -> None:
    found = [*edge_instances(), *random_instances(7, 20, most_units=8)]
    assert found == [*edge_instances(), *random_instances(7, 20, most_units=8)]
    for instance in found:
        assert [Fraction(float(value)) for value in instance.gradient] == list(instance.gradient)
        assert 1 <= instance.k <= instance.n <= 8
        assert instance.positive >= 1
        assert instance.norms.tolist() == [abs(value) for value in instance.inputs["gradient"]]
    assert {instance.n for instance in found} >= {1, 2, 8}


def test_trials_cover_every_design_and_all_orders_of_five_units() -> None:
    found = list(trials(Indicator(), seed=random.Random(0).randrange(10)))
    assert {repr(trial.design) for trial in found} == {repr(design) for design in DESIGNS}
    full = [t for t in found if isinstance(t.design, Systematic) and t.design.random_order and t.instance.n == 5]
    assert full and all(len(trial.readings) == 120 for trial in full)
    duels = [t for t in found if isinstance(t.design, Pivotal) and t.design.order == "random"]
    assert {len(trial.readings) for trial in duels if trial.instance.n == 4} == {24}
    assert {len(trial.readings) for trial in duels if trial.instance.n > 4} == {8}
    assert any(trial.instance.n > 5 for trial in found)
    assert any(0 in trial.instance.gradient for trial in found)
    assert "all orders up to n = 4 or 5" in scope(found)
