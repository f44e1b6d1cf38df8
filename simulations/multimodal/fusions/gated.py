"""Gated multimodal unit: every modality passes a gate that reads all of them."""

from collections.abc import Mapping
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from amss_min import split_head, weights
from amss_min.modalities import Part
from simulations.multimodal.fusions.base import Fusion
from simulations.multimodal.layers import linear
from simulations.multimodal.options import Options


class GatedOptions(Options):
    """width: H, of the common representation; 0 for the largest width of a modality."""

    width: Annotated[int, Field(ge=0)] = 0


class Gated(Fusion):
    """h = sum_m s_m * tanh(W_m z_m + b_m), gates s_m = sigmoid(G_m [z_1 .. z_M] + c_m), f = V h + b.

    The unit for M modalities, with a gate for each that need not add up to 1 (the source's bimodal special case ties
    s_2 = 1 - s_1). * is coordinate by coordinate, over the H coordinates of h.
    W_m and the columns of all gates that read z_m belong to modality m, single weights drawn row by row; V is shared.
    Uni-modal logits: the other modalities at their means.

    >>> fusion = Gated({"audio": 2, "video": 3}, 4, generator=torch.Generator())
    >>> fusion({"audio": torch.ones(5, 2), "video": torch.ones(5, 3)}).shape
    torch.Size([5, 4])
    """

    name = "gated"
    summary = "gated multimodal unit: a gate for every modality that reads all of them"
    source = "Arevalo, Solorio, Montes-y-Gomez and Gonzalez, Gated Multimodal Units, ICLR workshop 2017"
    Options = GatedOptions

    def __init__(self, widths: Mapping[str, int], outputs: int, *, generator: torch.Generator, width: int = 0) -> None:
        super().__init__(widths, outputs, generator=generator)
        hidden = width or max(widths.values())
        self.values = nn.ModuleList(linear(size, hidden, generator) for size in widths.values())
        self.gates = linear(sum(widths.values()), len(widths) * hidden, generator)
        self.head = linear(hidden, outputs, generator)

    def forward(self, features: Mapping[str, Tensor]) -> Tensor:
        """Joint logits (B, outputs)."""
        listed = self.listed(features)
        gates = torch.sigmoid(self.gates(torch.cat(listed, dim=1))).chunk(len(listed), dim=1)
        terms = [gate * torch.tanh(value(z)) for gate, value, z in zip(gates, self.values, listed, strict=True)]
        logits: Tensor = self.head(torch.stack(terms).sum(0))
        return logits

    def own(self) -> dict[str, list[Part]]:
        """Each modality's W_m, and the columns of the gates that read it."""
        columns = split_head(self.gates, self.widths)
        values = zip(self.widths, self.values, strict=True)
        return {name: [weights(value.get_parameter("weight")), columns[name]] for name, value in values}
