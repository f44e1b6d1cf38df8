r"""At k = 1 < n, rank-conditioned weights have an infinite second moment.

Setting
-------
Successive sampling of one unit out of n > 1 by exponential clocks with rates q_j (sum 1), and the weights
M_j = B_j / (1 - exp(-q_j tau)), tau the second clock to ring.

Claim
-----
E[M_j^2] is infinite for every unit, although E[M_j] = 1. AMSSPlus refuses the combination and names the tensor.

Assumptions
-----------
Clocks are continuous. (With 53-bit words the smallest clock is about 2^-53, so in the machine the divergence is cut
off after some fifty halvings: the second moment is then large instead of infinite.)

How it is checked
-----------------
Proof. Given the clocks of the others, unit j is drawn with probability 1 - exp(-q_j tau'), tau' the first of them,
and M_j = 1/(1 - exp(-q_j tau')) then; so E[M_j^2] = E[w(tau')], w the weight. tau' is exponential with rate
Q = 1 - q_j. On the shell 2^-(i+1) < tau' <= 2^-i, of probability at least Q 2^-(i+1) exp(-Q 2^-i),
w >= w(2^-i) >= 2^i / q_j, since 1 - exp(-x) <= x. So every shell contributes at least c = Q exp(-Q) / (2 q_j), and
there are infinitely many.
(For k >= 2, tau' is a k-th clock with a density of order tau'^(k-1) near 0, and the integral converges.)

Production: the multiplier of RankConditioned at tau = 2^-i for i = 0 .. 900, times the probability of the shell to
fifty digits, is never below c. The details give partial sums of the second moment. AMSSPlus is built with keep
fractions that give k = 1 < n, k = 2, and k = n = 1.

Tolerance: the weight errs relative by (2 |log q| + |log q tau| + 8) 2^-53 (see rank-conditioned-unbiased), the
probability by nothing that counts.

What would refute it
--------------------
A weight that is capped, or that grows more slowly than 1 / tau; an AMSSPlus that accepts k = 1 < n.

Source
------
Derived here; that the variance of priority sampling is finite from two samples on is in Duffield, Lund and
Thorup, Journal of the ACM 54(6), 2007.
"""

from collections.abc import Iterator
from fractions import Fraction
from math import log
from typing import Any

import torch
from torch import nn

from amss_min.amss import AMSSPlus
from amss_min.designs import Draw, Successive
from amss_min.testing import Evidence, Status
from amss_min.weightings import RankConditioned
from theory import precise
from theory.comparison import Comparison, dominance, equality
from theory.moments import Number
from theory.readings import exact
from theory.rounding import ROUNDING
from theory.sources import Source
from theory.verdict import Claim, Kind

_SIZES = (0.5, 0.125, 0.02, 0.9)
_SHELLS = 901


def check() -> list[Evidence]:
    """Every shell contributes at least c, and AMSSPlus refuses."""
    shells = [shell for q in _SIZES for shell in _shells(q)]
    sums = {f"q = {q}": _partial_sums([shell for shell in shells if shell.witness["q"] == q]) for q in _SIZES}
    return [
        dominance(
            shells,
            what="c = Q exp(-Q) / (2 q), never above the contribution of a shell to E[M_j^2]",
            tolerance_source="(2 |log q| + |log q tau| + 8) roundings of 2^-53 in the weight",
            scope=f"{len(_SIZES)} sizes, {_SHELLS} shells down to tau = 2^-{_SHELLS - 1}; proof in the claim's file",
            details={"partial second moments after 10, 100 and 900 shells": sums},
        ),
        equality(
            _refusals(),
            what="whether AMSSPlus refuses and names the tensor (1) or not (0)",
            scope="k = 1 < n, k = 2 < n and k = n = 1",
        ),
    ]


def _shells(q: float) -> Iterator[Comparison]:
    rate = 1 - Fraction(q)
    least = rate * precise.exponential(-rate) / (2 * Fraction(q))
    for shell, weight in enumerate(_weights(q)):
        outer = Fraction(1, 2**shell)
        inside = precise.one_minus_exponential(rate * outer) - precise.one_minus_exponential(rate * outer / 2)
        error = (2 * Fraction(abs(log(q))) + Fraction(abs(log(q) - shell * log(2))) + 8) * ROUNDING
        witness = {"q": q, "tau": f"2^-{shell}", "shell": shell, "weight": str(weight)}
        contribution = inside * weight
        if isinstance(contribution, float):
            contribution = Fraction(0)  # not a number: contributes nothing that could be counted
        yield Comparison(expected=contribution, measured=least, tolerance=error * least, witness=witness)


def _weights(q: float) -> list[Number]:
    """Production multipliers at tau = 2^-i, i = 0, 1, ..."""
    log_tau = -torch.arange(_SHELLS, dtype=torch.float64) * log(2)
    draw = Draw(
        drawn=torch.ones(_SHELLS, 1, dtype=torch.bool),
        q=torch.full((_SHELLS, 1), q, dtype=torch.float64),
        k=torch.ones(_SHELLS, dtype=torch.int64),
        design=Successive(),
        log_threshold=log_tau,
    )
    return exact(RankConditioned()(draw).squeeze(-1))


def _partial_sums(shells: list[Comparison]) -> list[float]:
    return [round(float(sum((shell.expected for shell in shells[:count]), Fraction(0))), 3) for count in (10, 100, 900)]


def _refusals() -> Iterator[Comparison]:
    for n, keep, refused in ((8, 0.125, 1), (8, 0.25, 0), (8, 1.0, 0), (1, 0.5, 0), (2, 0.5, 1)):
        named = "'audio: rows[0] of shape" in _refusal(n, keep)
        witness: dict[str, Any] = {"n": n, "keep": keep, "message": _refusal(n, keep)}
        yield Comparison(expected=Fraction(refused), measured=Fraction(int(named)), witness=witness)


def _refusal(n: int, keep: float) -> str:
    """The message of the error, or nothing."""
    try:
        AMSSPlus(
            {"audio": nn.Parameter(torch.zeros(n))},
            keep=keep,
            design=Successive(),
            weighting=RankConditioned(),
            generator=torch.Generator(),
        )
    except ValueError as error:
        return str(error)
    return ""


CLAIM = Claim(
    id="rank-conditioned-infinite-variance-k1",
    statement=r"At $k = 1 < n$ the rank-conditioned weights have $E[M_j^2] = \infty$: every shell "
    r"$2^{-(i+1)} < \tau \leq 2^{-i}$ contributes at least $\frac{Q e^{-Q}}{2 q_j}$, $Q = 1 - q_j$. AMSSPlus refuses "
    r"$k = 1 < n$.",
    kind=Kind.COUNTEREXAMPLE,
    source=Source(kind="derived", reference="closest: Duffield, Lund and Thorup, Journal of the ACM 54(6), 2007"),
    assumptions=(),
    expected_status=Status.HOLDS,
    check=check,
)
