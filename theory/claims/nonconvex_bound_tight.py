r"""Without noise the non-convex bound is attained: neither its bracket nor its constant can be improved.

Setting
-------
F = (L / 2) |w|^2 on R^n, uniform masks of k among n units with Horvitz-Thompson weights, 1 + omega = n / k, exact
gradients (sigma = 0), constant stepsize eta.

Claim
-----
With x = eta L (1 + omega) < 2, p = eta (2 - x) and Delta = F(w_0), for every T >= 1

    (1/T) sum_{t<T} E |grad F(w_t)|^2 = (2 Delta / (p T)) (1 - (1 - p L)^T):

the sharp form of the bound (`theory.bounds.sharp_bound`) is an equality here at every step. At the largest step of the
plain bound, eta = 1 / (L (1 + omega)), p = eta and the plain bound (`theory.bounds.nonconvex_bound`) is the same
number.

Proof. Given w, E M_j = 1 and E M_j^2 = n / k, so E |w - eta M * L w|^2 = (1 - 2 eta L + eta^2 L^2 n / k) |w|^2
= (1 - p L) |w|^2. Hence E |grad F(w_t)|^2 = 2 L Delta (1 - p L)^t; sum the geometric series. QED.

Assumptions
-----------
Fresh random masks; exact gradients. The bound it attains needs smoothness and a lower bound of F, which hold here.

How it is checked
-----------------
Exact rationals: production SimpleRandom and HorvitzThompson give the masks (`theory.uniform_masks`), and the average is
taken over all sequences of masks, T up to 3, n = 4, k = 1, 2, 4, three steps (one at the limit, one below, one beyond).

The float functions of theory.bounds against the rational right-hand side, T up to 64: log1p and expm1 are good to 4
units of 2^-52, the product with T and their differences to as much again, and 1 - (1 - p L)^T >= p L >= 1/16 here:
2^-44.

What would refute it
--------------------
A weight other than n / k, a subset that is drawn more often than another, or a constant in the bounds that is not the
least one.

Source
------
Derived above; the numerical counterpart is a performance-estimation problem (Drori and Teboulle 2014).
"""

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from amss_min.testing import Evidence, Status
from amss_min.weightings import HorvitzThompson
from theory.assumptions import FRESH_RANDOMNESS
from theory.bounds import nonconvex_bound, sharp_bound
from theory.comparison import Comparison, equality
from theory.moments import Number
from theory.sources import GHADIMI_LAN, Source
from theory.uniform_masks import sequences, uniform_masks
from theory.verdict import Claim, Kind

_N = 4
_COUNTS = (1, 2, 4)
_L = Fraction(2)
_START = (Fraction(1), Fraction(-2), Fraction(1, 2), Fraction(3))
_GAP = _L / 2 * sum((w**2 for w in _START), Fraction(0))
_PARTS = (Fraction(1), Fraction(1, 2), Fraction(3, 2))
"""x = eta L (1 + omega): at the limit of the plain bound, below it, and beyond."""

_FLOAT = Fraction(1, 2**44)


def check() -> list[Evidence]:
    """All paths of production masks against the formula, and the float bounds against it."""
    scope = f"n = {_N}, k = 1, 2, 4, eta L (1 + omega) = 1/2, 1, 3/2"
    return [
        equality(
            _paths(),
            what="average of |grad F|^2 over all sequences of production masks, against the bound",
            scope=f"{scope}; T up to 3, all sequences of masks; proof in the claim's file",
        ),
        equality(
            _formulas(),
            what="sharp_bound, and nonconvex_bound at its limit, against the same number",
            tolerance_source="log1p and expm1 to 4 units of 2^-52, 1 - (1 - p L)^T >= 1/16: 2^-44",
            scope=f"{scope}; T up to 64",
        ),
    ]


def _average(horizon: int, part: Fraction, factor: Fraction) -> Fraction:
    progress = part / (_L * factor) * (2 - part)
    return 2 * _GAP * (1 - (1 - progress * _L) ** horizon) / (progress * horizon)


def _paths() -> Iterator[Comparison]:
    for k in _COUNTS:
        law, factor = uniform_masks(_N, k, HorvitzThompson()), Fraction(_N, k)
        for part in _PARTS:
            stepsize = part / (_L * factor)
            for horizon in (1, 2, 3):
                total: Number = Fraction(0)
                for probability, masks in sequences(law, horizon - 1):
                    w: list[Number] = list(_START)
                    energy = _energy(w)
                    for mask in masks:
                        w = [x - stepsize * m * _L * x for x, m in zip(w, mask, strict=True)]
                        energy += _energy(w)
                    total += probability * energy
                yield Comparison(
                    expected=_average(horizon, part, factor),
                    measured=total / horizon,
                    witness=_witness(k, part, horizon),
                )


def _energy(w: list[Number]) -> Number:
    total: Number = Fraction(0)
    for x in w:
        total += (_L * x) ** 2
    return total


def _formulas() -> Iterator[Comparison]:
    for k in _COUNTS:
        for part in _PARTS:
            factor = Fraction(_N, k)
            settings = {
                "L": float(_L),
                "gap": float(_GAP),
                "stepsize": float(part / (_L * factor)),
                "factor": float(factor),
                "sigma2": 0.0,
            }
            for bound in (sharp_bound, nonconvex_bound) if part == 1 else (sharp_bound,):
                for horizon in (1, 2, 7, 64):
                    expected = _average(horizon, part, factor)
                    yield Comparison(
                        expected=expected,
                        measured=float(bound(np.array([horizon], dtype=np.float64), **settings)[0]),
                        tolerance=_FLOAT * expected,
                        witness={**_witness(k, part, horizon), "bound": bound.__name__},
                    )


def _witness(k: int, part: Fraction, horizon: int) -> dict[str, object]:
    return {"n": _N, "k": k, "L": str(_L), "eta L (1 + omega)": str(part), "T": horizon, "w": [str(w) for w in _START]}


CLAIM = Claim(
    id="nonconvex-bound-tight",
    statement=r"On $F = \frac{L}{2} \|w\|^2$ with uniform Horvitz-Thompson masks, exact gradients and "
    r"$p = \eta (2 - \eta L (1 + \omega)) > 0$, $\frac{1}{T} \sum_{t<T} E\|\nabla F(w_t)\|^2 = "
    r"\frac{2 \Delta}{p T} (1 - (1 - p L)^T)$ exactly; at $\eta = 1 / (L (1 + \omega))$ this is the non-convex bound "
    r"itself, bracket included.",
    kind=Kind.IDENTITY,
    source=Source(kind="derived", reference=GHADIMI_LAN, place="equality case; proof in this file"),
    assumptions=(FRESH_RANDOMNESS,),
    expected_status=Status.HOLDS,
    check=check,
)
