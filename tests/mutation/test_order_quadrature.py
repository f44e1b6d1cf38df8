"""Inclusion probabilities of order sampling by quadrature, against rational laws and other integrals."""

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction

import pytest
import torch
from torch import Tensor

from amss_min.designs import order_quadrature
from amss_min.designs.order_contour import Terms
from amss_min.designs.order_quadrature import (
    _refined,
    by_distinct_rows,
    inclusion_and_rest,
    inclusion_by_rows,
    joint_inclusion_by_rows,
)
from amss_min.designs.order_ranks import ExponentialRanks, ParetoRanks, Ranks, UniformRanks
from tests.mutation import own_integrals
from theory import enumeration, moments

RATES = [0.3, 1.7, 0.05, 4.0, 1.0, 0.9]
LONG = [0.02 * 1.2**place for place in range(24)]
STATED = 1e-12
"""The relative error that `inclusion_by_rows` and `joint_inclusion_by_rows` state."""


def exact(family: type[Ranks], k: int) -> Tensor:
    if family is not ExponentialRanks:
        return own_integrals.law(family, RATES, k)
    law = enumeration.successive_law([Fraction(rate) for rate in RATES], k)
    return torch.tensor([[float(value) for value in row] for row in moments.joint_inclusion(law)], dtype=torch.float64)


def assert_within(found: Tensor, expected: Tensor, scale: Tensor | None = None) -> None:
    assert found.dtype == torch.float64 and found.shape == expected.shape
    assert ((found - expected).abs() <= STATED * (expected if scale is None else scale)).all()


@pytest.mark.parametrize("k", [2, 5])
@pytest.mark.parametrize("family", [ExponentialRanks, ParetoRanks, UniformRanks])
def test_few_units(family: type[Ranks], k: int) -> None:
    expected = exact(family, k)
    pi = expected.diagonal()
    scale = 1e-200 if k == 2 else 1.0
    rates = torch.tensor(RATES, dtype=torch.float64) * scale
    assert_within(inclusion_by_rows(family, rates, torch.tensor(k)), pi)
    with torch.device(
        "cpu" if family is UniformRanks else "meta"
    ):  # Gauss-Legendre nodes are made on the default device
        joint = joint_inclusion_by_rows(family, rates, torch.tensor(k, device="cpu"))
    assert_within(joint, expected, pi * pi.unsqueeze(-1) + torch.diag(pi))
    one, rest = inclusion_and_rest(family, rates, k)
    assert_within(one, pi)
    assert_within(one + rest, torch.ones(6, dtype=torch.float64))


@pytest.mark.parametrize("k", [10, 23])
@pytest.mark.parametrize("family", [ParetoRanks, UniformRanks])
def test_long_rows(family: type[Ranks], k: int) -> None:
    rates = torch.tensor(LONG, dtype=torch.float64)
    joint = joint_inclusion_by_rows(family, rates, torch.tensor(k))
    pi = joint.diagonal()
    first, last = own_integrals.row(family, LONG, 0, k), own_integrals.row(family, LONG, 23, k)
    assert_within(pi[[0, 23]], torch.tensor([first[0], last[23]]))
    assert_within(joint[0, 23], torch.tensor(first[23] + last[0]), pi[0] * pi[23])


def successive_groups(sizes: list[int], rates: list[Fraction], k: int) -> list[Fraction]:
    """Inclusion probability of a unit of each of two groups, from the law of how many of the first are drawn."""
    law = {0: Fraction(1)}
    for step in range(k):
        grown: dict[int, Fraction] = {}
        for held, probability in law.items():
            weight = (sizes[0] - held) * rates[0], (sizes[1] - step + held) * rates[1]
            for more in (1, 0):
                share = weight[1 - more] / sum(weight)
                grown[held + more] = grown.get(held + more, Fraction(0)) + probability * share
        law = {held: probability for held, probability in grown.items() if probability}
    mean = sum((held * probability for held, probability in law.items()), Fraction(0))
    return [mean / sizes[0], (k - mean) / sizes[1]]


@pytest.mark.parametrize("k", [40, 99])
def test_a_hundred_units_of_two_rates(k: int) -> None:
    first, second = successive_groups([30, 70], [Fraction(8), Fraction(1)], k)
    rates = torch.tensor([8.0] * 30 + [1.0] * 70, dtype=torch.float64)
    pi, rest = inclusion_and_rest(ExponentialRanks, rates, k)
    assert_within(pi, torch.tensor([float(first)] * 30 + [float(second)] * 70, dtype=torch.float64))
    # Accurate where it is small: the likely units are integrated by it.
    assert_within(rest[:30], torch.tensor([float(1 - first)] * 30, dtype=torch.float64))


