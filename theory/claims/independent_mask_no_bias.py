r"""A mask that is independent of the current noise adds no bias: AMSS then follows D grad F, and has no floor.

Setting
-------
The sizes come from another random vector g' (an earlier batch, a running average), independent of the current gradient
g given the point w; B is the 0/1 mask drawn from them, d_j = E pi_j(g').

Claim
-----
c = 0: E[B .* g] = D grad F, and E|B .* g|^2 = sum_j d_j ((dF/dw_j)^2 + Var g_j) <= |grad F|_D^2 + sigma^2. So for
eta <= 1/L the mean of |grad F|_D^2 over T steps is at most 2 (F(w_0) - F*) / (eta T) + L eta sigma^2: it vanishes with
eta, unlike that of importance from g itself.

Assumptions
-----------
g' and g are independent given w, and the draw is fresh.

How it is checked
-----------------
Proof: E[B_j g_j] = E[B_j] E[g_j], and B_j^2 = B_j. Descent: for eta <= 1/L,
E F(w - eta B .* g) <= F - eta |grad F|_D^2 + (L eta^2 / 2)(|grad F|_D^2 + sigma^2) <= F - (eta/2) |grad F|_D^2
+ L eta^2 sigma^2 / 2.

Exact rationals, no tolerance: pairs of laws, the exact law of production's draws for every value of g', applied to
every value of g; d from the inclusion probabilities that production states. For contrast the same g masked by its own
draws: E[B .* g] is not D grad F.

What would refute it
--------------------
Inclusion probabilities that are not those of the draws; a mask that rescales.

Source
------
Derived here.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from amss_min.designs import Design, Poisson, Systematic, TopK
from amss_min.importance import SquaredGradient
from amss_min.testing import Evidence, Status
from amss_min.weightings import Indicator
from theory.assumptions import BOUNDED_VARIANCE, FRESH_RANDOMNESS, Assumption
from theory.comparison import Comparison, departure, dominance, equality
from theory.gradient_law import GradientLaw, Masked, Vector, masked, mean_field, mean_square, random_laws, sizes_of
from theory.masked_bias import mean_inclusion
from theory.readings import fractions
from theory.sources import Source
from theory.verdict import Claim, Kind

_INDEPENDENT = Assumption("independent importance", "sizes are independent of the current noise, given $w$")
_DESIGNS: tuple[Design, ...] = (Systematic(random_order=False), Poisson(), TopK())
_SIZES = SquaredGradient()

_Pair = tuple[GradientLaw, GradientLaw]


def check() -> list[Evidence]:
    """Mean and second moment of the independent mask, the bound, and the mask by the same g."""
    pairs = _pairs()
    scope = f"{len(pairs)} pairs of laws of 3 values, n <= 4, {len(_DESIGNS)} designs; proof in the claim's file"
    return [
        equality(_fields(pairs), what="E[B_j g_j] with sizes from an independent g', against d_j dF/dw_j", scope=scope),
        equality(_squares(pairs), what="E|B .* g|^2, against sum_j d_j ((dF/dw_j)^2 + Var g_j)", scope=scope),
        dominance(_squares(pairs, bound=True), what="E|B .* g|^2, at most |grad F|_D^2 + sigma^2", scope=scope),
        departure(
            _own(pairs),
            what="|E[B .* g] - D grad F|^2 with sizes from g itself, against 0",
            scope=f"{len(pairs)} laws under systematic sampling",
        ),
    ]


def _pairs() -> list[_Pair]:
    laws = random_laws(41, 60, most_units=4, points=3)
    by_size = [[law for law in laws if law.n == n] for n in (2, 3, 4)]
    return [pair for group in by_size for pair in list(zip(group[::2], group[1::2], strict=False))[:2]]


def _product(earlier: GradientLaw, now: GradientLaw, design: Design, k: int) -> list[Masked]:
    """Masks drawn with sizes from `earlier`, on gradients of `now`."""
    return [
        Masked(case.probability * probability, gradient, case.outcomes)
        for case in masked(earlier, design, Indicator(), _SIZES, k)
        for probability, gradient in now.values
    ]


def _inclusion(law: GradientLaw, design: Design, k: int) -> Vector:
    """d, from what production states."""
    return mean_inclusion(law, [fractions(design.inclusion(sizes_of(_SIZES, g), k)) for _, g in law.values])


def _fields(pairs: Sequence[_Pair]) -> Iterator[Comparison]:
    for earlier, now in pairs:
        for design in _DESIGNS:
            h = mean_field(_product(earlier, now, design, 1))
            for unit, (d, slope) in enumerate(zip(_inclusion(earlier, design, 1), now.mean, strict=True)):
                witness = {"sizes": earlier.inputs, **now.inputs, "design": repr(design), "k": 1, "unit": unit}
                yield Comparison(expected=d * slope, measured=h[unit], witness=witness)


def _squares(pairs: Sequence[_Pair], *, bound: bool = False) -> Iterator[Comparison]:
    for earlier, now in pairs:
        for design in _DESIGNS:
            d = _inclusion(earlier, design, 1)
            slopes = sum((share * slope**2 for share, slope in zip(d, now.mean, strict=True)), Fraction(0))
            noise = sum((share * spread for share, spread in zip(d, now.variances, strict=True)), Fraction(0))
            yield Comparison(
                expected=slopes + (now.sigma2 if bound else noise),
                measured=mean_square(_product(earlier, now, design, 1)),
                witness={"sizes": earlier.inputs, **now.inputs, "design": repr(design), "k": 1},
            )


def _own(pairs: Sequence[_Pair]) -> Iterator[Comparison]:
    for _, law in pairs:
        h = mean_field(masked(law, _DESIGNS[0], Indicator(), _SIZES, 1))
        d = _inclusion(law, _DESIGNS[0], 1)
        gaps = [one - share * slope for one, share, slope in zip(h, d, law.mean, strict=True)]
        yield Comparison(
            expected=Fraction(0), measured=sum((gap * gap for gap in gaps), Fraction(0)), witness=law.inputs
        )


CLAIM = Claim(
    id="independent-mask-no-bias",
    statement=r"If the $0/1$ mask is independent of the current noise, $c = 0$: $E[B \odot g] = D \nabla F$ and "
    r"$E\|B \odot g\|^2 = \sum_j d_j (\partial_j^2 + \sigma_j^2) \leq \|\nabla F\|_D^2 + \sigma^2$. AMSS then has no "
    r"bias floor.",
    kind=Kind.IDENTITY,
    source=Source(kind="derived", reference="independence, and the descent lemma"),
    assumptions=(_INDEPENDENT, FRESH_RANDOMNESS, BOUNDED_VARIANCE),
    expected_status=Status.HOLDS,
    check=check,
)
