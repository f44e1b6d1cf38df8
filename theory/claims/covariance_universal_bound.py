r"""The bias of AMSS is at most half the noise: |c|^2 <= sigma^2 / 4, and no smaller constant will do.

Setting
-------
c_j = Cov(pi_j(g), g_j), sigma^2 = E|g - E g|^2; any inclusion probabilities, drawn from any law of g.

Claim
-----
|c|^2 <= sum_j Var(pi_j) Var(g_j) <= sigma^2 / 4. With g = (2s, e) or (0, e), each with probability 1/2, and one of the
two units drawn: the top one by size gives |c|^2 = sigma^2 / 4 for 0 < e < 2s, sizes g_j^2 give
(4 s^2 / (4 s^2 + e^2))^2 of it, which tends to 1 as e -> 0.

Assumptions
-----------
sigma^2 is finite.

How it is checked
-----------------
Proof: Cauchy-Schwarz for each j; Var(p) <= 1/4 for any p in [0, 1], since E[p^2] <= E p gives Var(p) <= E p (1 - E p).
For the example: pi_1 is p or 0, g_1 is 2s or 0, so c_1 = p s / 2 and sigma^2 = s^2.

Exact rationals: |c|^2 with production's inclusion probabilities on random laws, against both bounds; the example
with top-k, an equality, and with sizes by energy against its formula, within the grid of 2^-40: pi_1 = p errs by
d = 1.01 n 2^-40, so the ratio p^2 by 2 d p + d^2.

What would refute it
--------------------
A constant below 1/4; inclusion probabilities outside [0, 1].

Source
------
Derived here (Cauchy-Schwarz and Popoviciu's inequality on variances).
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from amss_min.designs import Design, Poisson, Systematic, TopK
from amss_min.importance import SquaredGradient
from amss_min.testing import Evidence, Status
from theory import rounding
from theory.assumptions import BOUNDED_VARIANCE
from theory.comparison import Comparison, dominance, equality
from theory.gradient_law import GradientLaw, Vector, random_laws, sizes_of
from theory.masked_bias import covariance, inclusion_variances, universal_bound
from theory.readings import fractions
from theory.sources import Source
from theory.verdict import Claim, Kind

_DESIGNS: tuple[Design, ...] = (Systematic(), Poisson(), TopK())
_SCALE = Fraction(1, 2)  # s
_OTHERS = (Fraction(1, 2), Fraction(1, 8), Fraction(1, 64))  # e


def check() -> list[Evidence]:
    """Both bounds on random laws, and the example that attains the constant."""
    laws = random_laws(16, 24, most_units=6, points=4)
    scope = f"{len(laws)} laws of 4 values, n <= 6, {len(_DESIGNS)} designs; proof in the claim's file"
    return [
        dominance(_bounded(laws, by_variances=True), what="|c|^2, at most sum_j Var(pi_j) Var(g_j)", scope=scope),
        dominance(_bounded(laws, by_variances=False), what="|c|^2, at most sigma^2 / 4", scope=scope),
        equality(
            _example(TopK()),
            what="|c|^2 / (sigma^2 / 4) where the larger of (2s or 0, e) is kept, against 1",
            scope="s = 1/2, three e",
        ),
        equality(
            _example(Systematic()),
            what="|c|^2 / (sigma^2 / 4) with sizes by energy, against (4 s^2 / (4 s^2 + e^2))^2",
            tolerance_source=rounding.GRID_SOURCE,
            scope="s = 1/2, three e",
        ),
    ]


def _pi(law: GradientLaw, design: Design, k: int) -> list[list[Fraction]]:
    return [fractions(design.inclusion(sizes_of(SquaredGradient(), g), k)) for _, g in law.values]


def _square(c: Vector) -> Fraction:
    return sum((value * value for value in c), Fraction(0))


def _bounded(laws: Sequence[GradientLaw], *, by_variances: bool) -> Iterator[Comparison]:
    for number, law in enumerate(laws):
        k = 1 + number % (law.n - 1)
        for design in _DESIGNS:
            pi = _pi(law, design, k)
            products = zip(inclusion_variances(law, pi), law.variances, strict=True)
            variances = sum((one * other for one, other in products), Fraction(0))
            yield Comparison(
                expected=variances if by_variances else universal_bound(law.sigma2),
                measured=_square(covariance(law, pi)),
                witness={**law.inputs, "design": repr(design), "k": k},
            )


def _example(design: Design) -> Iterator[Comparison]:
    half = Fraction(1, 2)
    for e in _OTHERS:
        law = GradientLaw(f"(2s or 0, e), e = {e}", ((half, (2 * _SCALE, e)), (half, (Fraction(0), e))))
        p = Fraction(1) if isinstance(design, TopK) else 4 * _SCALE**2 / (4 * _SCALE**2 + e**2)
        d = Fraction(0) if isinstance(design, TopK) else rounding.grid(law.n)
        yield Comparison(
            expected=p * p,
            measured=_square(covariance(law, _pi(law, design, 1))) / universal_bound(law.sigma2),
            tolerance=2 * d * p + d * d,
            witness={**law.inputs, "design": repr(design)},
        )


CLAIM = Claim(
    id="covariance-universal-bound",
    statement=r"$\|c\|^2 \leq \sum_j \mathrm{Var}(\pi_j) \mathrm{Var}(g_j) \leq \sigma^2/4$ for the bias term $c_j = "
    r"\mathrm{Cov}(\pi_j(g), g_j)$ of AMSS, and $1/4$ is the best constant.",
    kind=Kind.INEQUALITY,
    source=Source(kind="derived", reference="Cauchy-Schwarz and Popoviciu's inequality on variances"),
    assumptions=(BOUNDED_VARIANCE,),
    expected_status=Status.HOLDS,
    check=check,
)
