r"""Uniform Horvitz-Thompson masks: the exact worst case of the average gradient, without noise.

Setting
-------
F is L-smooth with F >= F*, n units, w_{t+1} = w_t - eta M_t * grad F(w_t). M_t draws k of n units uniformly, afresh in
every step, with weights n / k; eta = k / (n L), the largest stepsize of nonconvex-bound.

Claim
-----
For every T, n and k, with equality for F = L |w|^2 / 2 started at equal coordinates, and Delta = F(w_0) - F*,

    (1/T) sum_{t<T} E |grad F(w_t)|^2 <= (2 n L Delta / (k T)) (1 - (1 - k/n)^T).

Proof, for L = 1. Write h = k / n, a_t = E |grad F(w_t)|^2, delta_t = E F(w_t) - F*. Given w_t a step has mean
-h grad F and second moment h |grad F|^2, so smoothness gives delta_{t+1} <= delta_t - (h / 2) a_t, while
a_t <= 2 delta_t. The multipliers lambda_t = (2 / h) (1 - (1 - h)^(T-1-t)) for the first and (1 - h)^(T-1-t) for the
second add up to the bound (theory.worst_case.multipliers). It is nonconvex-bound without noise at its largest stepsize,
which therefore cannot be improved there.
Equality: E w_j^2 is multiplied by 1 - h in every step, so a_t = (1 - h)^t |w_0|^2, and Delta = |w_0|^2 / 2.

Assumptions
-----------
Smoothness and boundedness on the whole space, exact gradients, fresh masks.

How it is checked
-----------------
The law of the masks and their weights are read off the production `SimpleRandom` and `HorvitzThompson`. All courses of
the masks form a tree of points; the multipliers of the proof are checked against all interpolation inequalities of the
tree, in rationals and with no slack. The average on the quadratic is worked out from the same law.
A solver looks at the same problems in worst-case-solved-masked-descent.

What would refute it
--------------------
Weights or inclusion probabilities of another size, another multiplier, another constant.

Source
------
Derived above; the stepwise bound is of the form of Ghadimi and Lan 2013.
"""

from fractions import Fraction

import torch

from amss_min.designs import SimpleRandom
from amss_min.testing import Evidence, Status
from amss_min.weightings import HorvitzThompson
from theory.assumptions import BOUNDED_BELOW, FRESH_RANDOMNESS, SMOOTH
from theory.comparison import Comparison, equality
from theory.moments import Outcome
from theory.readings import readings
from theory.sources import GHADIMI_LAN, Source
from theory.verdict import Claim, Kind
from theory.worst_case import attained, closed_forms, multipliers, problems
from theory.worst_case.evidence import proved

SIZES = ((2, 1, 3), (3, 1, 2), (3, 2, 2))
"""n, k and the longest T: 7 points for n = 2, 4 for n = 3."""


def law(n: int, k: int) -> list[Outcome]:
    """Probabilities and multipliers of the production masks, k of n units, uniform."""
    (reading,) = readings(SimpleRandom(), HorvitzThompson(), torch.ones(n, dtype=torch.float64), k)
    if reading.wrong:
        raise ValueError(f"production must draw the masks of its design, found {reading.wrong[0]}")
    return reading.outcomes


def check() -> list[Evidence]:
    """Certificates for trees of production masks, and the quadratic that reaches them."""
    cells = [(steps, n, k, law(n, k)) for n, k, longest in SIZES for steps in range(1, longest + 1)]
    scope = f"(n, k, T) up to {', '.join(map(str, SIZES))}; for all by the proof in the claim's file"
    return [
        proved(
            [
                (problems.masked_descent(t, masks, Fraction(k, n)), multipliers.masked_descent(t, n, k, len(masks)))
                for t, n, k, masks in cells
            ],
            scope,
        ),
        equality(
            (
                Comparison(
                    expected=closed_forms.masked_average(t, n, k),
                    measured=attained.masked_on_half_square(t, masks, Fraction(k, n)),
                    witness={"T": t, "n": n, "k": k},
                )
                for t, n, k, masks in cells
            ),
            what="the average on F = |w|^2 / 2, against the bound",
            scope=scope,
        ),
    ]


CLAIM = Claim(
    id="worst-case-masked-descent",
    statement=r"With exact gradients, uniform Horvitz-Thompson masks of $k$ of $n$ units and $\eta = k/(nL)$, "
    r"$\frac1T \sum_{t<T} E\|\nabla F(w_t)\|^2 \leq \frac{2nL\Delta}{kT} (1 - (1 - k/n)^T)$, "
    r"$\Delta = F(w_0) - F^*$, and an isotropic quadratic attains it.",
    kind=Kind.INEQUALITY,
    source=Source(kind="derived", reference=f"closest: {GHADIMI_LAN}"),
    assumptions=(SMOOTH, BOUNDED_BELOW, FRESH_RANDOMNESS),
    expected_status=Status.HOLDS,
    check=check,
)
