"""Transformer block on one token for every modality and a class token."""

from collections.abc import Mapping
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from amss_min import weights
from amss_min.modalities import Part
from simulations.multimodal.fusions.base import Fusion
from simulations.multimodal.layers import linear, transformer_block
from simulations.multimodal.options import Options

Count = Annotated[int, Field(ge=1)]


class TransformerOptions(Options):
    """width: of the tokens; 0 for the largest width of a modality, rounded up to a multiple of heads.

    heads: of the attention. layers: number of blocks. inner: width between the linear layers of a block, 0 for 2 width.
    """

    width: Annotated[int, Field(ge=0)] = 0
    heads: Count = 4
    layers: Count = 1
    inner: Annotated[int, Field(ge=0)] = 0


class Transformer(Fusion):
    """Tokens [c, P_1 z_1 + p_1, .., P_M z_M + p_M] -> blocks of self-attention -> f = V norm(first token) + b.

    c is learned, and begins normal with deviation .02; p_m, a bias, tells the modalities apart. No dropout.
    P_m belongs to modality m, single weights drawn row by row; the blocks, c and V are shared. Uni-modal logits: the
    other modalities at their means, so that the tokens of all are always there.
    Raises ValueError where heads does not divide width.

    >>> fusion = Transformer({"audio": 2, "video": 3}, 4, generator=torch.Generator(), heads=2)
    >>> fusion({"audio": torch.ones(5, 2), "video": torch.ones(5, 3)}).shape
    torch.Size([5, 4])
    """

    name = "transformer"
    summary = "a transformer block on one token for every modality and a class token"
    source = "Vaswani et al., NeurIPS 2017; class token: Devlin et al., BERT, NAACL 2019"
    Options = TransformerOptions

    def __init__(
        self,
        widths: Mapping[str, int],
        outputs: int,
        *,
        generator: torch.Generator,
        width: int = 0,
        heads: int = 4,
        layers: int = 1,
        inner: int = 0,
    ) -> None:
        super().__init__(widths, outputs, generator=generator)
        width = width or heads * -(-max(widths.values()) // heads)
        if width % heads:
            raise ValueError(f"the fusion {self.name!r}: heads must divide width, found width={width}, heads={heads}")
        self.projections = nn.ModuleList(linear(size, width, generator) for size in widths.values())
        self.first = nn.Parameter(torch.empty(1, 1, width).normal_(0, 0.02, generator=generator))
        blocks = [transformer_block(width, heads, inner or 2 * width, generator) for _ in range(layers)]
        self.blocks, self.norm = nn.Sequential(*blocks), nn.LayerNorm(width)
        self.head = linear(width, outputs, generator)

    def forward(self, features: Mapping[str, Tensor]) -> Tensor:
        """Joint logits (B, outputs)."""
        tokens = [project(z) for project, z in zip(self.projections, self.listed(features), strict=True)]
        rest = torch.stack(tokens, dim=1)
        sequence = torch.cat([self.first.to(rest.dtype).expand(len(rest), -1, -1), rest], dim=1)
        logits: Tensor = self.head(self.norm(self.blocks(sequence)[:, 0]))
        return logits

    def own(self) -> dict[str, list[Part]]:
        """The projection of each modality to its token."""
        layers = zip(self.widths, self.projections, strict=True)
        return {name: [weights(layer.get_parameter("weight"))] for name, layer in layers}
