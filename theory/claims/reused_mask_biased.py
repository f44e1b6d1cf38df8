r"""A mask that is used again, or drawn before the gradient that sets its weights, is biased.

Setting
-------
Inverse-probability weights, whose draw is not fresh given the gradient: (i) the mask of one step is used in the next as
well; (ii) the units are drawn with the sizes of an earlier gradient g', independent of g, and weighted with 1/pi(g).

Claim
-----
(i) On F(w) = sum_j a_j w_j^2 / 2 with simple random sampling of k of n units, stepsize eta and the same mask M twice,
E[w_2] = w - eta a w - eta a w (1 - eta a n/k), coordinate by coordinate: the (1 - eta a)^2 w of a fresh mask plus
eta^2 a^2 w (n/k - 1).
(ii) E[M_j g_j] = E[g_j pi_j(g') / pi_j(g)], which is not E g_j.

Assumptions
-----------
None beyond the setting; both break the assumption of fresh randomness, the one thing that tower-rule rests on.

How it is checked
-----------------
Proof: (i) w_1 = w - eta a M w, and the second step subtracts eta a M w_1 with E M = 1, E M^2 = n/k. (ii) given g and
g', E[B_j] = pi_j(g').

(i) AMSSPlus itself is run from w = (1/2, 1, -1, 3/2) over all subsets, with k and eta such that float64 does not round:
once with the same words in both steps, once with all pairs of subsets, which gives (1 - eta a)^2 w. (ii) the draws of
g' are those of production on the exact law of systematic sampling, the weights those of production for g.

Tolerance: none in (i); in (ii) 2^-50 relative (`theory.rounding.WEIGHT`), of the sum of absolute terms.

What would refute it
--------------------
A step that draws anew although its words are the same; weights that do not belong to the sizes they are given.

Source
------
Derived here.
"""

import itertools
from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import nan

import torch
from torch import nn

from amss_min.amss import AMSSPlus
from amss_min.designs import SimpleRandom, Systematic
from amss_min.importance import SquaredGradient
from amss_min.testing import Evidence, Status
from amss_min.weightings import HorvitzThompson, Indicator
from theory import moments, rounding
from theory.comparison import Comparison, departure, equality
from theory.gradient_law import GradientLaw, random_laws, sizes_of
from theory.moments import Number
from theory.readings import exact, grid_inclusion, readings
from theory.scripted import Scripted
from theory.sources import Source
from theory.verdict import Claim, Kind

_START = (Fraction(1, 2), Fraction(1), Fraction(-1), Fraction(3, 2))
_CURVATURE = (Fraction(1), Fraction(3), Fraction(1, 2), Fraction(5, 2))
_ETA = Fraction(1, 8)
_N = len(_START)
_COUNTS = (1, 2)
_SIZES = SquaredGradient(mix=0.5)
_DESIGN = Systematic(random_order=False)


def check() -> list[Evidence]:
    """The mask used twice, a fresh one, and the draw before its weights."""
    laws = random_laws(12, 6, most_units=4, points=3)
    scope = f"n = {_N}, k = 1, 2, all subsets; proof in the claim's file"
    return [
        equality(
            _iterates(reuse=True), what="E[w_2] with the mask of step 1 in step 2, against the formula", scope=scope
        ),
        equality(
            _iterates(reuse=False), what="E[w_2] with a fresh mask in step 2, against (1 - eta a)^2 w", scope=scope
        ),
        equality(
            _early(laws, against_gradient=False),
            what="E[M_j g_j] drawn by g' and weighted by g, against E[g_j pi_j(g') / pi_j(g)]",
            tolerance_source=f"{rounding.WEIGHT_SOURCE}, of the sum of absolute terms",
            scope=f"{len(laws)} laws of 3 values, n <= 4",
        ),
        departure(
            _early(laws, against_gradient=True),
            what="E[M_j g_j] drawn by g' and weighted by g, against E g_j",
            tolerance_source=f"{rounding.WEIGHT_SOURCE}, of the sum of absolute terms",
            scope=f"{len(laws)} laws of 3 values, n <= 4",
        ),
    ]


def reused_mean(w: Fraction, a: Fraction, eta: Fraction, k: int, n: int) -> Fraction:
    """E[w_2] of one coordinate where both steps use the same mask.

    >>> reused_mean(Fraction(1), Fraction(1), Fraction(1, 2), 1, 2)
    Fraction(1, 2)
    """
    return w - eta * a * w - eta * a * w * (1 - eta * a * Fraction(n, k))


