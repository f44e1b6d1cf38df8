r"""L2 decay in the loss is masked with the gradient; the weight decay of the optimizer is not.

Setting
-------
AMSS attached to a torch optimizer, decay l, stepsize eta. In the loss: the gradient that is masked is g + l w. In the
optimizer (SGD's weight_decay, which adds l w to the gradient in the step, and AdamW's, which scales w): after the mask.

Claim
-----
In the loss: a unit that is not drawn does not decay, and E[w_1] = w - eta pi (g + l w). In the optimizer: every unit
decays in every step, E[w_1] = w - eta (pi g + l w) under SGD, and a unit never drawn has w_1 = (1 - eta l) w under
AdamW. Under AMSS+ the mean is w - eta (g + l w) in both cases.

Assumptions
-----------
None beyond the setting.

How it is checked
-----------------
Proof: E[B_j] = pi_j or E[M_j] = 1, applied to what stands before the mask.

Exact rationals, no tolerance: the attached step of torch.optim.SGD, over all subsets of 2 of 4 units with words written
down, at w, g, eta and l such that float64 does not round (weights are 1 or 2); the undrawn units of AdamW's first step.

What would refute it
--------------------
A mask that acts after the decay of the optimizer, or weights that are not those of the draw.

Source
------
Derived here; decoupled decay: Loshchilov and Hutter, ICLR 2019.
"""

import itertools
from collections.abc import Iterator
from fractions import Fraction

import torch
from torch import nn

from amss_min.amss import AMSS, AMSSPlus
from amss_min.designs import SimpleRandom
from amss_min.testing import Evidence, Status
from theory.assumptions import FRESH_RANDOMNESS
from theory.comparison import Comparison, departure, equality
from theory.moments import Number
from theory.readings import exact
from theory.scripted import Scripted
from theory.sources import Source
from theory.verdict import Claim, Kind

_W = (Fraction(1), Fraction(-2), Fraction(3), Fraction(1, 2))
_G = (Fraction(3), Fraction(1), Fraction(-2), Fraction(5))
_ETA, _DECAY = Fraction(1, 8), Fraction(1, 4)
_N, _K = 4, 2
_SUBSETS = tuple(itertools.combinations(range(_N), _K))


def check() -> list[Evidence]:
    """Mean iterates of both methods with both decays, and units that are not drawn."""
    scope = f"n = {_N}, k = {_K}, all subsets; proof in the claim's file"
    means = [case for method in (AMSS, AMSSPlus) for coupled in (True, False) for case in _means(method, coupled)]
    gaps = [_gap(unit) for unit in range(_N)]
    return [
        equality(means, what="E[w_1] with decay in the loss and in SGD, against the formulas", scope=scope),
        departure(
            gaps, what="E[w_1] of AMSS with decay in the loss less that with decay in SGD, against 0", scope=scope
        ),
        equality(_undrawn_coupled(), what="w_1 of units not drawn, decay in the loss, against w", scope=scope),
        equality(_undrawn_decoupled(), what="w_1 of units not drawn under AdamW, against (1 - eta l) w", scope=scope),
    ]


def mean_iterate(w: Fraction, g: Fraction, pi: Fraction, *, coupled: bool) -> Fraction:
    """E[w_1] where the gradient keeps the share pi on average (1 under AMSS+).

    >>> mean_iterate(Fraction(1), Fraction(1), Fraction(1, 2), coupled=False)
    Fraction(29, 32)
    """
    return w - _ETA * (pi * (g + _DECAY * w) if coupled else pi * g + _DECAY * w)


def _after(method: type[AMSS], coupled: bool, adam: bool = False) -> list[list[Number]]:
    """w_1 for every subset."""
    design = Scripted(SimpleRandom())
    found = []
    for subset in _SUBSETS:
        parameter = nn.Parameter(torch.tensor([float(w) for w in _W], dtype=torch.float64))
        decay = 0.0 if coupled else float(_DECAY)
        optimizer: torch.optim.Optimizer = (
            torch.optim.AdamW([parameter], lr=float(_ETA), weight_decay=decay)
            if adam
            else torch.optim.SGD([parameter], lr=float(_ETA), weight_decay=decay)
        )
        masking = method({"audio": parameter}, keep=_K / _N, design=design, generator=torch.Generator())
        masking.attach(optimizer)
        design.script = {_N: [[0 if unit in subset else 1 for unit in range(_N)]]}
        loss = [g + _DECAY * w if coupled else g for g, w in zip(_G, _W, strict=True)]
        parameter.grad = torch.tensor([float(value) for value in loss], dtype=torch.float64)
        optimizer.step()
        found.append(exact(parameter.detach()))
    return found


def _mean(method: type[AMSS], coupled: bool) -> list[Number]:
    rows = _after(method, coupled)
    return [sum(column, Fraction(0)) / len(rows) for column in zip(*rows, strict=True)]


def _means(method: type[AMSS], coupled: bool) -> Iterator[Comparison]:
    pi = Fraction(1) if method is AMSSPlus else Fraction(_K, _N)
    for unit, mean in enumerate(_mean(method, coupled)):
        yield _case(unit, mean_iterate(_W[unit], _G[unit], pi, coupled=coupled), mean, method=method.__name__)


def _gap(unit: int) -> Comparison:
    return _case(unit, Fraction(0), _mean(AMSS, True)[unit] - _mean(AMSS, False)[unit], method="AMSS")


def _undrawn_coupled() -> Iterator[Comparison]:
    for subset, row in zip(_SUBSETS, _after(AMSS, coupled=True), strict=True):
        yield from (_case(j, _W[j], row[j], method="AMSS") for j in range(_N) if j not in subset)


def _undrawn_decoupled() -> Iterator[Comparison]:
    for subset, row in zip(_SUBSETS, _after(AMSS, coupled=False, adam=True), strict=True):
        yield from (_case(j, (1 - _ETA * _DECAY) * _W[j], row[j], method="AMSS") for j in range(_N) if j not in subset)


def _case(unit: int, expected: Fraction, measured: Number, method: str) -> Comparison:
    witness = {"w": [float(w) for w in _W], "g": [float(g) for g in _G], "unit": unit, "method": method}
    return Comparison(expected=expected, measured=measured, witness=witness)


CLAIM = Claim(
    id="masked-weight-decay",
    statement=r"$L_2$ decay in the loss is masked: under AMSS $E[w_1] = w - \eta\, \pi \odot (g + \lambda w)$ and a "
    r"unit not drawn does not decay. The weight decay of SGD and AdamW acts after the mask: "
    r"$E[w_1] = w - \eta (\pi \odot g + \lambda w)$. Under AMSS+ the means agree.",
    kind=Kind.IDENTITY,
    source=Source(kind="derived", reference="Loshchilov and Hutter, ICLR 2019, for decoupled decay"),
    assumptions=(FRESH_RANDOMNESS,),
    expected_status=Status.HOLDS,
    check=check,
)
