"""The methods under test: the production importance, design and weighting, batched over replicates.

| method | importance | design | weighting | E[M g] = g |
|---|---|---|---|---|
| sgd | | | | yes |
| uniform-ht | every unit the same | SimpleRandom | HorvitzThompson | yes |
| amss | SquaredGradient | Successive | Indicator | no |
| amss+ | SquaredGradient(mix=0.5) | Systematic | HorvitzThompson | yes |
| released | SquaredGradient | Successive | ShiftedInverse | no |
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor

from amss_min.designs import Design, SimpleRandom, Successive, Systematic
from amss_min.importance import Importance, SquaredGradient
from amss_min.weightings import HorvitzThompson, Indicator, ShiftedInverse, Weighting


@dataclass(frozen=True)
class Method:
    """A gradient estimator M * g, modality by modality.

    importance: sizes of the units from |g_j|; None gives every unit the same size (also where g_j = 0).
    design, weighting: how units are drawn and weighted; both None leaves the gradient as it is.
    lagged: sizes come from the vector that was masked in the step before (the same size for all in the first step), so
    that the mask is independent of the noise of its own step. A unit whose entry was 0 there is not drawn.

    Raises ValueError for a design without a weighting, or the reverse.
    """

    name: str
    importance: Importance | None = None
    design: Design | None = None
    weighting: Weighting | None = None
    lagged: bool = False

    def __post_init__(self) -> None:
        if (self.design is None) != (self.weighting is None):
            raise ValueError(f"a design and a weighting go together, found {self}")

    def slots(self, units: Sequence[int]) -> int:
        """Random words for one step over modalities with this many units each."""
        return 0 if self.design is None else sum(self.design.slots(n) for n in units)

    def estimate(
        self,
        x: Tensor,
        units: Sequence[int],
        drawn: Sequence[int | Tensor],
        bits: Tensor,
        sized_by: Tensor | None = None,
    ) -> Tensor:
        """M * x: x (..., d) with modalities side by side, bits int64 (..., slots(units)).

        units: coordinates of each modality, in order; drawn: how many of them are drawn. sized_by (..., d): the vector
        whose entries the importance sees; x itself where it is not given.
        """
        if self.design is None or self.weighting is None:
            return x
        reference = x if sized_by is None else sized_by
        parts, words = x.split(list(units), -1), bits.split([self.design.slots(n) for n in units], -1)
        masked = []
        for part, sized, k, word in zip(parts, reference.split(list(units), -1), drawn, words, strict=True):
            # Designs take finite sizes. A replicate that has overflowed stays so, in w or in its exact gradient.
            norms = sized.abs().nan_to_num(0.0, 0.0, 0.0)
            sizes = torch.ones_like(part) if self.importance is None else self.importance(norms)
            masked.append((self.weighting(self.design.select(sizes, k, word)) * part).to(part.dtype))
        return torch.cat(masked, -1) if len(masked) > 1 else masked[0]


def counts(units: Sequence[int], keep: float | Sequence[float]) -> tuple[int, ...]:
    """Units drawn of each modality: ceil(rho n - 1e-6), at least 1; keep is one rho or one for each modality.

    >>> counts((100, 8), 0.07)
    (7, 1)

    Raises ValueError for a rho outside (0, 1], or not one for each modality.
    """
    shares = [float(keep)] * len(units) if isinstance(keep, int | float) else [float(rho) for rho in keep]
    if len(shares) != len(units) or not all(0 < rho <= 1 for rho in shares):
        raise ValueError(f"keep must give a fraction in (0, 1] for each of {len(units)} modalities, found {keep!r}")
    return tuple(max(1, math.ceil(rho * n - 1e-6)) for rho, n in zip(shares, units, strict=True))


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        method.name: method
        for method in (
            Method("sgd"),
            Method("uniform-ht", None, SimpleRandom(), HorvitzThompson()),
            Method("amss", SquaredGradient(), Successive(), Indicator()),
            Method("amss+", SquaredGradient(mix=0.5), Systematic(), HorvitzThompson()),
            Method("released", SquaredGradient(), Successive(), ShiftedInverse()),
        )
    }
)
"""The methods by name."""
