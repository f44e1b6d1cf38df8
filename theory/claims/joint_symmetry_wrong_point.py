r"""Noise that is symmetric jointly but not coordinate by coordinate moves AMSS off the optimum.

Setting
-------
F = |w|^2 / 2, n = 101, one unit drawn with probability q_j = g_j^2 / |g|^2, the 0/1 mask; g = w + xi with
xi = +-(a random permutation of (1, .1, ..., .1)), so that xi and -xi have the same law and sigma^2 = 2.

Claim
-----
The optimum is a fixed point of the mean field, and unstable. +-t* (1, ..., 1) with t* = .1755 are fixed points that
attract: there |grad F|^2 = 101 t*^2 = 3.11, more than the noise sigma^2.

Assumptions
-----------
None beyond the setting.

How it is checked
-----------------
Exact rationals (`theory.joint_symmetry`, with the derivation): the drift at 0 is 0; it changes sign over a bracket of
width 2^-40 around t*; n times the eigenvalue of its Jacobian along the diagonal is -3.05 at 0, and n times both of them
are positive at both ends of the bracket. Between the ends they change by less than 2^-28: with S_p = sum_j g_j^p,
S_1^2 <= n S_2, |S_3| <= S_2^(3/2), S_4 <= S_2^2, and S_2 >= .8 for every t (a - b = .9 s), their slopes in t are
at most 2 (3 sqrt(n) + 5 n) / sqrt(S_2) + 120 < 2000, times 2^-40.

Production: all 202 values of g at w = t (1, ..., 1), t on both sides of t*, sizes by `SquaredGradient`, the realised
inclusion probabilities of `Systematic`: every E[pi_j(g) g_j] equals the drift.

Tolerance: realised pi_j lie within e = 1.01 n 2^-40 of g_j^2 / |g|^2 (`theory.rounding.grid`; the rounding of g to
float64 is among its room for sizes), so h_j within e E|g_j|.

What would refute it
--------------------
Sizes other than by energy; a drift that does not change sign there, or a point that repels.

Source
------
Derived here.
"""

from collections.abc import Iterator
from fractions import Fraction

import torch

from amss_min.designs import Systematic
from amss_min.importance import SquaredGradient
from amss_min.testing import Evidence, Status
from theory import rounding
from theory.comparison import Comparison, dominance, equality
from theory.joint_symmetry import SMALL, UNITS, across, along, drift, pair, root
from theory.readings import fractions
from theory.sources import Source
from theory.verdict import Claim, Kind

_MARGIN = Fraction(1, 2**28)
_TRIED = (Fraction(1, 8), Fraction(3, 16))


def check() -> list[Evidence]:
    """The fixed points, their stability, and the drift by production."""
    low, high = root(Fraction(1, 8), Fraction(1, 4))
    shown = {"t*": float(low), "|grad F|^2": float(UNITS * low * low)}
    eigenvalues = {
        f"{f.__name__} at {float(t):.4f}": float(UNITS * f(t)) for f in (along, across) for t in (0 * low, low)
    }
    return [
        equality([_at(Fraction(0), drift(Fraction(0)), Fraction(0))], what="drift at 0, against 0", scope="one point"),
        dominance(
            [_at(low, -drift(low), Fraction(0)), _at(high, drift(high), Fraction(0))],
            what="0, at most the drift at the upper end of the bracket and minus that at the lower",
            scope="a bracket of t* = .1755 of width 2^-40",
            details=shown,
        ),
        equality(
            [
                _at(low, Fraction(1755, 10**4), Fraction(round(low * 10**4), 10**4)),
                _at(low, Fraction(311, 100), Fraction(round(UNITS * low * low * 100), 100)),
            ],
            what="t* to four digits and |grad F|^2 to two decimals, against .1755 and 3.11",
            scope="the bracket",
            details=shown,
        ),
        dominance(
            [_at(Fraction(0), -UNITS * along(Fraction(0)), _MARGIN)],
            what="0, at most minus n times the eigenvalue along the diagonal at the optimum",
            scope="one point; the optimum repels",
        ),
        dominance(
            [_at(t, UNITS * eigenvalue(t), _MARGIN) for t in (low, high) for eigenvalue in (along, across)],
            what="2^-28, at most n times the eigenvalues of the Jacobian at t*",
            scope="both ends of the bracket; t* attracts",
            details=eigenvalues,
        ),
        equality(
            _production(),
            what="E[pi_j(g) g_j] of production on the diagonal, against the drift",
            tolerance_source=f"{rounding.GRID_SOURCE}, times E|g_j|",
            scope=f"t = 1/8 and 3/16, {2 * UNITS} values of g each",
        ),
    ]


def _at(t: Fraction, expected: Fraction, measured: Fraction) -> Comparison:
    return Comparison(expected=expected, measured=measured, witness={"t": str(t), "n": UNITS, "small": str(SMALL)})


def _production() -> Iterator[Comparison]:
    for t in _TRIED:
        h, size = [Fraction(0)] * UNITS, Fraction(0)
        for one, others in pair(t, SMALL):
            g = torch.full((UNITS, UNITS), float(others), dtype=torch.float64).fill_diagonal_(float(one))
            for place, pi in enumerate(Systematic().inclusion(SquaredGradient()(g.abs()), 1)):
                weights = fractions(pi)
                h = [
                    total + p * (one if j == place else others)
                    for j, (total, p) in enumerate(zip(h, weights, strict=True))
                ]
            size += abs(one) + (UNITS - 1) * abs(others)
        for unit, total in enumerate(h):
            yield Comparison(
                expected=drift(t),
                measured=total / (2 * UNITS),
                tolerance=rounding.grid(UNITS) * size / (2 * UNITS),
                witness={"t": str(t), "unit": unit},
            )


CLAIM = Claim(
    id="joint-symmetry-wrong-point",
    statement=r"Joint symmetry of the noise is not enough: on $\frac12\|w\|^2$, $n = 101$, $k = 1$, $q \propto g^2$, "
    r"$\xi = \pm$ a random permutation of $(1, .1, \ldots, .1)$, the optimum is an unstable fixed point of AMSS and "
    r"$\pm .1755 \cdot \mathbf{1}$ are stable ones, with $\|\nabla F\|^2 = 3.11 > \sigma^2 = 2$.",
    kind=Kind.COUNTEREXAMPLE,
    source=Source(kind="derived", reference="the mean field of AMSS on the diagonal"),
    assumptions=(),
    expected_status=Status.HOLDS,
    check=check,
)
