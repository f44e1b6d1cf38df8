"""Auxiliary heads: a linear layer on the features of each modality, for methods that train uni-modal losses."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from simulations.multimodal.layers import linear
from simulations.multimodal.methods.base import Method, Setup
from simulations.multimodal.model import FusionNet, Output


class Headed(Method):
    """A method with auxiliary heads f_m = A_m z_m + a_m, trained beside the network; its uni-modal logits are theirs.

    Initial weights are uniform on +-1/sqrt(D_m), from a seed that the method's generator draws.
    """

    def __init__(self, net: FusionNet, setup: Setup) -> None:
        super().__init__(net, setup)
        chance = setup.generator
        seed = int(torch.randint(2**62, (), generator=chance, device=chance.device))
        own = torch.Generator().manual_seed(seed)
        heads = {name: linear(width, net.fusion.outputs, own) for name, width in net.fusion.widths.items()}
        self.heads = nn.ModuleDict(heads).to(setup.device)

    def parameters(self) -> list[nn.Parameter]:
        """Weights and biases of the heads."""
        return list(self.heads.parameters())

    def unimodal(self, output: Output) -> dict[str, Tensor]:
        """Logits of the heads, modality -> (B, outputs)."""
        return {name: head(output.features[name]) for name, head in self.heads.items()}

    def unimodal_losses(self, output: Output, target: Tensor) -> dict[str, Tensor]:
        """The mean loss of each head, modality -> ()."""
        return {name: self.setup.task.loss(logits, target) for name, logits in self.unimodal(output).items()}

    def state_dict(self) -> dict[str, Any]:
        """The generator, and the heads."""
        return {**super().state_dict(), "heads": {name: w.clone() for name, w in self.heads.state_dict().items()}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up generator and heads."""
        super().load_state_dict(state)
        self.heads.load_state_dict(state["heads"])
