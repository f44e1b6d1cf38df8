r"""R5: the released image-text code exchanges the two keep fractions.

Setting
-------
Two modalities with mutual information rates u_1 and u_2. The described rule is rho_m = 1 - softmax(u / tau)_m,
clamped to [.1, .9]: the modality that tells more about the target keeps less.

Claim
-----
With `Released(swapped_ratio=True)` the pair of fractions is exchanged, so the modality with the larger rate keeps the
larger part: the reverse of the rule.

Assumptions
-----------
Two modalities with different rates.

How it is checked
-----------------
Batches of logits and features from a seed, one of them clamped on both sides. Production's `AMSSPlus` observes a
batch and masks; the fractions it reports are compared with an implementation of the formulas to fifty digits
(`theory.information`), within a derived float64 error, exchanged and not. The fractions with the switch must be those
without it in the other order, bit for bit, and larger for the modality with the larger rate.

Tolerance: errors of log-softmax, entropies, quotient and softmax, added up in `theory.information.keep_error`.

What would refute it
--------------------
A switch that does nothing; a softmax without the 1 - ..., another clamp or temperature.

Source
------
Released code of AMSS at commit 3161ecc, AMSS_IT/train_test_IT.py lines 127 to 130 against 154.
"""

import math
import random
from collections.abc import Iterator, Sequence
from fractions import Fraction

import torch
from torch import Tensor, nn

from amss_min.amss import AMSSPlus
from amss_min.released import Released
from amss_min.significance import MutualInformationRate
from amss_min.testing import Evidence, Status
from theory import information
from theory.comparison import Comparison, dominance, equality
from theory.information import Batch, Rows
from theory.readings import exact
from theory.sources import AMSS_CODE, Source
from theory.verdict import Claim, Kind

_NAMES = ("image", "text")
_TEMPERATURE, _FLOOR, _CEILING = 0.5, 0.1, 0.9
_R5 = Released(
    shifted_inverse=False, head_unmasked=False, index_weight=False, swapped_ratio=True, released_entropy=False
)
_SOURCE = "float64 errors of log-softmax, entropies, quotient and softmax (theory.information.keep_error)"


def check() -> list[Evidence]:
    """Fractions against fifty digits, exchanged bit for bit, and their order reversed."""
    found = [*_batches(127, 8), _one_sided()]
    scope = f"{len(found)} batches, one of them clamped on both sides"
    return [
        equality(
            _fractions(found, None),
            what="keep fractions without the switch, against 1 - softmax(u / tau), clamped",
            tolerance_source=_SOURCE,
            scope=scope,
        ),
        equality(
            _fractions(found, _R5),
            what="keep fractions with the switch, against those of the other modality",
            tolerance_source=_SOURCE,
            scope=scope,
        ),
        equality(_exchanged(found), what="keep fractions with the switch, less those exchanged by hand", scope=scope),
        dominance(
            _order(found),
            what="fraction of the modality with the smaller rate, below that of the larger, with the switch",
            scope=scope,
        ),
    ]


def _fractions(found: Sequence[Batch], released: Released | None) -> Iterator[Comparison]:
    for batch in found:
        expected = information.keep_fractions(information.rates(batch), _TEMPERATURE, _FLOOR, _CEILING)
        if released is not None:
            expected.reverse()
        for name, wanted, found_keep in zip(_NAMES, expected, _keep(batch, released), strict=True):
            yield Comparison(
                expected=wanted,
                measured=found_keep,
                tolerance=information.keep_error(batch, _TEMPERATURE),
                witness={**batch.inputs, "modality": name, "released": repr(released)},
            )


def _exchanged(found: Sequence[Batch]) -> Iterator[Comparison]:
    for batch in found:
        for one, other in zip(_keep(batch, None), reversed(_keep(batch, _R5)), strict=True):
            yield Comparison(expected=Fraction(0), measured=other - one, witness=batch.inputs)


def _order(found: Sequence[Batch]) -> Iterator[Comparison]:
    for batch in found:
        rates = information.rates(batch)
        keep = _keep(batch, _R5)
        less, more = sorted(range(2), key=lambda modality: rates[modality])
        # The rates differ by far more than their error, so a tie or the described order contradicts.
        margin = information.keep_error(batch, _TEMPERATURE)
        yield Comparison(expected=Fraction(0), measured=keep[less] - keep[more] + margin, witness=batch.inputs)


def _keep(batch: Batch, released: Released | None) -> list[Fraction | float]:
    """The fractions that AMSSPlus reports for a step after this batch."""
    parameters = {name: nn.Parameter(torch.zeros(4)) for name in _NAMES}
    for parameter in parameters.values():
        parameter.grad = torch.ones(4)
    rate = MutualInformationRate(temperature=_TEMPERATURE, floor=_FLOOR, ceiling=_CEILING)
    amss = AMSSPlus(parameters, keep=rate, released=released, generator=torch.Generator().manual_seed(0))
    logits, features = _named(batch.logits), _named(batch.features)
    amss.observe(logits=logits, features=features, target=torch.tensor(batch.target))
    keep = amss.mask_gradients().keep
    return exact(torch.tensor([keep[name] for name in _NAMES], dtype=torch.float64))


def _named(values: Sequence[Rows]) -> dict[str, Tensor]:
    return {name: torch.tensor(rows, dtype=torch.float64) for name, rows in zip(_NAMES, values, strict=True)}


def _batches(seed: int, count: int) -> list[Batch]:
    """Logits that lean towards the target, by a strength that differs between the modalities."""
    rng = random.Random(seed)
    found = []
    for number in range(count):
        target = [rng.randrange(3) for _ in range(5)]
        lean = (0.2, 1.0) if number % 2 else (1.0, 0.2)
        logits = [[[_normal(rng) + by * (c == y) for c in range(3)] for y in target] for by in lean]
        features = [[[_normal(rng) for _ in range(4)] for _ in target] for _ in lean]
        found.append(Batch(logits=logits, features=features, target=target))
    return found


def _one_sided() -> Batch:
    """One modality that knows the target, one that is confidently wrong: both fractions are clamped."""
    target = [0, 1, 2]
    right = [[8.0 * (c == y) for c in range(3)] for y in target]
    wrong = [[8.0 * (c == (y + 1) % 3) for c in range(3)] for y in target]
    features = [[0.0, 0.5, 1.0, 0.25]] * 3
    return Batch(logits=[right, wrong], features=[features, features], target=target)


def _normal(rng: random.Random) -> float:
    return math.ldexp(round(math.ldexp(rng.gauss(0, 1), 10)), -10)


CLAIM = Claim(
    id="released-ratio-swapped",
    statement=r"The released image-text code exchanges the keep fractions $\rho_m = 1 - \mathrm{softmax}(u/\tau)_m$ of "
    r"the two modalities: the one with the larger information rate $u_m$ keeps the larger part.",
    kind=Kind.COUNTEREXAMPLE,
    source=Source(kind="released", reference=AMSS_CODE, place="IT:127-130, 154"),
    assumptions=(),
    expected_status=Status.HOLDS,
    check=check,
)
