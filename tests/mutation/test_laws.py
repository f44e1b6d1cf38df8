"""The law of production draws, word by word, and its joint inclusion, against laws written from the definitions."""

from collections.abc import Callable
from fractions import Fraction

import pytest
import torch
from torch import Tensor

from amss_min.designs import Design, Poisson, SimpleRandom, Systematic, TopK
from amss_min.designs.fixed_point import ONE, FixedPointDesign
from amss_min.designs.pivotal import Pivotal
from amss_min.weightings import Indicator
from theory import enumeration, moments, pivotal_laws, readings
from theory.enumeration import Law

# No pair sums to a whole, and the unit of size zero leaves the rounds of a tree other pairs than a row.
SIZES = torch.tensor([0.0, 0.15, 0.4, 0.2, 0.25], dtype=torch.float64)
MAKERS: dict[str, Callable[[], Design]] = {
    "TopK": TopK,
    "SimpleRandom": SimpleRandom,
    "Poisson": Poisson,
    "Systematic": Systematic,
    "Systematic in fixed order": lambda: Systematic(random_order=False),
    "Pivotal": Pivotal,
    "Pivotal in fixed order": lambda: Pivotal(order="ordered"),
    "Pivotal in a tree": lambda: Pivotal(order="tree"),
}
ROUNDINGS = {"Systematic": 10, "Pivotal": 40, "Pivotal in fixed order": 28, "Pivotal in a tree": 28}
"""Of joint inclusion: 4 (n + 2) for duels (`duel_joint_inclusion`), 10 more for the mean of 120 orders, otherwise 1."""


def exact_law(name: str, sizes: Tensor, k: int) -> Law:
    rational = [Fraction(size) for size in sizes.tolist()]
    if name == "TopK":
        return enumeration.top_k_law(rational, k)
    if name == "SimpleRandom":
        return enumeration.simple_random_law(rational, k)
    pi = [Fraction(r, ONE) for r in Poisson().fixed_point(sizes, k).tolist()]
    if name == "Poisson":
        return enumeration.poisson_law(pi)
    if name == "Systematic":
        return enumeration.random_order_systematic_law(pi)
    if name == "Systematic in fixed order":
        return enumeration.systematic_law(pi)
    if name == "Pivotal":
        return pivotal_laws.random_order_pivotal_law(pi)
    return pivotal_laws.pivotal_law(pi, pivotal_laws.tree(5) if name == "Pivotal in a tree" else pivotal_laws.row(5))


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("name", MAKERS)
def test_every_piece_of_the_words_gives_the_mask_of_the_definition(name: str, k: int) -> None:
    design = MAKERS[name]()
    for sizes in (SIZES, SIZES[1:4]):
        n = len(sizes)
        orders = [tuple(unit for unit in order if unit < n) for order in ((4, 2, 0, 3, 1), (3, 4, 1, 0, 2))]
        for reading in readings.readings(design, Indicator(), sizes, k, orders):
            assert reading.wrong == []


