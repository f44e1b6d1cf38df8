r"""No constant step beats sqrt(2 Delta L (1 + omega) sigma^2 / T) by more than O(1/T), and the bound comes that close.

Setting
-------
The isotropic quadratic of `quadratic-oracle`: F = (L / 2) |w|^2, uniform Horvitz-Thompson masks, noise of second moment
sigma^2. f = 1 + omega = n / k, x = eta L f, R_T = (1/T) sum_{t<T} E |grad F(w_t)|^2, Q = sqrt(2 Delta L f sigma^2 / T),
s = f sigma^2 / T.

Claim
-----
1. For every constant eta > 0 and every T, R_T >= min{2 L Delta, (sqrt(s^2 + 8 L Delta s) - s) / 2}
   >= min{2 L Delta, Q - s / 2}.
2. For x < 2, R_T is the sharp bound U_T less a_inf (1 - rho^T) / (T (1 - rho)), a_inf = x sigma^2 / (2 - x) and
   1 - rho = eta L (2 - x): the bound exceeds an actual instance by a term of order 1 / T.
3. For x <= 1 the plain bound of `nonconvex-bound` is at most 2 - x times the sharp one: the factor 2 that separates it
   from this instance for small steps is what its proof gives away, not what is unknown.
4. At eta = sqrt(2 Delta / (L f sigma^2 T)), Q - s / 2 <= R_T <= U_T <= Q / (1 - x / 2), and x -> 0: the best constant
   step has the value Q (1 + o(1)) in the worst case over all L-smooth F, and on the quadratic.

Proof. 1: theory.lower_bounds.fixed_step_lower_bound. 2: with phi = (1 - rho^T) / (T (1 - rho)), the oracle is
a_inf + (2 L Delta - a_inf) phi, and 2 Delta (1 - rho^T) / (p T) = 2 L Delta phi for p = eta (2 - x). 3: (2 - x) U_T =
2 Delta (1 - rho^T) / (eta T) + x sigma^2, and rho = 1 - eta L (2 - x) <= 1 - eta L for x <= 1. 4: without its bracket,
U_T <= (2 Delta / (eta T) + L eta f sigma^2) / (2 - x) = 2 Q / (2 - x). QED.

Assumptions
-----------
The objective is the isotropic quadratic; noise of mean zero, independent of w; fresh random masks.

How it is checked
-----------------
Exact rationals, from the recursion a_{t+1} = rho a_t + L^2 eta^2 f sigma^2 run step by step (itself read off production
masks in `quadratic-oracle`); at the tuned step from its closed form, which 2 compares. 1 is compared as
R (R + s) >= 2 L Delta s, which is the same for R < 2 L Delta and free of roots, over steps up to x = 3. 4 at constants
that make Q and eta rational, T up to 4096. The float functions of theory.bounds and theory.lower_bounds against the
same numbers: a few operations each, log1p and expm1 to 4 units of 2^-52 and 1 - rho^T >= 1/64 where they are used:
2^-42.

What would refute it
--------------------
A smaller noise term or another contraction in the recursion; a lower bound with a larger constant.

Source
------
Derived above. That the rate T^(-1/2) cannot be improved even on convex quadratics: Drori and Shamir, ICML 2020.
"""

from collections.abc import Iterator
from fractions import Fraction
from math import isqrt

import numpy as np

from amss_min.testing import Evidence, Status
from theory.assumptions import FRESH_RANDOMNESS
from theory.bounds import nonconvex_bound, sharp_bound, tuned_stepsize
from theory.comparison import Comparison, dominance, equality
from theory.lower_bounds import fixed_step_lower_bound
from theory.sources import GHADIMI_LAN, Source
from theory.verdict import Claim, Kind

_L, _GAP, _FACTOR, _SIGMA2 = Fraction(1), Fraction(1), Fraction(4), Fraction(1, 2)
_PARTS = tuple(Fraction(i, 8) for i in (1, 2, 4, 7, 8, 12, 15, 16, 20, 24))
_HORIZONS = (1, 2, 3, 8, 30)
_TUNED = (16, 64, 256, 1024, 4096)
_FLOAT = Fraction(1, 2**42)
_SETTINGS = {"L": float(_L), "gap": float(_GAP), "factor": float(_FACTOR), "sigma2": float(_SIGMA2)}


def check() -> list[Evidence]:
    """The lower bound, the distance of the sharp bound, the factor of the plain one, and both at the tuned step."""
    scope = f"L = {_L}, gap = {_GAP}, 1 + omega = {_FACTOR}, sigma^2 = {_SIGMA2}"
    proof = "proof in the claim's file"
    floats = "log1p and expm1 to 4 units of 2^-52, 1 - rho^T >= 1/64: 2^-42"
    steps = f"{scope}; {len(_PARTS)} steps up to x = 3, T up to {_HORIZONS[-1]}; {proof}"
    return [
        dominance(_below(), what="2 L gap s against R_T (R_T + s): no constant step is better", scope=steps),
        dominance(
            _function_below(),
            what="fixed_step_lower_bound against R_T",
            tolerance_source="a dozen roundings of 2^-53, below 2^-42",
            scope=steps,
        ),
        equality(
            _distances(),
            what="sharp_bound less the term of order 1 / T, against R_T",
            tolerance_source=floats,
            scope=steps,
        ),
        dominance(
            _factor_two(), what="nonconvex_bound against 2 - x times sharp_bound", tolerance_source=floats, scope=steps
        ),
        dominance(
            _tuned(), what="Q - s / 2 <= R_T <= Q / (1 - x / 2) at the tuned step", scope=f"{scope}; T to 4096; {proof}"
        ),
        equality(
            _tuned_functions(),
            what="tuned_stepsize against sqrt(2 gap / (L (1 + omega) sigma^2 T))",
            tolerance_source="a few roundings of 2^-53, below 2^-42",
            scope=f"{scope}; T to 4096",
        ),
    ]


