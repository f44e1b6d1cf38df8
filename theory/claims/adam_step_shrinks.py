r"""Under Adam a mask with inclusion probability pi shrinks the mean step towards sqrt(pi), with or without its weight.

Setting
-------
One unit with a constant gradient g != 0, drawn independently in every step with probability pi, multiplied by a
constant weight where drawn: 1 for AMSS, 1 / pi for AMSS+. Adam after the mask with eps = 0 (0 / 0 = 0), stepsize lr.
Without a mask every step is lr sign(g).

Claim
-----
With a_s, q_s the weights of Adam's two averages over the t steps so far, each summing to 1 (bias correction), A = sum
a_s B_s and Q = sum q_s B_s, the t-th step is lr sign(g) A / sqrt(Q) whatever the weight. For beta_1 = beta_2 = beta it
is lr sign(g) sqrt(Q), and

    sqrt(pi) (1 - (1 - pi) k_t / (2 pi)) <= E sqrt(Q) <= sqrt(pi),
    k_t = (1 - beta) (1 + beta^t) / ((1 + beta) (1 - beta^t)):

the mean step tends to sqrt(pi) lr sign(g) as t grows and beta tends to 1. For pi < 1 neither method's mean step is that
of the full gradient, nor, from the second step on, pi times it: sqrt(Q) > Q where 0 < Q < 1.

Proof. The weight cancels as in `adam-blind-to-constant-weights`. E Q = pi and Jensen give the upper bound. With x = Q -
pi, sqrt(Q) - sqrt(pi) - x / (2 sqrt(pi)) = -(sqrt(Q) - sqrt(pi))^2 / (2 sqrt(pi)) >= -x^2 / (2 pi sqrt(pi)), since
(sqrt(Q) - sqrt(pi))^2 = x^2 / (sqrt(Q) + sqrt(pi))^2. E x = 0 and E x^2 = pi (1 - pi) sum q_s^2 = pi (1 - pi) k_t. QED.

For beta_1 != beta_2, A and Q both have mean pi and Q settles on it as beta_2 tends to 1, which gives the same limit;
with no bound as short as this one, it is not part of the claim.

Assumptions
-----------
Fresh masks, independent over time, with one pi; a constant gradient; eps = 0.

How it is checked
-----------------
torch.optim.Adam, fed with the production multipliers of one unit among four (`theory.uniform_masks`, pi = 1/4, 1/2),
for all 2^8 sequences of draws at once. The square of the eighth step against A^2 / Q in rationals, also for beta_1 !=
beta_2; the mean step, summed with the exact probabilities, against both bounds, squared so that no root is taken.

Tolerance: all terms are of one sign, so relative errors add up. Betas are dyadic. Each of 8 steps rounds the first
moment at most twice and the second four times, which the root halves; corrections and quotients take at most 12 more:
44 roundings of 2^-53, and 88 for a square: below 2^-46.

What would refute it
--------------------
A mask that leaks gradient where the unit is not drawn, or another inclusion probability.

Source
------
Derived above, from Adam's update (Kingma and Ba, ICLR 2015).
"""

from collections.abc import Iterator
from fractions import Fraction
from itertools import product

import torch
from torch import nn
from torch.optim import Adam

from amss_min.testing import Evidence, Status
from amss_min.weightings import HorvitzThompson, Indicator, Weighting
from theory.assumptions import FRESH_RANDOMNESS, Assumption
from theory.comparison import Comparison, dominance, equality
from theory.moments import Number
from theory.sources import Source
from theory.uniform_masks import uniform_masks
from theory.verdict import Claim, Kind

_STEPS = 8
_UNITS = 4
_COUNTS = (1, 2)
_SAME = Fraction(7, 8)
_BETAS = ((_SAME, _SAME), (Fraction(1, 2), _SAME))
_GRADIENT = -3.0
_EPS = 2.0**-600
_TOLERANCE = Fraction(1, 2**46)
_SOURCE = "88 roundings of 2^-53, all terms of one sign: below 2^-46"
_WEIGHTINGS: tuple[Weighting, ...] = (Indicator(), HorvitzThompson())

CONSTANT_GRADIENT = Assumption("constant gradient", r"$g_j$ does not change from step to step")


def check() -> list[Evidence]:
    """Every sequence of draws, then the mean step between its bounds."""
    scope = f"pi = 1/4, 1/2, all 2^{_STEPS} sequences of draws, AMSS and AMSS+; proof in the claim's file"
    return [
        equality(_squares(), what="square of the step, against A^2 / Q", tolerance_source=_SOURCE, scope=scope),
        dominance(_above(), what="squared mean step, against pi", tolerance_source=_SOURCE, scope=scope),
        dominance(
            _below(),
            what="the lower bound squared, against the squared mean step",
            tolerance_source=_SOURCE,
            scope=scope,
        ),
    ]


