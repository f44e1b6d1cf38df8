r"""Rank-conditioned weights repair successive sampling exactly, without inclusion probabilities.

Setting
-------
Every unit has an exponential clock T_j with rate q_j; the k units whose clocks ring first are drawn, and tau is the
(k+1)-th time (infinite for k = n). M_j = B_j / (1 - exp(-q_j tau)).

Claim
-----
E[M_j | clocks of the others] = 1 for every unit and every k >= 1, hence E[M_j] = 1.

Assumptions
-----------
Clocks are continuous. The uniform variables behind them have 53 bits, which moves a probability by at most 2^-53.

How it is checked
-----------------
Proof. Fix the clocks of the others and let tau' be the k-th smallest of them (infinite if there are fewer). Unit j
is drawn iff T_j < tau', which has probability 1 - exp(-q_j tau'). On that event the k smallest clocks are j's and the
k - 1 smallest of the others, so the (k+1)-th smallest of all is tau' itself: tau = tau'. So M_j is the constant
1 / (1 - exp(-q_j tau')) on an event of the probability that it is the reciprocal of.

Production, in three parts. (1) On a grid of (q, tau), the weight times 1 - exp(-q tau), to fifty digits, is 1. (2) The
conditional expectation through `select` itself: with the words of the others fixed, the set of words with which unit
j is drawn is an interval up to the largest word; its end is found by bisection, its length is counted in units of
2^-53, and length times weight is 1; the weight is the same at both ends. (3) The units drawn are those with the k
smallest clocks, and the threshold is the (k+1)-th, by clocks to fifty digits.

Tolerances, u = 2^-53. A clock is kept as a logarithm: log(-log U) - log q errs by (2 + 2 |log(-log U)| + 2 |log q| +
|their difference|) u, logarithms counted as two roundings. The weight's argument exp(log q + log tau) errs relative
by (2 |log q| + |log q + log tau| + 2) u, which 1 - exp(-x) does not amplify, and expm1 and the division add 3 u. In (2)
both enter, and the count errs by at most 2 u absolute; sums are doubled for second-order terms. The grid leaves out
weights above 1e300, which float64 cannot hold.

What would refute it
--------------------
The k-th clock in place of the (k+1)-th, a threshold that includes unit j's own clock, exp(-q tau) in place of
1 - exp(-q tau).

Source
------
Duffield, Lund and Thorup, Journal of the ACM 54(6), 2007; Cohen and Kaplan, PODC 2007.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import inf, log

import torch
from torch import Tensor

from amss_min.designs import Draw, Successive
from amss_min.importance import GradientNorm, SquaredGradient
from amss_min.testing import Evidence, Status
from amss_min.weightings import RankConditioned
from theory import precise
from theory.assumptions import FRESH_RANDOMNESS
from theory.comparison import Comparison, equality
from theory.instances import random_instances
from theory.readings import exact
from theory.rounding import ROUNDING
from theory.sources import Source
from theory.verdict import Claim, Kind

_STEPS = 2**53
_LOW = 9  # of the 62 bits of a word, a clock uses the upper 53
_GRID_SIZES = [10.0**-power for power in (300, 200, 100, 60, 40, 30, 20, 16, 12, 8, 5, 3, 2, 1, 0.5, 0.1, 0)]
_LOG_TAU = (-30.0, -20.0, -10.0, -5.0, -3.0, -2.0, -1.0, -0.5, -0.1, 0.0, 0.1, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 600.0)
_SOURCE = "roundings of the clocks' logarithms, of the weight, and 2 units of 2^-53 (the claim's file)"


def check() -> list[Evidence]:
    """The grid, the conditional expectation through select, and the structure of a draw."""
    cases = list(_cases(2007, 30))
    scope = f"{len(cases)} sets of clocks, n <= 8"
    return [
        equality(
            _grid(),
            what="weight(q, tau) (1 - exp(-q tau))",
            tolerance_source="(2 |log q| + |log q tau| + 8) roundings of 2^-53",
            scope=f"{len(_GRID_SIZES)} sizes from 1e-300 to 1, {len(_LOG_TAU)} thresholds",
        ),
        equality(
            _conditional(cases),
            what="E[M_j | clocks of the others], through select",
            tolerance_source=_SOURCE,
            scope=f"{scope}, every unit; proof in the claim's file",
        ),
        equality(_drawn(cases), what="units drawn that are not among the k smallest clocks", scope=scope),
        equality(
            _thresholds(cases),
            what="log of the threshold, against the (k+1)-th smallest clock",
            tolerance_source="(2 + 2 |log(-log U)| + 2 |log q| + |log T|) roundings of 2^-53",
            scope=scope,
        ),
        equality(_everything(), what="weight at k = n", scope="n = 1 to 8"),
    ]


@dataclass(frozen=True)
class _Clocks:
    """Sizes, a count below n, and one word a unit."""

    p: Tensor
    k: int
    words: tuple[int, ...]

    @property
    def witness(self) -> dict[str, object]:
        return {"sizes": self.p.tolist(), "k": self.k, "words": list(self.words)}


def _cases(seed: int, count: int) -> Iterator[_Clocks]:
    rng = random.Random(seed)
    sizes = (SquaredGradient(), GradientNorm(mix=0.1))
    for number, case in enumerate(random_instances(seed, count, fewest_units=3, most_units=8)):
        norms = case.norms[case.norms > 0]
        if len(norms) > 1:
            k = min(case.k, len(norms) - 1)
            yield _Clocks(sizes[number % 2](norms), k, tuple(rng.randrange(2**62) for _ in norms))


def _grid() -> Iterator[Comparison]:
    for log_tau in _LOG_TAU:
        yield from _weights(torch.tensor(_GRID_SIZES, dtype=torch.float64), log_tau)


def _weights(q: Tensor, log_tau: float) -> Iterator[Comparison]:
    draw = Draw(
        drawn=torch.ones_like(q, dtype=torch.bool),
        q=q,
        k=torch.tensor(1),
        design=Successive(),
        log_threshold=torch.tensor(log_tau, dtype=torch.float64),
    )
    for size, weight in zip(q.tolist(), exact(RankConditioned()(draw)), strict=True):
        if log(size) + log_tau < log(1e-300):
            continue
        yield Comparison(
            expected=Fraction(1),
            measured=weight * precise.one_minus_exponential(Fraction(size) * precise.exponential(Fraction(log_tau))),
            tolerance=_weight_error(size, log_tau),
            witness={"q": size, "log tau": log_tau},
        )


def _conditional(cases: list[_Clocks]) -> Iterator[Comparison]:
    for case in cases:
        n = len(case.p)
        first = _first_drawn(case)
        last = torch.full((n,), _STEPS - 1)
        low, high = _draws(case, first), _draws(case, last)
        q, log_tau = low.q[0].tolist(), _log_threshold(low).tolist()
        weights = [exact(RankConditioned()(draw).diagonal()) for draw in (low, high)]
        for unit in range(n):
            share = Fraction(_STEPS - int(first[unit]), _STEPS)
            log_clock = log_tau[unit] + log(q[unit])
            clock_error = (2 + 2 * Fraction(abs(log_clock)) + 2 * Fraction(abs(log(q[unit])))) * ROUNDING
            clock_error += Fraction(abs(log_tau[unit])) * ROUNDING
            tolerance = 2 * (clock_error + _weight_error(q[unit], log_tau[unit]) + 2 * ROUNDING / share)
            for weight in (weights[0][unit], weights[1][unit]):
                witness = {**case.witness, "unit": unit, "first step drawn": int(first[unit])}
                yield Comparison(expected=Fraction(1), measured=share * weight, tolerance=tolerance, witness=witness)


def _first_drawn(case: _Clocks) -> Tensor:
    """For every unit, the least of the 2^53 steps of its word with which it is drawn, the other words fixed."""
    low = torch.full((len(case.p),), -1)  # not drawn (as if)
    high = torch.full((len(case.p),), _STEPS - 1)  # drawn
    while bool((high - low > 1).any()):
        middle = (low + high) // 2
        drawn = _draws(case, middle).drawn.diagonal()
        low, high = torch.where(drawn, low, middle), torch.where(drawn, middle, high)
    return high


def _draws(case: _Clocks, steps: Tensor) -> Draw:
    """One draw for every unit, in which that unit's word is at the given step."""
    n = len(case.p)
    words = torch.tensor(case.words).repeat(n, 1)
    words[torch.arange(n), torch.arange(n)] = steps << _LOW
    return Successive().select(case.p.expand(n, -1), case.k, words)