@pytest.mark.parametrize("family", [ExponentialRanks, ParetoRanks, UniformRanks])
@pytest.mark.parametrize(("n", "k"), [(2, 1), (40, 15)])
def test_equal_rates_are_drawn_alike(family: type[Ranks], n: int, k: int) -> None:
    found = joint_inclusion_by_rows(family, torch.full((n,), 0.7, dtype=torch.float64), torch.tensor(k))
    share, pair = k / n, k * (k - 1) / (n * (n - 1))
    expected = torch.full((n, n), pair, dtype=torch.float64).fill_diagonal_(share)
    assert_within(found, expected, torch.full((n, n), share * share).fill_diagonal_(share))


def test_two_units_by_hand() -> None:
    two = torch.tensor([1.0, 0.5], dtype=torch.float64)
    first = 2 * (1 - math.log(2))  # c (c - 1 - log c) / (c - 1)^2 at c = 2
    for family, chance in ((ExponentialRanks, 2 / 3), (UniformRanks, 3 / 4), (ParetoRanks, first)):
        found = inclusion_by_rows(family, two, torch.tensor(1))
        assert_within(found, torch.tensor([chance, 1 - chance], dtype=torch.float64))
    # A unit that is left out once in 10^12 times: 1 - pi would be off by 2^-54, this by the square of 1e-9.
    pi, rest = inclusion_and_rest(ExponentialRanks, torch.tensor([1e12, 1.0], dtype=torch.float64), 1)
    assert float(pi[1]) == pytest.approx(1 / (1e12 + 1), rel=STATED, abs=0)
    assert float(rest[0]) == pytest.approx(1 / (1e12 + 1), abs=1e-17)


def test_units_that_are_always_or_never_drawn() -> None:
    rates = torch.tensor([[0.0, math.inf, 0.5, 1.0], [0.5, 1.0, 0.0, 0.0], [math.inf, 0.0, math.inf, 1.0]]).double()
    found = inclusion_by_rows(ExponentialRanks, rates, torch.tensor([2, 2, 2]))
    assert_within(found, torch.tensor([[0, 1, 1 / 3, 2 / 3], [1, 1, 0, 0], [1, 0, 1, 0]], dtype=torch.float64))
    joint = joint_inclusion_by_rows(ExponentialRanks, rates, torch.tensor([2, 2, 2]))
    expected = torch.zeros(3, 4, 4, dtype=torch.float64)
    expected[0] = torch.tensor([[0, 0, 0, 0], [0, 3, 1, 2], [0, 1, 1, 0], [0, 2, 0, 2]]).double() / 3
    expected[1, :2, :2] = 1
    expected[2, ::2, ::2] = 1
    assert_within(joint, expected)
    pi, rest = inclusion_and_rest(ExponentialRanks, rates[2], 2)
    assert (pi.tolist(), rest.tolist()) == ([1, 0, 1, 0], [0, 1, 0, 1])
    pi, rest = inclusion_and_rest(ExponentialRanks, rates[1], 2)
    assert (pi.tolist(), rest.tolist()) == ([1, 1, 0, 0], [0, 0, 1, 1])


@pytest.mark.parametrize(
    ("powers", "k"), [([45.76, 50.93, 6.71], 2), ([6.32, 11.36, 34.48, 2.66, 30.15], 2), ([51.81, 2.46], 1)]
)
def test_rates_many_powers_of_ten_apart(powers: list[float], k: int) -> None:
    """Where two meshes are not enough, and where roundings leave [0, 1]."""
    rates = [10.0**power for power in powers]
    expected = torch.tensor(
        [float(value) for value in moments.inclusion(enumeration.successive_law([Fraction(a) for a in rates], k))],
        dtype=torch.float64,
    )
    pi, rest = inclusion_and_rest(ExponentialRanks, torch.tensor(rates, dtype=torch.float64), k)
    assert_within(pi, expected)
    assert ((rest >= 0) & (rest <= 1)).all()


@pytest.mark.parametrize(
    ("powers", "k"), [([13.09, 45.32, 30.45, 32.7, 7.65], 2), ([0.83, 14.97, 6.84, 10.76], 3), ([51.81, 2.46, 1.0], 1)]
)
def test_joint_inclusion_is_a_probability(powers: list[float], k: int) -> None:
    rates = 10.0 ** torch.tensor(powers, dtype=torch.float64)
    joint = joint_inclusion_by_rows(ExponentialRanks, rates, torch.tensor(k))
    assert ((joint >= 0) & (joint <= 1)).all()
    if k == 1:
        assert torch.equal(joint, torch.diag(joint.diagonal()))  # one unit is drawn, and no pair


def test_rows_stand_apart() -> None:
    rates = torch.tensor([[1.0, 2.0, 3.0], [3.0, 1.0, 1.0]]).unsqueeze(0)
    found, joint = (
        of(ExponentialRanks, rates, torch.tensor([[1, 2]])) for of in (inclusion_by_rows, joint_inclusion_by_rows)
    )
    assert found.shape == (1, 2, 3) and joint.shape == (1, 2, 3, 3) and found.dtype == torch.float64
    assert torch.equal(joint.diagonal(dim1=-2, dim2=-1), found)
    # k = 1: rates over their sum. k = 2 of 3: a pair is all but the last, 1/5 * 3/4 + ... for the second row.
    assert_within(found[0, 0], torch.tensor([1 / 6, 1 / 3, 1 / 2], dtype=torch.float64))
    pair, rest = 3 / 5 * 1 / 2 + 1 / 5 * 3 / 4, 2 * (1 / 5 * 1 / 4)
    expected = [[2 * pair, pair, pair], [pair, pair + rest, rest], [pair, rest, pair + rest]]
    assert_within(joint[0, 1], torch.tensor(expected, dtype=torch.float64))


