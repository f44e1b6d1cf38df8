"""Sum: a linear head for every modality, added up."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from amss_min import weights
from amss_min.modalities import Part
from simulations.multimodal.fusions.base import Fusion
from simulations.multimodal.layers import linear


class Sum(Fusion):
    """f = sum_m W_m z_m + b. Uni-modal logits are f_m = W_m z_m + b / M: they add up to f.

    The same functions as concatenation, but every W_m is a tensor of its own, with initial weights of its own fan in.
    It belongs to its modality, single weights drawn row by row; the bias is shared.

    >>> fusion = Sum({"audio": 2, "video": 3}, 4, generator=torch.Generator())
    >>> fusion({"audio": torch.ones(5, 2), "video": torch.ones(5, 3)}).shape
    torch.Size([5, 4])
    """

    name = "sum"
    summary = "a linear head for every modality, added up"
    source = "Kittler, Hatef, Duin and Matas, On Combining Classifiers, IEEE PAMI 20 (1998): the sum rule, on logits"

    def __init__(self, widths: Mapping[str, int], outputs: int, *, generator: torch.Generator) -> None:
        super().__init__(widths, outputs, generator=generator)
        self.heads = nn.ModuleList(linear(width, outputs, generator, bias=False) for width in widths.values())
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, features: Mapping[str, Tensor]) -> Tensor:
        """Joint logits (B, outputs)."""
        terms = [head(z) for head, z in zip(self.heads, self.listed(features), strict=True)]
        return torch.stack(terms).sum(0) + self.bias

    def unimodal(self, features: Mapping[str, Tensor], means: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """f_m = W_m z_m + b / M, modality -> (B, outputs); the means play no part."""
        share = self.bias / len(self.widths)
        return {name: head(features[name]) + share for name, head in zip(self.widths, self.heads, strict=True)}

    def own(self) -> dict[str, list[Part]]:
        """Each modality's head."""
        return {
            name: [weights(head.get_parameter("weight"))] for name, head in zip(self.widths, self.heads, strict=True)
        }