@pytest.mark.parametrize("name", MAKERS)
def test_a_draw_states_the_inclusion_of_its_law(name: str) -> None:
    design = MAKERS[name]()
    p = torch.stack([SIZES, SIZES.flip(0), torch.zeros(5, dtype=torch.float64)])
    k = torch.tensor([2, 3, 1])
    words = torch.randint(2**62, (3, design.slots(5)), generator=torch.Generator().manual_seed(3))
    draw = design.select(p, k, words)
    assert draw.pi is not None and draw.pi.dtype == torch.float64
    assert torch.equal(draw.pi, design.inclusion(p, k))
    for row in range(2):
        law = exact_law(name, p[row], int(k[row]))
        assert draw.pi[row].tolist() == [float(value) for value in moments.inclusion(law)]
    assert torch.equal(draw.q, torch.stack([p[0] / p[0].sum(), p[1] / p[1].sum(), p[2]]))
    assert draw.k.tolist() == [2, 3, 0] and draw.design is design
    for row in range(3):
        assert torch.equal(design.select(p[row], int(k[row]), words[row]).drawn, draw.drawn[row])


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("name", MAKERS)
def test_joint_inclusion_is_that_of_the_law(name: str, k: int) -> None:
    design = MAKERS[name]()
    p = torch.stack([SIZES, SIZES.flip(0), torch.zeros(5, dtype=torch.float64)])
    counts = torch.tensor([k, 2, 1])
    with torch.device("meta"):  # which must not matter, see test_base.py
        found = design.joint_inclusion(p, counts)
    assert found.shape == (3, 5, 5) and found.dtype == torch.float64
    assert not found[2].any()
    error = Fraction(ROUNDINGS.get(name, 1), 2**53)
    for row in range(2):
        exact = moments.joint_inclusion(exact_law(name, p[row], int(counts[row])))
        for mine, line in zip(found[row].tolist(), exact, strict=True):
            for value, expected in zip(mine, line, strict=True):
                assert abs(Fraction(value) - expected) <= error * expected
    # A mean over orders rounds its diagonal.
    if name not in ("Pivotal", "Systematic"):
        assert torch.equal(found[0].diagonal(), design.inclusion(SIZES, k))


@pytest.mark.parametrize("name", MAKERS)
def test_one_unit_and_everything_drawn(name: str) -> None:
    design = MAKERS[name]()
    assert design.joint_inclusion(torch.ones(1), 1).tolist() == [[1.0]]
    expected = [[1.0, 0.0, 1.0], [0.0, 0.0, 0.0], [1.0, 0.0, 1.0]]
    assert design.joint_inclusion(torch.tensor([2.0, 0.0, 1.0]), 5).tolist() == expected


@pytest.mark.parametrize("make", [Systematic, Pivotal])
def test_random_orders_are_gone_through_up_to_six_units(make: Callable[[], FixedPointDesign]) -> None:
    # By symmetry k (k - 1) / (n (n - 1)) for every pair. Terms within 32 roundings, 720 of them.
    expected = torch.full((6, 6), 3 * 2 / 30, dtype=torch.float64).fill_diagonal_(0.5)
    found = make().joint_inclusion(torch.ones(6), 3)
    assert ((found - expected).abs() <= 48 * 2.0**-53 * expected).all()
    name = rf"{make.__name__}\(\)"
    told = rf"^joint inclusion of {name} must go through all n! orders, at most 6 units, found n=7$"
    with pytest.raises(NotImplementedError, match=told):
        make().joint_inclusion(torch.ones(7), 3)


def test_simple_random_sampling_counts_the_positive_units() -> None:
    p = torch.tensor([[5.0, 1.0, 0.0, 1.0], [1.0, 0.0, 0.0, 0.0], [0.0] * 4])
    found = SimpleRandom().inclusion(p, torch.tensor([2, 1, 1]))
    assert found.tolist() == [[2 / 3, 2 / 3, 0.0, 2 / 3], [1.0, 0.0, 0.0, 0.0], [0.0] * 4]
    # The largest word on a positive unit, the least on the unit of size zero.
    words = torch.tensor([2**62 - 1, 2**62 - 2, 0, 2**62 - 3])
    assert SimpleRandom().select(p[0], 3, words).drawn.tolist() == [True, True, False, True]


def test_top_k_ranks_by_size_and_index() -> None:
    p = torch.tensor([[1.0, 2.0, 2.0, 2.0], [0.0, 1e-300, 1e300, 0.0]], dtype=torch.float64)
    draw = TopK().select(p, torch.tensor([2, 3]), torch.zeros(2, 0, dtype=torch.int64))
    assert draw.drawn.tolist() == [[False, True, True, False], [False, True, True, False]]
    assert TopK().inclusion(p, torch.tensor([2, 3])).tolist() == [[0.0, 1.0, 1.0, 0.0]] * 2
