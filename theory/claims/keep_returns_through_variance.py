r"""After two steps on a nonlinear objective, the expected iterate of AMSS+ depends on the keep fraction.

Setting
-------
n = 4 weights, F(w) = sum w_j^4 / 4 with gradient w_j^3, two steps of SGD with stepsize eta, AMSSPlus with simple
random sampling of k units and weights n/k. For contrast F(w) = sum a_j w_j^2 / 2.

Claim
-----
E[w_2] depends on k on the quartic, through the variance of the first mask, and not on the quadratic. On the quartic,
coordinate by coordinate with pi = k/n and d = eta w^3,
E[w_2] = w - d - eta (w^3 - 3 w^2 d + 3 w d^2 / pi - d^3 / pi^2).

Assumptions
-----------
Fresh randomness in the second step.

How it is checked
-----------------
Proof of the formula: E[w_2 | w_1] = w_1 - eta w_1^3 and w_1 = w - M d with E[M] = 1, E[M^2] = 1/pi,
E[M^3] = 1/pi^2. Nothing depends on pi where the gradient is affine.

Exact rationals, no tolerance: AMSSPlus itself is run for every pair of subsets in the two steps (`theory.scripted`),
k = 1, 2, 4, so that the weights 4, 2, 1 are exact floats, and from w = (1/2, 1, -1, 3/2), eta = 1/8, so that all
gradients are. The expectation is the sum over pairs of subsets, each equally likely.

What would refute it
--------------------
A weight whose mean is not 1 (then the quadratic depends on k too), or one whose variance is not that of the draw.

Source
------
Derived here: unbiasedness of every step gives E[w_t] for affine gradients only.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from math import nan

import torch
from torch import nn

from amss_min.amss import AMSSPlus
from amss_min.designs import SimpleRandom
from amss_min.testing import Evidence, Status
from amss_min.weightings import HorvitzThompson
from theory.assumptions import FRESH_RANDOMNESS
from theory.comparison import Comparison, departure, equality
from theory.moments import Number
from theory.readings import exact
from theory.scripted import Scripted
from theory.sources import Source
from theory.verdict import Claim, Kind

_START = (Fraction(1, 2), Fraction(1), Fraction(-1), Fraction(3, 2))
# With these no step ends at 0, where a unit would leave the draw.
_CURVATURE = (Fraction(1), Fraction(3), Fraction(1, 2), Fraction(5, 2))
_ETA = Fraction(1, 8)
_N = len(_START)
_COUNTS = (1, 2, 4)

Gradient = Callable[[int, Fraction], Fraction]


def check() -> list[Evidence]:
    """The quartic against its formula, between keep fractions, and the quadratic between keep fractions."""
    steps = {(gradient, k): _Step(gradient, k) for gradient in (_cubic, _linear) for k in _COUNTS}
    quartic = {k: _mean_iterate(steps[_cubic, k], k) for k in _COUNTS}
    quadratic = {k: _mean_iterate(steps[_linear, k], k) for k in _COUNTS}
    scope = f"n = {_N}, k = 1, 2, 4, all pairs of subsets; proof in the claim's file"
    return [
        equality(
            [_case("quartic", k, unit, _formula(w, k), quartic[k][unit]) for k in _COUNTS for unit, w in _units()],
            what="E[w_2] on the quartic, against the formula",
            scope=scope,
            details={f"E[w_2] at k = {k}": [float(value) for value in mean] for k, mean in quartic.items()},
        ),
        departure(
            _between(quartic, "quartic"),
            what="E[w_2] on the quartic at k < n, less that at k = n, against 0",
            scope=scope,
        ),
        equality(
            _between(quadratic, "quadratic"),
            what="E[w_2] on the quadratic at k < n, less that at k = n, against 0",
            scope=scope,
        ),
        equality(
            [_case("both", k, 0, Fraction(0), Fraction(step.inexact)) for (_, k), step in steps.items()],
            what="gradients on the way that float64 rounds or that are zero",
            scope=scope,
        ),
    ]


def _cubic(unit: int, w: Fraction) -> Fraction:
    return w**3


def _linear(unit: int, w: Fraction) -> Fraction:
    return _CURVATURE[unit] * w


def _units() -> Iterator[tuple[int, Fraction]]:
    return iter(enumerate(_START))


def _formula(w: Fraction, k: int) -> Fraction:
    pi, d = Fraction(k, _N), _ETA * w**3
    return w - d - _ETA * (w**3 - 3 * w**2 * d + 3 * w * d**2 / pi - d**3 / pi**2)


def _between(means: dict[int, list[Number]], objective: str) -> Iterator[Comparison]:
    for k in _COUNTS[:-1]:
        for unit, _ in _units():
            yield _case(objective, k, unit, Fraction(0), means[k][unit] - means[_N][unit])


def _case(objective: str, k: int, unit: int, expected: Fraction, measured: Number) -> Comparison:
    witness = {"objective": objective, "start": [str(w) for w in _START], "eta": str(_ETA), "k": k, "unit": unit}
    return Comparison(expected=expected, measured=measured, witness=witness)


def _mean_iterate(step: "_Step", k: int) -> list[Number]:
    """E[w_2], over all pairs of subsets of size k."""
    subsets = list(itertools.combinations(range(_N), k))
    mean: list[Number] = [Fraction(0)] * _N
    for first in subsets:
        middle = step.after(_START, first)
        for second in subsets:
            end = step.after(middle, second)
            mean = [m + w / len(subsets) ** 2 for m, w in zip(mean, end, strict=True)]
    return mean


class _Step:
    """One step of SGD whose gradient AMSSPlus masks, with the subset drawn written down."""

    def __init__(self, gradient: Gradient, k: int) -> None:
        self.gradient = gradient
        self.inexact = 0
        self.design = Scripted(SimpleRandom())
        self.parameter = nn.Parameter(torch.zeros(_N, dtype=torch.float64))
        self.method = AMSSPlus(
            {"audio": self.parameter},
            keep=k / _N,
            design=self.design,
            weighting=HorvitzThompson(),
            generator=torch.Generator(),
        )

    def after(self, w: Sequence[Number], subset: Sequence[int]) -> list[Number]:
        """w - eta times the masked gradient; not a number where a weight was not finite."""
        if any(isinstance(value, float) for value in w):
            return [nan] * _N
        gradient = [self.gradient(unit, Fraction(value)) for unit, value in enumerate(w)]
        self.parameter.grad = torch.tensor([float(value) for value in gradient], dtype=torch.float64)
        self.inexact += sum(x != y or x == 0 for x, y in zip(exact(self.parameter.grad), gradient, strict=True))
        self.design.script = {_N: [[0 if unit in subset else 1 for unit in range(_N)]]}
        self.method.mask_gradients()
        return [value - _ETA * masked for value, masked in zip(w, exact(self.parameter.grad), strict=True)]


CLAIM = Claim(
    id="keep-returns-through-variance",
    statement=r"On $F(w) = \sum_j w_j^4/4$ the expected iterate of AMSS+ after two steps depends on the keep fraction: "
    r"under simple random sampling, $\pi = k/n$ and $d = \eta w^3$, "
    r"$E[w_2] = w - d - \eta(w^3 - 3w^2 d + 3 w d^2/\pi - d^3/\pi^2)$. On a "
    r"quadratic it does not.",
    kind=Kind.COUNTEREXAMPLE,
    source=Source(kind="derived", reference="unbiasedness of a step is inherited by affine gradients only"),
    assumptions=(FRESH_RANDOMNESS,),
    expected_status=Status.HOLDS,
    check=check,
)
