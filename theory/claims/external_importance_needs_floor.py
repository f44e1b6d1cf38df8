r"""Sizes that come from another vector must be positive on every unit, or the masked vector is biased.

Setting
-------
A vector v (a gradient, a momentum) is masked with Horvitz-Thompson weights whose sizes come from another vector u.

Claim
-----
Where u_j = 0 and v_j != 0 the unit is never drawn, E[M_j v_j] = 0: biased, and `mix` does not help, since it mixes over
units that can be drawn. With a share a/n of uniform on all units E[M_j v_j] = v_j. A square that underflows does the
same damage: in float16, (2^-13)^2 is 0. Production squares in float64, where it is not.

Assumptions
-----------
The draw is fresh given u and v.

How it is checked
-----------------
Proof: M_j = 0 if pi_j = 0; otherwise E[M_j] = 1, whatever the sizes come from.

The exact law of production's draws with production's multipliers: sizes from u with some zeros, with and without mix,
against v; the same sizes with a floor on all units. Then float16: the square of 2^-13, and the sizes that production
gives for norms of 1 and 2^-13 in float16 against exact ones.

Tolerance: weights, 2^-50 (`theory.rounding.WEIGHT`), relative to v_j; sizes, 2 (n + 8) 2^-53 (`theory.rounding.sizes`).

What would refute it
--------------------
A mix that reaches units of size zero; squares in the dtype of the gradient.

Source
------
Derived here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor

from amss_min.designs import Design, Poisson, Systematic
from amss_min.importance import Importance, SquaredGradient
from amss_min.testing import Evidence, Status
from amss_min.weightings import HorvitzThompson
from theory import moments, rounding
from theory.assumptions import FRESH_RANDOMNESS
from theory.comparison import Comparison, departure, equality
from theory.gradient_law import sizes_of
from theory.instances import Instance, random_instances
from theory.readings import exact, readings
from theory.sources import Source
from theory.verdict import Claim, Kind
from theory.water_filling import square_sizes

_DESIGNS: tuple[Design, ...] = (Systematic(random_order=False), Poisson())
_IMPORTANCES: tuple[Importance, ...] = (SquaredGradient(), SquaredGradient(mix=0.5))
_FLOOR = 0.5
_TINY = 2.0**-13


@dataclass(frozen=True)
class _Pair:
    """v to be masked, and u that the sizes come from, zero on every other unit."""

    v: Instance
    u: tuple[Fraction, ...]


def check() -> list[Evidence]:
    """Zeros without a floor, a floor, and squares in half precision."""
    pairs = [_pair(case) for case in random_instances(98, 12, fewest_units=3, most_units=6)]
    scope = f"{len(pairs)} vectors, n <= 6, {len(_DESIGNS)} designs; proof in the claim's file"
    half = torch.tensor([1.0, _TINY], dtype=torch.float16)
    witness = {"norms": half.tolist(), "dtype": "float16"}
    sizes = zip(square_sizes([Fraction(1), Fraction(_TINY)]), exact(SquaredGradient()(half)), strict=True)
    return [
        departure(
            [case for pair in pairs for importance in _IMPORTANCES for case in _zeros(pair, importance)],
            what="E[M_j v_j] where u_j = 0, with and without mix, against v_j",
            tolerance_source=rounding.WEIGHT_SOURCE,
            scope=scope,
        ),
        equality(
            [case for pair in pairs for case in _means(pair)],
            what="E[M_j v_j] with a share of uniform on all units, against v_j",
            tolerance_source=rounding.WEIGHT_SOURCE,
            scope=scope,
        ),
        equality(
            [Comparison(expected=Fraction(0), measured=Fraction(float(half.square()[1])), witness=witness)],
            what="(2^-13)^2 in float16, against 0",
            scope="one product",
        ),
        equality(
            [Comparison(expected=e, measured=m, tolerance=rounding.sizes(2) * e, witness=witness) for e, m in sizes],
            what="sizes of production for norms 1 and 2^-13 in float16, against exact ones",
            tolerance_source="2 (n + 8) roundings of 2^-53 (theory/rounding.py)",
            scope="one pair of norms",
        ),
    ]


def _pair(case: Instance) -> _Pair:
    v = tuple(g or Fraction(1) for g in case.gradient)
    u = tuple(g + 1 if unit % 2 and g != -1 else Fraction(0) for unit, g in enumerate(v))
    return _Pair(Instance(case.name, v, case.k), u if any(u) else (Fraction(1), *(Fraction(0),) * (case.n - 1)))


def floored(sizes: Tensor, share: float) -> Tensor:
    """(1 - share) p + share / n on all units: (n,) float64."""
    return (1 - share) * sizes + share / sizes.shape[-1]


def _zeros(pair: _Pair, importance: Importance) -> Iterator[Comparison]:
    for design in _DESIGNS:
        for case, size in zip(_masked(pair, design, sizes_of(importance, pair.u)), pair.u, strict=True):
            if size == 0:
                yield case


def _means(pair: _Pair) -> Iterator[Comparison]:
    for design in _DESIGNS:
        yield from _masked(pair, design, floored(sizes_of(SquaredGradient(), pair.u), _FLOOR))


def _masked(pair: _Pair, design: Design, sizes: Tensor) -> Sequence[Comparison]:
    (reading,) = readings(design, HorvitzThompson(), sizes, pair.v.k)
    means = moments.mean_multipliers(reading.outcomes)
    return [
        Comparison(
            expected=v,
            measured=mean * v,
            tolerance=rounding.WEIGHT * abs(v),
            witness={**pair.v.inputs, **reading.inputs, "unit": unit},
        )
        for unit, (mean, v) in enumerate(zip(means, pair.v.gradient, strict=True))
    ]


CLAIM = Claim(
    id="external-importance-needs-floor",
    statement=r"With sizes from another vector $u$, $E[M_j v_j] = 0$ wherever $u_j = 0$, so $v$ is masked with bias; a "
    r"share $\alpha/n$ of uniform on all units repairs it. Squares in float16 underflow to such zeros.",
    kind=Kind.COUNTEREXAMPLE,
    source=Source(kind="derived", reference="the condition of Horvitz and Thompson 1952, for sizes from elsewhere"),
    assumptions=(FRESH_RANDOMNESS,),
    expected_status=Status.HOLDS,
    check=check,
)