def _iterates(reuse: bool) -> Iterator[Comparison]:
    for k in _COUNTS:
        subsets = list(itertools.combinations(range(_N), k))
        step = _Step(k)
        pairs = [(subset, subset) for subset in subsets] if reuse else list(itertools.product(subsets, subsets))
        mean: list[Number] = [Fraction(0)] * _N
        for first, second in pairs:
            end = step.after(step.after(_START, first), second)
            mean = [m + w / len(pairs) for m, w in zip(mean, end, strict=True)]
        for unit, (w, a) in enumerate(zip(_START, _CURVATURE, strict=True)):
            fresh = (1 - _ETA * a) ** 2 * w
            yield Comparison(
                expected=reused_mean(w, a, _ETA, k, _N) if reuse else fresh,
                measured=mean[unit],
                witness={"k": k, "unit": unit, "reuse": reuse, "eta": str(_ETA), "start": [str(x) for x in _START]},
            )


class _Step:
    """One step of SGD on the quadratic whose gradient AMSSPlus masks, with the subset drawn written down."""

    def __init__(self, k: int) -> None:
        self.design = Scripted(SimpleRandom())
        self.parameter = nn.Parameter(torch.zeros(_N, dtype=torch.float64))
        self.method = AMSSPlus({"audio": self.parameter}, keep=k / _N, design=self.design, generator=torch.Generator())

    def after(self, w: Sequence[Number], subset: Sequence[int]) -> list[Number]:
        """w - eta times the masked gradient; not a number where float64 rounds the gradient."""
        gradient = [a * value for a, value in zip(_CURVATURE, w, strict=True)]
        self.parameter.grad = torch.tensor([float(value) for value in gradient], dtype=torch.float64)
        if exact(self.parameter.grad) != gradient:
            return [nan] * _N
        self.design.script = {_N: [[0 if unit in subset else 1 for unit in range(_N)]]}
        self.method.mask_gradients()
        return [value - _ETA * masked for value, masked in zip(w, exact(self.parameter.grad), strict=True)]


def _early(laws: Sequence[GradientLaw], *, against_gradient: bool) -> Iterator[Comparison]:
    for law in laws:
        drawn = [_drawn(g) for _, g in law.values]
        weights = [_weights(g) for _, g in law.values]
        pi = [grid_inclusion(_DESIGN, sizes_of(_SIZES, g), 1) for _, g in law.values]
        pairs = list(itertools.product(range(len(law.values)), repeat=2))
        share = {(i, j): law.values[i][0] * law.values[j][0] for i, j in pairs}  # i: the earlier gradient
        for unit in range(law.n):
            g = [value[unit] for _, value in law.values]
            terms = {(i, j): share[i, j] * g[j] * pi[i][unit] / pi[j][unit] for i, j in pairs}
            realised = [share[i, j] * g[j] * drawn[i][unit] * weights[j][unit] for i, j in pairs]
            yield Comparison(
                expected=law.mean[unit] if against_gradient else sum(terms.values(), Fraction(0)),
                measured=sum(realised, Fraction(0)),
                tolerance=rounding.WEIGHT * sum(map(abs, terms.values()), Fraction(0)),
                witness={**law.inputs, "unit": unit},
            )


def _drawn(gradient: Sequence[Fraction]) -> list[Number]:
    """P(unit drawn) by production's 0/1 mask, one of the units drawn."""
    (read,) = readings(_DESIGN, Indicator(), sizes_of(_SIZES, gradient), 1)
    return moments.mean_multipliers(read.outcomes)


def _weights(gradient: Sequence[Fraction]) -> list[Number]:
    """Production's weight of every unit, were it drawn."""
    (read,) = readings(_DESIGN, HorvitzThompson(), sizes_of(_SIZES, gradient), 1)
    return [max(row[unit] for _, row in read.outcomes) for unit in range(len(gradient))]


CLAIM = Claim(
    id="reused-mask-biased",
    statement=r"Fresh randomness is needed: with one mask in two steps on $\frac12\sum_j a_j w_j^2$, $E[w_2] = "
    r"(1 - \eta a)^2 w + \eta^2 a^2 w\, (\frac{n}{k} - 1)$; and units drawn by an earlier $g'$ but weighted by $g$ "
    r"have $E[M_j g_j] = E[g_j \pi_j(g')/\pi_j(g)] \neq E g_j$.",
    kind=Kind.COUNTEREXAMPLE,
    source=Source(kind="derived", reference="the assumption behind the tower rule"),
    assumptions=(),
    expected_status=Status.HOLDS,
    check=check,
)