def _log_threshold(draw: Draw) -> Tensor:
    if draw.log_threshold is None:
        raise ValueError("successive sampling states its threshold, found none")
    return draw.log_threshold


def _drawn(cases: list[_Clocks]) -> Iterator[Comparison]:
    for case in cases:
        draw = Successive().select(case.p, case.k, torch.tensor(case.words))
        clocks = _exact_clocks(case, draw)
        early = sorted(range(len(clocks)), key=lambda unit: clocks[unit])[: case.k]
        wrong = sum(bool(drawn) != (unit in early) for unit, drawn in enumerate(draw.drawn.tolist()))
        yield Comparison(expected=Fraction(0), measured=Fraction(wrong), witness=case.witness)


def _thresholds(cases: list[_Clocks]) -> Iterator[Comparison]:
    for case in cases:
        draw = Successive().select(case.p, case.k, torch.tensor(case.words))
        clocks = _exact_clocks(case, draw)
        unit = sorted(range(len(clocks)), key=lambda unit: clocks[unit])[case.k]
        expected = precise.logarithm(clocks[unit])
        log_q = abs(Fraction(log(float(draw.q[unit]))))
        error = (2 + 2 * (abs(expected) + log_q) + 2 * log_q + abs(expected)) * ROUNDING
        produced = exact(_log_threshold(draw).reshape(1))[0]
        yield Comparison(expected=expected, measured=produced, tolerance=2 * error, witness=case.witness)


