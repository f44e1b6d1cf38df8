"""The gradients that an estimator is tried on: each family is what it says."""

import math
import statistics

import pytest
import torch

from amss_min.testing.families import FAMILIES, HUGE, TINY, gradients

SIZES = [(1, 1), (2, 1), (2, 3), (12, 4), (31, 1)]


@pytest.mark.parametrize(("units", "dim"), SIZES)
def test_every_family_is_finite_of_the_shape_and_not_zero(units: int, dim: int) -> None:
    made = gradients(units, dim, seed=5)
    assert list(made) == list(FAMILIES)
    for gradient in made.values():
        assert gradient.shape == (units, dim) and gradient.dtype is torch.float64
        assert bool(gradient.isfinite().all()) and bool(gradient.any())


def test_a_seed_gives_the_same_gradients_whichever_families_are_asked_for() -> None:
    everything, again, other = gradients(6, 2, seed=1), gradients(6, 2, seed=1), gradients(6, 2, seed=2)
    few = gradients(6, 2, seed=1, names=["ties", "gaussian"])
    assert list(few) == ["gaussian", "ties"]
    for name, gradient in everything.items():
        assert torch.equal(gradient, again[name])
        assert name not in few or torch.equal(gradient, few[name])
        assert not torch.equal(gradient, other[name])


def test_families_and_seeds_do_not_share_their_numbers() -> None:
    made = [gradients(6, 2, seed=seed) for seed in range(20)]
    numbers = [found["gaussian"] for found in made] + [found["tiny"] / TINY for found in made]
    assert len({value for gradient in numbers for value in gradient.flatten().tolist()}) == 40 * 12


def test_the_global_generator_is_left_alone() -> None:
    before = torch.get_rng_state()
    gradients(6, 2, seed=1)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(("units", "dim"), SIZES)
def test_lognormal_units_stand_at_the_quantiles(units: int, dim: int) -> None:
    found = gradients(units, dim, seed=0)["lognormal"].abs()
    normal = statistics.NormalDist()
    expected = [math.exp(normal.inv_cdf((j + 0.5) / units)) for j in range(units)]
    # Single-precision constants would show: erfinv, its scale and exp are right to 2^-48 and better.
    assert found[:, 0].sort().values.tolist() == pytest.approx(expected, rel=2.0**-44)
    assert bool((found == found[:, :1]).all())


@pytest.mark.parametrize(("units", "dim"), SIZES)
def test_tied_entries_differ_in_sign_only(units: int, dim: int) -> None:
    assert bool((gradients(units, dim, seed=0)["ties"].abs() == 1).all())


def test_one_unit_dominates() -> None:
    normal = torch.randn(5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    factors = FAMILIES["dominant"](normal) / normal
    assert factors[:, 0].tolist() == pytest.approx([1, 1, 30, 1, 1], rel=2.0**-52)
    assert factors[:, 1].tolist() == pytest.approx([1, 1, 30, 1, 1], rel=2.0**-52)


@pytest.mark.parametrize(("units", "dim"), [(2, 1), (2, 3), (12, 4), (31, 1)])
def test_zeros_are_every_third_unit_and_one_entry_beside(units: int, dim: int) -> None:
    zero = gradients(units, dim, seed=0)["zeros"] == 0
    assert zero.all(1).tolist() == [j % 3 == 0 for j in range(units)]
    assert int(zero[1].sum()) == (1 if dim > 1 else 0)


def test_scales_are_powers_of_two_that_single_precision_can_square() -> None:
    made = gradients(12, 4, seed=0)
    for name, scale in (("tiny", TINY), ("huge", HUGE)):
        unscaled = made[name] / scale
        assert torch.equal(unscaled * scale, made[name])
        squares = made[name].float().square()
        assert 0.1 < unscaled.std() < 10
        assert bool(squares.isfinite().all()) and float(squares.max()) > torch.finfo(torch.float32).tiny


@pytest.mark.parametrize(("units", "dim"), [(0, 1), (1, 0)])
def test_nothing_is_no_gradient(units: int, dim: int) -> None:
    with pytest.raises(ValueError, match=r"must be at least 1, found (units|dim)=0"):
        gradients(units, dim, seed=0)


def test_an_unknown_family_is_named() -> None:
    with pytest.raises(KeyError, match="no family 'gausian'; families are gaussian, lognormal"):
        gradients(2, 1, seed=0, names=["gausian"])
