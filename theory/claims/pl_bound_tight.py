r"""Under the PL inequality masked descent converges linearly, to a floor that vanishes with the step; tight.

Setting
-------
F is L-smooth with (1/2) |grad F|^2 >= mu (F - F*); unbiased masks and noise with E |C|^2 <= B |grad F|^2 + C_0, here
B = 1 + omega = n / k and C_0 = (1 + omega) sigma^2. Constant steps eta < 2 / (L B), or eta_t = 2 / (mu (gamma + t)).

Claim
-----
With p = eta (2 - L B eta), r = 1 - mu p and s = L C_0 eta^2 / 2,

    E F(w_T) - F* <= r^T Delta + s (1 - r^T) / (1 - r)                 (constant steps),
    E F(w_T) - F* <= max{2 L C_0 / mu^2, gamma Delta} / (gamma + T)    (decreasing steps, gamma >= 2 L B / mu).

Proofs in theory.abc_bounds (pl_bound, pl_decreasing_bound). On F = (L / 2) |w|^2, where mu = L, with uniform masks, the
first is an equality at every T: given w, E F(w_1) = r F(w) + s, since

    E |w - eta M * (L w + xi)|^2 = (1 - 2 eta L + eta^2 L^2 n / k) |w|^2 + eta^2 (n / k) sigma^2.

The floor s / (mu p) = L eta C_0 / (2 mu (2 - L B eta)) vanishes with eta: no wrong point.

Assumptions
-----------
Fresh random masks; noise of mean zero, independent of w.

How it is checked
-----------------
Exact rationals: E F(w_1) over all production masks (`theory.uniform_masks`) and signs of the noise, n = 4, k = 1, 2, 4,
steps up to eta L n / k = 3/2. Then the recursion in rationals against the float functions of theory.abc_bounds:
equality for constant steps, dominance with its tightness for decreasing ones, T up to 64. expm1 and log to 4 units of
2^-52, T times that in the power, 1 - r >= 1/32, so 2^-40 of the sum of both terms.

What would refute it
--------------------
A weight other than n / k; a formula with another constant.

Source
------
Derived in theory.abc_bounds; the form is that of Karimi, Nutini and Schmidt 2016 (arXiv 1608.04636).
"""

from collections.abc import Iterator
from fractions import Fraction
from itertools import product

import numpy as np

from amss_min.testing import Evidence, Status
from amss_min.weightings import HorvitzThompson
from theory.abc_bounds import masked, pl_bound, pl_decreasing_bound, pl_decreasing_shift
from theory.assumptions import FRESH_RANDOMNESS
from theory.comparison import Comparison, dominance, equality
from theory.moments import Number
from theory.sources import Source
from theory.uniform_masks import uniform_masks
from theory.verdict import Claim, Kind

_L = Fraction(2)
_START = (Fraction(1), Fraction(-2), Fraction(1, 2), Fraction(3))
_GAP = _L / 2 * sum((w**2 for w in _START), Fraction(0))
_NOISE = Fraction(1, 2)
_SIGMA2 = len(_START) * _NOISE**2
_COUNTS = (1, 2, 4)
_PARTS = (Fraction(1, 4), Fraction(1), Fraction(3, 2))
"""eta L (1 + omega)."""
_HORIZONS = (0, 1, 2, 7, 64)
_FLOAT = Fraction(1, 2**40)


def check() -> list[Evidence]:
    """One step over all masks, whole runs against the constant-step bound, and decreasing steps below theirs."""
    scope = "n = 4, k = 1, 2, 4"
    source = "expm1 and log to 4 units of 2^-52, 1 - r >= 1/32: 2^-40"
    return [
        equality(
            _one_step(),
            what="E F(w_1) over all masks and signs, against r F(w_0) + s",
            scope=f"{scope}; proof in the claim's file",
        ),
        equality(
            _constant(),
            what="pl_bound, against E F(w_T) on the isotropic quadratic",
            tolerance_source=source,
            scope=f"{scope}; eta L (1 + omega) = 1/4, 1, 3/2; T up to 64",
        ),
        dominance(
            _decreasing(),
            what="E F(w_T) on the isotropic quadratic with decreasing steps, against pl_decreasing_bound",
            tolerance_source="a few roundings of 2^-53, below 2^-40",
            scope=f"{scope}; T up to 64; proof in theory/abc_bounds.py",
        ),
    ]


