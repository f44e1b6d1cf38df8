r"""One sampled component of a finite sum satisfies an ABC bound without any bounded variance.

Setting
-------
F = (1/N) sum_i F_i, each F_i L_i-smooth with infimum F_i*, g = grad F_i for a uniform index i.

Claim
-----
E|g|^2 <= 2 A (F - F*) + B |grad F|^2 + C with A = max_i L_i, B = 0, C = 2 max_i L_i (F* - (1/N) sum_i F_i*).
Equality where all L_i are equal and all F_i are isotropic quadratics, so no constant can be lowered.

Assumptions
-----------
Each F_i is L_i-smooth and bounded below.

How it is checked
-----------------
Proof: a step of length 1/L_i gives |grad F_i|^2 <= 2 L_i (F_i - F_i*). Hence E|g|^2 <= 2 max L (1/N) sum (F_i - F_i*)
= 2 max L (F - F*) + 2 max L (F* - (1/N) sum F_i*).

Exact rationals (`theory.finite_sum`), at points near and far: sums of quadratics with their exact F*, where the
ratio to the bound is shown and must be 1 for equal L_i; sums with Geman-McClure components, which are not convex.
F* of the latter is not needed: the bound depends on it through 2 max L (F - (1/N) sum F_i*) only. On quadratics with
different centres the variance grows without bound in w where the L_i differ, so no constant variance would do.

What would refute it
--------------------
A constant below max L_i, or a C that leaves out the gap between F* and the mean of the F_i*.

Source
------
Khaled and Richtarik, arXiv 2002.03329, with the constants derived here.
"""

import random
from collections.abc import Iterator, Sequence
from fractions import Fraction

from amss_min.testing import Evidence, Status
from theory.assumptions import Assumption
from theory.comparison import Comparison, departure, dominance, equality
from theory.finite_sum import Component, RationalSum
from theory.gradient_law import Vector
from theory.sources import Source
from theory.verdict import Claim, Kind

_SMOOTH_PARTS = Assumption("smooth components", r"each $F_i$ is $L_i$-smooth with infimum $F_i^*$")
_POINTS = 6


def check() -> list[Evidence]:
    """The bound on convex sums, its equality for equal L_i, and the bound on sums that are not convex."""
    convex = [_sum(seed, convex=True, equal=False) for seed in range(8)]
    equal = [_sum(seed, convex=True, equal=True) for seed in range(8)]
    mixed = [_sum(seed, convex=False, equal=False) for seed in range(8)]
    scope = f"8 sums of 2 to 5 components, d = 2, {_POINTS} points each; proof in the claim's file"
    return [
        dominance(_bounded(convex), what="E|g|^2 on sums of quadratics, at most 2 A (F - F*) + C", scope=scope),
        equality(_bounded(equal), what="E|g|^2 on sums of quadratics with equal L_i, against the bound", scope=scope),
        dominance(
            _against_components(mixed),
            what="E|g|^2 on sums with Geman-McClure components, at most 2 max L (F - mean F_i*)",
            scope=scope,
        ),
        departure(
            _variances(convex),
            what="Var(g) far from the minimiser less that near it, on sums with different L_i, against 0",
            scope="8 sums, |w| = 64 sqrt 2 against 0",
        ),
    ]


def _sum(seed: int, *, convex: bool, equal: bool) -> RationalSum:
    rng = random.Random(seed)
    count = rng.randint(2, 5)
    scales = [Fraction(2 * i + 1 if not equal else 3, rng.choice((1, 2))) for i in range(count)]
    centres = [(Fraction(rng.randint(-6, 6), 2), Fraction(rng.randint(-6, 6), 2)) for _ in range(count)]
    shapes = [convex or i % 2 == 1 for i in range(count)]
    chosen = [scales[0]] * count if equal else scales
    return RationalSum(tuple(map(Component, chosen, centres, shapes)))


def _points(number: int) -> Iterator[Vector]:
    rng = random.Random(number)
    for reach in (1, 1, 4, 4, 64, 64)[:_POINTS]:
        yield Fraction(rng.randint(-8, 8) * reach, 8), Fraction(rng.randint(-8, 8) * reach, 8)


def _bounded(sums: Sequence[RationalSum]) -> Iterator[Comparison]:
    for number, objective in enumerate(sums):
        a, _, c = objective.abc
        for w in _points(number):
            yield _case(objective, w, 2 * a * (objective.value(w) - objective.f_star) + c)


def _against_components(sums: Sequence[RationalSum]) -> Iterator[Comparison]:
    for number, objective in enumerate(sums):
        for w in _points(number):
            yield _case(objective, w, 2 * objective.component_smoothness * objective.value(w))


def _case(objective: RationalSum, w: Vector, bound: Fraction) -> Comparison:
    witness = {**objective.inputs, "w": [str(x) for x in w]}
    return Comparison(expected=bound, measured=objective.second_moment(w), witness=witness)


def _variances(sums: Sequence[RationalSum]) -> Iterator[Comparison]:
    for objective in sums:
        near, far = (objective.law((at, at)).sigma2 for at in (Fraction(0), Fraction(64)))
        yield Comparison(expected=Fraction(0), measured=far - near, witness=objective.inputs)


CLAIM = Claim(
    id="finite-sum-abc",
    statement=r"For $F = \frac1N \sum_i F_i$ with $L_i$-smooth $F_i \geq F_i^*$ and one component drawn uniformly, "
    r"$E\|g\|^2 \leq 2A(F - F^*) + B\|\nabla F\|^2 + C$ with $A = \max_i L_i$, $B = 0$, "
    r"$C = 2 \max_i L_i (F^* - \frac1N \sum_i F_i^*)$; equality for quadratics with equal $L_i$.",
    kind=Kind.INEQUALITY,
    source=Source(kind="derived", reference="Khaled and Richtarik, arXiv 2002.03329"),
    assumptions=(_SMOOTH_PARTS,),
    expected_status=Status.HOLDS,
    check=check,
)
