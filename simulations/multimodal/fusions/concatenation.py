"""Concatenation: one linear head on all features side by side."""

from collections.abc import Mapping

import torch
from torch import Tensor

from amss_min import split_head, unimodal_logits
from amss_min.modalities import Part
from simulations.multimodal.fusions.base import Fusion
from simulations.multimodal.layers import linear


class Concatenation(Fusion):
    """f = W [z_1 .. z_M] + b. Uni-modal logits are f_m = W_m z_m + b / M: they add up to f.

    The columns of W belong to the modality that they read; the bias is shared.

    >>> fusion = Concatenation({"audio": 2, "video": 3}, 4, generator=torch.Generator())
    >>> fusion({"audio": torch.ones(5, 2), "video": torch.ones(5, 3)}).shape
    torch.Size([5, 4])
    """

    name = "concatenation"
    summary = "one linear head on all features side by side"
    source = "Ngiam et al., Multimodal Deep Learning, ICML 2011"

    def __init__(self, widths: Mapping[str, int], outputs: int, *, generator: torch.Generator) -> None:
        super().__init__(widths, outputs, generator=generator)
        self.head = linear(sum(widths.values()), outputs, generator)

    def forward(self, features: Mapping[str, Tensor]) -> Tensor:
        """Joint logits (B, outputs)."""
        logits: Tensor = self.head(torch.cat(self.listed(features), dim=1))
        return logits

    def unimodal(self, features: Mapping[str, Tensor], means: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """f_m = W_m z_m + b / M, modality -> (B, outputs); the means play no part."""
        return unimodal_logits(self.head, {name: features[name] for name in self.widths})

    def own(self) -> dict[str, list[Part]]:
        """The columns of the head that read each modality."""
        return {name: [units] for name, units in split_head(self.head, self.widths).items()}
