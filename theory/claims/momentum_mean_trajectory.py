r"""On a quadratic masked momentum follows, in the mean, the full gradient: with the mask before or after the average.

Setting
-------
v_{t+1} = beta v_t + (1 - beta) u_t, w_{t+1} = w_t - eta z_t, exact gradients. Mask before: u = M * grad F(w), z =
v_{t+1}. Mask after: u = grad F(w), z = M * v_{t+1}. Uniform masks with Horvitz-Thompson weights.

Claim
-----
If grad F is affine, E w_t and E v_t are the trajectory of full-gradient momentum, at every t and in both places. Proof:
both updates are linear in (w, v) with coefficients that have the mean of the unmasked ones and are independent of (w_t,
v_t); so (E w, E v) obeys the unmasked recursion. QED. The proof holds for any masks with E[M | past, g] = 1.

It fails where grad F is not affine (a quartic, from the second step on), and for the 0/1 mask of AMSS.

Assumptions
-----------
Fresh random masks; an affine gradient.

How it is checked
-----------------
Exact rationals: production masks of SimpleRandom with both production weightings (`theory.uniform_masks`), n = 4, k =
1, 2, a quadratic with a full Hessian, three steps, the mean over all sequences of masks. The quartic and the indicator
must differ from the full-gradient trajectory at the third step.

What would refute it
--------------------
A weight whose mean is not 1.

Source
------
Derived above.
"""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import product

from amss_min.testing import Evidence, Status
from amss_min.weightings import HorvitzThompson, Indicator, Weighting
from theory.assumptions import FRESH_RANDOMNESS, Assumption
from theory.comparison import Comparison, departure, equality
from theory.moments import Number
from theory.sources import Source
from theory.uniform_masks import sequences, uniform_masks
from theory.verdict import Claim, Kind

Vector = Sequence[Number]
Gradient = Callable[[Vector], list[Number]]

_START = (Fraction(1), Fraction(-2), Fraction(1, 2), Fraction(3))
_HESSIAN = (
    (Fraction(2), Fraction(1), Fraction(0), Fraction(-1, 2)),
    (Fraction(1), Fraction(3), Fraction(1, 2), Fraction(0)),
    (Fraction(0), Fraction(1, 2), Fraction(1), Fraction(1, 4)),
    (Fraction(-1, 2), Fraction(0), Fraction(1, 4), Fraction(1)),
)
_PULL = (Fraction(1), Fraction(-1), Fraction(2), Fraction(1, 2))
_STEP, _BETA, _STEPS = Fraction(1, 4), Fraction(3, 4), 3
_COUNTS = (1, 2)

AFFINE = Assumption("affine gradient", r"$\nabla F$ is affine: $F$ is a quadratic")


def check() -> list[Evidence]:
    """Both places on the quadratic; the quartic and the indicator for contrast."""
    scope = f"n = 4, k = 1, 2, {_STEPS} steps, all sequences of masks; proof in the claim's file"
    return [
        equality(
            _cases(_affine, HorvitzThompson()), what="E w_3 and E v_3 on the quadratic, against no mask", scope=scope
        ),
        departure(_farthest(_quartic, HorvitzThompson()), what="E w_3 on the quartic, against no mask", scope=scope),
        departure(
            _farthest(_affine, Indicator()),
            what="E w_3 with the 0/1 mask on the quadratic, against no mask",
            scope=scope,
        ),
    ]


def _affine(w: Vector) -> list[Number]:
    found: list[Number] = []
    for row, pull in zip(_HESSIAN, _PULL, strict=True):
        total: Number = -pull
        for h, x in zip(row, w, strict=True):
            total += h * x
        found.append(total)
    return found


def _quartic(w: Vector) -> list[Number]:
    return [x * x * x / 4 for x in w]


def _trajectory(gradient: Gradient, place: str, masks: Sequence[Vector]) -> list[Number]:
    """w and v, one after the other, after a step for every mask."""
    w: list[Number] = list(_START)
    v: list[Number] = [Fraction(0)] * len(w)
    for mask in masks:
        g = gradient(w)
        entering = [m * x for m, x in zip(mask, g, strict=True)] if place == "before" else g
        v = [_BETA * old + (1 - _BETA) * u for old, u in zip(v, entering, strict=True)]
        taken = [m * x for m, x in zip(mask, v, strict=True)] if place == "after" else v
        w = [x - _STEP * z for x, z in zip(w, taken, strict=True)]
    return [*w, *v]


def _means(gradient: Gradient, weighting: Weighting, k: int, place: str) -> tuple[list[Number], list[Number]]:
    """The trajectory's end without a mask, and its mean over all sequences of production masks."""
    law = uniform_masks(len(_START), k, weighting)
    plain = _trajectory(gradient, "none", [(Fraction(1),) * len(_START)] * _STEPS)
    mean: list[Number] = [Fraction(0)] * len(plain)
    for probability, masks in sequences(law, _STEPS):
        end = _trajectory(gradient, place, masks)
        mean = [m + probability * x for m, x in zip(mean, end, strict=True)]
    return plain, mean


def _cases(gradient: Gradient, weighting: Weighting) -> Iterator[Comparison]:
    for k, place in product(_COUNTS, ("before", "after")):
        plain, mean = _means(gradient, weighting, k, place)
        for entry, (expected, measured) in enumerate(zip(plain, mean, strict=True)):
            yield Comparison(expected=expected, measured=measured, witness=_witness(k, place, weighting, entry=entry))


def _farthest(gradient: Gradient, weighting: Weighting) -> Iterator[Comparison]:
    """The coordinate of w in which the mean differs most."""
    for k, place in product(_COUNTS, ("before", "after")):
        plain, mean = _means(gradient, weighting, k, place)
        gap = max(abs(Fraction(x) - Fraction(y)) for x, y in zip(plain[: len(_START)], mean, strict=False))
        yield Comparison(expected=Fraction(0), measured=gap, witness=_witness(k, place, weighting))


def _witness(k: int, place: str, weighting: Weighting, **more: int) -> dict[str, object]:
    return {"n": len(_START), "k": k, "mask": place, "weighting": repr(weighting), "steps": _STEPS, **more}


CLAIM = Claim(
    id="momentum-mean-trajectory",
    statement=r"On a quadratic, $E w_t$ under an exponential average of unbiased masked gradients is the trajectory of "
    r"full-gradient momentum, whether the mask comes before the average or after it. On a quartic, or with the $0/1$ "
    r"mask of AMSS, it is not.",
    kind=Kind.IDENTITY,
    source=Source(kind="derived", reference="linearity of the update; proof in this file"),
    assumptions=(FRESH_RANDOMNESS, AFFINE),
    expected_status=Status.HOLDS,
    check=check,
)
