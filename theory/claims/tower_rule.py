r"""Importance computed from the stochastic gradient that it masks leaves the masked gradient unbiased.

Setting
-------
A random gradient g with E g = grad F(w). Sizes, inclusion probabilities and draw all come from that same g; weights
are M_j = B_j / pi_j(g).

Claim
-----
E[M .* g] = E g, for every law of g.

Assumptions
-----------
The words of the draw are independent of g, and pi_j(g) > 0 wherever g_j != 0.

How it is checked
-----------------
Proof: E[M_j g_j | g] = g_j E[B_j | g] / pi_j(g) = g_j, since the draw's words are fresh given g; take the mean over g.

Enumerated: laws of g with few values, rational probabilities and skew, the production sizes of every value, the exact
law of every design for those sizes, production's multipliers. For contrast the 0/1 mask on the same draws.

Tolerance: a weight errs by 2^-50 relative (`theory.rounding.WEIGHT`), so E[M_j g_j] by 2^-50 E|g_j|.

What would refute it
--------------------
A weight whose inverse is not the inclusion probability given this g.

Source
------
The tower rule; the use of the same gradient for importance and update is that of AMSS, arXiv 2404.08347.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from amss_min.designs import Design, Poisson, SimpleRandom, Successive, Systematic
from amss_min.importance import GradientNorm, Importance, SquaredGradient
from amss_min.testing import Evidence, Status
from amss_min.weightings import HorvitzThompson, Indicator, Weighting
from theory import rounding
from theory.assumptions import FRESH_RANDOMNESS, POSITIVE_INCLUSION
from theory.comparison import Comparison, departure, equality
from theory.gradient_law import GradientLaw, masked, mean_field, random_laws
from theory.sources import AMSS_PAPER, Source
from theory.verdict import Claim, Kind

_DESIGNS: tuple[Design, ...] = (Systematic(random_order=False), Poisson(), Successive(), SimpleRandom())
_IMPORTANCES: tuple[Importance, ...] = (SquaredGradient(), SquaredGradient(mix=0.5), GradientNorm(mix=0.1))


def check() -> list[Evidence]:
    """E[M .* g] against E g, and the 0/1 mask away from it."""
    laws = random_laws(64, 8, most_units=5, points=4)
    scope = f"{len(laws)} laws of 4 values, n <= 5, {len(_DESIGNS)} designs; proof in the claim's file"
    return [
        equality(
            _means(laws, HorvitzThompson()),
            what="E[M_j g_j] with importance from the same g, against E g_j",
            tolerance_source=f"{rounding.WEIGHT_SOURCE}, of E|g_j|",
            scope=scope,
        ),
        departure(
            _distances(laws),
            what="sum_j |E[B_j g_j] - E g_j| of the 0/1 mask on the same draws, against 0",
            scope=scope,
        ),
    ]


def _means(laws: Sequence[GradientLaw], weighting: Weighting) -> Iterator[Comparison]:
    for number, law in enumerate(laws):
        importance, k = _IMPORTANCES[number % len(_IMPORTANCES)], 1 + number % (law.n - 1)
        for design in _DESIGNS:
            h = mean_field(masked(law, design, weighting, importance, k))
            for unit, mean in enumerate(h):
                yield Comparison(
                    expected=law.mean[unit],
                    measured=mean,
                    tolerance=rounding.WEIGHT * law.mean_absolute[unit],
                    witness={**law.inputs, "design": repr(design), "sizes": repr(importance), "k": k, "unit": unit},
                )


def _distances(laws: Sequence[GradientLaw]) -> Iterator[Comparison]:
    for law in laws:
        cases = list(_means([law], Indicator()))
        distance = sum((abs(case.excess) for case in cases), Fraction(0))
        yield Comparison(expected=Fraction(0), measured=distance, witness=law.inputs)


CLAIM = Claim(
    id="tower-rule",
    statement=r"If importance comes from the same stochastic $g$ that is masked, $E[M \odot g] = E[E[M \mid g] "
    r"\odot g] = E[g]$: unbiasedness survives, as long as the draw is fresh given $g$.",
    kind=Kind.IDENTITY,
    source=Source(kind="derived", reference=AMSS_PAPER),
    assumptions=(FRESH_RANDOMNESS, POSITIVE_INCLUSION),
    expected_status=Status.HOLDS,
    check=check,
)
