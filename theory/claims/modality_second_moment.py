r"""With a keep fraction for each modality, 1 + omega is the largest over the modalities, and the second moment a sum.

Setting
-------
The gradient has blocks g^(m), one a modality; k_m of its n_m units are drawn, independently between modalities, with an
unbiased mask of 1 + omega_m.

Claim
-----
E|C(g)|^2 = sum_m E|C(g^(m))|^2 <= sum_m (1 + omega_m) |g^(m)|^2 <= max_m (1 + omega_m) |g|^2. With simple random
sampling 1 + omega_m = n_m / k_m and the first bound is an equality; the second is one where the gradient lies in
the modality of the largest omega.

Assumptions
-----------
Gradients without zeros (else n_m / k_m is an upper bound, of what the units with a gradient have).

How it is checked
-----------------
Proof: |C|^2 is a sum over blocks, whatever the dependence between them; then 1 + omega_m bounds each.

AMSSPlus itself on two modalities with fractions of their own, its words written down: with simple random sampling,
summed over all pairs of subsets, against the sum and the maximum; and at a gradient that is next to nothing in the
other modality, against the maximum alone. `Report.omega` of each step is the largest second moment of a tensor, less 1.

Tolerance: squares of weights, 2 e + e^2 with e = 2^-50 (`theory.rounding.WEIGHT`), and one rounding for the product
with the gradient, whose square doubles it: 4 e in all. The report sums n squares: 2 (n + 8) 2^-53 more, twice.

What would refute it
--------------------
Masks that leak between modalities; a fraction applied to the wrong one.

Source
------
Derived here.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import nn

from amss_min.amss import AMSSPlus
from amss_min.designs import SimpleRandom
from amss_min.testing import Evidence, Status
from theory import rounding
from theory.assumptions import FRESH_RANDOMNESS
from theory.comparison import Comparison, dominance, equality
from theory.readings import exact
from theory.scripted import Scripted
from theory.sources import Source
from theory.verdict import Claim, Kind

_AUDIO, _VIDEO = 3, 4
_KEEPS = ((1, 3), (2, 1), (3, 2), (2, 4))
_GRADIENTS = (((1, -2, 3), (5, 1, -1, 2)), ((7, 1, 1), (1, 1, -1, 1)))
_SMALL = Fraction(1, 2**40)
_ERROR = 4 * rounding.WEIGHT
_SOURCE = f"4 times {rounding.WEIGHT_SOURCE}"


def check() -> list[Evidence]:
    """The sum over modalities, its maximum, where that is attained, and what the step reports."""
    cases = [_Case(audio, video, keep) for audio, video in _vectors() for keep in _KEEPS]
    alone = [_Case(audio, video, keep) for audio, video in _alone() for keep in _KEEPS[1:2]]
    scope = f"{len(cases)} pairs of gradients and fractions, all pairs of subsets; proof in the claim's file"
    return [
        equality(
            [case.against(case.block_sum) for case in cases],
            what="E|C(g)|^2 of AMSSPlus, against sum_m (n_m / k_m) |g^(m)|^2",
            tolerance_source=_SOURCE,
            scope=scope,
        ),
        dominance(
            [case.against(case.maximum) for case in cases],
            what="E|C(g)|^2 of AMSSPlus, at most max_m (n_m / k_m) |g|^2",
            tolerance_source=_SOURCE,
            scope=scope,
        ),
        equality(
            [case.against(case.maximum, other=case.other) for case in alone],
            what="E|C(g)|^2 at a gradient in the modality of the largest omega, against max_m (n_m / k_m) |g|^2",
            tolerance_source=f"{_SOURCE}; the other modality holds 2^-80 of the energy",
            scope="one gradient",
        ),
        equality(
            _reports(cases),
            what="1 + omega that the step reports, against max_m n_m / k_m",
            tolerance_source=f"{_SOURCE}, and sums of n squares",
            scope=f"{len(cases)} steps of AMSSPlus",
        ),
    ]


Vector = tuple[Fraction, ...]


def _vectors() -> Iterator[tuple[Vector, Vector]]:
    for audio, video in _GRADIENTS:
        yield tuple(map(Fraction, audio)), tuple(map(Fraction, video))


def _alone() -> Iterator[tuple[Vector, Vector]]:
    """All but nothing in audio; at keep (2 of 3, 1 of 4) the video has the largest omega."""
    yield (_SMALL,) * _AUDIO, tuple(map(Fraction, _GRADIENTS[0][1]))


@dataclass(frozen=True)
class _Case:
    """Gradients of two modalities, and how many units of each are drawn."""

    audio: Vector
    video: Vector
    keep: tuple[int, int]

    @property
    def factors(self) -> tuple[Fraction, Fraction]:
        """n_m / k_m."""
        return Fraction(_AUDIO, self.keep[0]), Fraction(_VIDEO, self.keep[1])

    @property
    def energies(self) -> tuple[Fraction, Fraction]:
        """|g^(m)|^2."""
        return sum((g * g for g in self.audio), Fraction(0)), sum((g * g for g in self.video), Fraction(0))

    @property
    def block_sum(self) -> Fraction:
        """sum_m (n_m / k_m) |g^(m)|^2."""
        return sum((f * e for f, e in zip(self.factors, self.energies, strict=True)), Fraction(0))

    @property
    def maximum(self) -> Fraction:
        """max_m (n_m / k_m) |g|^2."""
        return max(self.factors) * sum(self.energies, Fraction(0))

    @property
    def other(self) -> Fraction:
        """What the modality of the smaller omega could add to the maximum."""
        return self.maximum - self.block_sum

    def method(self) -> tuple[AMSSPlus, Scripted, dict[str, nn.Parameter]]:
        """AMSSPlus on two parameters, each with its fraction."""
        design = Scripted(SimpleRandom())
        parameters = {
            name: nn.Parameter(torch.zeros(len(part), dtype=torch.float64))
            for name, part in (("audio", self.audio), ("video", self.video))
        }
        keep = {"audio": self.keep[0] / _AUDIO, "video": self.keep[1] / _VIDEO}
        return AMSSPlus(parameters, keep=keep, design=design, generator=torch.Generator()), design, parameters

    def squares(self) -> list[tuple[Fraction | float, float]]:
        """|C(g)|^2 and the reported 1 + omega, for every pair of subsets."""
        method, design, parameters = self.method()
        found = []
        subsets = (itertools.combinations(range(n), k) for n, k in zip((_AUDIO, _VIDEO), self.keep, strict=True))
        for audio, video in itertools.product(*map(list, subsets)):
            for parameter, part in zip(parameters.values(), (self.audio, self.video), strict=True):
                parameter.grad = torch.tensor([float(g) for g in part], dtype=torch.float64)
            design.script = {_AUDIO: [_words(audio, _AUDIO)], _VIDEO: [_words(video, _VIDEO)]}
            report = method.mask_gradients()
            left = [value for p in parameters.values() if p.grad is not None for value in exact(p.grad)]
            found.append((sum((value * value for value in left), Fraction(0)), report.omega))
        return found

    def against(self, bound: Fraction, other: Fraction = Fraction(0)) -> Comparison:
        """E|C(g)|^2 over the subsets, against a bound."""
        squares = [square for square, _ in self.squares()]
        return Comparison(
            expected=bound,
            measured=sum(squares, Fraction(0)) / len(squares),
            tolerance=_ERROR * bound + other,
            witness=self.witness,
        )

    @property
    def witness(self) -> dict[str, object]:
        """The case in JSON types."""
        return {
            "audio": [float(g) for g in self.audio],
            "video": [float(g) for g in self.video],
            "drawn": list(self.keep),
        }


def _words(subset: tuple[int, ...], n: int) -> list[int]:
    return [0 if unit in subset else 1 for unit in range(n)]


def _reports(cases: list[_Case]) -> Iterator[Comparison]:
    for case in cases:
        _, omega = case.squares()[0]
        expected = max(case.factors)
        error = _ERROR + 2 * rounding.sizes(_VIDEO)
        yield Comparison(
            expected=expected, measured=1 + Fraction(omega), tolerance=error * expected, witness=case.witness
        )


CLAIM = Claim(
    id="modality-second-moment",
    statement=r"With $k_m$ of $n_m$ units drawn in modality $m$, $E\|C(g)\|^2 = \sum_m \frac{n_m}{k_m} \|g^{(m)}\|^2 "
    r"\leq \max_m \frac{n_m}{k_m} \|g\|^2$ under simple random sampling: $1 + \omega = \max_m (1 + \omega_m)$.",
    kind=Kind.INEQUALITY,
    source=Source(kind="derived", reference="a sum over blocks"),
    assumptions=(FRESH_RANDOMNESS,),
    expected_status=Status.HOLDS,
    check=check,
)
