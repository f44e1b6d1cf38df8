"""Distributions of ranks by hand, and meshes on integrals that are known."""

import math
from fractions import Fraction

import pytest
import torch

from amss_min.designs.order_ranks import ExponentialRanks, ParetoRanks, Ranks, UniformRanks

RATES = torch.tensor([2.0, 0.5, 1.0], dtype=torch.float64)


@pytest.mark.parametrize("family", [ExponentialRanks, ParetoRanks, UniformRanks])
def test_next_to_nothing_happens_before_low_and_after_high(family: type[Ranks]) -> None:
    ranks = family(RATES)
    assert ranks.n == 3 and torch.equal(ranks.rates, RATES)
    early, late, _ = ranks.at(torch.tensor([ranks.low, ranks.high], dtype=torch.float64))
    # Of the fastest and of the slowest: an exponent of 50 is rounded to 2^-48.
    assert float(early[0].max()) == pytest.approx(math.exp(-50), rel=2**-46, abs=0)
    assert float(ranks.at(torch.tensor([ranks.high - 0.01], dtype=torch.float64))[1].max()) > math.exp(-50)
    last = {ExponentialRanks: math.exp(-50), ParetoRanks: 1 / (1 + math.exp(50)), UniformRanks: 0.0}[family]
    assert float(late[1].max()) == pytest.approx(last, rel=2**-40, abs=2**-52 if family is UniformRanks else 0)


@pytest.mark.parametrize("family", [ExponentialRanks, ParetoRanks, UniformRanks])
def test_distributions_by_hand(family: type[Ranks]) -> None:
    times = [2.0, 0.25, 1e-20, 0.5]
    early, late, density = family(RATES).at(torch.tensor(times, dtype=torch.float64).log())
    for row, time in enumerate(times):
        for unit, rate in enumerate(RATES.tolist()):
            y = rate * time
            if family is ExponentialRanks:
                expected = [-math.expm1(-y), math.exp(-y), y * math.exp(-y)]
            elif family is ParetoRanks:
                expected = [y / (1 + y), 1 / (1 + y), y / (1 + y) ** 2]
            else:
                expected = [min(y, 1.0), max(1 - y, 0.0), y if y < 1 else 0.0]
            if family is UniformRanks and y == 1:
                continue  # where rounding decides on which side of the kink it is
            found = [float(part[row, unit]) for part in (early, late, density)]
            # The time is the exponential of a logarithm of at most 47, rounded to 2^-48.
            assert found == pytest.approx(expected, rel=2**-45, abs=0)


@pytest.mark.parametrize("family", [ExponentialRanks, ParetoRanks, UniformRanks])
def test_scaled_rates(family: type[Ranks]) -> None:
    scaled = family(RATES).scaled(4.0)
    assert type(scaled) is family and scaled.rates.tolist() == [8.0, 2.0, 4.0]


@pytest.mark.parametrize("width", [0.2, 0.3, 0.37, 0.11, 5.0])
def test_the_trapezoid_rule_halves_its_step(width: float) -> None:
    ranks = ExponentialRanks(RATES)
    left, right, coarsest = -6.1, 7.3, 0.9 * min(0.5, width)
    everything: list[float] = []
    with torch.device("meta"):
        meshes = [ranks.mesh(left, right, width, level) for level in range(4)]
    for level, (nodes, weights, kept) in enumerate(meshes):
        step = float(weights[0])
        assert kept == (0.5 if level else 0.0) and (weights == step).all()
        whole = step * 2**level
        # 8 bits of a step: below it by at most one part in 2^7, and all nodes are whole multiples of the step.
        assert coarsest * (1 - 2**-7) < whole <= coarsest
        assert Fraction(math.frexp(step)[0]) * 2**8 % 1 == 0
        everything = sorted({*everything, *nodes.tolist()})
        assert len(everything) == sum(len(mesh[0]) for mesh in meshes[: level + 1])
        assert [Fraction(node) / Fraction(step) for node in everything] == list(
            range(round(everything[0] / step), round(everything[0] / step) + len(everything))
        )
        assert left - whole < everything[0] <= left
        assert right <= everything[-1] < right + 2 * whole


def test_panels_integrate_polynomials_between_kinks() -> None:
    """Weights are for dx = dt / t. Kinks of F at 1/2, 1 and 2; two nodes at least are exact up to t^3, then t^7."""
    first, last = 0.3, 2.7
    meshes = [UniformRanks(RATES).mesh(math.log(first), math.log(last), 0.7, level) for level in (0, 1)]
    for (x, weights, kept), degree in zip(meshes, (3, 7), strict=True):
        t = x.exp()
        assert kept == 0.0 and t.min() > first and t.max() < last
        for power in range(degree + 1):
            # Sums of some 50 terms, each rounded a few times.
            exact = (last ** (power + 1) - first ** (power + 1)) / (power + 1)
            assert float((weights * t * t**power).sum()) == pytest.approx(exact, rel=2**-45, abs=0)
        for kink in (0.5, 1.0, 2.0):
            exact = ((last - kink) ** 2 + (kink - first) ** 2) / 2
            assert float((weights * t * (t - kink).abs()).sum()) == pytest.approx(exact, rel=2**-45, abs=0)


@pytest.mark.parametrize(
    ("kinks", "width", "count"),
    [
        ([10.0], 0.5, 4 * 5),  # two panels from 1/2 to 1, and two in log t to 2.4
        ([0.1], 0.5, 4 * 5),
        ([0.5, 2.4], 0.5, 4 * 5),
        ([10.0], 3.0, 2 * 5),  # panels of at most 1
        ([0.505], 0.5, 4 * 5 + 2),  # a panel of 1/100 of a width
        ([0.53], 0.5, 4 * 5 + 3),  # of 6/100
        ([0.6], 0.5, 5 * 5),
        ([0.5 + 0.5 / 50.5], 0.5, 4 * 5 + 2),  # next to the bound of 1/50
        ([0.5625], 0.5, 4 * 5 + 3),  # at the bound of 1/8
        ([2.26], 0.5, 4 * 5 + 3),  # after 1 a width is one of log t
        ([2.2], 0.5, 5 * 5),
        ([0.6, 0.6, 0.6], 0.5, 5 * 5),  # one kink for three units
    ],
)
def test_panels_take_the_nodes_that_they_need(kinks: list[float], width: float, count: int) -> None:
    ranks = UniformRanks(1 / torch.tensor(kinks, dtype=torch.float64))
    for level in (0, 1, 2):
        nodes, weights, _ = ranks.mesh(math.log(0.5), math.log(2.4), width, level)
        assert len(nodes) == len(weights) == count * 2**level


def test_panels_are_at_most_one_wide() -> None:
    """A panel before 1, and three of log t after it, to 20."""
    nodes, _, _ = UniformRanks(torch.tensor([1e-6], dtype=torch.float64)).mesh(math.log(0.5), math.log(20), 9.0, 0)
    assert len(nodes) == 4 * 5