def _next(gap: Fraction, stepsize: Fraction, factor: Fraction) -> Fraction:
    rate = 1 - stepsize * _L * (2 - stepsize * _L * factor)
    return rate * gap + _L * stepsize**2 * factor * _SIGMA2 / 2


def _one_step() -> Iterator[Comparison]:
    signs = list(product((-_NOISE, _NOISE), repeat=len(_START)))
    for k, part in product(_COUNTS, _PARTS):
        factor = Fraction(len(_START), k)
        stepsize = part / (_L * factor)
        total: Number = Fraction(0)
        for (probability, mask), noise in product(uniform_masks(len(_START), k, HorvitzThompson()), signs):
            for w, m, xi in zip(_START, mask, noise, strict=True):
                total += probability / len(signs) * _L / 2 * (w - stepsize * m * (_L * w + xi)) ** 2
        yield Comparison(expected=_next(_GAP, stepsize, factor), measured=total, witness=_witness(k, part, 1))


def _constant() -> Iterator[Comparison]:
    for k, part in product(_COUNTS, _PARTS):
        factor = Fraction(len(_START), k)
        stepsize, gap = part / (_L * factor), _GAP
        abc = masked((0.0, 1.0, float(_SIGMA2)), float(factor))
        for T in range(_HORIZONS[-1] + 1):
            if T in _HORIZONS:
                horizon = np.array([T], dtype=np.float64)
                settings = {"L": float(_L), "mu": float(_L), "gap": float(_GAP), "stepsize": float(stepsize)}
                found = float(pl_bound(horizon, abc=abc, **settings)[0])
                yield Comparison(
                    expected=gap, measured=found, tolerance=_FLOAT * (gap + _GAP), witness=_witness(k, part, T)
                )
            gap = _next(gap, stepsize, factor)


def _decreasing() -> Iterator[Comparison]:
    for k in _COUNTS:
        factor, gap = Fraction(len(_START), k), _GAP
        abc = masked((0.0, 1.0, float(_SIGMA2)), float(factor))
        shift = pl_decreasing_shift(L=float(_L), mu=float(_L), abc=abc)
        for T in range(_HORIZONS[-1] + 1):
            if T in _HORIZONS:
                horizon = np.array([T], dtype=np.float64)
                bound = pl_decreasing_bound(horizon, L=float(_L), mu=float(_L), gap=float(_GAP), shift=shift, abc=abc)
                limit = Fraction(float(bound[0]))
                yield Comparison(
                    expected=limit, measured=gap, tolerance=_FLOAT * limit, witness=_witness(k, Fraction(0), T)
                )
            # The next gap rounded up to 2^-100: a bound of a bound, with short denominators.
            gap = Fraction(-(-_next(gap, 2 / (_L * (Fraction(shift) + T)), factor) * 2**100 // 1), 2**100)


def _witness(k: int, part: Fraction, horizon: int) -> dict[str, object]:
    return {"n": len(_START), "k": k, "eta L (1 + omega)": str(part), "T": horizon, "w": [str(w) for w in _START]}


CLAIM = Claim(
    id="pl-bound-tight",
    statement=r"Under the PL inequality with $\mu$, masked descent has $E F(w_T) - F^* \leq r^T \Delta + "
    r"\frac{s (1 - r^T)}{1 - r}$, $r = 1 - \mu \eta (2 - \eta L (1 + \omega))$, "
    r"$s = \frac{L}{2} \eta^2 (1 + \omega) \sigma^2$, with equality at every $T$ on the isotropic quadratic; and "
    r"$\max\{2 L (1 + \omega) \sigma^2 / \mu^2, \gamma \Delta\} / (\gamma + T)$ for "
    r"$\eta_t = \frac{2}{\mu (\gamma + t)}$.",
    kind=Kind.INEQUALITY,
    source=Source(
        kind="derived",
        reference="Karimi, Nutini and Schmidt 2016 (arXiv 1608.04636)",
        place="closest; proof in theory/abc_bounds.py",
    ),
    assumptions=(FRESH_RANDOMNESS,),
    expected_status=Status.HOLDS,
    check=check,
)
