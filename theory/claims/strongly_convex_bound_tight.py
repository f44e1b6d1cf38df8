r"""On strongly convex F the distance to the minimiser contracts at a rate that two-curvature quadratics attain.

Setting
-------
F is m-strongly convex and L-smooth with minimiser w*, unbiased masks with second-moment factor f = 1 + omega, noise of
second moment sigma^2, constant eta < 2 / (L f).

Claim
-----
E |w_T - w*|^2 <= r^T |w_0 - w*|^2 + eta^2 f sigma^2 (1 - r^T) / (1 - r) with r = max over c in {m, L} of
1 - 2 eta c + eta^2 f c^2 (theory.convex_bounds, with its proof). Equality at every T for F = (c / 2) |w|^2 on the
coordinates that start away from 0, where c is the curvature that attains the maximum. For eta <= 1 / (L f), convexity
alone gives E F(mean w_t) - F* <= |w_0 - w*|^2 / (2 eta T) + eta f sigma^2 / 2.

Assumptions
-----------
Fresh random masks; noise of mean zero.

How it is checked
-----------------
Exact rationals on F = sum_j c_j w_j^2 / 2 with c = (1, 1, 3, 3): all sequences of two production masks
(`theory.uniform_masks`), n = 4, k = 1, 2, 4, from three starts, without noise; and one step with all signs of the
noise. The mean of |w_T|^2 is below r^T |w_0|^2 + ..., and equal where the start has one curvature, that of the maximum.
E F of the average of two iterates against the convex bound. The float functions agree with the rational right-hand
sides to 2^-42 (a dozen operations; expm1 and log to 4 units of 2^-52, 1 - r >= 1/64).

What would refute it
--------------------
A weight other than n / k; a rate or a noise term with another constant.

Source
------
Derived in theory.convex_bounds.
"""

from collections.abc import Iterator
from fractions import Fraction
from itertools import product

import numpy as np

from amss_min.testing import Evidence, Status
from amss_min.weightings import HorvitzThompson
from theory.assumptions import FRESH_RANDOMNESS
from theory.comparison import Comparison, dominance, equality
from theory.convex_bounds import convex_bound, strongly_convex_bound
from theory.moments import Number
from theory.sources import Source
from theory.uniform_masks import sequences, uniform_masks
from theory.verdict import Claim, Kind

Start = tuple[Fraction, Fraction, Fraction, Fraction]

_CURVATURE = (Fraction(1), Fraction(1), Fraction(3), Fraction(3))
_M, _L = _CURVATURE[0], _CURVATURE[-1]
_MIXED: Start = (Fraction(1), Fraction(-2), Fraction(1, 2), Fraction(3))
_FLAT: Start = (Fraction(1), Fraction(-2), Fraction(0), Fraction(0))
_STEEP: Start = (Fraction(0), Fraction(0), Fraction(1, 2), Fraction(3))
_COUNTS = (1, 2, 4)
_PARTS = (Fraction(1, 2), Fraction(1), Fraction(7, 4))
"""eta L f: at the last one the steep coordinates contract least."""
_NOISE = Fraction(1, 2)
_FLOAT = Fraction(1, 2**42)


def check() -> list[Evidence]:
    """Contraction from every start, equality on one curvature, one noisy step, and the convex bound."""
    scope = "n = 4, k = 1, 2, 4, curvatures 1 and 3, all masks; proof in theory/convex_bounds.py"
    source = "a dozen operations, expm1 and log to 4 units of 2^-52: 2^-42"
    return [
        dominance(
            _contraction(), what="E |w_T|^2, against the strongly convex bound", tolerance_source=source, scope=scope
        ),
        equality(
            _attained(),
            what="E |w_T|^2 from starts of the slowest curvature, against the bound",
            tolerance_source=source,
            scope=scope,
        ),
        dominance(
            _noisy(), what="E |w_1|^2 over masks and signs, against the bound", tolerance_source=source, scope=scope
        ),
        dominance(
            _averages(),
            what="E F of an average iterate, against the convex bound",
            tolerance_source=source,
            scope=scope,
        ),
    ]


def _paths(start: Start, k: int, stepsize: Fraction, steps: int) -> Iterator[tuple[Fraction, list[list[Number]]]]:
    """Probabilities and all iterates, over all sequences of production masks."""
    for probability, masks in sequences(uniform_masks(len(start), k, HorvitzThompson()), steps):
        path: list[list[Number]] = [list(start)]
        for mask in masks:
            path.append([w - stepsize * m * c * w for w, m, c in zip(path[-1], mask, _CURVATURE, strict=True)])
        yield probability, path


def _norm2(w: list[Number]) -> Number:
    total: Number = Fraction(0)
    for x in w:
        total += x * x
    return total


