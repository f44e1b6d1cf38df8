"""Keep fractions to fifty digits: by hand on a small batch, and production within the derived error."""

from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from amss_min import significance
from amss_min.significance import MutualInformationRate
from theory import information, precise
from theory.information import Batch

TINY = Fraction(1, 10**45)
LOGITS = st.floats(-4, 4, width=32)


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    samples, classes, width = draw(st.integers(1, 3)), draw(st.integers(2, 3)), draw(st.integers(2, 3))

    def rows(columns: int) -> list[list[float]]:
        row = st.lists(LOGITS, min_size=columns, max_size=columns)
        return draw(st.lists(row, min_size=samples, max_size=samples))

    target = draw(st.lists(st.integers(0, classes - 1), min_size=samples, max_size=samples))
    return Batch(logits=[rows(classes), rows(classes)], features=[rows(width), rows(width)], target=target)


def test_uninformative_logits_by_hand() -> None:
    # Uniform logits: cross entropy log 2. Labels 1:1, so H(Y) = log 2 and the information is 0.
    batch = Batch(logits=[[[0.0, 0.0]] * 2] * 2, features=[[[0.0, 0.0]] * 2] * 2, target=[0, 1])
    rates = information.rates(batch)
    assert all(abs(rate) < TINY for rate in rates)
    # The released entropy of (1/2, 1/2) is the same, of a single class it is not.
    assert abs(information.label_entropy([1, 1]) - information.released_label_entropy([1, 1])) < TINY
    expected = precise.logarithm(1 + 5 * precise.exponential(Fraction(-1)))
    assert abs(information.released_label_entropy([9, 0, 0, 0, 0, 0]) - expected) < TINY
    assert information.label_entropy([9, 0, 0, 0, 0, 0]) == 0
    keep = information.keep_fractions(rates, 0.2, 0.1, 0.9)
    assert all(abs(rho - Fraction(1, 2)) < TINY for rho in keep)


def test_the_clamp_is_at_the_floats_given() -> None:
    assert information.keep_fractions([Fraction(9), Fraction(0)], 0.2, 0.1, 0.9) == [Fraction(0.1), Fraction(0.9)]


@given(st.lists(st.integers(0, 30), min_size=2, max_size=9).filter(any))
def test_production_entropies_lie_within_the_derived_error(counts: list[int]) -> None:
    tensor = torch.tensor(counts, dtype=torch.float64)
    error = information.entropy_error(len(counts))
    for production, exact in (
        (significance.label_entropy, information.label_entropy),
        (significance.released_label_entropy, information.released_label_entropy),
    ):
        assert abs(Fraction(float(production(tensor))) - exact(counts)) <= error


@given(batches(), st.booleans())
def test_production_rates_lie_within_the_derived_error(batch: Batch, released: bool) -> None:
    logits = [torch.tensor(rows, dtype=torch.float64) for rows in batch.logits]
    features = [torch.tensor(rows, dtype=torch.float64) for rows in batch.features]
    rate = MutualInformationRate(released_entropy=released)
    observed = rate.observation(logits, features, torch.tensor(batch.target))
    expected = information.rates(batch, released_entropy=released)
    error = information.rate_error(batch, released_entropy=released)
    for produced, exact in zip(rate.rates(observed).tolist(), expected, strict=True):
        assert abs(Fraction(produced) - exact) <= error
    if not released:
        keep = information.keep_fractions(expected, rate.temperature, rate.floor, rate.ceiling)
        for produced, exact in zip(rate.fractions(observed).tolist(), keep, strict=True):
            assert abs(Fraction(produced) - exact) <= information.keep_error(batch, rate.temperature)


@pytest.mark.parametrize("error", [information.entropy_error(6), information.entropy_error(34)])
def test_the_derived_errors_are_small_enough_to_tell_anything(error: Fraction) -> None:
    # 1.04 instead of 0 must stand out by ten orders of magnitude.
    assert 0 < error < Fraction(1, 10**11)
