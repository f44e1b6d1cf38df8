"""FiLM: one modality shifts and scales the features of the others."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from amss_min import weights
from amss_min.modalities import Part
from simulations.multimodal.fusions.base import Fusion
from simulations.multimodal.layers import linear


class FiLM(Fusion):
    """The first modality conditions the rest: h_m = (1 + gamma_m) * z_m + beta_m, m = 2 .. M, f = W [h_2 .. h_M] + b.

    (gamma_m, beta_m) = A_m z_1 + a_m, one linear layer for every conditioned modality; * is coordinate by coordinate.
    With M = 2 this is FiLM; with M = 1 nothing is conditioned and f = W z_1 + b.
    The weights A_m multiply features of the first modality only: they are its own, single weights drawn row by row. W
    reads both and is shared where M > 1. Uni-modal logits: the other modalities at their means.

    >>> fusion = FiLM({"text": 2, "image": 3}, 4, generator=torch.Generator())
    >>> fusion({"text": torch.ones(5, 2), "image": torch.ones(5, 3)}).shape
    torch.Size([5, 4])
    """

    name = "film"
    summary = "the first modality shifts and scales the features of the others"
    source = "Perez, Strub, de Vries, Dumoulin and Courville, FiLM, AAAI 2018"

    def __init__(self, widths: Mapping[str, int], outputs: int, *, generator: torch.Generator) -> None:
        super().__init__(widths, outputs, generator=generator)
        first, *rest = widths.values()
        self.conditions = nn.ModuleList(linear(first, 2 * width, generator) for width in rest)
        self.head = linear(sum(rest) or first, outputs, generator)

    def forward(self, features: Mapping[str, Tensor]) -> Tensor:
        """Joint logits (B, outputs)."""
        first, *rest = self.listed(features)
        conditioned = []
        for condition, z in zip(self.conditions, rest, strict=True):
            gamma, beta = condition(first).chunk(2, dim=1)
            conditioned.append((1 + gamma) * z + beta)
        logits: Tensor = self.head(torch.cat(conditioned or [first], dim=1))
        return logits

    def own(self) -> dict[str, list[Part]]:
        """The first modality's layers that condition the others; the head where it is the only one."""
        first, *rest = self.widths
        layers = list(self.conditions) if rest else [self.head]
        return {first: [weights(layer.get_parameter("weight")) for layer in layers], **{name: [] for name in rest}}
