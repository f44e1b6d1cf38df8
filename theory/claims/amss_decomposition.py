r"""The mean of AMSS's masked gradient is D grad F + c: a rescaled gradient and a covariance.

Setting
-------
A random gradient g with E g = grad F, the 0/1 mask B drawn given g with inclusion probabilities pi(g).

Claim
-----
h = E[B .* g] = D grad F + c with d_j = E pi_j(g) and c_j = Cov(pi_j(g), g_j). AMSS therefore rests where
d_j dF/dw_j = -c_j. With exact gradients c = 0.

Assumptions
-----------
The draw is fresh given g.

How it is checked
-----------------
Proof: E[B_j g_j] = E[pi_j(g) g_j] = E pi_j E g_j + Cov(pi_j, g_j).

Exact rationals, no tolerance: h is summed over laws of g, the exact law of the draws and production's 0/1 multipliers;
d and c come from the inclusion probabilities that production states for the sizes of each value. Then c alone: it is
not zero on skewed laws, and is zero where g takes one value.

What would refute it
--------------------
Inclusion probabilities that are not those of the draws; a mask that rescales.

Source
------
Derived here.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from amss_min.designs import Poisson, Systematic, TopK
from amss_min.designs.fixed_point import FixedPointDesign
from amss_min.importance import Importance, SquaredGradient
from amss_min.testing import Evidence, Status
from amss_min.weightings import Indicator
from theory.assumptions import FRESH_RANDOMNESS
from theory.comparison import Comparison, departure, equality
from theory.gradient_law import GradientLaw, masked, mean_field, random_laws, sizes_of
from theory.masked_bias import covariance, mean_masked
from theory.readings import fractions
from theory.sources import Source
from theory.verdict import Claim, Kind

_DESIGNS: tuple[FixedPointDesign | TopK, ...] = (Systematic(random_order=False), Poisson(), TopK())
_IMPORTANCES: tuple[Importance, ...] = (SquaredGradient(), SquaredGradient(mix=0.5))


def check() -> list[Evidence]:
    """h against its decomposition, and c with and without noise."""
    laws = random_laws(25, 8, most_units=5, points=4)
    scope = f"{len(laws)} laws of 4 values, n <= 5, {len(_DESIGNS)} designs; proof in the claim's file"
    certain = [GradientLaw(f"mean of {law.name}", ((Fraction(1), law.values[0][1]),)) for law in laws]
    return [
        equality(_fields(laws), what="E[B_j g_j], against d_j E g_j + Cov(pi_j, g_j)", scope=scope),
        departure(_bias(laws), what="|c|^2 on skewed laws under systematic sampling, against 0", scope=scope),
        equality(_bias(certain), what="|c|^2 of exact gradients, against 0", scope=f"{len(certain)} gradients"),
    ]


def _pi(law: GradientLaw, design: FixedPointDesign | TopK, importance: Importance, k: int) -> list[list[Fraction]]:
    return [fractions(design.inclusion(sizes_of(importance, g), k)) for _, g in law.values]


def _fields(laws: Sequence[GradientLaw]) -> Iterator[Comparison]:
    for number, law in enumerate(laws):
        importance, k = _IMPORTANCES[number % len(_IMPORTANCES)], 1 + number % (law.n - 1)
        for design in _DESIGNS:
            h = mean_field(masked(law, design, Indicator(), importance, k))
            for unit, expected in enumerate(mean_masked(law, _pi(law, design, importance, k))):
                witness = {**law.inputs, "design": repr(design), "sizes": repr(importance), "k": k, "unit": unit}
                yield Comparison(expected=expected, measured=h[unit], witness=witness)


def _bias(laws: Sequence[GradientLaw]) -> Iterator[Comparison]:
    for law in laws:
        c = covariance(law, _pi(law, _DESIGNS[0], _IMPORTANCES[0], 1))
        squared = sum((value * value for value in c), Fraction(0))
        yield Comparison(expected=Fraction(0), measured=squared, witness=law.inputs)


CLAIM = Claim(
    id="amss-decomposition",
    statement=r"The mean masked gradient of AMSS is $h = D \nabla F + c$ exactly, with $d_j = E\,\pi_j(g)$ and "
    r"$c_j = \mathrm{Cov}(\pi_j(g), g_j)$; with exact gradients $c = 0$.",
    kind=Kind.IDENTITY,
    source=Source(kind="derived", reference="the definition of a covariance"),
    assumptions=(FRESH_RANDOMNESS,),
    expected_status=Status.HOLDS,
    check=check,
)
