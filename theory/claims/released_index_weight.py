r"""R4: the released AMSS+ weight of the head divides by the drawn index, not by anything that was sampled with.

Setting
-------
The head's single weights are drawn row by row by importance, n in a modality's columns. The released code then
multiplies those drawn by 1/(index + 1/n), index = 0 .. n-1 being the column.

Claim
-----
With `Released(index_weight=True)` (and the head masked) the multiplier of column j is 1/(j + 1/n) whatever its
importance: n at column 0, 512 at n = 512, and about 1/(n - 1) at the last, .002. Everything drawn (k = n), the
means are these, where an unbiased weight is 1; with equal importances E[M_j] = (k/n)/(j + 1/n).

Assumptions
-----------
No gradient is zero.

How it is checked
-----------------
AMSSPlus with the switch. k = n: every multiplier is read off a head with n = 512 columns and gradients of one
size, and of random sizes. k < n: the multipliers of the columns drawn over seeds. The means with equal importances
are products with k/n, the inclusion probability by exchange of units.

Tolerance: 1/n, the sum, the division and the product with the gradient round once each, 4 * 2^-53 < 2^-50.

What would refute it
--------------------
Head weights that follow the sizes or the inclusion probabilities.

Source
------
Released code of AMSS at commit 3161ecc, AMSS/train_test.py lines 239 and 241; applied in AMSS_rod/train_nv.py line 212.
"""

from collections.abc import Iterator
from fractions import Fraction

import torch
from torch import Tensor, nn

from amss_min.amss import AMSSPlus
from amss_min.modalities import columns
from amss_min.released import Released
from amss_min.testing import Evidence, Status
from theory import rounding
from theory.comparison import Comparison, departure, equality
from theory.readings import exact
from theory.sources import AMSS_CODE, Source
from theory.verdict import Claim, Kind

_N = 512
_R4 = Released(
    shifted_inverse=True, head_unmasked=False, index_weight=True, swapped_ratio=False, released_entropy=False
)
_ERROR = 8 * rounding.ROUNDING
_ERROR_SOURCE = "1/n, sum, division, product with the gradient: 4 roundings of 2^-53, below 2^-50"


def check() -> list[Evidence]:
    """All multipliers at k = n, those drawn at k < n, and their distance from 1."""
    full = [*_multipliers(1.0, 0, equal=True), *_multipliers(1.0, 1, equal=False)]
    part = [case for seed in range(8) for case in _multipliers(0.25, seed, equal=seed % 2 == 0)]
    away = [
        Comparison(expected=Fraction(1), measured=case.measured, tolerance=_ERROR, witness=case.witness)
        for case in full
    ]
    return [
        equality(
            full,
            what="multipliers of all columns of a head at k = n, against 1/(j + 1/n)",
            tolerance_source=_ERROR_SOURCE,
            scope=f"n = {_N}, equal and random gradients",
            details={"first": float(full[0].measured), "last": float(full[-1].measured)},
        ),
        equality(
            part,
            what="multipliers of the columns drawn at k = n/4, against 1/(j + 1/n)",
            tolerance_source=_ERROR_SOURCE,
            scope=f"n = {_N}, 8 steps",
        ),
        departure(
            away,
            what="mean multipliers at k = n, against 1",
            tolerance_source=_ERROR_SOURCE,
            scope=f"n = {_N}, equal and random gradients",
        ),
    ]


def _multipliers(keep: float, seed: int, *, equal: bool) -> Iterator[Comparison]:
    """The multipliers of the columns drawn in one step."""
    head = nn.Parameter(torch.zeros(1, _N, dtype=torch.float64))
    before = torch.ones(1, _N, dtype=torch.float64) if equal else _random(seed)
    head.grad = before.clone()
    generator = torch.Generator().manual_seed(seed)
    AMSSPlus({"audio": columns(head, 0, _N)}, keep=keep, released=_R4, generator=generator).mask_gradients()
    pairs = zip(exact(head.grad[0]), exact(before[0]), strict=True)
    for column, (masked, gradient) in enumerate(pairs):
        if masked != 0:
            expected = 1 / (column + Fraction(1, _N))
            witness = {"n": _N, "column": column, "keep": keep, "seed": seed, "equal gradients": equal}
            yield Comparison(
                expected=expected, measured=masked / gradient, tolerance=_ERROR * expected, witness=witness
            )


def _random(seed: int) -> Tensor:
    return 1.0 + torch.rand(1, _N, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


CLAIM = Claim(
    id="released-index-weight",
    statement=r"The released AMSS+ weight of the head is $1/(j + 1/n)$ for column index $j = 0, \ldots, n-1$, whatever "
    r"was sampled: $512$ at the first and $.00196$ at the last of $n = 512$ columns, where an unbiased weight with "
    r"everything drawn is $1$.",
    kind=Kind.COUNTEREXAMPLE,
    source=Source(kind="released", reference=AMSS_CODE, place="AV:239, 241; NV:212"),
    assumptions=(),
    expected_status=Status.HOLDS,
    check=check,
)
