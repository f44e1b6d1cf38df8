r"""R3: the released audio-video code builds the head's mask and never applies it.

Setting
-------
Two encoders and a linear head on their concatenated features. The described method masks each modality's own
columns of the head, row by row, like the encoders.

Claim
-----
With `Released(head_unmasked=True)` the head's gradient stays what it was, bit for bit, in AMSS and in AMSS+, while
the encoders are masked; without it, k = ceil(rho n) of the n columns of a modality are left in every row.

Assumptions
-----------
No gradient is zero (a zero would not tell masked from unmasked).

How it is checked
-----------------
AMSS and AMSSPlus with the switch, alone and as part of released=True, and without it, on gradients without zeros,
over seeds: counts of entries of the head that changed, of rows of the encoders that are left, and of entries that
are left in the head when it is masked. All are counts, compared without tolerance.

What would refute it
--------------------
A switch that masks the head, or a described method that leaves it whole.

Source
------
Released code of AMSS at commit 3161ecc, AMSS/train_test.py lines 235 to 241; AMSS_IT (245-246) and AMSS_rod (217-219)
do multiply.
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor, nn

from amss_min.amss import AMSS, AMSSPlus
from amss_min.modalities import Part, columns
from amss_min.released import Released
from amss_min.testing import Evidence, Status
from theory.comparison import Comparison, departure, equality
from theory.sources import AMSS_CODE, Source
from theory.verdict import Claim, Kind

_SEEDS = 8
_WIDTHS = {"audio": 8, "video": 4}
_KEEP = {"audio": 0.25, "video": 0.5}
_LEFT = {"audio": 2, "video": 2}
_CLASSES = 3
_R3 = Released(
    shifted_inverse=False, head_unmasked=True, index_weight=False, swapped_ratio=False, released_entropy=False
)


def check() -> list[Evidence]:
    """Nothing changes in the head with the switch, the encoders are masked, and without it the head is too."""
    runs = [
        _Run(method, released, seed)
        for method in (AMSS, AMSSPlus)
        for released in (_R3, True, None)
        for seed in range(_SEEDS)
    ]
    switched = [run for run in runs if run.released is not None]
    alone = [run for run in switched if run.released is _R3]
    described = [run for run in runs if run.released is None]
    steps = f"{_SEEDS} steps each"
    return [
        equality(
            (_case(run, 0, run.changed) for run in switched),
            what="entries of the head's gradient that the mask changed, with the switch",
            scope=f"AMSS and AMSSPlus, {steps}",
        ),
        equality(
            (_case(run, _LEFT[name], left) for run in alone for name, left in run.rows_left.items()),
            what="encoder rows left with the switch, against k",
            scope=f"AMSS and AMSSPlus, two modalities, {steps}",
        ),
        equality(
            (_case(run, _LEFT[name], left) for run in described for name, left in run.entries_left()),
            what="entries left in the head without the switch, against k in every row and modality",
            scope=f"AMSS and AMSSPlus, {_CLASSES} rows, {steps}",
        ),
        departure(
            (_case(run, 0, run.changed) for run in described),
            what="entries of the head's gradient that the mask changed, without the switch, against 0",
            scope=f"AMSS and AMSSPlus, {steps}",
        ),
    ]


class _Run:
    """One masked step: gradients of the head before and after, and the rows left in each encoder."""

    def __init__(self, method: type[AMSS], released: Released | bool | None, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        head = nn.Parameter(torch.zeros(_CLASSES, sum(_WIDTHS.values()), dtype=torch.float64))
        encoders = {name: nn.Parameter(torch.zeros(width, 3, dtype=torch.float64)) for name, width in _WIDTHS.items()}
        for parameter in (head, *encoders.values()):
            # Away from zero, so that a unit that is dropped shows.
            parameter.grad = 1.0 + torch.rand(parameter.shape, generator=generator, dtype=torch.float64)
        self.before = _gradient(head).clone()
        modalities: dict[str, list[Part]] = {name: [encoder] for name, encoder in encoders.items()}
        modalities["audio"].append(columns(head, 0, _WIDTHS["audio"]))
        modalities["video"].append(columns(head, _WIDTHS["audio"], _WIDTHS["audio"] + _WIDTHS["video"]))
        method(modalities, keep=_KEEP, released=released, generator=generator).mask_gradients()
        self.after = _gradient(head)
        self.rows_left = {name: int(_gradient(encoder).ne(0).any(1).sum()) for name, encoder in encoders.items()}
        self.released = released
        self.witness: dict[str, Any] = {"method": method.__name__, "released": repr(released), "seed": seed}

    @property
    def changed(self) -> int:
        """Entries of the head's gradient that are not what they were."""
        return int((self.after != self.before).sum())

    def entries_left(self) -> Iterator[tuple[str, int]]:
        """Entries of the head's gradient that are not zero, for every modality and row."""
        for name, part in zip(_WIDTHS, self.after.split(list(_WIDTHS.values()), dim=1), strict=True):
            for left in part.ne(0).sum(1).tolist():
                yield name, left


def _case(run: _Run, expected: int, measured: int) -> Comparison:
    return Comparison(expected=Fraction(expected), measured=Fraction(measured), witness=run.witness)


def _gradient(parameter: Tensor) -> Tensor:
    if parameter.grad is None:
        raise ValueError("a masked step leaves every gradient in place, found none")
    return parameter.grad


CLAIM = Claim(
    id="released-head-unmasked",
    statement=r"In the released audio-video code the head is not masked: with that switch the masked step leaves the "
    r"head's gradient as it was, bit for bit, while the described method leaves $k = \lceil \rho n \rceil$ of each "
    r"modality's $n$ columns in every row.",
    kind=Kind.COUNTEREXAMPLE,
    source=Source(kind="released", reference=AMSS_CODE, place="AV:235-241"),
    assumptions=(),
    expected_status=Status.HOLDS,
    check=check,
)
