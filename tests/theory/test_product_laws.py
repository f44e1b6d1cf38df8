"""The laws of product form: against second definitions, known values, and what their probes would notice."""

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction

import numpy
import pytest
import torch
from hypothesis import assume, example, given
from hypothesis import strategies as st
from torch import Tensor

from amss_min.designs import product_form
from amss_min.designs.base import WORD
from amss_min.designs.conditional_poisson import ConditionalPoisson
from amss_min.designs.sampford import Sampford
from tests.assertions import assert_is_law
from tests.strategies import inclusion_of_whole_sum, sizes_and_count
from theory import enumeration, moments, precise
from theory.enumeration import Law
from theory.product_laws import conditional_poisson_law, maximum_entropy_weights, sampford_law
from theory.product_pieces import product_law, product_pieces, share_error

TARGET = [Fraction(tenths, 10) for tenths in (1, 2, 3, 4, 4, 6)]
GRADIENT = [Fraction(tenths, 10) for tenths in (3, -5, 9, 12, -10, 20)]


def entropy(law: Law) -> Fraction:
    return precise.entropy(list(law.values()))


@given(sizes_and_count())
def test_conditional_poisson_is_poisson_sampling_given_its_size(case: tuple[list[Fraction], int]) -> None:
    weights, k = case
    size = min(k, sum(weight > 0 for weight in weights))
    law = conditional_poisson_law(weights, k)
    assert_is_law(law, len(weights))
    poisson = enumeration.poisson_law([weight / (1 + weight) for weight in weights])
    right_size = {mask: probability for mask, probability in poisson.items() if sum(mask) == size}
    total = sum(right_size.values())
    assert law == {mask: probability / total for mask, probability in right_size.items()}


@given(sizes_and_count(5), st.data())
def test_an_infinite_weight_is_a_unit_that_is_always_drawn(
    case: tuple[list[Fraction], int], data: st.DataObject
) -> None:
    weights, k = case
    at = data.draw(st.integers(0, len(weights)))
    law = conditional_poisson_law([*weights[:at], math.inf, *weights[at:]], k + 1)
    assert law == {(*m[:at], True, *m[at:]): p for m, p in conditional_poisson_law(weights, k).items()}


def test_more_certain_units_than_places_are_refused() -> None:
    with pytest.raises(ValueError, match="at most k=1 weights can be infinite, found 2"):
        conditional_poisson_law([math.inf, Fraction(1), math.inf], 1)


@given(inclusion_of_whole_sum())
@example([Fraction(1), Fraction(0), Fraction(1)])
@example([Fraction(1), Fraction(1, 2), Fraction(0), Fraction(1, 2)])
def test_sampford_has_exactly_the_inclusion_given(pi: list[Fraction]) -> None:
    law = sampford_law(pi, int(sum(pi)))
    assert_is_law(law, len(pi))
    assert moments.inclusion(law) == pi
    assert {sum(mask) for mask in law} == {sum(pi)}


@given(inclusion_of_whole_sum(5))
def test_sampford_is_its_procedure_of_draws_that_are_repeated_until_no_unit_comes_twice(pi: list[Fraction]) -> None:
    # The first of k draws by pi / k, the others by pi / (1 - pi) with replacement: all orders of distinct units.
    assume(max(pi) < 1)
    k = int(sum(pi))
    procedure: dict[frozenset[int], Fraction] = {}
    for first, *rest in itertools.permutations(range(len(pi)), k):
        chance = math.prod((pi[unit] / (1 - pi[unit]) for unit in rest), start=pi[first])
        if chance > 0:
            members = frozenset((first, *rest))
            procedure[members] = procedure.get(members, Fraction(0)) + chance
    total = sum(procedure.values())
    masks = {tuple(unit in members for unit in range(len(pi))): p / total for members, p in procedure.items()}
    assert sampford_law(pi, k) == masks


@pytest.mark.parametrize("pi", [[Fraction(1, 2)] * 3, [Fraction(3, 2), Fraction(1, 2)]])
def test_sampford_refuses_what_is_no_inclusion(pi: list[Fraction]) -> None:
    with pytest.raises(ValueError, match=r"must be in \[0, 1\] with sum k=2, found"):
        sampford_law(pi, 2)


