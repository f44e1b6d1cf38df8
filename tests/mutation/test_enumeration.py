"""Laws worked out by hand, in rationals."""

import itertools
import math
from fractions import Fraction

import pytest

from theory import enumeration
from theory.enumeration import Mask


def mask(text: str) -> Mask:
    return tuple(letter == "1" for letter in text)


def law(**probabilities: str) -> dict[Mask, Fraction]:
    """law(_110="1/2") is the mask 110 with probability 1/2."""
    return {mask(name[1:]): Fraction(value) for name, value in probabilities.items()}


def parts(*values: str) -> list[Fraction]:
    return [Fraction(value) for value in values]


def test_systematic_pieces_by_hand() -> None:
    # Ends at 1/4, 3/4, 1: the point 1 - u lies on unit 2 for starts below 1/4, then on unit 1, then on unit 0.
    found = enumeration.systematic_pieces(parts("1/4", "1/2", "1/4"))
    assert found == [
        (Fraction(0), Fraction(1, 4), mask("001")),
        (Fraction(1, 4), Fraction(3, 4), mask("010")),
        (Fraction(3, 4), Fraction(1), mask("100")),
    ]
    assert enumeration.systematic_law(parts("1/4", "1/2", "1/4")) == law(_001="1/4", _010="1/2", _100="1/4")


def test_systematic_pieces_follow_the_order() -> None:
    # Units 2, 0, 1 in a row: ends at 1/4, 1/2, 1.
    assert enumeration.systematic_pieces(parts("1/4", "1/2", "1/4"), [2, 0, 1]) == [
        (Fraction(0), Fraction(1, 2), mask("010")),
        (Fraction(1, 2), Fraction(3, 4), mask("100")),
        (Fraction(3, 4), Fraction(1), mask("001")),
    ]


def test_systematic_law_of_two_points_with_a_certain_and_an_impossible_unit() -> None:
    assert enumeration.systematic_law(parts("1/2", "1", "0", "1/2")) == law(_0101="1/2", _1100="1/2")
    assert enumeration.systematic_law(parts("1/3", "1/2")) == law(_00="1/6", _01="1/2", _10="1/3")
    assert enumeration.systematic_law([Fraction(1)]) == law(_1="1")
    assert enumeration.systematic_law(parts("2/3", "2/3", "2/3")) == law(_011="1/3", _101="1/3", _110="1/3")


def test_random_order_by_hand() -> None:
    # Of four halves the second and fourth of the row are drawn, or the first and third: two units stand at places of
    # one parity in a third of the orders.
    pairs = {
        "_" + "".join("1" if unit in pair else "0" for unit in range(4)): "1/6"
        for pair in itertools.combinations(range(4), 2)
    }
    assert enumeration.random_order_systematic_law(parts("1/2", "1/2", "1/2", "1/2")) == law(**pairs)


def test_orders_are_all_up_to_five() -> None:
    assert list(enumeration.orders(3)) == [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]
    assert len(set(enumeration.orders(5))) == math.factorial(5)
    with pytest.raises(ValueError, match=r"^all orders are enumerated up to n = 5, found n = 6: go one by one$"):
        enumeration.orders(6)


def test_a_mixture_weighs_its_laws_alike() -> None:
    mixed = enumeration.mixture([law(_10="1/2", _01="1/2"), law(_10="1"), law(_11="1/4", _01="3/4")])
    assert mixed == law(_10="1/2", _01="5/12", _11="1/12")


def test_successive_law_by_hand() -> None:
    assert enumeration.successive_law(parts("2", "1", "1"), 1) == law(_100="1/2", _010="1/4", _001="1/4")
    # 1/2 * 1/2 + 1/4 * 2/3 twice, and 1/4 * 1/3 twice.
    assert enumeration.successive_law(parts("2", "1", "1"), 2) == law(_110="5/12", _101="5/12", _011="1/6")
    assert enumeration.successive_law(parts("2", "0", "1"), 1) == law(_100="2/3", _001="1/3")
    assert enumeration.successive_law(parts("2", "0", "1"), 3) == law(_101="1")
    assert enumeration.successive_law(parts("0", "0"), 1) == law(_00="1")
    # Unit 0 is left out with 1/2 * 2/5 * 1/4, the others share the rest.
    three = enumeration.successive_law(parts("3", "1", "1", "1"), 3)
    assert three == law(_0111="1/20", _1011="19/60", _1101="19/60", _1110="19/60")


def test_simple_random_law_by_hand() -> None:
    sizes = parts("1", "0", "7", "2")
    assert enumeration.simple_random_law(sizes, 2) == law(_1010="1/3", _1001="1/3", _0011="1/3")
    assert enumeration.simple_random_law(sizes, 1) == law(_1000="1/3", _0010="1/3", _0001="1/3")
    assert enumeration.simple_random_law(sizes, 4) == law(_1011="1")


def test_poisson_law_by_hand() -> None:
    found = enumeration.poisson_law(parts("1/2", "1", "0", "1/3"))
    assert found == law(_0100="1/3", _0101="1/6", _1100="1/3", _1101="1/6")
    assert enumeration.poisson_law(parts("1/4", "3/4")) == law(_00="3/16", _01="9/16", _10="1/16", _11="3/16")
    assert isinstance(enumeration.poisson_law([])[()], Fraction)


def test_top_k_law_by_hand() -> None:
    assert enumeration.top_k_law(parts("1", "2", "1", "0"), 2) == law(_1100="1")
    assert enumeration.top_k_law(parts("1", "2", "1", "0"), 1) == law(_0100="1")
    assert enumeration.top_k_law(parts("1", "1", "3", "0"), 9) == law(_1110="1")
    assert enumeration.top_k_law(parts("0", "1", "3"), 1) == law(_001="1")