def _exact_clocks(case: _Clocks, draw: Draw) -> list[Fraction]:
    """-log(U) / q to fifty digits, U = (step + 1/2) 2^-53 as float64 holds it."""
    uniform = [Fraction(float(word >> _LOW) + 0.5) / _STEPS for word in case.words]
    return [-precise.logarithm(u) / Fraction(q) for u, q in zip(uniform, draw.q.tolist(), strict=True)]


def _everything() -> Iterator[Comparison]:
    for n in range(1, 9):
        draw = Successive().sample(torch.arange(1.0, n + 1.0), n, generator=torch.Generator().manual_seed(n))
        for unit, weight in enumerate(exact(RankConditioned()(draw))):
            yield Comparison(expected=Fraction(1), measured=weight, witness={"n": n, "k": n, "unit": unit})


def _weight_error(q: float, log_tau: float) -> Fraction:
    if log_tau == inf:
        return Fraction(0)
    return (2 * Fraction(abs(log(q))) + abs(Fraction(log(q)) + Fraction(log_tau)) + 8) * ROUNDING


CLAIM = Claim(
    id="rank-conditioned-unbiased",
    statement=r"With $\tau$ the $(k+1)$-th smallest clock of successive sampling, the weights "
    r"$M_j = B_j / (1 - e^{-q_j \tau})$ satisfy $E[M_j \mid \text{clocks of the others}] = 1$, hence $E[M_j] = 1$, for "
    r"every $k \geq 1$.",
    kind=Kind.IDENTITY,
    source=Source(kind="published", reference="Duffield, Lund and Thorup, Journal of the ACM 54(6), 2007"),
    assumptions=(FRESH_RANDOMNESS,),
    expected_status=Status.HOLDS,
    check=check,
)
