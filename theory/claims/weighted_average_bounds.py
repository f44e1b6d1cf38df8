r"""Where the second moment grows with the gap, or steps decrease, what is bounded is a weighted average of |grad F|^2.

Setting
-------
F is L-smooth and bounded below; an unbiased masked gradient with E |C|^2 <= 2 A (F - F*) + B |grad F|^2 + C_0, the
factor 1 + omega of the mask included in the constants.

Claim
-----
Constant eta < 2 / (L B), weights p_t = (1 + L A eta^2)^-(t+1), P_T their sum over t < T:

    sum p_t E |grad F(w_t)|^2 / P_T <= (2 Delta / (eta P_T) + L eta C_0) / (2 - L B eta);

eta_t = eta_0 / sqrt(t + 1), A = 0, eta_0 < 2 / (L B), weights eta_t:

    sum eta_t E |grad F(w_t)|^2 / sum eta_t
        <= (2 Delta + L C_0 eta_0^2 (1 + ln T)) / ((2 - L B eta_0) 2 eta_0 (sqrt(T + 1) - 1)).

The first says nothing of the plain average, the second has a logarithm; neither speaks of the last iterate. Both rest
on one step, E F(w_1) - F* <= (1 + L A eta^2) (F - F*) - (eta / 2) (2 - L B eta) |grad F|^2 + L C_0 eta^2 / 2, and are
proved in theory.abc_bounds.

Assumptions
-----------
Smoothness, boundedness, fresh random masks, positive inclusion.

How it is checked
-----------------
The one step on the interpolating least squares of theory.divergence, where B = C_0 = 0 and A = 3 max L_i: production
AMSS+ (SquaredGradient(mix=0.5), Systematic, HorvitzThompson, k = 1 of 3), all masks, orders and components, in
rationals, from three points with three steps; weights err by 2^-50, which moves a square by at most three times that,
and a mean over pieces by as much again.

The two averages on F = (L / 2) |w|^2 where the second moment is all that is allowed, by the recursion in rationals, T
up to 64, against theory.abc_bounds: 64 weights of a few roundings each, below 2^-42. The tightness is shown.

What would refute it
--------------------
A biased weight, or one that is too large; weights of another average; a constant that is too small.

Source
------
Proved in theory.abc_bounds; the forms are those of Khaled and Richtarik 2020 (arXiv 2002.03329) and Ghadimi and Lan
2013.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np
import torch

from amss_min.designs import Systematic
from amss_min.importance import SquaredGradient
from amss_min.testing import Evidence, Status
from amss_min.weightings import HorvitzThompson
from theory import rounding
from theory.abc_bounds import abc_bound, abc_weights, decreasing_stepsizes, nonconvex_decreasing_bound
from theory.assumptions import BOUNDED_BELOW, FRESH_RANDOMNESS, POSITIVE_INCLUSION, SMOOTH
from theory.comparison import Comparison, dominance
from theory.divergence import STEEP
from theory.moments import Number
from theory.readings import readings
from theory.sources import GHADIMI_LAN, Source
from theory.verdict import Claim, Kind

_POINTS = (
    (Fraction(1), Fraction(1), Fraction(1)),
    (Fraction(1), Fraction(-1), Fraction(0)),
    (Fraction(2), Fraction(-1), Fraction(1, 2)),
)
_STEPS = (Fraction(1, 10**4), Fraction(1, 1000), Fraction(1, 200))
_L, _GAP = Fraction(2), Fraction(3)
_HORIZONS = (1, 2, 8, 64)
_FLOAT = Fraction(1, 2**42)


def check() -> list[Evidence]:
    """One step of production AMSS+, and both averages on the quadratic."""
    proof = "proof in theory/abc_bounds.py"
    return [
        dominance(
            _descents(),
            what="E F(w_1) of AMSS+ on interpolating least squares, against the descent inequality",
            tolerance_source="weights to 2^-50, tripled by a square, twice for the mean",
            scope=f"n = 3, k = 1, all masks, orders and components, three points, three steps; {proof}",
        ),
        dominance(
            _weighted(),
            what="average with weights (1 + L A eta^2)^-(t+1) on the quadratic, against abc_bound",
            tolerance_source="64 weights of a few roundings: 2^-42",
            scope=f"isotropic quadratic, T up to 64; {proof}",
        ),
        dominance(
            _decreasing(),
            what="average with weights eta_t on the quadratic, against nonconvex_decreasing_bound",
            tolerance_source="64 weights of a few roundings: 2^-42",
            scope=f"isotropic quadratic, T up to 64; {proof}",
        ),
    ]


def _value(x: Sequence[Number]) -> Number:
    """F(x) = mean of the components; its minimum is 0."""
    total: Number = Fraction(0)
    for row in STEEP.rows:
        inner: Number = Fraction(0)
        for a, value in zip(row, x, strict=True):
            inner += a * value
        total += inner * inner / 3
    for value in x:
        total += STEEP.ridge / 2 * value * value
    return total


def _descents() -> Iterator[Comparison]:
    L = max(2 * s + STEEP.ridge for s in STEEP.curvatures)
    largest = 2 * sum((a * a for a in STEEP.row), Fraction(0)) + STEEP.ridge
    A = 3 * largest / (1 - Fraction(9, 2**39))  # 1 + omega of theory.bounds.second_moment_factor for n = 3, k = 1
    for x in _POINTS:
        gradients = [STEEP.gradient(index, x) for index in range(3)]
        mean = [sum(parts, Fraction(0)) / 3 for parts in zip(*gradients, strict=True)]
        energy = sum((g * g for g in mean), Fraction(0))
        for step in _STEPS:
            after: Number = Fraction(0)
            for gradient in gradients:
                norms = torch.tensor([abs(float(g)) for g in gradient], dtype=torch.float64)
                found = readings(Systematic(), HorvitzThompson(), SquaredGradient(mix=0.5)(norms), 1)
                for reading in found:
                    for probability, multipliers in reading.outcomes:
                        moved = [w - step * m * g for w, m, g in zip(x, multipliers, gradient, strict=True)]
                        after += probability / (3 * len(found)) * _value(moved)
            gap = Fraction(_value(x))
            limit = (1 + L * A * step**2) * gap - step * energy
            reach = max(map(abs, x)) + step * 6 * max(abs(g) for gradient in gradients for g in gradient)
            yield Comparison(
                expected=limit,
                measured=after,
                tolerance=6 * rounding.WEIGHT * L / 2 * 3 * reach**2,
                witness={"x": [str(w) for w in x], "eta": str(step)},
            )


def _gaps(steps: Sequence[Fraction], abc: tuple[Fraction, Fraction, Fraction]) -> Iterator[Fraction]:
    """F(w_t) - F* on (L / 2) |w|^2 in the mean, the second moment being all that is allowed; up to 2^-100."""
    A, B, C = abc
    gap = _GAP
    for eta in steps:
        yield gap
        gap += -eta * 2 * _L * gap + _L * eta**2 / 2 * (2 * A * gap + B * 2 * _L * gap + C)
        gap = Fraction(-(-gap * 2**100 // 1), 2**100)


def _averaged(
    steps: Sequence[Fraction], weights: Sequence[float], abc: tuple[Fraction, Fraction, Fraction]
) -> Iterator[tuple[int, Fraction]]:
    """T and the weighted average of |grad F|^2 = 2 L (F - F*), at the horizons."""
    total = weight = Fraction(0)
    for t, (gap, p) in enumerate(zip(_gaps(steps, abc), weights, strict=True)):
        total, weight = total + Fraction(p) * 2 * _L * gap, weight + Fraction(p)
        if t + 1 in _HORIZONS:
            yield t + 1, total / weight


def _weighted() -> Iterator[Comparison]:
    T = _HORIZONS[-1]
    for part in (Fraction(1, 8), Fraction(1), Fraction(7, 4)):
        abc = (Fraction(1), Fraction(4), Fraction(2))
        step = part / (_L * abc[1])
        weights = abc_weights(np.arange(T, dtype=np.float64), L=float(_L), A=float(abc[0]), stepsize=float(step))
        for horizon, average in _averaged([step] * T, weights.tolist(), abc):
            constants = (float(abc[0]), float(abc[1]), float(abc[2]))
            at = np.array([horizon], dtype=np.float64)
            bound = abc_bound(at, L=float(_L), gap=float(_GAP), stepsize=float(step), abc=constants)
            yield _case(average, bound[0], "abc_bound", part, horizon)


def _decreasing() -> Iterator[Comparison]:
    T = _HORIZONS[-1]
    for part in (Fraction(1, 8), Fraction(1), Fraction(7, 4)):
        B, C = Fraction(4), Fraction(2)
        first = part / (_L * B)
        steps = decreasing_stepsizes(np.arange(T, dtype=np.float64), first=float(first)).tolist()
        for horizon, average in _averaged([Fraction(eta) for eta in steps], steps, (Fraction(0), B, C)):
            at = np.array([horizon], dtype=np.float64)
            bound = nonconvex_decreasing_bound(
                at, L=float(_L), gap=float(_GAP), first=float(first), B=float(B), C=float(C)
            )
            yield _case(average, bound[0], "nonconvex_decreasing_bound", part, horizon)


def _case(average: Fraction, bound: float, name: str, part: Fraction, horizon: int) -> Comparison:
    limit = Fraction(float(bound))
    witness = {"bound": name, "eta L B": str(part), "T": horizon}
    return Comparison(expected=limit, measured=average, tolerance=_FLOAT * limit, witness=witness)


CLAIM = Claim(
    id="weighted-average-bounds",
    statement=r"If $E\|C\|^2 \leq 2 A (F - F^*) + B \|\nabla F\|^2 + C_0$ and $\eta < 2 / (L B)$, the average of "
    r"$E\|\nabla F(w_t)\|^2$ with weights $(1 + L A \eta^2)^{-(t+1)}$, of sum $P_T$, is at most "
    r"$(\frac{2 \Delta}{\eta P_T} + L \eta C_0) / (2 - L B \eta)$; for $A = 0$ and $\eta_t = \eta_0 / \sqrt{t + 1}$ "
    r"that with weights $\eta_t$ is at most $\frac{2 \Delta + L C_0 \eta_0^2 (1 + \ln T)}{(2 - L B \eta_0)\, "
    r"2 \eta_0 (\sqrt{T + 1} - 1)}$.",
    kind=Kind.INEQUALITY,
    source=Source(kind="derived", reference=GHADIMI_LAN, place="closest; proof in theory/abc_bounds.py"),
    assumptions=(SMOOTH, BOUNDED_BELOW, POSITIVE_INCLUSION, FRESH_RANDOMNESS),
    expected_status=Status.HOLDS,
    check=check,
)
