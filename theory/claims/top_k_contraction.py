r"""Keeping the k largest units loses at most 1 - k/n of the energy; keeping k at random loses exactly that on average.

Setting
-------
B the 0/1 mask of k of n units, unscaled.

Claim
-----
|top_k(g) - g|^2 <= (1 - k/n) |g|^2, with equality where all |g_j| are equal. Under simple random sampling
E|B .* g - g|^2 = (1 - k/n) |g|^2 where no g_j is zero. Any design whose pi_j is monotone in |g_j| lies between.

Assumptions
-----------
Sizes grow with |g_j|.

How it is checked
-----------------
Proof: the k largest g_j^2 have a mean no smaller than that of all, so they hold k/n of the energy at least.
E|B .* g - g|^2 = sum_j (1 - pi_j) g_j^2, with pi_j = k/n for the uniform mask; Chebyshev's sum inequality for the
others.

Exact rationals, no tolerance: production's multipliers on the exact law of `TopK`, `SimpleRandom` and `Systematic`,
with edge cases (ties, zeros, fewer gradients than k, one unit); the energy left out is summed outcome by outcome.

What would refute it
--------------------
A top-k that misses a large unit; an indicator that rescales.

Source
------
Stich, Cordonnier and Jaggi, NeurIPS 2018 (arXiv 1809.07599), lemma A.1.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from amss_min.designs import Design, SimpleRandom, Systematic, TopK
from amss_min.importance import GradientNorm
from amss_min.testing import Evidence, Status
from amss_min.weightings import Indicator
from theory import moments
from theory.comparison import Comparison, dominance, equality
from theory.gradient_law import sizes_of
from theory.instances import Instance, edge_instances, random_instances
from theory.readings import readings
from theory.sources import Source
from theory.verdict import Claim, Kind


def check() -> list[Evidence]:
    """Top-k and its equality, the uniform mask, and systematic sampling."""
    cases = [*edge_instances(), *random_instances(1809, 24, most_units=8)]
    whole = [case for case in cases if case.positive == case.n]
    flat = [case for case in cases if len({abs(g) for g in case.gradient}) == 1]
    scope = f"{len(cases)} instances, n <= 8; proof in the claim's file"
    return [
        dominance(_lost(cases, TopK()), what="|top_k(g) - g|^2, at most (1 - k/n) |g|^2", scope=scope),
        equality(
            _lost(flat, TopK()),
            what="|top_k(g) - g|^2 where all |g_j| are equal, against (1 - k/n) |g|^2",
            scope=f"{len(flat)} instances",
        ),
        equality(
            _lost(whole, SimpleRandom()),
            what="E|B .* g - g|^2 of the uniform mask, against (1 - k/n) |g|^2",
            scope=f"{len(whole)} instances without zeros, n <= 8",
        ),
        dominance(
            _lost(cases, Systematic(random_order=False)),
            what="E|B .* g - g|^2 of systematic sampling, at most (1 - k/n) |g|^2",
            scope=scope,
        ),
    ]


def contraction(k: int, n: int) -> Fraction:
    """1 - k/n, the share of the energy that may be lost.

    >>> contraction(1, 4)
    Fraction(3, 4)
    """
    return 1 - Fraction(k, n)


def _lost(cases: Sequence[Instance], design: Design) -> Iterator[Comparison]:
    for case in cases:
        (reading,) = readings(design, Indicator(), sizes_of(GradientNorm(), case.gradient), case.k)
        away = [(probability, [m - 1 for m in multipliers]) for probability, multipliers in reading.outcomes]
        energy = sum((g * g for g in case.gradient), Fraction(0))
        yield Comparison(
            expected=contraction(case.k, case.n) * energy,
            measured=moments.second_moment(away, case.gradient),
            witness={**case.inputs, **reading.inputs},
        )


CLAIM = Claim(
    id="top-k-contraction",
    statement=r"$\|\mathrm{top}_k(g) - g\|^2 \leq (1 - \frac{k}{n}) \|g\|^2$, with equality for equal $|g_j|$; the "
    r"uniform unscaled mask has $E\|B \odot g - g\|^2 = (1 - \frac{k}{n}) \|g\|^2$.",
    kind=Kind.INEQUALITY,
    source=Source(kind="published", reference="Stich, Cordonnier and Jaggi, NeurIPS 2018 (arXiv 1809.07599)"),
    assumptions=(),
    expected_status=Status.HOLDS,
    check=check,
)
