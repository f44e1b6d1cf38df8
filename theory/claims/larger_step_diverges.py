r"""AMSS+ needs the smaller step: beyond 2 / (L (1 + omega)) it diverges where AMSS and plain descent still contract.

Setting
-------
F = (L / 2) |w|^2 on R^n, exact gradients, the same uniform draws of k < n units; AMSS+ weights them by n / k, AMSS by
1, plain descent takes all. Constant stepsize with 2 k / (L n) < eta < 2 / L.

Claim
-----
AMSS+ never decreases any |w_j|: every drawn coordinate is multiplied by 1 - eta L n / k < -1. In the mean,

    AMSS+   E |w_{t+1}|^2 = (1 - 2 eta L + eta^2 L^2 n / k) |w_t|^2,   a factor above 1;
    AMSS    E |w_{t+1}|^2 = (1 - (k / n) eta L (2 - eta L)) |w_t|^2,   a factor in [1 - k / n, 1);
    none    |w_{t+1}|^2 = (1 - eta L)^2 |w_t|^2,                       a factor in [0, 1).

So methods must be compared at steps tuned for each, not at a common step. At eta = 2 k / (L n) AMSS+ keeps every |w_j|.
Proof. One line each from E M_j = (k / n) m and E M_j^2 = (k / n) m^2 for a weight m on the units drawn. QED.

Assumptions
-----------
Fresh random masks; exact gradients.

How it is checked
-----------------
Exact rationals: production draws of SimpleRandom with the production weightings, all masks (`theory.uniform_masks`), n
= 4, k = 1, 2, three steps in the interval. One-step means against the factors; the factors against 1; every coordinate
after every mask against its size before.

What would refute it
--------------------
A Horvitz-Thompson weight below n / k; an indicator that is rescaled.

Source
------
Derived above; the same arithmetic gives the largest step of the non-convex bound.
"""

from collections.abc import Iterator
from fractions import Fraction

from amss_min.testing import Evidence, Status
from amss_min.weightings import HorvitzThompson, Indicator
from theory.assumptions import FRESH_RANDOMNESS
from theory.comparison import Comparison, dominance, equality
from theory.moments import Number
from theory.sources import Source
from theory.uniform_masks import uniform_masks
from theory.verdict import Claim, Kind

_N = 4
_L = Fraction(3)
_START = (Fraction(1), Fraction(-2), Fraction(1, 2), Fraction(3))
_STEPS = {1: (Fraction(9, 16), Fraction(1), Fraction(31, 16)), 2: (Fraction(17, 16), Fraction(3, 2), Fraction(31, 16))}
"""k: values of eta L, all above 2 k / n and below 2."""


def check() -> list[Evidence]:
    """Factors of the one-step mean, on which side of 1 they lie, and every path of AMSS+."""
    scope = f"n = {_N}, k = 1, 2, three steps each, all masks; proof in the claim's file"
    return [
        equality(_factors(), what="E |w_1|^2 of AMSS+ and AMSS, against their factors", scope=scope),
        dominance(_growing(), what="|w_0|^2 against E |w_1|^2 of AMSS+, which is larger", scope=scope),
        dominance(
            _contracting(), what="E |w_1|^2 of AMSS and of plain descent, against (1 - 1/100) |w_0|^2", scope=scope
        ),
        dominance(_paths(), what="|w_j| before a step of AMSS+, against |w_j| after it, for every mask", scope=scope),
    ]


def _cases() -> Iterator[tuple[int, Fraction]]:
    return ((k, step) for k, steps in _STEPS.items() for step in steps)


def _norm(w: list[Number]) -> Number:
    total: Number = Fraction(0)
    for x in w:
        total += x * x
    return total


def _after(k: int, step: Fraction, weighting: HorvitzThompson | Indicator) -> Number:
    """E |w_1|^2 over production masks."""
    total: Number = Fraction(0)
    for probability, mask in uniform_masks(_N, k, weighting):
        total += probability * _norm([w - step * m * w for w, m in zip(_START, mask, strict=True)])
    return total


def _factors() -> Iterator[Comparison]:
    for k, step in _cases():
        share = Fraction(k, _N)
        plus, plain = 1 - 2 * step + step**2 / share, 1 - share * step * (2 - step)
        for factor, weighting in ((plus, HorvitzThompson()), (plain, Indicator())):
            yield Comparison(
                expected=factor * Fraction(_norm(list(_START))),
                measured=_after(k, step, weighting),
                witness=_witness(k, step, weighting),
            )


def _growing() -> Iterator[Comparison]:
    for k, step in _cases():
        grown = _after(k, step, HorvitzThompson())
        yield Comparison(expected=grown, measured=_norm(list(_START)), witness=_witness(k, step, HorvitzThompson()))


def _contracting() -> Iterator[Comparison]:
    before = Fraction(99, 100) * Fraction(_norm(list(_START)))
    for k, step in _cases():
        yield Comparison(expected=before, measured=_after(k, step, Indicator()), witness=_witness(k, step, Indicator()))
        plain = _norm([w - step * w for w in _START])
        yield Comparison(expected=before, measured=plain, witness={"eta L": str(step), "method": "plain descent"})


def _paths() -> Iterator[Comparison]:
    for k, step in _cases():
        for _, mask in uniform_masks(_N, k, HorvitzThompson()):
            for w, m in zip(_START, mask, strict=True):
                yield Comparison(
                    expected=abs(w - step * Fraction(m) * w),
                    measured=abs(w),
                    witness=_witness(k, step, HorvitzThompson()),
                )


def _witness(k: int, step: Fraction, weighting: object) -> dict[str, object]:
    return {"n": _N, "k": k, "eta L": str(step), "weighting": repr(weighting), "w": [str(w) for w in _START]}


CLAIM = Claim(
    id="larger-step-diverges",
    statement=r"For $2 / (L (1 + \omega)) < \eta < 2 / L$ with $1 + \omega = n/k$, uniformly masked AMSS+ diverges on "
    r"$F = \frac{L}{2} \|w\|^2$: no mask ever decreases any $|w_j|$ and "
    r"$E\|w_{t+1}\|^2 = (1 - 2 \eta L + \eta^2 L^2 n / k) \|w_t\|^2$, a factor above $1$. AMSS with the same draws and "
    r"plain descent contract at these steps.",
    kind=Kind.COUNTEREXAMPLE,
    source=Source(kind="derived", reference="one line from the first two moments of the mask"),
    assumptions=(FRESH_RANDOMNESS,),
    expected_status=Status.HOLDS,
    check=check,
)
