"""The laws: probabilities that sum to 1, the inclusion probabilities asked for, and agreement of second formulas."""

import itertools
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.assertions import assert_is_law
from tests.strategies import inclusion_of_whole_sum, positive_sizes, sizes_and_count
from theory import enumeration, moments
from theory.enumeration import Mask

TARGET = [Fraction(tenths, 10) for tenths in (1, 2, 3, 4, 4, 6)]


def drawn_by_floors(pi: list[Fraction], start: Fraction) -> Mask:
    """The other definition of systematic sampling: floor(C_i + u) - floor(C_{i-1} + u)."""
    ends = [Fraction(0), *itertools.accumulate(pi)]
    return tuple((after + start) // 1 > (before + start) // 1 for before, after in itertools.pairwise(ends))


def race(sizes: list[Fraction], mask: Mask) -> Fraction:
    """P(every drawn clock rings before every other): min of the others is exponential, then inclusion-exclusion."""
    late = sum((size for size, drawn in zip(sizes, mask, strict=True) if not drawn), Fraction(0))
    early = [size for size, drawn in zip(sizes, mask, strict=True) if drawn]
    if late == 0:
        return Fraction(1)
    subsets = itertools.chain.from_iterable(itertools.combinations(early, r) for r in range(len(early) + 1))
    return sum(((-1) ** len(subset) * late / (late + sum(subset)) for subset in subsets), Fraction(0))


@given(inclusion_of_whole_sum(), st.data())
def test_systematic_sampling_has_the_probabilities_given_and_a_fixed_size(
    pi: list[Fraction], data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(len(pi))))
    law = enumeration.systematic_law(pi, order)
    assert_is_law(law, len(pi))
    assert moments.inclusion(law) == pi
    assert {sum(mask) for mask in law} == {sum(pi)}


@given(inclusion_of_whole_sum(), st.fractions(0, Fraction(99, 100)))
def test_systematic_pieces_agree_with_the_floors_at_any_start(pi: list[Fraction], start: Fraction) -> None:
    (mask,) = [mask for left, right, mask in enumeration.systematic_pieces(pi) if left <= start < right]
    assert mask == drawn_by_floors(pi, start)


def test_systematic_size_varies_where_the_sum_is_not_whole() -> None:
    law = enumeration.systematic_law([Fraction(1, 2), Fraction(1, 4)])
    quarter = Fraction(1, 4)
    assert law == {(False, False): quarter, (False, True): quarter, (True, False): 2 * quarter}


def test_random_order_is_the_mean_of_all_orders() -> None:
    pi = TARGET[1:]
    pi[-1] += Fraction(1, 10)  # .2 .3 .4 .4 .7, sum 2
    law = enumeration.random_order_systematic_law(pi)
    assert_is_law(law, 5)
    assert moments.inclusion(law) == pi
    fixed = [enumeration.systematic_law(pi, order) for order in itertools.permutations(range(5))]
    mask = next(iter(law))
    assert law[mask] == sum((one.get(mask, Fraction(0)) for one in fixed), Fraction(0)) / 120


def test_all_orders_are_refused_beyond_five_units() -> None:
    with pytest.raises(ValueError, match=r"up to n = 5, found n = 6"):
        enumeration.random_order_systematic_law(TARGET)


@given(sizes_and_count())
def test_successive_law_agrees_with_the_exponential_race(case: tuple[list[Fraction], int]) -> None:
    sizes, k = case
    law = enumeration.successive_law(sizes, k)
    assert_is_law(law, len(sizes))
    for mask, probability in law.items():
        assert probability == race(sizes, mask)


def test_successive_law_reproduces_the_known_fractions() -> None:
    pi = moments.inclusion(enumeration.successive_law(TARGET, 2))
    assert (pi[0], pi[-1]) == (Fraction(4747, 42840), Fraction(10699, 19380))


@given(positive_sizes(5), st.integers(1, 5))
def test_successive_probabilities_increase_with_size(sizes: list[Fraction], k: int) -> None:
    pi = moments.inclusion(enumeration.successive_law(sizes, k))
    ranked = sorted(range(len(sizes)), key=lambda unit: sizes[unit])
    assert all(pi[one] <= pi[other] for one, other in itertools.pairwise(ranked))


@given(sizes_and_count())
def test_simple_random_sampling_draws_every_subset_alike(case: tuple[list[Fraction], int]) -> None:
    sizes, k = case
    law = enumeration.simple_random_law(sizes, k)
    assert_is_law(law, len(sizes))
    positive = sum(size > 0 for size in sizes)
    count = min(k, positive)
    assert moments.inclusion(law) == [Fraction(count, positive) * (size > 0) for size in sizes]
    assert {sum(mask) for mask in law} == {count}


@given(inclusion_of_whole_sum())
def test_poisson_sampling_draws_units_apart(pi: list[Fraction]) -> None:
    law = enumeration.poisson_law(pi)
    assert_is_law(law, len(pi))
    joint = moments.joint_inclusion(law)
    units = range(len(pi))
    assert all(joint[i][j] == (pi[i] * pi[j] if i != j else pi[i]) for i in units for j in units)


@given(sizes_and_count())
def test_top_k_draws_the_largest(case: tuple[list[Fraction], int]) -> None:
    sizes, k = case
    ((mask, probability),) = enumeration.top_k_law(sizes, k).items()
    left_out = [size for size, drawn in zip(sizes, mask, strict=True) if not drawn]
    inside = [size for size, drawn in zip(sizes, mask, strict=True) if drawn]
    assert probability == 1
    assert len(inside) == min(k, sum(size > 0 for size in sizes))
    assert min(inside) >= max(left_out, default=Fraction(0)) and 0 not in inside


def test_top_k_gives_ties_to_the_lower_index() -> None:
    assert enumeration.top_k_law([Fraction(1), Fraction(2), Fraction(1)], 2) == {(True, True, False): 1}