def _draws() -> list[tuple[bool, ...]]:
    return list(product((False, True), repeat=_STEPS))


def _averaged(draws: tuple[bool, ...], beta: Fraction) -> Fraction:
    """sum of (1 - beta) beta^(t-s) B_s over 1 - beta^t."""
    total = Fraction(0)
    for drawn in draws:
        total = beta * total + (1 - beta) * drawn
    return total / (1 - beta**_STEPS)


def _multipliers(k: int, weighting: Weighting) -> tuple[Fraction, Number, Number]:
    """pi, and the multipliers of unit 0: its largest, where it is drawn, and its least, where it is not."""
    law = uniform_masks(_UNITS, k, weighting)
    drawn = max((mask[0] for _, mask in law), default=Fraction(0))
    rest = min((mask[0] for _, mask in law), default=Fraction(0))
    return sum((p for p, mask in law if mask[0] == drawn), Fraction(0)), drawn, rest


def _steps(k: int, weighting: Weighting, betas: tuple[Fraction, Fraction]) -> list[float]:
    """The last update of torch.optim.Adam for every sequence of draws, at lr = 1, times the sign of the gradient."""
    _, drawn, rest = _multipliers(k, weighting)
    parameter = nn.Parameter(torch.zeros(2**_STEPS, dtype=torch.float64))
    optimizer = Adam([parameter], lr=1.0, betas=(float(betas[0]), float(betas[1])), eps=_EPS, foreach=False)
    for at in zip(*_draws(), strict=True):
        with torch.no_grad():
            parameter.zero_()
        multipliers = [float(drawn if one else rest) for one in at]
        parameter.grad = _GRADIENT * torch.tensor(multipliers, dtype=torch.float64)
        optimizer.step()
    return parameter.detach().tolist()  # minus the step, and the gradient is negative


def _squares() -> Iterator[Comparison]:
    for k, weighting, betas in product(_COUNTS, _WEIGHTINGS, _BETAS):
        for draws, step in zip(_draws(), _steps(k, weighting, betas), strict=True):
            first, second = (_averaged(draws, beta) for beta in betas)
            expected = first * first / second if second else Fraction(0)
            yield Comparison(
                expected=expected,
                measured=Fraction(step) ** 2,
                tolerance=_TOLERANCE * expected,
                witness={**_witness(k, weighting), "draws": list(draws), "betas": [str(beta) for beta in betas]},
            )


def _means() -> Iterator[tuple[int, Weighting, Fraction]]:
    """The mean of the last step, summed with the probabilities of the draws."""
    for k, weighting in product(_COUNTS, _WEIGHTINGS):
        pi, total = _multipliers(k, weighting)[0], Fraction(0)
        for draws, step in zip(_draws(), _steps(k, weighting, (_SAME, _SAME)), strict=True):
            count = sum(draws)
            total += pi**count * (1 - pi) ** (_STEPS - count) * Fraction(step)
        yield k, weighting, total


def _above() -> Iterator[Comparison]:
    for k, weighting, mean in _means():
        pi = Fraction(k, _UNITS)
        yield Comparison(expected=pi, measured=mean * mean, tolerance=_TOLERANCE * pi, witness=_witness(k, weighting))


def _below() -> Iterator[Comparison]:
    kept = _SAME**_STEPS
    settling = (1 - _SAME) * (1 + kept) / ((1 + _SAME) * (1 - kept))
    for k, weighting, mean in _means():
        pi = Fraction(k, _UNITS)
        least = pi * (1 - (1 - pi) * settling / (2 * pi)) ** 2
        yield Comparison(
            expected=mean * mean, measured=least, tolerance=_TOLERANCE * least, witness=_witness(k, weighting)
        )


def _witness(k: int, weighting: Weighting) -> dict[str, object]:
    return {"n": _UNITS, "k": k, "weighting": repr(weighting), "gradient": _GRADIENT, "steps": _STEPS}


CLAIM = Claim(
    id="adam-step-shrinks",
    statement=r"Under Adam with $\epsilon = 0$ and $\beta_1 = \beta_2 = \beta$, a unit with constant gradient, drawn "
    r"independently with probability $\pi$, has the mean $t$-th step $\eta\, E\sqrt{Q_t}$ with "
    r"$\sqrt{\pi} (1 - \frac{1 - \pi}{2 \pi} \frac{(1 - \beta)(1 + \beta^t)}{(1 + \beta)(1 - \beta^t)}) \leq "
    r"E\sqrt{Q_t} \leq \sqrt{\pi}$, for AMSS and AMSS+ alike: it shrinks towards $\sqrt{\pi}\, \eta$.",
    kind=Kind.INEQUALITY,
    source=Source(kind="derived", reference="Adam: Kingma and Ba, ICLR 2015", place="proof in this file"),
    assumptions=(FRESH_RANDOMNESS, CONSTANT_GRADIENT),
    expected_status=Status.HOLDS,
    check=check,
)
