"""Joint inclusion probabilities, against the laws summed subset by subset in rationals."""

import itertools
from fractions import Fraction

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from torch import Tensor

from amss_min.designs import Design, Poisson, SimpleRandom, Systematic, TopK
from amss_min.designs.pivotal import Pivotal
from theory import enumeration, moments, pivotal_laws
from theory.enumeration import Law
from theory.readings import grid_inclusion
from theory.rounding import ROUNDING

TARGET = torch.tensor([0.1, 0.2, 0.3, 0.4, 0.4, 0.6], dtype=torch.float64)
GRADIENT = torch.tensor([0.3, -0.5, 0.9, 1.2, -1.0, 2.0], dtype=torch.float64)
SIZES = st.lists(st.one_of(st.integers(0, 5).map(float), st.floats(1e-300, 1e300)), min_size=1, max_size=8)
FIXED = Systematic(random_order=False)
ORDERED, TREE = Pivotal("ordered"), Pivotal("tree")
IN_RANDOM_ORDER: list[Design] = [Systematic(), Pivotal()]
DESIGNS: list[Design] = [TopK(), SimpleRandom(), Poisson(), FIXED, ORDERED, TREE, *IN_RANDOM_ORDER]


def law_of(design: Design, p: Tensor, k: int) -> Law:
    """The law by definition; beyond five units a random order is averaged here."""
    n = len(p)
    if isinstance(design, TopK):
        return enumeration.top_k_law([Fraction(size) for size in p.tolist()], k)
    if isinstance(design, SimpleRandom):
        return enumeration.simple_random_law([Fraction(size) for size in p.tolist()], k)
    assert isinstance(design, Poisson | Systematic | Pivotal)
    pi = grid_inclusion(design, p, k)
    if isinstance(design, Poisson):
        return enumeration.poisson_law(pi)
    if isinstance(design, Pivotal) and design.order == "tree":
        return pivotal_laws.pivotal_law(pi, pivotal_laws.tree(n))
    orders = list(itertools.permutations(range(n))) if design in IN_RANDOM_ORDER else [None]
    if isinstance(design, Systematic):
        return enumeration.mixture([enumeration.systematic_law(pi, order) for order in orders])
    return enumeration.mixture([pivotal_laws.pivotal_law(pi, pivotal_laws.row(n), order) for order in orders])


def roundings(design: Design, n: int) -> int:
    """The roundings of one entry, relative, as the docstrings derive them."""
    if isinstance(design, Pivotal):
        # The mean over n! <= 720 orders rounds once a term and in its quotient, and with its mirror image once more.
        return 4 * (n + 2) + (722 if design.order == "random" else 0)
    # Systematic in a fixed order and top-k round nothing; the mean of 720 whole numbers rounds in its quotient, and
    # equals its mirror image.
    return 0 if design is FIXED or isinstance(design, TopK) else 1


def assert_joint(design: Design, p: Tensor, k: int) -> None:
    found = design.joint_inclusion(p, k)
    assert found.dtype == torch.float64 and found.shape == (*p.shape, len(p))
    law = moments.joint_inclusion(law_of(design, p, k))
    for (i, row), j in itertools.product(enumerate(law), range(len(p))):
        got = Fraction(float(found[i, j]))
        assert abs(got - row[j]) <= roundings(design, len(p)) * ROUNDING * row[j], (i, j, float(got), float(row[j]))


@pytest.mark.parametrize("design", [d for d in DESIGNS if d not in IN_RANDOM_ORDER], ids=repr)
@given(sizes=SIZES, k=st.integers(1, 8))
@example(sizes=[0.0, 8.0, 8.0, 1.0, 1.0, 0.0, 8.0], k=4)
@example(sizes=[1.0, 1.0, 1.0, 1.0], k=2)
@example(sizes=[1.0, 1e-300, 0.5], k=2)
@example(sizes=[3.0, 3.0, 3.0], k=3)
@example(sizes=[2.0], k=1)
def test_it_is_that_of_the_law(design: Design, sizes: list[float], k: int) -> None:
    assert_joint(design, torch.tensor(sizes, dtype=torch.float64), k)


