r"""The expected one-step update of AMSS+ does not depend on the keep fractions.

Setting
-------
Two modalities, plain SGD with step eta, one step from given gradients. AMSSPlus masks both encoders.

Claim
-----
E[w_1] = w_0 - eta g for every modality and every choice of keep fractions: AMSS+ acts through the variance of the
update only. For AMSS (the same draws with the 0/1 mask) E[w_1] = w_0 - eta pi_j(rho) g_j, which moves with rho.

Assumptions
-----------
pi_j > 0 wherever g_j != 0; plain SGD, nothing nonlinear after the mask; one step, since the next gradient is taken
at another point (see keep-returns-through-variance).

How it is checked
-----------------
The whole of AMSSPlus is run, with its default importance, design and weighting; only the random words of the design
are written down (`theory.scripted`), at both ends of every piece of the exact law (`theory.readings`) for the sizes
and counts that AMSSPlus asks the design for. E[w_1] is the sum over pieces of probability times w_0 - eta times the
gradient that mask_gradients() leaves, in rationals. Every tensor has its own start, so its pieces are summed on
their own. Several orders, several pairs of keep fractions. AMSS, on the same design with its own weighting, is summed
in the same way, without tolerance.

Tolerance: the weight errs by at most 2^-50 less two roundings, its product with g_j by one; n 2^-50 |g_j| eta in all.

What would refute it
--------------------
A weight that is not the inverse of the realised inclusion probability; multipliers that reach another unit or
tensor; a mask applied twice.

Source
------
One line from E[M_j] = 1; described for AMSS+ in arXiv 2404.08347 as an unbiased masked gradient.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor, nn

from amss_min.amss import AMSS, AMSSPlus
from amss_min.designs import Systematic
from amss_min.testing import Evidence, Status
from theory import rounding
from theory.assumptions import FRESH_RANDOMNESS, POSITIVE_INCLUSION
from theory.comparison import Comparison, departure, equality
from theory.instances import Instance, random_instances
from theory.moments import Number
from theory.readings import exact, grid_inclusion, systematic_words
from theory.scripted import Scripted
from theory.sources import AMSS_PAPER, Source
from theory.verdict import Claim, Kind

_RATE = Fraction(1, 2)
_KEEPS: tuple[dict[str, float], ...] = (
    {"audio": 0.2, "video": 0.8},
    {"audio": 0.5, "video": 0.5},
    {"audio": 0.9, "video": 0.3},
    {"audio": 1.0, "video": 1.0},
)
_ORDERS = 3


def check() -> list[Evidence]:
    """The mean update of AMSSPlus for every pair of fractions, and that of AMSS for contrast."""
    found = _instances(43, 4)
    scope = f"{len(found)} pairs of tensors, {len(_KEEPS)} pairs of fractions, {_ORDERS} orders; proof: ht-unbiased"
    numbers = range(len(_KEEPS))
    masked = {(pair, number): _mean_updates(AMSS, pair, _KEEPS[number], 0) for pair in found for number in numbers}
    return [
        equality(
            _plus_updates(found),
            what="E[w_1] - w_0 of AMSSPlus with plain SGD, against -eta g",
            tolerance_source=f"{rounding.WEIGHT_SOURCE}, product included; n 2^-50 for the sum over pieces",
            scope=scope,
        ),
        equality(
            _mask_updates(masked),
            what="E[w_1] - w_0 of AMSS with plain SGD, against -eta pi g",
            scope=f"{len(found)} pairs of tensors, {len(_KEEPS)} pairs of fractions; proof: indicator-bias",
        ),
        departure(
            _mask_differences(masked),
            what="E[w_1] of AMSS at keep (0.2, 0.8), less that at (0.9, 0.3)",
            scope=f"{len(found)} pairs of tensors, largest difference in each",
        ),
    ]


@dataclass(frozen=True)
class _Pair:
    """A gradient for each of two modalities, with different numbers of units."""

    audio: Instance
    video: Instance

    @property
    def parts(self) -> dict[str, Instance]:
        return {"audio": self.audio, "video": self.video}

    @property
    def inputs(self) -> dict[str, Any]:
        return {name: part.inputs["gradient"] for name, part in self.parts.items()}


@dataclass(frozen=True)
class _Mean:
    """E[w_1] - w_0 of one tensor, and the exact inclusion probabilities of its units."""

    update: list[Number]
    pi: list[Fraction]


_Means = Mapping[str, _Mean]


def _instances(seed: int, count: int) -> list[_Pair]:
    audio = random_instances(seed, count, fewest_units=5, most_units=5)
    video = random_instances(seed + 1, count, fewest_units=7, most_units=7)
    return [_Pair(one, other) for one, other in zip(audio, video, strict=True)]


def _plus_updates(found: Sequence[_Pair]) -> Iterator[Comparison]:
    for pair in found:
        for keep in _KEEPS:
            for order in range(_ORDERS):
                means = _mean_updates(AMSSPlus, pair, keep, order)
                yield from _against_gradient(pair, keep, order, means)


def _against_gradient(pair: _Pair, keep: dict[str, float], order: int, means: _Means) -> Iterator[Comparison]:
    for name, part in pair.parts.items():
        for unit, gradient in enumerate(part.gradient):
            step = _RATE * gradient
            yield Comparison(
                expected=-step,
                measured=means[name].update[unit],
                tolerance=part.n * rounding.WEIGHT * abs(step),
                witness={**pair.inputs, "keep": keep, "order seed": order, "modality": name, "unit": unit},
            )


def _mask_updates(masked: Mapping[tuple[_Pair, int], _Means]) -> Iterator[Comparison]:
    for (pair, number), means in masked.items():
        for name, part in pair.parts.items():
            for unit, gradient in enumerate(part.gradient):
                yield Comparison(
                    expected=-_RATE * means[name].pi[unit] * gradient,
                    measured=means[name].update[unit],
                    witness={**pair.inputs, "keep": _KEEPS[number], "modality": name, "unit": unit},
                )


def _mask_differences(masked: Mapping[tuple[_Pair, int], _Means]) -> Iterator[Comparison]:
    for pair in dict.fromkeys(pair for pair, _ in masked):
        one, other = masked[pair, 0], masked[pair, 2]
        pairs = [(x, y) for name in pair.parts for x, y in zip(one[name].update, other[name].update, strict=True)]
        gaps: list[Number] = [max(x - y, y - x) for x, y in pairs]
        yield Comparison(expected=Fraction(0), measured=max(gaps), witness=pair.inputs)


def _mean_updates(method: type[AMSS], pair: _Pair, keep: dict[str, float], order: int) -> _Means:
    """One masked step for every probe, summed with the exact probabilities."""
    steps = _Steps(method, pair, keep)
    pi = {name: grid_inclusion(Systematic(), *steps.request(part.n)) for name, part in pair.parts.items()}
    law = {name: _law(pi[name], order) for name in pi}
    sums: dict[str, list[Number]] = {name: [Fraction(0)] * part.n for name, part in pair.parts.items()}
    for number in range(max(len(outcomes) for outcomes in law.values())):
        now = {name: outcomes[number % len(outcomes)] for name, outcomes in law.items()}
        masked = steps.masked({len(words) - 1: [words] for _, words in now.values()})
        for name, (probability, _) in now.items():
            if number < len(law[name]):
                sums[name] = [s - _RATE * probability * g for s, g in zip(sums[name], masked[name], strict=True)]
    return {name: _Mean(update, pi[name]) for name, update in sums.items()}


def _law(pi: Sequence[Fraction], order: int) -> list[tuple[Fraction, tuple[int, ...]]]:
    """Words with the probability they stand for, in one random order of the units."""
    units = random.Random(order).sample(range(len(pi)), len(pi))
    found = systematic_words(pi, units)
    return [(piece.probability / len(piece.probes), words) for piece in found for words in piece.probes]


class _Steps:
    """A method on two tensors, with its random words written down."""

    def __init__(self, method: type[AMSS], pair: _Pair, keep: dict[str, float]) -> None:
        self.design = Scripted(Systematic())
        self.gradients = {name: [float(value) for value in part.gradient] for name, part in pair.parts.items()}
        self.parameters = {name: nn.Parameter(torch.zeros(part.n).double()) for name, part in pair.parts.items()}
        self.method = method(self.parameters, keep=keep, design=self.design, generator=torch.Generator())

    def request(self, n: int) -> tuple[Tensor, int]:
        """The sizes and the count that the method asks the design for, among n units."""
        self.masked({part.numel(): [[0] * (part.numel() + 1)] for part in self.parameters.values()})
        sizes, count = self.design.requests[n]
        return sizes[0], int(count)

    def masked(self, script: Mapping[int, Sequence[Sequence[int]]]) -> dict[str, list[Number]]:
        """The gradients that a masked step with these words leaves."""
        self.design.script = script
        for name, parameter in self.parameters.items():
            parameter.grad = torch.tensor(self.gradients[name], dtype=torch.float64)
        self.method.mask_gradients()
        return {name: exact(p.grad) for name, p in self.parameters.items() if p.grad is not None}


CLAIM = Claim(
    id="plus-update-free-of-keep",
    statement=r"One step of plain SGD under AMSS+ has $E[w_1] = w_0 - \eta g$ whatever the keep fractions $\rho$, so "
    r"that AMSS+ acts through variance only; under the $0/1$ mask of AMSS, $E[w_1] = w_0 - \eta\, \pi(\rho) \odot g$.",
    kind=Kind.IDENTITY,
    source=Source(kind="derived", reference=AMSS_PAPER),
    assumptions=(POSITIVE_INCLUSION, FRESH_RANDOMNESS),
    expected_status=Status.HOLDS,
    check=check,
)
