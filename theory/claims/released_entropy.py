r"""R6: the released label entropy takes a softmax of probabilities.

Setting
-------
H(Y) is the entropy of the label shares p of a batch. The released code computes CrossEntropy(p, p), which takes the
softmax of its first argument.

Claim
-----
The result is -sum_c p_c log softmax(p)_c. It exceeds the entropy by the Kullback-Leibler divergence of p from
softmax(p), which is 0 only for uniform p. A batch of one class out of six gives log(1 + 5/e) = 1.0436 nats instead
of 0.

Assumptions
-----------
At least one label.

How it is checked
-----------------
Proof: cross entropy less entropy is the divergence; softmax(p) = p makes p_c exp(-p_c) constant over c, and as
x exp(-x) increases on [0, 1] all p_c are equal.

`released_label_entropy` and `label_entropy` of production against fifty digits (`theory.information`) on the one-hot
batch, and on random and uniform counts; their difference is positive wherever the counts differ. Rates by
`MutualInformationRate(released_entropy=True)`, which `Released` sets, use the one and not the other.

Tolerance: (2 C + 10)(C + 1) 2^-53 for C classes (`theory.information.entropy_error`), and for rates
`theory.information.rate_error`.

What would refute it
--------------------
A released entropy that is the entropy, or the described method using the released one.

Source
------
Released code of AMSS at commit 3161ecc, AMSS/train_test.py line 70.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

import torch
from torch import Tensor

from amss_min import significance
from amss_min.significance import MutualInformationRate
from amss_min.testing import Evidence, Status
from theory import information
from theory.comparison import Comparison, departure, equality
from theory.information import Batch
from theory.readings import exact
from theory.sources import AMSS_CODE, Source
from theory.verdict import Claim, Kind

_ONE_HOT = (9, 0, 0, 0, 0, 0)
_SOURCE = "(2 C + 10)(C + 1) roundings of 2^-53 for C classes (theory.information.entropy_error)"


def check() -> list[Evidence]:
    """The one-hot batch, both entropies on random counts, their difference, and the rates that use them."""
    counts = [_ONE_HOT, (5, 5, 5), *_random_counts(70, 30)]
    unequal = [case for case in counts if len(set(case)) > 1]
    scope = f"{len(counts)} count vectors, 2 to 9 classes; proof in the claim's file"
    return [
        equality(
            _entropies([_ONE_HOT]),
            what="one class out of six: released entropy, then true entropy, nats",
            tolerance_source=_SOURCE,
            scope="the one-hot batch",
            details={"released": float(information.released_label_entropy(_ONE_HOT)), "true": 0.0},
        ),
        equality(
            _entropies(counts), what="released and true label entropy, nats", tolerance_source=_SOURCE, scope=scope
        ),
        departure(
            _differences(unequal),
            what="released less true label entropy, against 0",
            tolerance_source=_SOURCE,
            scope=f"{len(unequal)} count vectors that are not uniform",
        ),
        equality(
            _rates(),
            what="information rates with and without the switch",
            tolerance_source="float64 errors added up in theory.information.rate_error",
            scope="a batch of one class, two modalities",
        ),
    ]


def _entropies(counts: Sequence[Sequence[int]]) -> Iterator[Comparison]:
    for case in counts:
        yield _comparison(case, information.released_label_entropy(case), significance.released_label_entropy)
        yield _comparison(case, information.label_entropy(case), significance.label_entropy)


def _comparison(case: Sequence[int], expected: Fraction, production: Callable[[Tensor], Tensor]) -> Comparison:
    return Comparison(
        expected=expected,
        measured=_value(production, case),
        tolerance=information.entropy_error(len(case)),
        witness={"counts": list(case), "entropy": getattr(production, "__name__", repr(production))},
    )


def _differences(counts: Sequence[Sequence[int]]) -> Iterator[Comparison]:
    for case in counts:
        difference = _value(significance.released_label_entropy, case) - _value(significance.label_entropy, case)
        yield Comparison(
            expected=Fraction(0),
            measured=difference,
            tolerance=2 * information.entropy_error(len(case)),
            witness={"counts": list(case)},
        )


def _rates() -> Iterator[Comparison]:
    logits = [[[0.5, 0.0, -1.0]] * 4, [[0.25, 1.0, 0.0]] * 4]
    features = [[[0.0, 1.0, 0.5]] * 4, [[1.0, -1.0, 0.0]] * 4]
    batch = Batch(logits=logits, features=features, target=[0] * 4)
    tensors = [[torch.tensor(rows, dtype=torch.float64) for rows in values] for values in (logits, features)]
    for released in (False, True):
        rate = MutualInformationRate(released_entropy=released)
        found = exact(rate.rates(rate.observation(tensors[0], tensors[1], torch.tensor(batch.target))))
        for modality, expected in enumerate(information.rates(batch, released_entropy=released)):
            yield Comparison(
                expected=expected,
                measured=found[modality],
                tolerance=information.rate_error(batch, released_entropy=released),
                witness={**batch.inputs, "released_entropy": released, "modality": modality},
            )


def _value(production: Callable[[Tensor], Tensor], counts: Sequence[int]) -> Fraction | float:
    return exact(production(torch.tensor(counts, dtype=torch.float64)).reshape(1))[0]


def _random_counts(seed: int, count: int) -> list[tuple[int, ...]]:
    rng = random.Random(seed)
    drawn = [tuple(rng.randint(0, 12) for _ in range(rng.randint(2, 9))) for _ in range(count)]
    return [case if any(case) else (1,) * len(case) for case in drawn]


CLAIM = Claim(
    id="released-entropy",
    statement=r"The released $H(Y)$ is $-\sum_c p_c \log \mathrm{softmax}(p)_c$, which exceeds the entropy of $p$ "
    r"unless $p$ is uniform: a batch of one class out of six gives $\log(1 + 5/e) = 1.0436$ nats instead of $0$.",
    kind=Kind.COUNTEREXAMPLE,
    source=Source(kind="released", reference=AMSS_CODE, place="AV:70"),
    assumptions=(),
    expected_status=Status.HOLDS,
    check=check,
)