def test_equal_rows_are_worked_out_once() -> None:
    rows = torch.tensor([[1.0, 2.0], [3.0, 1.0], [1.0, 2.0], [1.0, 2.0]]).unsqueeze(0)
    seen: list[tuple[list[float], int]] = []

    def both(row: Tensor, k: int) -> Tensor:
        seen.append((row.tolist(), k))
        return torch.outer(row, row) * k

    found = by_distinct_rows(rows, torch.tensor([[1, 1, 1, 2]]), 2, both)
    assert sorted(seen) == [([1.0, 2.0], 1), ([1.0, 2.0], 2), ([3.0, 1.0], 1)]
    expected = [[[1, 2], [2, 4]], [[9, 3], [3, 1]], [[1, 2], [2, 4]], [[2, 4], [4, 8]]]
    assert found.tolist() == [expected] and found.dtype == torch.float64
    one = by_distinct_rows(rows, torch.tensor(3), 1, lambda row, k: row * k)
    assert torch.equal(one, 3 * rows.double())


def test_long_joint_laws_and_coarse_meshes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    told = r"^joint inclusion takes at most 4096 units, found 4097: it is n\^2 numbers$"
    with pytest.raises(ValueError, match=told):
        joint_inclusion_by_rows(ExponentialRanks, torch.ones(1, 4097), torch.tensor(1))
    monkeypatch.setattr(order_quadrature, "MOST_JOINT_UNITS", 2)
    assert joint_inclusion_by_rows(ExponentialRanks, torch.ones(3, 2), torch.tensor(1)).shape == (3, 2, 2)
    monkeypatch.setattr(order_quadrature, "_MOST_REFINEMENTS", 1)
    told = r"^the quadrature for 3 units at k=2 did not converge in 1 refinements$"
    with pytest.raises(ArithmeticError, match=told):
        inclusion_by_rows(
            ExponentialRanks, torch.ones(4).cumsum(0).masked_fill(torch.arange(4) == 0, 0), torch.tensor(2)
        )


class Counted(ExponentialRanks):
    """Counts the times at which the ranks are asked for."""

    times = 0

    def at(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        Counted.times += len(x)
        return super().at(x)


def test_some_eighty_nodes_suffice() -> None:
    rates = torch.logspace(-2, 1, 100, dtype=torch.float64)
    Counted.times = 0
    inclusion_by_rows(Counted, rates, torch.tensor(50))
    # Beside the nodes: twelve rounds of 5 times for the centre, 1 at the middle, at most 2 * 60 probes.
    assert Counted.times <= 80 + 60 + 1 + 120


class Scripted:
    """Stands for a race whose integral comes out as one of these numbers at every level."""

    middle = torch.ones(1, dtype=torch.float64)

    def __init__(self, values: Sequence[float]) -> None:
        self.values = torch.tensor(values, dtype=torch.float64)

    def mesh(self, level: int) -> tuple[Tensor, Tensor, float]:
        return self.values[level : level + 1], self.middle, 0.0

    def terms(self, nodes: Tensor, weights: Tensor) -> Iterator[Terms]:
        yield Terms(lifted=nodes, late=weights, whole=weights, factor=weights)

    def restored(self, value: Tensor) -> Tensor:
        return value


@pytest.mark.parametrize(
    ("start", "changes", "level"),
    [
        (2.0**-10, [2**30, 0.5], 2),  # in units of 2^-30; the first level agrees with nothing
        (2.0**-40, [2**30, 0.5], 2),
        (0.5, [1.0, 0.25], 1),
        (0.5, [1.5, 0.25], 2),  # absolute below 1
        (4.0, [2.0, 0.25], 1),  # relative above
        (4.0, [4.5, 0.25], 2),
    ],
)
def test_the_mesh_is_refined_until_two_levels_agree(
    start: float, changes: list[float], level: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert order_quadrature._AGREE == 1e-9
    monkeypatch.setattr(order_quadrature, "_AGREE", 2.0**-30)
    values = [start, *(start + sum(changes[: place + 1]) * 2.0**-30 for place in range(2))]
    assert _refined(Scripted(values), lambda points: points.lifted).tolist() == [values[level]]


def test_joint_inclusion_is_never_negative() -> None:
    """Two units that meet with a probability near 1e-15: the error of the integral is of that order, relatively."""
    rates = torch.tensor([1e15, 1.0, 2.0, 3.0], dtype=torch.float64)
    assert (joint_inclusion_by_rows(UniformRanks, rates, torch.tensor(2)) >= 0).all()