@pytest.mark.parametrize("design", IN_RANDOM_ORDER, ids=repr)
@given(sizes=SIZES.map(lambda sizes: sizes[:4]), k=st.integers(1, 4))
def test_in_random_order_it_is_that_of_the_mean_law(design: Design, sizes: list[float], k: int) -> None:
    assert_joint(design, torch.tensor(sizes, dtype=torch.float64), k)


@pytest.mark.parametrize("design", IN_RANDOM_ORDER, ids=repr)
def test_in_random_order_it_is_known_up_to_six_units(design: Design) -> None:
    assert_joint(design, TARGET, 2)
    with pytest.raises(NotImplementedError, match="all n! orders, at most 6 units, found n=7"):
        design.joint_inclusion(torch.ones(7), 2)


@pytest.mark.parametrize("design", [d for d in DESIGNS if d.fixed_size], ids=repr)
@given(sizes=SIZES, k=st.integers(1, 8))
def test_rows_sum_to_k_times_pi(design: Design, sizes: list[float], k: int) -> None:
    p = torch.tensor(sizes[:5] if design in IN_RANDOM_ORDER else sizes, dtype=torch.float64)
    n, positive = len(p), int((p > 0).sum())
    joint, pi = design.joint_inclusion(p, k), design.inclusion(p, k)
    # One more rounding a term for the sum, one for its multiple of pi, one for k / n_plus.
    error = (roundings(design, n) + n + 2) * 2.0**-53 * min(k, positive) * pi
    assert ((joint.sum(-1) - min(k, positive) * pi).abs() <= error).all()
    assert torch.equal(joint, joint.mT)
    assert torch.equal(joint.diagonal(), pi)


@pytest.mark.parametrize("design", [ORDERED, TREE], ids=repr)
@pytest.mark.parametrize("n", [63, 300])
def test_long_rows_sum_to_k_times_pi(design: Design, n: int) -> None:
    p = torch.rand(n, dtype=torch.float64, generator=torch.Generator().manual_seed(n)) ** 4
    joint, pi = design.joint_inclusion(p, n // 3), design.inclusion(p, n // 3)
    error = (roundings(design, n) + n + 2) * 2.0**-53 * (n // 3) * pi
    assert ((joint.sum(-1) - n // 3 * pi).abs() <= error).all()
    product = pi.unsqueeze(-1) * pi
    slack = (roundings(design, n) + 1) * 2.0**-53 * product
    assert (joint - product <= slack)[~torch.eye(n, dtype=torch.bool)].all()


@pytest.mark.parametrize(
    ("design", "smallest", "largest_covariance", "variance"),
    [
        (FIXED, 0.0, 0.16, 20.71),
        (Systematic(), 0.0067, -0.0133, 10.06),
        (ORDERED, 0.0, 0.0, 13.01),
        (TREE, 0.0, 0.0, 13.01),
        (Pivotal(), 0.0084, -0.0116, 10.12),
        (Poisson(), 0.02, 0.0, 10.03),
    ],
    ids=repr,
)
def test_the_known_values(design: Design, smallest: float, largest_covariance: float, variance: float) -> None:
    """pi = (.1, .2, .3, .4, .4, .6): smallest pi_ij, largest pi_ij - pi_i pi_j, Var(sum) of a gradient."""
    joint, pi = design.joint_inclusion(TARGET, 2), design.inclusion(TARGET, 2)
    covariance = joint - pi.unsqueeze(-1) * pi
    apart = ~torch.eye(6, dtype=torch.bool)
    assert round(float(joint[apart].min()), 4) == smallest
    assert round(float(covariance[apart].max()), 4) == largest_covariance
    form = GRADIENT / pi
    assert round(float(form @ covariance @ form), 2) == variance


@pytest.mark.parametrize("design", DESIGNS, ids=repr)
def test_batched_rows_are_the_single_rows(design: Design) -> None:
    p = torch.rand(2, 3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    p[0, 1, 2:] = 0
    p[1, 2] = 0
    k = torch.tensor([[1, 4, 3], [5, 2, 3]])
    whole = design.joint_inclusion(p, k)
    assert whole.shape == (2, 3, 5, 5)
    for row in itertools.product(range(2), range(3)):
        assert torch.equal(whole[row], design.joint_inclusion(p[row], int(k[row])))
    assert not whole[1, 2].any()
