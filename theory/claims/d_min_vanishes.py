r"""The least mean inclusion probability d_min of AMSS is 0 over the whole space, unless sizes are mixed with uniform.

Setting
-------
d_min = inf over w and j of E pi_j(g), which bounds of biased descent divide by. Example: F = |w|^2 / 2, two units, one
drawn with probability q_j = g_j^2 / |g|^2, at w = (w_1, 0) with the skewed noise of skewed-noise-wrong-point: xi_1 = 3
or -1/3 with probabilities 1/10 and 9/10, xi_2 = +-1.

Claim
-----
E pi_2 = E 1 / ((w_1 + xi_1)^2 + 1): .0101 at w_1 = 10 and .0001 at w_1 = 100, and it tends to 0. With a share a of
uniform, pi_j >= min(1, k a / n) for every gradient without zeros, so d_min is at least that.

Assumptions
-----------
None for the example; no g_j is zero for the floor (a unit without a gradient leaves the draw).

How it is checked
-----------------
Proof of the floor: sizes are p_j >= a / n and pi_j = min(1, c p_j) with c >= k, since capping only hands shares on.
Of the example: for w_1 >= 1, (w_1 + xi_1)^2 + 1 >= (w_1 - 1/3)^2, so E pi_2 <= (w_1 - 1/3)^-2.

The example by production: inclusion probabilities of `Systematic` for the sizes of all four values of g, against the
exact mean, its published digits and the bound. The floor on random gradients from flat to skewed, for three shares.

Tolerance: realised pi_j lie within 1.01 n 2^-40 of the exact ones (`theory.rounding.grid`).

What would refute it
--------------------
Sizes that are mixed where mix = 0, or not mixed where mix > 0; sizes that fall slower than the energy.

Source
------
Derived here.
"""

from collections.abc import Iterator
from fractions import Fraction

from amss_min.designs import Systematic
from amss_min.importance import SquaredGradient
from amss_min.testing import Evidence, Status
from theory import rounding
from theory.comparison import Comparison, dominance, equality
from theory.gradient_law import GradientLaw, sizes_of
from theory.instances import random_instances
from theory.masked_bias import mean_inclusion
from theory.mean_field import two_point
from theory.readings import grid_inclusion
from theory.sources import Source
from theory.verdict import Claim, Kind

_P = Fraction(1, 10)
_DIGITS = {10: Fraction(101, 10**4), 100: Fraction(1, 10**4)}
_MIXES = (Fraction(1, 4), Fraction(1, 2), Fraction(3, 4))


def check() -> list[Evidence]:
    """The example at growing w_1, its digits, its bound, and the floor of the mixture."""
    far = [10, 100, 1000]
    return [
        equality(
            [_example(w, Fraction(exact_mean(Fraction(w)))) for w in far],
            what="E pi_2 at (w_1, 0), against E 1 / ((w_1 + xi_1)^2 + 1)",
            tolerance_source=rounding.GRID_SOURCE,
            scope="w_1 = 10, 100, 1000",
        ),
        equality(
            [_rounded(w) for w in _DIGITS],
            what="E pi_2 to four decimals, against .0101 at w_1 = 10 and .0001 at w_1 = 100",
            scope="w_1 = 10, 100",
            details={f"w_1 = {w}": float(exact_mean(Fraction(w))) for w in far},
        ),
        dominance(
            [_example(w, 1 / (w - Fraction(1, 3)) ** 2) for w in far],
            what="E pi_2 at (w_1, 0), at most (w_1 - 1/3)^-2",
            tolerance_source=rounding.GRID_SOURCE,
            scope="w_1 = 10, 100, 1000; proof in the claim's file",
        ),
        dominance(
            _floors(),
            what="min(1, k a / n), at most pi_j with a share a of uniform",
            tolerance_source=rounding.GRID_SOURCE,
            scope="24 gradients without zeros, n <= 8, a = 1/4, 1/2, 3/4; proof in the claim's file",
        ),
    ]


def exact_mean(w: Fraction) -> Fraction:
    """E 1 / ((w + xi_1)^2 + 1).

    >>> exact_mean(Fraction(0))
    Fraction(41, 50)
    """
    return sum((p / ((w + value) ** 2 + 1) for value, p in two_point(_P)), Fraction(0))


def _realised(w: int) -> Fraction:
    """E pi_2 by production, over the four values of g."""
    half = Fraction(1, 2)
    values = tuple((half * p, (Fraction(float(w + value)), Fraction(s))) for value, p in two_point(_P) for s in (-1, 1))
    law = GradientLaw(f"skewed at {w}", values)
    return mean_inclusion(law, [grid_inclusion(Systematic(), sizes_of(SquaredGradient(), g), 1) for _, g in values])[1]


def _example(w: int, expected: Fraction) -> Comparison:
    return Comparison(expected=expected, measured=_realised(w), tolerance=rounding.grid(2), witness={"w_1": w})


def _rounded(w: int) -> Comparison:
    return Comparison(expected=_DIGITS[w], measured=Fraction(round(_realised(w) * 10**4), 10**4), witness={"w_1": w})


def _floors() -> Iterator[Comparison]:
    cases = [case for case in random_instances(10, 60, most_units=8) if case.positive == case.n][:24]
    for case in cases:
        for mix in _MIXES:
            for unit, pi in enumerate(
                grid_inclusion(Systematic(), SquaredGradient(mix=float(mix))(case.norms), case.k)
            ):
                yield Comparison(
                    expected=pi,
                    measured=min(Fraction(1), case.k * mix / case.n),
                    tolerance=rounding.grid(case.n),
                    witness={**case.inputs, "mix": float(mix), "unit": unit},
                )


CLAIM = Claim(
    id="d-min-vanishes",
    statement=r"With pure squared-gradient importance $\inf_w E\,\pi_j = 0$: in the skewed example $E\,\pi_2$ is "
    r"$.0101$ at $w_1 = 10$ and $.0001$ at $w_1 = 100$. A share $\alpha$ of uniform gives "
    r"$d_{\min} \geq \min(1, k\alpha/n)$.",
    kind=Kind.COUNTEREXAMPLE,
    source=Source(kind="derived", reference="the constants of biased descent, as an infimum over the space"),
    assumptions=(),
    expected_status=Status.HOLDS,
    check=check,
)