@given(inclusion_of_whole_sum())
@example([Fraction(1), Fraction(0), Fraction(1)])
@example([Fraction(2**40 - 1, 2**40), Fraction(1, 2**40)])
@example([1 - Fraction(3, 2**40), Fraction(1, 2**40), Fraction(1, 2**39), Fraction(1, 2), Fraction(1, 2)])
def test_maximum_entropy_weights_give_the_inclusion_and_more_entropy_than_any_other_design(pi: list[Fraction]) -> None:
    k = int(sum(pi))
    weights = maximum_entropy_weights(pi, k)
    law = conditional_poisson_law(weights, k)
    for found, wanted in zip(moments.inclusion(law), pi, strict=True):
        assert abs(found - wanted) <= min(wanted, 1 - wanted) / 10**49  # a digit for the decimals
    # Inclusion off by 10^-49 moves the entropy by no more than that times log w, which is below 100.
    for other in (sampford_law(pi, k), enumeration.systematic_law(pi), enumeration.systematic_law(pi[::-1])):
        assert entropy(law) >= entropy(other) - Fraction(1, 10**45)


def test_values_at_the_known_target() -> None:
    # theory: entropies 2.4042 and 2.4041, least joint inclusion .0088 and .0084, variances of the sum 10.17, largest
    # eigenvalues of the covariance 3.137 and 3.145.
    found = []
    for law in (conditional_poisson_law(maximum_entropy_weights(TARGET, 2), 2), sampford_law(TARGET, 2)):
        joint = moments.joint_inclusion(law)
        scaled = [g / pi for g, pi in zip(GRADIENT, TARGET, strict=True)]
        covariance = [
            [float(a * b * (joint[i][j] - joint[i][i] * joint[j][j])) for j, b in enumerate(scaled)]
            for i, a in enumerate(scaled)
        ]
        found.append(
            (
                round(float(entropy(law)), 4),
                round(float(min(map(min, joint))), 4),
                round(float(moments.horvitz_thompson_variance(joint, GRADIENT)), 2),
                round(float(numpy.linalg.eigvalsh(numpy.array(covariance))[-1]), 3),
            )
        )
    assert found == [(2.4042, 0.0088, 10.17, 3.137), (2.4041, 0.0084, 10.17, 3.145)]


@pytest.mark.parametrize("design", [ConditionalPoisson(), Sampford()], ids=repr)
def test_probes_stand_on_both_sides_of_every_threshold(design: ConditionalPoisson | Sampford) -> None:
    p = torch.tensor([0.1, 0.2, 0.3, 0.4, 0.4, 0.6, 0.0], dtype=torch.float64)
    pieces = product_pieces(design, p, 3)
    assert {piece.mask: piece.probability for piece in pieces} == product_law(design, p, 3)
    sides: dict[tuple[bool, ...], dict[bool, int]] = {}
    for piece in pieces:
        near, far = piece.probes
        assert far == tuple(0 if drawn else WORD - 1 for drawn in piece.mask)
        for unit, drawn in enumerate(piece.mask):
            at = sides.setdefault(piece.mask[:unit], {})
            assert at.setdefault(drawn, near[unit]) == near[unit]
    forked = [both for both in sides.values() if len(both) == 2]
    assert len(forked) == len(pieces) - 1  # a binary tree with one leaf a mask
    for both in forked:
        below, above = both[True], both[False]
        assert 0 < above - below <= 2 * share_error(7) * min(above, WORD - below) + 4
    for both in sides.values():
        if len(both) == 1:
            assert both in ({True: WORD - 1}, {False: 0})


@pytest.mark.parametrize("design", [ConditionalPoisson(), Sampford()], ids=repr)
@pytest.mark.parametrize("sizes", [[1.0, 2.0, 3.0, 4.0, 2.0], [1.0, 2e-9, 1e-9, 1.0, 0.5]])
def test_a_threshold_off_by_a_hundred_roundings_is_noticed(
    design: ConditionalPoisson | Sampford, sizes: Sequence[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    p = torch.tensor(sizes, dtype=torch.float64)
    pieces = product_pieces(design, p, 2)
    words = torch.tensor([probe for piece in pieces for probe in piece.probes])
    expected = [list(piece.mask) for piece in pieces for _ in piece.probes]
    assert design.select(p.expand(len(words), -1), 2, words).drawn.tolist() == expected
    exact = product_form.threshold

    def off(inside: Tensor, outside: Tensor, must: Tensor) -> Tensor:
        return exact(inside * (1 + 100 * 2.0**-53), outside, must)

    monkeypatch.setattr(product_form, "threshold", off)
    assert design.select(p.expand(len(words), -1), 2, words).drawn.tolist() != expected