def _averages(stepsize: Fraction, horizons: tuple[int, ...]) -> Iterator[tuple[int, Fraction]]:
    """T and R_T, by the recursion."""
    rho = 1 - 2 * stepsize * _L + (stepsize * _L) ** 2 * _FACTOR
    energy, total = 2 * _L * _GAP, Fraction(0)
    for t in range(1, horizons[-1] + 1):
        total += energy
        energy = rho * energy + (_L * stepsize) ** 2 * _FACTOR * _SIGMA2
        if t in horizons:
            yield t, total / t


def _cases(beyond: bool) -> Iterator[tuple[Fraction, Fraction, int, Fraction]]:
    for part in _PARTS:
        if part < 2 or beyond:
            stepsize = part / (_L * _FACTOR)
            yield from ((part, stepsize, T, average) for T, average in _averages(stepsize, _HORIZONS))


def _below() -> Iterator[Comparison]:
    start = 2 * _L * _GAP
    for part, _, T, average in _cases(beyond=True):
        share = _FACTOR * _SIGMA2 / T
        if average < start:
            yield Comparison(expected=average * (average + share), measured=start * share, witness=_witness(part, T))


def _function_below() -> Iterator[Comparison]:
    for part, _, T, average in _cases(beyond=True):
        found = float(fixed_step_lower_bound(np.array([T], dtype=np.float64), **_SETTINGS)[0])
        yield Comparison(expected=average, measured=found, tolerance=_FLOAT * average, witness=_witness(part, T))


def _distances() -> Iterator[Comparison]:
    for part, stepsize, T, average in _cases(beyond=False):
        contracted = stepsize * _L * (2 - part)
        missing = part * _SIGMA2 / (2 - part) * (1 - (1 - contracted) ** T) / (T * contracted)
        found = sharp_bound(np.array([T], dtype=np.float64), stepsize=float(stepsize), **_SETTINGS)[0]
        yield Comparison(
            expected=average + missing,
            measured=float(found),
            tolerance=_FLOAT * (average + missing),
            witness=_witness(part, T),
        )


def _factor_two() -> Iterator[Comparison]:
    for part, stepsize, T, _ in _cases(beyond=False):
        if part <= 1:
            horizon = np.array([T], dtype=np.float64)
            sharp = float(sharp_bound(horizon, stepsize=float(stepsize), **_SETTINGS)[0])
            plain = float(nonconvex_bound(horizon, stepsize=float(stepsize), **_SETTINGS)[0])
            limit = (2 - part) * Fraction(sharp)
            yield Comparison(expected=limit, measured=plain, tolerance=_FLOAT * limit, witness=_witness(part, T))


def _root(value: Fraction) -> Fraction:
    found = Fraction(isqrt(value.numerator), isqrt(value.denominator))
    assert found * found == value, f"the constants must make {value} a square"
    return found


def _tuned() -> Iterator[Comparison]:
    for T in _TUNED:
        best = _root(2 * _GAP * _L * _FACTOR * _SIGMA2 / T)
        stepsize = _root(2 * _GAP / (_L * _FACTOR * _SIGMA2 * T))
        part, share = stepsize * _L * _FACTOR, _FACTOR * _SIGMA2 / T
        settled, rho = part * _SIGMA2 / (2 - part), 1 - stepsize * _L * (2 - part)
        average = settled + (2 * _L * _GAP - settled) * (1 - rho**T) / (T * (1 - rho))
        yield Comparison(expected=average, measured=best - share / 2, witness=_witness(part, T))
        yield Comparison(expected=best / (1 - part / 2), measured=average, witness=_witness(part, T))


def _tuned_functions() -> Iterator[Comparison]:
    for T in _TUNED:
        stepsize = _root(2 * _GAP / (_L * _FACTOR * _SIGMA2 * T))
        found = float(tuned_stepsize(np.array([T], dtype=np.float64), **_SETTINGS)[0])
        yield Comparison(
            expected=stepsize,
            measured=found,
            tolerance=_FLOAT * stepsize,
            witness=_witness(stepsize * _L * _FACTOR, T),
        )


def _witness(part: Fraction, T: int) -> dict[str, object]:
    return {"eta L (1 + omega)": str(part), "T": T, **_SETTINGS}


CLAIM = Claim(
    id="fixed-step-lower-bound",
    statement=r"On the isotropic quadratic every constant step has $R_T \geq \min\{2 L \Delta, Q - "
    r"\frac{(1 + \omega) \sigma^2}{2 T}\}$, $Q = \sqrt{2 \Delta L (1 + \omega) \sigma^2 / T}$, and "
    r"$\eta = \sqrt{2 \Delta / (L (1 + \omega) \sigma^2 T)}$ has at most $Q / (1 - \eta L (1 + \omega) / 2)$ on "
    r"every $L$-smooth $F$: for constant steps the non-convex bound is tight to leading order, and its usual form is "
    r"within a factor $2 - \eta L (1 + \omega)$ of that.",
    kind=Kind.INEQUALITY,
    source=Source(kind="derived", reference=GHADIMI_LAN, place="lower bound and sharp form proved here"),
    assumptions=(FRESH_RANDOMNESS,),
    expected_status=Status.HOLDS,
    check=check,
)
