"""What a bias is sought in: linear, relative, and complete."""

import numpy as np
import pytest
import torch

from amss_min.testing.betting import Array
from amss_min.testing.functionals import Functionals

ULP = 2.0**-53

WIDE = torch.tensor([[3.0, -1.0], [0.0, 0.0], [2.0, 0.0], [-1.0, -4.0]], dtype=torch.float64)
FLAT = torch.tensor([[2.0], [-0.5], [0.0]], dtype=torch.float64)
SINGLE = torch.tensor([[-3.0]], dtype=torch.float64)
GRADIENTS = [WIDE, FLAT, SINGLE]


def named(functionals: Functionals, values: Array) -> dict[str, float]:
    return dict(zip(functionals.names, values.tolist(), strict=True))


@pytest.mark.parametrize("g", GRADIENTS)
def test_they_are_linear(g: torch.Tensor) -> None:
    functionals, rng = Functionals.of(g), np.random.default_rng(0)
    first, second = rng.standard_normal((2, 5, *g.shape))
    both = functionals.of_deviations(2 * first - 3 * second)
    apart = 2 * functionals.of_deviations(first) - 3 * functionals.of_deviations(second)
    # Every functional is a sum of at most 8 products of numbers below 20, over at least 1 / 4.
    assert np.abs(both - apart).max() <= 3 * 12 * ULP * 8 * 20 * 4


@pytest.mark.parametrize("g", GRADIENTS)
def test_a_deviation_of_five_percent_is_five_percent_wherever_there_is_a_gradient(g: torch.Tensor) -> None:
    functionals = Functionals.of(g)
    found = functionals.of_deviations(0.05 * functionals.gradient[None])[0]
    assert set(np.round(found, 15).tolist()) <= {0.0, 0.05}  # 15 places: 0.05 within 3 roundings
    for name, value in named(functionals, found).items():
        seen = {"all units": g != 0, "positive entries": g > 0, "negative entries": g < 0}.get(name)
        if seen is None:
            place = [int(word) for word in name.replace(",", "").split() if word.isdigit()]
            seen = g[tuple(place)] != 0
        assert (value != 0) == bool(seen.any())


def test_each_looks_at_what_its_name_says() -> None:
    functionals = Functionals.of(WIDE)
    deviation = np.zeros((1, 4, 2))
    deviation[0, 0, 1] = 0.5  # of a gradient of -1, in a unit of squared norm 10, of 31 in all, 18 in the negative
    found = named(functionals, functionals.of_deviations(deviation)[0])
    expected = {"unit 0, coordinate 1": -0.5, "unit 0": -0.05, "all units": -0.5 / 31, "negative entries": -0.5 / 17}
    expected["negative entries"] = -0.5 / (1 + 1 + 16)
    assert {name: value for name, value in found.items() if value} == pytest.approx(expected, rel=4 * ULP)


def test_where_there_is_no_gradient_the_typical_size_stands_for_it() -> None:
    functionals = Functionals.of(WIDE)
    deviation = np.zeros((1, 4, 2))
    deviation[0, 1, 0] = 1.0
    found = named(functionals, functionals.of_deviations(deviation)[0])
    assert found.pop("unit 1, coordinate 0") == pytest.approx(np.sqrt(8 / 31), rel=4 * ULP)
    assert not any(found.values())


def test_names_places_and_units_belong_together() -> None:
    for g in GRADIENTS:
        functionals = Functionals.of(g)
        k = functionals.units
        values = functionals.of_deviations(np.ones((1, *g.shape)))
        assert values.shape == (1, len(functionals.names))
        assert len(set(functionals.names)) == len(functionals.names)
        for place, name in enumerate(functionals.names):
            unit = int(name.replace(",", "").split()[1]) if name.startswith("unit") else None
            assert functionals.unit_of(place) == unit
        assert functionals.names[functionals.unit_slice] == [f"unit {j}" for j in range(k)]


def test_shared_ones_are_units_by_place_by_rank_and_sums() -> None:
    functionals = Functionals.of(WIDE)
    names = [functionals.names[place] if place >= 0 else "" for place in functionals.shared]
    by_rank = ["unit 3", "unit 0", "unit 2", ""]  # norms sqrt 17, sqrt 10, 2 and 0
    sums = ["all units", "positive entries", "negative entries"]
    assert names == ["unit 0", "", "unit 2", "unit 3", *by_rank, *sums]
    assert len(functionals.shared_names) == len(names)
    assert functionals.shared_names[4:6] == ["the largest unit", "the unit of rank 2 by norm"]


def test_a_sum_over_no_entries_is_not_shared() -> None:
    for sign, places in ((1.0, [2, 3, -1]), (-1.0, [2, -1, 4])):
        assert Functionals.of(sign * torch.tensor([[1.0], [2.0]])).shared[-3:].tolist() == places


def test_ties_in_norm_are_ranked_by_place() -> None:
    functionals = Functionals.of(torch.tensor([[1.0], [-1.0], [1.0]]))
    assert functionals.shared[3:6].tolist() == [0, 1, 2]


@pytest.mark.parametrize("g", GRADIENTS)
def test_norms_bound_every_functional_and_are_reached(g: torch.Tensor) -> None:
    functionals, rng = Functionals.of(g), np.random.default_rng(1)
    deviations = rng.standard_normal((200, *g.shape))
    sizes = np.linalg.norm(deviations.reshape(200, -1), axis=1) / functionals.norm
    bound = functionals.norms() * sizes[:, None]
    assert (np.abs(functionals.of_deviations(deviations)) <= bound * (1 + 40 * ULP)).all()
    for place in range(len(functionals.names)):
        basis = np.eye(g.numel()).reshape(-1, *g.shape)
        weights = functionals.of_deviations(basis)[:, place]  # the functional is the product with these
        reached = np.linalg.norm(weights) * functionals.norm
        assert reached == pytest.approx(functionals.norms()[place], rel=40 * ULP, abs=0)


@pytest.mark.parametrize("scale", [2.0**-40, 2.0**40])
def test_the_scale_of_the_gradient_does_not_matter(scale: float) -> None:
    once, scaled = Functionals.of(WIDE), Functionals.of(WIDE * scale)
    deviations = np.random.default_rng(2).standard_normal((3, 4, 2))
    # A power of two changes no rounding, but that of the square root in the norm.
    assert scaled.of_deviations(deviations * scale) == pytest.approx(once.of_deviations(deviations), rel=4 * ULP)


@pytest.mark.parametrize("g", [torch.zeros(2, 1), torch.tensor([[1.0], [torch.inf]]), torch.tensor([[torch.nan]])])
def test_gradients_without_a_relative_bias_are_refused(g: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="a gradient must be finite and not all zero"):
        Functionals.of(g)
