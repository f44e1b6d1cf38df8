r"""Systematic sampling on a float32 cumulative sum draws with other probabilities than it was given.

Setting
-------
n = 2^15 units, k = 512, sizes 2^(-30 x_j) with x_j = (7919 j mod 10007) / 10007, inclusion probabilities pi. Systematic
sampling draws unit j iff a point of a random grid of width 1 falls between C_{j-1} and C_j, so its realised inclusion
probability is C_j - C_{j-1} for whatever numbers C stand in memory.

Claim
-----
With C the float32 cumulative sum of pi, more than a third of the units are never drawn although pi_j > 0, and some are
drawn more than 100 times as often as pi_j says: a weight 1/pi_j is then biased by that factor. The production design
works in integers and realises every pi_j exactly.

Assumptions
-----------
The start is uniform.

How it is checked
-----------------
Proof: C grows to 512, and beyond 256 float32 numbers stand 2^-15 apart, so a unit there realises 0 or at least 2^-15,
however far below that pi_j is.

The float32 sums are torch's; the differences are taken in rationals, for the units of largest ratio, and in float64 for
the count of those that are 0 (a difference of float64 numbers is 0 only if they are equal). Production: for the same
units, `Systematic` is called with the starts at both ends of the interval that should draw the unit, and with those
just outside it: it is drawn, drawn, not drawn, not drawn, so it is drawn at r_j of the 2^40 starts.

Exact, no tolerance.

What would refute it
--------------------
A production design that sums in floating point; a float32 sum without these errors.

Source
------
Derived here; systematic sampling: Madow 1949.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction

import torch
from torch import Tensor

from amss_min.designs import Systematic
from amss_min.testing import Evidence, Status
from theory.assumptions import UNIFORM_WORDS
from theory.comparison import Comparison, dominance, equality
from theory.readings import GRID
from theory.sources import Source
from theory.verdict import Claim, Kind

_N, _K = 2**15, 512
_DESIGN = Systematic(random_order=False)
_FACTOR = 100
_WORST = 8
_LOW = 22  # words have 62 bits, starts are their upper 40


def check() -> list[Evidence]:
    """The worst units, the units never drawn, and production on the worst units."""
    sizes = _sizes()
    r = _DESIGN.fixed_point(sizes, _K)
    sums = (r.to(torch.float64) / GRID).to(torch.float32).cumsum(0)
    worst = _worst(sums, r)
    never = int((torch.diff(sums.to(torch.float64)) == 0).sum())
    factors = {f"unit {unit}": float(_realised(sums, unit) / Fraction(int(r[unit]), GRID)) for unit in worst}
    scope = f"n = {_N}, k = {_K}, sizes spread over 2^30"
    return [
        dominance(
            _factors(sums, r, worst),
            what=f"{_FACTOR} pi_j, at most the realised inclusion of the float32 sum, of the worst units",
            scope=f"{scope}; {_WORST} units",
            details={"realised over pi_j": factors},
        ),
        dominance(
            [_case(0, Fraction(never, _N), Fraction(1, 3))],
            what="1/3, at most the share of units with pi_j > 0 that the float32 sum never draws",
            scope=scope,
        ),
        equality(
            _production(sizes, r, worst),
            what="draws of Systematic at both ends of a unit's starts, and just outside (1 or 0)",
            scope=f"{scope}; {_WORST} units, four starts each",
        ),
    ]


def _sizes() -> Tensor:
    return torch.exp2((torch.arange(_N) * 7919 % 10007).to(torch.float64) * (-30 / 10007))


def _worst(sums: Tensor, r: Tensor) -> list[int]:
    """The units of largest ratio of the float32 difference to pi_j, the first unit aside."""
    ratio = torch.diff(sums.to(torch.float64)) / (r[1:].to(torch.float64) / GRID)
    return [unit + 1 for unit in ratio.topk(_WORST).indices.tolist()]


def _realised(sums: Tensor, unit: int) -> Fraction:
    return Fraction(float(sums[unit])) - Fraction(float(sums[unit - 1]))


def _factors(sums: Tensor, r: Tensor, worst: Sequence[int]) -> Iterator[Comparison]:
    for unit in worst:
        yield _case(unit, _realised(sums, unit), _FACTOR * Fraction(int(r[unit]), GRID))


def _production(sizes: Tensor, r: Tensor, worst: Sequence[int]) -> Iterator[Comparison]:
    """Unit j is drawn iff a multiple of 2^40 lies in (C_{j-1} + u, C_j + u]: at the r_j starts from -C_j on."""
    ends = [int(end) for end in r.cumsum(0)[torch.tensor(list(worst))]]
    starts = [
        (-end + away) % GRID
        for unit, end in zip(worst, ends, strict=True)
        for away in (0, int(r[unit]) - 1, -1, int(r[unit]))
    ]
    words = torch.zeros(len(starts), _N + 1, dtype=torch.int64)
    words[:, -1] = torch.tensor([start << _LOW for start in starts])
    drawn = _DESIGN.select(sizes, _K, words).drawn
    for row, start in enumerate(starts):
        unit = worst[row // 4]
        yield _case(unit, Fraction(row % 4 < 2), Fraction(bool(drawn[row, unit])), start=start)


def _case(unit: int, expected: Fraction, measured: Fraction, **more: int) -> Comparison:
    witness = {"n": _N, "k": _K, "sizes": "2^(-30 (7919 j mod 10007) / 10007)", "unit": unit, **more}
    return Comparison(expected=expected, measured=measured, witness=witness)


CLAIM = Claim(
    id="float32-cumsum-breaks-systematic",
    statement=r"On a float32 cumulative sum, systematic sampling ($n = 2^{15}$, $k = 512$, sizes spread over $2^{30}$) "
    r"never draws more than a third of the units and draws some over $100$ times as often as $\pi_j$; in the integers "
    r"of the production design every $\pi_j$ is realised exactly.",
    kind=Kind.COUNTEREXAMPLE,
    source=Source(kind="derived", reference="rounding of a cumulative sum; Madow 1949 for the design"),
    assumptions=(UNIFORM_WORDS,),
    expected_status=Status.HOLDS,
    check=check,
)
