r"""Masking multiplies the ABC constants of a gradient by 1 + omega.

Setting
-------
g has E|g|^2 <= 2 A (F - F*) + B |grad F|^2 + C; an unbiased mask has E|M .* g|^2 <= (1 + omega) |g|^2 given g.

Claim
-----
E|M .* g|^2 <= 2 (1 + omega) A (F - F*) + (1 + omega) B |grad F|^2 + (1 + omega) C, over the draws of g and of the mask.
1 + omega is n/k for simple random sampling (then an equality wherever that of g is one) and 2 n/k for sizes by
energy mixed half with uniform.

Assumptions
-----------
The draw is fresh given g.

How it is checked
-----------------
Proof: the tower rule, then the bound of g.

Enumerated over the law of g and the exact law of production's draws, with production's multipliers: finite sums of
quadratics (A = max L_i, B = 0, their exact C) and additive noise (A = 0, B = 1, C = sigma^2, an equality).

Tolerance: squares of weights, 2 e + e^2 with e = 2^-50 (`theory.rounding.WEIGHT`), relative to the second moment; for
the mixture also x / (1 - x), x = e' 2n/k, as pi_j >= k / (2n) errs by e' = 1.01 n 2^-40 at most.

What would refute it
--------------------
Weights with a second moment above (1 + omega); constants that are not scaled all three.

Source
------
Khaled and Richtarik, arXiv 2002.03329, for the bound of g; the masked one is a line.
"""

import random
from collections.abc import Iterator, Sequence
from fractions import Fraction

from amss_min.designs import Design, Poisson, SimpleRandom, Systematic
from amss_min.importance import SquaredGradient
from amss_min.testing import Evidence, Status
from amss_min.weightings import HorvitzThompson
from theory import rounding
from theory.assumptions import FRESH_RANDOMNESS
from theory.comparison import Comparison, dominance, equality
from theory.finite_sum import Component, RationalSum
from theory.gradient_law import GradientLaw, masked, mean_square, random_laws
from theory.sources import Source
from theory.verdict import Claim, Kind

_Bounded = tuple[GradientLaw, Fraction]
_MIX = SquaredGradient(mix=0.5)


def check() -> list[Evidence]:
    """Equality for uniform masks and additive noise; the bound for finite sums and for the mixture."""
    additive = [(law, _energy(law) + law.sigma2) for law in random_laws(7, 6, most_units=5, points=4)]
    sums = [_finite_sum(seed) for seed in range(6)]
    scope = "6 laws, n <= 5; proof in the claim's file"
    source = f"squares of {rounding.WEIGHT_SOURCE}; {rounding.GRID_SOURCE}"
    mixed: tuple[Design, ...] = (Systematic(random_order=False), Poisson())
    return [
        equality(
            _cases(additive, (SimpleRandom(),), 1),
            what="E|M .* g|^2 of uniform masks, against (n/k) (|grad F|^2 + sigma^2)",
            tolerance_source=source,
            scope=scope,
        ),
        dominance(
            _cases(additive, mixed, 2),
            what="E|M .* g|^2 of the mixture, at most (2n/k) (|grad F|^2 + sigma^2)",
            tolerance_source=source,
            scope=scope,
        ),
        dominance(
            _cases(sums, (SimpleRandom(),), 1),
            what="E|M .* g|^2 of uniform masks on finite sums, at most (n/k) (2 A (F - F*) + C)",
            tolerance_source=source,
            scope=scope,
        ),
        dominance(
            _cases(sums, mixed, 2),
            what="E|M .* g|^2 of the mixture on finite sums, at most (2n/k) (2 A (F - F*) + C)",
            tolerance_source=source,
            scope=scope,
        ),
    ]


def _energy(law: GradientLaw) -> Fraction:
    return sum((value * value for value in law.mean), Fraction(0))


def _finite_sum(seed: int) -> _Bounded:
    """The law of one component's gradient at a point, and its ABC bound there."""
    rng = random.Random(seed)
    scales = [Fraction(rng.randint(1, 5)) for _ in range(3)]
    centres = [tuple(Fraction(rng.randint(-8, 8), 4) for _ in range(4)) for _ in range(3)]
    objective = RationalSum(tuple(Component(s, c, convex=True) for s, c in zip(scales, centres, strict=True)))
    w = tuple(Fraction(2 * rng.randint(-8, 8) + 1, 8) for _ in range(4))  # between the centres' coordinates
    a, _, c = objective.abc
    return objective.law(w), 2 * a * (objective.value(w) - objective.f_star) + c


def _cases(found: Sequence[_Bounded], designs: Sequence[Design], factor: int) -> Iterator[Comparison]:
    for law, bound in found:
        for k in range(1, law.n):
            one_plus_omega = Fraction(factor * law.n, k)
            for design in designs:
                value = mean_square(masked(law, design, HorvitzThompson(), _MIX, k))
                error = rounding.squared(rounding.WEIGHT) + (_grid_error(law.n, k) if factor > 1 else 0)
                yield Comparison(
                    expected=one_plus_omega * bound,
                    measured=value,
                    tolerance=error * one_plus_omega * bound,
                    witness={**law.inputs, "design": repr(design), "k": k},
                )


def _grid_error(n: int, k: int) -> Fraction:
    """Relative error of 1 / pi_j where pi_j >= k / (2n), from that of pi_j on its grid."""
    share = rounding.grid(n) * Fraction(2 * n, k)
    return share / (1 - share)


CLAIM = Claim(
    id="masked-abc",
    statement=r"If $E\|g\|^2 \leq 2A(F - F^*) + B\|\nabla F\|^2 + C$ and $E[\|M \odot g\|^2 \mid g] \leq (1+\omega) "
    r"\|g\|^2$, the masked gradient has the constants $(1+\omega)(A, B, C)$; $1+\omega$ is $n/k$ for uniform masks and "
    r"$2n/k$ for energies mixed half with uniform.",
    kind=Kind.INEQUALITY,
    source=Source(kind="derived", reference="Khaled and Richtarik, arXiv 2002.03329"),
    assumptions=(FRESH_RANDOMNESS,),
    expected_status=Status.HOLDS,
    check=check,
)
