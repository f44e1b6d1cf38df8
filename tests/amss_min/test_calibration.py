"""Calibrated sizes: successive sampling with the inclusion probabilities asked for."""

from fractions import Fraction

import pytest
import torch
from hypothesis import example, given
from torch import Tensor

from amss_min.designs import Successive, calibration
from amss_min.designs.calibration import RELATIVE_ERROR, calibrated
from amss_min.designs.poisson import Poisson
from tests.strategies import inclusion_of_whole_sum
from theory import enumeration, moments, readings


def assert_calibrated(target: Tensor, k: int, q: Tensor) -> None:
    """Against the law in rationals."""
    law = enumeration.successive_law(readings.fractions(q), k)
    for realised, wanted in zip(moments.inclusion(law), target.tolist(), strict=True):
        assert abs(realised / Fraction(wanted) - 1) <= Fraction(RELATIVE_ERROR)


@given(inclusion_of_whole_sum())
@example([Fraction(1), Fraction(1, 2), Fraction(1, 2)])
@example([Fraction(1)] * 3)
@example([Fraction(1, 1000)] * 3 + [Fraction(997, 1000)] + [Fraction(1)])
@example([Fraction(999, 1000)] * 2 + [Fraction(1, 500)])
@example([Fraction(1, 10**9), 1 - Fraction(1, 10**9)])
def test_the_rational_inclusion_is_the_target(target: list[Fraction]) -> None:
    positive = [chance for chance in target if chance > 0]
    k, wanted = int(sum(positive)), torch.tensor([float(chance) for chance in positive], dtype=torch.float64)
    q = calibrated(wanted, k)
    assert q.dtype == torch.float64
    assert abs(float(q.sum()) - 1) <= len(positive) * 2.0**-52
    assert_calibrated(wanted, k, q)


def test_sizes_proportional_to_the_target_are_not_calibrated() -> None:
    target = torch.tensor([0.1, 0.2, 0.3, 0.4, 0.4, 0.6], dtype=torch.float64)
    with pytest.raises(AssertionError):
        assert_calibrated(target, 2, target / 2)


@pytest.mark.parametrize(("n", "k", "spread"), [(512, 256, 1.0), (100, 98, 0.3), (300, 30, 3.0)])
def test_many_units(n: int, k: int, spread: float) -> None:
    p = (spread * torch.randn(n, dtype=torch.float64, generator=torch.Generator().manual_seed(n))).exp()
    target = Poisson().inclusion(p, k)  # water-filled, certain units among them
    assert (target == 1).any()
    found = Successive().inclusion(calibrated(target, k), k)
    assert ((found - target).abs() <= 2 * RELATIVE_ERROR * target).all()  # and as much for the error of the quadrature


def test_rows_are_calibrated_one_by_one() -> None:
    target = torch.tensor([[0.5, 0.5, 1.0], [0.25, 0.25, 0.5], [1.0, 1.0, 1.0]], dtype=torch.float64)
    k = torch.tensor([2, 1, 3])
    q = calibrated(target, k)
    for row in range(3):
        assert torch.equal(q[row], calibrated(target[row], int(k[row])))
    assert q[1:].tolist() == [[0.25, 0.25, 0.5], [1 / 3, 1 / 3, 1 / 3]]  # k = 1: the target itself


def test_a_certain_unit_gets_2_to_50_times_the_others() -> None:
    q = calibrated(torch.tensor([1.0, 0.25, 0.75], dtype=torch.float64), 2)
    assert float(q[0] / q[1:].sum()) == pytest.approx(2.0**50, rel=4 * 2.0**-53)  # two sums and two quotients


@pytest.mark.parametrize("wrong", [0.0, -0.1, 1.1, float("nan"), float("inf")])
def test_what_is_no_probability_is_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match=rf"must be in \(0, 1\], found {wrong}"):
        calibrated(torch.tensor([0.5, wrong, 0.5], dtype=torch.float64), 1)


@pytest.mark.parametrize(
    ("last", "found"), [(0.7 + 1e-11, "2.00000000001"), (0.7 - 1e-11, "1.9999999999"), (0.5, "1.7")]
)
def test_a_target_of_another_sum_is_refused(last: float, found: str) -> None:
    wrong = torch.tensor([0.6, 0.7, last], dtype=torch.float64)
    with pytest.raises(ValueError, match=f"must sum to the count k=2, found the sum {found}"):
        calibrated(wrong, 2)
    right = torch.tensor([0.6, 0.7, 0.7], dtype=torch.float64)
    with pytest.raises(ValueError, match=f"must sum to the count k=2, found the sum {found}"):
        calibrated(torch.stack([right, wrong]), 2)


def test_a_target_out_of_reach_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "_MOST_STEPS", 3)
    with pytest.raises(ArithmeticError, match="calibration of 3 units at k=2 is at a relative error of"):
        calibrated(torch.tensor([0.9, 0.5, 0.6], dtype=torch.float64), 2)