def _distance(start: Start, k: int, stepsize: Fraction, steps: int) -> Number:
    total: Number = Fraction(0)
    for probability, path in _paths(start, k, stepsize, steps):
        total += probability * _norm2(path[-1])
    return total


def _strong(start: Start, k: int, stepsize: Fraction, steps: int, sigma2: Fraction) -> Fraction:
    found = strongly_convex_bound(
        np.array([steps], dtype=np.float64),
        L=float(_L),
        convexity=float(_M),
        distance2=float(_norm2(list(start))),
        stepsize=float(stepsize),
        factor=len(start) / k,
        sigma2=float(sigma2),
    )
    return Fraction(float(found[0]))


def _cases() -> Iterator[tuple[int, Fraction, Fraction]]:
    for k, part in product(_COUNTS, _PARTS):
        yield k, part, part * k / (_L * len(_CURVATURE))


def _contraction() -> Iterator[Comparison]:
    for (k, part, stepsize), start, steps in product(_cases(), (_MIXED, _FLAT, _STEEP), (1, 2)):
        bound = _strong(start, k, stepsize, steps, Fraction(0))
        yield Comparison(
            expected=bound,
            measured=_distance(start, k, stepsize, steps),
            tolerance=_FLOAT * bound,
            witness=_witness(k, part, steps, start),
        )


def _attained() -> Iterator[Comparison]:
    for (k, part, stepsize), steps in product(_cases(), (1, 2)):
        factor = Fraction(len(_CURVATURE), k)
        flat, steep = (1 - 2 * stepsize * c + stepsize**2 * factor * c**2 for c in (_M, _L))
        start = _FLAT if flat >= steep else _STEEP
        exact = _distance(start, k, stepsize, steps)
        yield Comparison(
            expected=_strong(start, k, stepsize, steps, Fraction(0)),
            measured=exact,
            tolerance=_FLOAT * Fraction(_norm2(list(start))),
            witness=_witness(k, part, steps, start),
        )


def _noisy() -> Iterator[Comparison]:
    signs = list(product((-_NOISE, _NOISE), repeat=len(_MIXED)))
    for k, part, stepsize in _cases():
        total: Number = Fraction(0)
        for (probability, mask), noise in product(uniform_masks(len(_MIXED), k, HorvitzThompson()), signs):
            for w, m, c, xi in zip(_MIXED, mask, _CURVATURE, noise, strict=True):
                total += probability / len(signs) * (w - stepsize * m * (c * w + xi)) ** 2
        bound = _strong(_MIXED, k, stepsize, 1, len(_MIXED) * _NOISE**2)
        yield Comparison(expected=bound, measured=total, tolerance=_FLOAT * bound, witness=_witness(k, part, 1, _MIXED))


def _averages() -> Iterator[Comparison]:
    for (k, part, stepsize), start in product(_cases(), (_MIXED, _FLAT, _STEEP)):
        if part > 1:
            continue
        total: Number = Fraction(0)
        for probability, path in _paths(start, k, stepsize, 1):
            for c, first, second in zip(_CURVATURE, *path, strict=True):
                total += probability * c / 2 * ((first + second) / 2) ** 2
        found = convex_bound(
            np.array([2.0]),
            L=float(_L),
            distance2=float(_norm2(list(start))),
            stepsize=float(stepsize),
            factor=len(start) / k,
            sigma2=0.0,
        )
        bound = Fraction(float(found[0]))
        yield Comparison(expected=bound, measured=total, tolerance=_FLOAT * bound, witness=_witness(k, part, 2, start))


def _witness(k: int, part: Fraction, steps: int, start: Start) -> dict[str, object]:
    return {"n": len(start), "k": k, "eta L f": str(part), "T": steps, "w": [str(w) for w in start]}


CLAIM = Claim(
    id="strongly-convex-bound-tight",
    statement=r"For $m$-strongly convex, $L$-smooth $F$ and $\eta < 2 / (L (1 + \omega))$, masked descent has "
    r"$E\|w_T - w^*\|^2 \leq r^T \|w_0 - w^*\|^2 + \eta^2 (1 + \omega) \sigma^2 \frac{1 - r^T}{1 - r}$, "
    r"$r = \max_{c \in \{m, L\}} (1 - 2 \eta c + \eta^2 (1 + \omega) c^2)$, attained by quadratics; for convex $F$ and "
    r"$\eta \leq 1 / (L (1 + \omega))$, $E F(\bar w) - F^* \leq \frac{\|w_0 - w^*\|^2}{2 \eta T} + "
    r"\frac{\eta}{2} (1 + \omega) \sigma^2$.",
    kind=Kind.INEQUALITY,
    source=Source(kind="derived", reference="proof in theory/convex_bounds.py"),
    assumptions=(FRESH_RANDOMNESS,),
    expected_status=Status.HOLDS,
    check=check,
)
