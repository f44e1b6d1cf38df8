r"""R1: with the released AMSS+ weights SGD settles off the optimum, as AMSS does, only nearer.

Setting
-------
F = |w|^2 / 2, two units, one drawn with probability q_j = g_j^2 / |g|^2 and weighted with 1/(q_j + 1/2); the skewed
noise of skewed-noise-wrong-point, p = 1/10.

Claim
-----
The mean field vanishes at (w_1, 0) for w_1 = -.2482 and nowhere else on that axis; at the optimum it is 1/7. (AMSS:
-.3948 and .24. The repaired weights: 0 and 0.)

Assumptions
-----------
None beyond the setting.

How it is checked
-----------------
Exact rationals (`theory.released_field`, with the proof that the root is unique): the sign change over a bracket of
width 2^-40, its digits, and the drift at 0.

Production: `ShiftedInverse` on draws by `Successive` with sizes by `SquaredGradient`, summed over the four values of g
and the exact law of the draws, at points on both sides of the root: E[M_1 g_1] against the drift, E[M_2 g_2] against 0.

Tolerance: 4 times that of sizes, 2 (n + 8) 2^-53 (`theory.rounding.sizes`): of the sizes in draw and weight, of g to
float64, and of the weight (3 roundings); relative to the sum of absolute terms.

What would refute it
--------------------
Another shift than 1/n, or a weighting that is unbiased.

Source
------
Released code of AMSS at commit 3161ecc, AMSS/train_test.py lines 270 and 303; the mean field is derived here.
"""

from collections.abc import Iterator
from fractions import Fraction

from amss_min.designs import Successive
from amss_min.importance import SquaredGradient
from amss_min.testing import Evidence, Status
from amss_min.weightings import ShiftedInverse
from theory import rounding
from theory.comparison import Comparison, dominance, equality
from theory.gradient_law import GradientLaw, masked, mean_field
from theory.mean_field import two_point
from theory.released_field import drift, root
from theory.sources import AMSS_CODE, Source
from theory.verdict import Claim, Kind

_P = Fraction(1, 10)
_TRIED = (Fraction(0), Fraction(-1, 4), Fraction(-1, 2), Fraction(3))


def check() -> list[Evidence]:
    """The root, its digits, and the drift by production."""
    low, high = root(_P)
    return [
        dominance(
            [_at(low, -drift(low, _P), Fraction(0)), _at(high, drift(high, _P), Fraction(0))],
            what="0, at most the drift at the upper end of the bracket and minus that at the lower",
            scope="a bracket of width 2^-40; the root is unique, proof in theory/released_field.py",
            details={"root": float(low)},
        ),
        equality(
            [
                _at(low, Fraction(-2482, 10**4), Fraction(round(low * 10**4), 10**4)),
                _at(high, Fraction(-2482, 10**4), Fraction(round(high * 10**4), 10**4)),
                _at(Fraction(0), Fraction(1, 7), drift(Fraction(0), _P)),
            ],
            what="the root to four digits, against -.2482; the drift at 0, against 1/7",
            scope="both ends of the bracket",
        ),
        equality(
            _production(),
            what="E[M_1 g_1] and E[M_2 g_2] of production at (w_1, 0), against the drift and 0",
            tolerance_source="8 (n + 8) roundings of 2^-53, of the sum of absolute terms (theory/rounding.py)",
            scope=f"{len(_TRIED)} points on both sides of the root",
        ),
    ]


def _at(w: Fraction, expected: Fraction, measured: Fraction) -> Comparison:
    return Comparison(expected=expected, measured=measured, witness={"w_1": str(w), "p": str(_P)})


def _production() -> Iterator[Comparison]:
    half = Fraction(1, 2)
    for w in _TRIED:
        support = [(half * p, (Fraction(float(w + value)), Fraction(s))) for value, p in two_point(_P) for s in (-1, 1)]
        law = GradientLaw(f"skewed at {w}", tuple(support))
        h = mean_field(masked(law, Successive(), ShiftedInverse(), SquaredGradient(), 1))
        # A weight is at most 2, drawn with probability 1 at most.
        error = 4 * rounding.sizes(2) * 2
        for unit, expected in enumerate((drift(w, _P), Fraction(0))):
            yield Comparison(
                expected=expected,
                measured=h[unit],
                tolerance=error * law.mean_absolute[unit],
                witness={**law.inputs, "unit": unit},
            )


CLAIM = Claim(
    id="released-weights-wrong-point",
    statement=r"With the released weights $1/(q_j + 1/n)$ the mean field on $\frac12\|w\|^2$ under skewed noise, "
    r"$n = 2$, $k = 1$, $q \propto g^2$, vanishes at $w_1 = -.2482$ only, and is $1/7$ at the optimum.",
    kind=Kind.COUNTEREXAMPLE,
    source=Source(kind="released", reference=AMSS_CODE, place="AV:270, 303"),
    assumptions=(),
    expected_status=Status.HOLDS,
    check=check,
)
