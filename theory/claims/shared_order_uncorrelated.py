r"""Tensors drawn by systematic sampling in one shared random order are uncorrelated, as with an order each.

Setting
-------
Two tensors of n units, with sizes and counts of their own. A training step draws one random order of n places for both,
and a start for each of them (`Systematic.sample_step`). B_i: unit i of the first is drawn; C_j: unit j of the second.

Claim
-----
Each tensor has the law of a draw alone, and E[B_i C_j] = pi_i pi_j for all i and j. Hence mean and covariance of a
masked gradient, its second moment too, are those of independent draws. The draws are not independent: for n = 4, k = 2
and equal sizes E[B_1 B_2 C_1 C_2] = 1/12, while pi_12^2 = 1/36.

Assumptions
-----------
Random words are uniform.

How it is checked
-----------------
Proof: a start lies below 2^40 with equal probability, so unit i is drawn on r_i of the 2^40 starts whatever the order:
P(B_i = 1 | order) = pi_i. Given the order, B and C depend on a start each, and these are independent. So
E[B_i C_j | order] = pi_i pi_j, and its mean over orders is the same.

Exact rationals, no tolerance: in all n! orders, n <= 4, production's `select_step` is called with the words at both
ends of every piece of the start, for both tensors in one call, and compared with the definition. The law is what
production drew: the mean over orders of the product of the laws of both, summed over all masks.

What would refute it
--------------------
An order that depends on the sizes or on the start; one start for both tensors; draws that are
not put back in the order of the units.

Source
------
Derived; systematic sampling, Madow 1949.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from amss_min.designs import Systematic
from amss_min.importance import SquaredGradient
from amss_min.testing import Evidence, Status
from theory import enumeration
from theory.assumptions import UNIFORM_WORDS
from theory.comparison import Comparison, departure, equality
from theory.enumeration import Law, Mask
from theory.instances import Instance, random_instances
from theory.readings import grid_inclusion, pieces_of_orders
from theory.sources import Source
from theory.verdict import Claim, Kind

_MOST_UNITS = 4
_DESIGN = Systematic()


@dataclass(frozen=True)
class Pair:
    """Two tensors of as many units that are drawn in one order."""

    one: Instance
    other: Instance

    @property
    def inputs(self) -> dict[str, Any]:
        """Both in JSON types, for a witness."""
        return {"first": self.one.inputs, "second": self.other.inputs}

    @cached_property
    def sizes(self) -> Tensor:
        """Sizes (2, n)."""
        return torch.stack([SquaredGradient(mix=0.5)(case.norms) for case in (self.one, self.other)])

    @cached_property
    def inclusion(self) -> list[list[Fraction]]:
        """The inclusion probabilities that weights divide by, of both tensors."""
        counts = (min(case.k, case.positive) for case in (self.one, self.other))
        return [grid_inclusion(_DESIGN, sizes, k) for sizes, k in zip(self.sizes, counts, strict=True)]

    @cached_property
    def drawn(self) -> tuple[list[Sequence[Law]], int]:
        """For every order the laws of both tensors as production draws them, and how many draws are not as defined."""
        orders = list(enumeration.orders(self.one.n))
        pieces = [
            pieces_of_orders(_DESIGN, sizes, case.k, orders)
            for sizes, case in zip(self.sizes, (self.one, self.other), strict=True)
        ]
        found: list[Sequence[Law]] = []
        wrong = 0
        for both in zip(*pieces, strict=True):
            asked = [(which, piece, words) for which in (0, 1) for piece in both[which] for words in piece.probes]
            rows = torch.tensor([which for which, _, _ in asked])
            counts = torch.tensor([self.one.k, self.other.k])[rows]
            keys = asked[0][2][:-1]
            words = torch.tensor([*keys, *(words[-1] for _, _, words in asked)])
            masks = map(tuple, _DESIGN.select_step(self.sizes[rows], counts, words).drawn.tolist())
            laws: list[dict[Mask, Fraction]] = [{}, {}]
            for (which, piece, _), mask in zip(asked, masks, strict=True):
                wrong += mask != piece.mask
                share = piece.probability / len(piece.probes)
                laws[which][mask] = laws[which].get(mask, Fraction(0)) + share
            found.append(laws)
        return found, wrong


def check() -> list[Evidence]:
    """The masks, the products of two units, and a product of four that shows dependence."""
    pairs = [
        Pair(one, other)
        for n in range(1, _MOST_UNITS + 1)
        for one, other in zip(
            random_instances(1949 + n, 6, fewest_units=n, most_units=n),
            random_instances(1959 + n, 6, fewest_units=n, most_units=n),
            strict=True,
        )
    ]
    scope = f"{len(pairs)} pairs of tensors, n <= {_MOST_UNITS}, all orders; proof in the claim's file"
    flat, equal = Instance("four equal units", (Fraction(1),) * 4, 2), "equal units, n = 4, k = 2, all orders"
    return [
        equality(_wrong(pairs), what="draws of production that differ from the definition", scope=scope),
        equality(_products(pairs), what="E[B_i C_j], against pi_i pi_j", scope=scope),
        equality([_fours(flat, Fraction(1, 12))], what="E[B_1 B_2 C_1 C_2], against 1/12", scope=equal),
        departure([_fours(flat, Fraction(1, 36))], what="E[B_1 B_2 C_1 C_2], against pi_12^2 = 1/36", scope=equal),
    ]


def _wrong(pairs: Sequence[Pair]) -> Iterator[Comparison]:
    for pair in pairs:
        yield Comparison(expected=Fraction(0), measured=Fraction(pair.drawn[1]), witness=pair.inputs)


def _products(pairs: Sequence[Pair]) -> Iterator[Comparison]:
    for pair in pairs:
        first, second = pair.inclusion
        for i, pi in enumerate(first):
            for j, other in enumerate(second):
                yield Comparison(
                    expected=pi * other,
                    measured=_probability(pair, [i], [j]),
                    witness={**pair.inputs, "units": [i, j]},
                )


def _fours(case: Instance, expected: Fraction) -> Comparison:
    pair = Pair(case, case)
    return Comparison(expected=expected, measured=_probability(pair, [0, 1], [0, 1]), witness=pair.inputs)


def _probability(pair: Pair, first: Sequence[int], second: Sequence[int]) -> Fraction:
    """P(all these units of the first tensor and all those of the second are drawn), the mean over orders."""
    laws, _ = pair.drawn
    products = (_share(one, first) * _share(other, second) for one, other in laws)
    return sum(products, Fraction(0)) / len(laws)


def _share(law: Law, units: Sequence[int]) -> Fraction:
    return sum((probability for mask, probability in law.items() if all(mask[unit] for unit in units)), Fraction(0))


CLAIM = Claim(
    id="shared-order-uncorrelated",
    statement=r"Two tensors drawn by systematic sampling in one shared random order, with a start each, have "
    r"$E[B_i C_j] = \pi_i \pi_j$ for units $i$ of the first and $j$ of the second: mean and covariance of the masked "
    r"gradient are those of independent draws. They are not independent: for $n = 4$, $k = 2$ and equal sizes "
    r"$E[B_1 B_2 C_1 C_2] = \frac{1}{12}$, not $\pi_{12}^2 = \frac{1}{36}$.",
    kind=Kind.IDENTITY,
    source=Source(kind="derived", reference="proof in this file; systematic sampling, Madow 1949"),
    assumptions=(UNIFORM_WORDS,),
    expected_status=Status.HOLDS,
    check=check,
)
