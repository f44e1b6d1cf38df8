"""Duels in integers, against Python's integers and fractions."""

from fractions import Fraction

import pytest
import torch

from amss_min.designs.duels import below, chances, values
from amss_min.designs.fixed_point import ONE
from amss_min.designs.pivotal import Pivotal
from theory import moments, pivotal_laws

HALF, QUARTER = ONE // 2, ONE // 4


def test_the_survivor_of_a_group_is_worth_what_is_left_of_a_whole() -> None:
    totals = [0, 1, QUARTER, ONE - 1, ONE, ONE + 1, 2 * ONE - 1, 2 * ONE, 2**60 + 3]
    worth = [0, 1, QUARTER, ONE - 1, ONE, 1, ONE - 1, ONE, 3]
    assert values(torch.tensor(totals)).tolist() == worth


@pytest.mark.parametrize(
    ("first", "second", "a", "m", "drawn"),
    [
        (QUARTER, HALF, QUARTER, 3 * QUARTER, False),
        (HALF, HALF, HALF, ONE, False),
        (3 * QUARTER, HALF, QUARTER, 3 * QUARTER, True),
        (HALF, 3 * QUARTER, HALF, 3 * QUARTER, True),
        (ONE, 1, 0, ONE - 1, True),
        (ONE, 0, ONE, ONE, False),
        (0, ONE, 0, ONE, False),
        (1, ONE, ONE - 1, ONE - 1, True),
        (0, 0, 0, 0, False),
        (ONE, ONE, 0, 0, True),
    ],
)
def test_chances_of_a_duel(first: int, second: int, a: int, m: int, drawn: bool) -> None:
    found = chances(torch.tensor([first]), torch.tensor([second]))
    assert [value.tolist() for value in found] == [[a], [m], [drawn]]


def test_below_compares_exactly() -> None:
    """floor(word m / 2^62) < a, with operands that fill every limb, against integers of any length."""
    edges = [2**21 - 1, 2**21, 2**42 - 1, 2**42, 2**42 + 2**21 - 1, 2**61 + 2**41 + 5, 2**62 - 1, 0, 1]
    ratios = [(1, 3), (2, 3), (1, 2**41), (2**41 - 1, 2**41), (2**40 // 3, 2**40), (12345678901, 2**41 - 7), (0, 5)]
    for a, m in [*ratios, (5, 5), (2**41, 2**41)]:
        last = -(-a * 2**62 // m) - 1  # the largest word that is below, if any is
        words = sorted({*edges, *(min(max(last + step, 0), 2**62 - 1) for step in (-1, 0, 1))})
        found = below(torch.tensor(words), torch.tensor(a), torch.tensor(m)).tolist()
        assert found == [word * m // 2**62 < a for word in words]
        assert found == [word <= last for word in words]


def test_orders_are_refused_by_name() -> None:
    listed = r"\('random', 'ordered', 'tree'\)"
    told = rf"^the order of pivotal sampling must be one of {listed}, found 'trees': is it 'tree'\?$"
    with pytest.raises(ValueError, match=told):
        Pivotal("trees")
    told = rf"^the order of pivotal sampling must be one of {listed}, found 7: is it 'random' or 'ordered' or 'tree'\?$"
    with pytest.raises(ValueError, match=told):
        Pivotal(7)
    assert Pivotal().order == "random"


def test_a_unit_of_the_last_place_takes_part() -> None:
    p = torch.tensor([1e-300, 0.0, 1.0, 1.0, 1.0], dtype=torch.float64)
    r = Pivotal().fixed_point(p, 2).tolist()
    assert r[:2] == [1, 0]
    for order, seats in (("ordered", pivotal_laws.row(5)), ("tree", pivotal_laws.tree(5))):
        law = pivotal_laws.pivotal_law([Fraction(value, ONE) for value in r], seats)
        found = Pivotal(order=order).joint_inclusion(p, 2)[0].tolist()
        for value, expected in zip(found, moments.joint_inclusion(law)[0], strict=True):
            assert abs(Fraction(value) - expected) <= Fraction(4 * (5 + 2), 2**53) * expected


def test_joint_inclusion_of_long_trees() -> None:
    """Neighbours meet, so that of two halves exactly one is drawn; and row sums of any design of fixed size."""
    found = Pivotal(order="tree").joint_inclusion(torch.ones(8), 4)
    expected = [[0.5 if i == j else 0.0 if i // 2 == j // 2 else 0.25 for j in range(8)] for i in range(8)]
    assert found.tolist() == expected
    for n in range(2, 10):
        p, k = torch.arange(1.0, n + 1, dtype=torch.float64), 1 + n // 2
        pi = Pivotal().inclusion(p, k)
        for order in ("tree", "ordered"):
            joint = Pivotal(order=order).joint_inclusion(p, k)
            assert torch.equal(joint, joint.T) and torch.equal(joint.diagonal(), pi)
            # n terms, each within 4 (n + 2) roundings, and their sum.
            assert ((joint.sum(-1) - k * pi).abs() <= (5 * n + 8) * 2.0**-53 * k * pi).all()
