r"""With exact gradients AMSS descends at every step: no floor, no reweighting, and the stepsize of gradient descent.

Setting
-------
F is L-smooth with exact gradient g = grad F(w); B is the 0/1 mask of a design whose pi_j does not decrease in |g_j|.

Claim
-----
E|B .* g|^2 = <g, E[B .* g]> = sum_j pi_j g_j^2 >= (k/n) |g|^2. So for eta <= 1/L,
E F(w - eta B .* g) <= F(w) - (eta/2) sum_j pi_j g_j^2 <= F(w) - (eta k / (2n)) |g|^2: the mean of |grad F|^2 over T
steps is at most 2 n (F(w_0) - F*) / (k eta T). With simple random sampling and all g_j nonzero, k/n is attained.

Assumptions
-----------
F is L-smooth; pi_j is monotone in |g_j|.

How it is checked
-----------------
Proof: B_j^2 = B_j and g is not random, which gives the equations. The inequality is Chebyshev's: pi and g^2 are ordered
alike, so the mean of pi_j g_j^2 is at least the product of their means, (k/n) |g|^2 / n. (With n_plus < n nonzero units
the same among those, of which min(k, n_plus) are drawn.) Smoothness:
F(w - eta C) <= F - eta <g, C> + (L eta^2 / 2) |C|^2 with C = B .* g; take means, and sum over T steps.

Exact rationals, no tolerance: both sides of the equation by the exact law with production's multipliers; the bound for
designs from uniform to top-k; one step at eta = 1/L from points of a Geman-McClure sum, which is not convex, and of a
quadratic, with L from the objective. (Realised pi_j are monotone up to their grid of 2^-40; no two units of the
instances are so close without being equal.)

What would refute it
--------------------
A mask that rescales; a design that favours small units.

Source
------
Derived here (Chebyshev's sum inequality and the descent lemma).
"""

import random
from collections.abc import Iterator, Sequence
from fractions import Fraction

from amss_min.designs import Design, Poisson, SimpleRandom, Successive, Systematic, TopK
from amss_min.importance import SquaredGradient
from amss_min.testing import Evidence, Status
from amss_min.weightings import Indicator
from theory import moments
from theory.assumptions import SMOOTH, Assumption
from theory.comparison import Comparison, dominance, equality
from theory.finite_sum import Component
from theory.gradient_law import Vector, sizes_of
from theory.instances import Instance, edge_instances, random_instances
from theory.readings import Reading, readings
from theory.sources import Source
from theory.verdict import Claim, Kind

_MONOTONE = Assumption("monotone inclusion", r"$\pi_j$ does not decrease in $|g_j|$")
_DESIGNS: tuple[Design, ...] = (Systematic(random_order=False), Poisson(), Successive(), SimpleRandom(), TopK())


def check() -> list[Evidence]:
    """The equation, the share k/n, where it is attained, and the descent of one step."""
    cases = [case for case in edge_instances() if case.name != "a tiny unit"]
    found = [(case, design) for case in [*cases, *random_instances(16, 10, most_units=7)] for design in _DESIGNS]
    read = [(case, _read(case.gradient, case.k, design)) for case, design in found]
    uniform = [(case, _read(case.gradient, case.k, SimpleRandom())) for case, _ in read[:: len(_DESIGNS)]]
    full = [(case, reading) for case, reading in uniform if case.positive == case.n]
    scope = f"{len(found) // len(_DESIGNS)} instances, n <= 7, {len(_DESIGNS)} designs; proof in the claim's file"
    return [
        equality(_energies(read), what="E|B .* g|^2, against <g, E[B .* g]>", scope=scope),
        dominance(_shares(read), what="(k/n) |g|^2, at most <g, E[B .* g]>", scope=scope),
        equality(_shares(full), what="(k/n) |g|^2 with uniform masks, against <g, E[B .* g]>", scope=scope),
        dominance(
            _steps(),
            what="E F(w - B .* g / L), at most F - sum_j pi_j g_j^2 / (2 L)",
            scope=f"12 points of two objectives, d = 4, {len(_DESIGNS)} designs",
        ),
    ]


def _read(gradient: Sequence[Fraction], k: int, design: Design) -> Reading:
    (reading,) = readings(design, Indicator(), sizes_of(SquaredGradient(), gradient), k)
    return reading


def _inner(reading: Reading, gradient: Sequence[Fraction]) -> moments.Number:
    """<g, E[B .* g]>, from the mean multipliers."""
    means = moments.mean_multipliers(reading.outcomes)
    return sum((m * g * g for m, g in zip(means, gradient, strict=True)), Fraction(0))


def _energies(read: Sequence[tuple[Instance, Reading]]) -> Iterator[Comparison]:
    for case, reading in read:
        yield Comparison(
            expected=_inner(reading, case.gradient),
            measured=moments.second_moment(reading.outcomes, case.gradient),
            witness={**case.inputs, **reading.inputs},
        )


def _shares(read: Sequence[tuple[Instance, Reading]]) -> Iterator[Comparison]:
    for case, reading in read:
        energy = sum((g * g for g in case.gradient), Fraction(0))
        yield Comparison(
            expected=_inner(reading, case.gradient),
            measured=Fraction(case.k, case.n) * energy,
            witness={**case.inputs, **reading.inputs},
        )


def _steps() -> Iterator[Comparison]:
    rng = random.Random(3)
    centre: Vector = (Fraction(0),) * 4
    for number in range(12):
        objective = Component(Fraction(3), centre, convex=number % 2 == 0)
        w = tuple(Fraction(rng.choice((-1, 1)) * rng.randint(1, 24), 8) for _ in range(4))
        gradient, eta = objective.gradient(w), 1 / objective.smoothness
        for design in _DESIGNS:
            reading = _read(gradient, 1 + number % 3, design)
            after = Fraction(0)
            for probability, multipliers in reading.outcomes:
                drawn = [Fraction(m) for m in multipliers]
                moved = [x - eta * m * g for x, m, g in zip(w, drawn, gradient, strict=True)]
                after += probability * objective.value(moved)
            witness = {"w": [str(x) for x in w], "convex": objective.convex, **reading.inputs}
            bound = objective.value(w) - eta / 2 * Fraction(_inner(reading, gradient))
            yield Comparison(expected=bound, measured=after, witness=witness)


CLAIM = Claim(
    id="full-gradient-no-floor",
    statement=r"With exact gradients and $\pi$ monotone in $|g|$, AMSS has $E\|B \odot g\|^2 = \langle \nabla F, h "
    r"\rangle = \sum_j \pi_j g_j^2 \geq \frac{k}{n} \|\nabla F\|^2$, so for $\eta \leq 1/L$ every step descends by "
    r"at least $\frac{\eta k}{2n} \|\nabla F\|^2$: no floor and no reweighting.",
    kind=Kind.INEQUALITY,
    source=Source(kind="derived", reference="Chebyshev's sum inequality and the descent lemma"),
    assumptions=(SMOOTH, _MONOTONE),
    expected_status=Status.HOLDS,
    check=check,
)
