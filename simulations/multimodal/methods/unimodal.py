"""Uni-modal training: every modality for itself, and the best of them predicts."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from simulations.multimodal.methods.base import Look, Setup
from simulations.multimodal.methods.heads import Headed
from simulations.multimodal.model import FusionNet, Output


class Unimodal(Headed):
    """Each encoder is trained by the loss of its own auxiliary head alone; the joint logits are not trained.

    After every epoch the modality with the highest validation metric is chosen (ties to the first), and predicts.
    The loss written down is the sum over modalities.
    """

    summary = "each modality trained alone, the best on validation predicts"
    source = "the usual uni-modal baseline"

    def __init__(self, net: FusionNet, setup: Setup) -> None:
        super().__init__(net, setup)
        self.chosen = net.modalities[0]

    def backward(self, output: Output, target: Tensor) -> Tensor:
        """Gradients of the sum of the uni-modal losses; the fusion gets none."""
        loss = torch.stack(list(self.unimodal_losses(output, target).values())).sum()
        loss.backward()
        return loss.detach()

    def epoch_end(self, epoch: int, look: Callable[[str], Look]) -> None:
        """Choose the modality that predicts, on the validation part."""
        found = look("validation").modality_metric
        self.chosen = max(self.net.modalities, key=lambda name: found[name])

    def predict(self, output: Output) -> Tensor:
        """The logits of the chosen modality's head."""
        return self.unimodal(output)[self.chosen]

    def state_dict(self) -> dict[str, Any]:
        """Generator, heads, and the chosen modality."""
        return {**super().state_dict(), "chosen": self.chosen}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up generator, heads and the chosen modality."""
        super().load_state_dict(state)
        self.chosen = state["chosen"]
