"""On-the-fly gradient modulation: the encoder of the modality that is ahead is slowed down."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from simulations.multimodal.methods.base import Look, Method, Options, Setup
from simulations.multimodal.model import FusionNet, Output
from simulations.multimodal.tasks import CLASSIFICATION


class ModulationOptions(Options):
    """alpha: strength of the modulation. ends: the last epoch, 1-based, that modulates; none for all."""

    alpha: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 0.8
    ends: Annotated[int, Field(ge=0)] | None = None


class Modulation(Method):
    """OGM. s_m: the sum over the batch of the probability that modality m alone gives to the target.

    rho_m = s_m / s_other; the encoder gradient of modality m is multiplied by k_m = 1 - tanh(alpha rho_m) where
    rho_m > 1, and by 1 elsewhere; the fusion keeps its whole gradient.

    Of this project: for more than two modalities s_other is the mean over the others, and every modality above it is
    slowed (with one there is nothing to modulate). For labels the probability of a row is the geometric mean over
    labels of that of each label's value; for quantities exp(-loss / K), the likelihood over its largest value, in the
    same way. The released code modulates convolutions only, here all parameters of the encoder are.
    """

    summary = "encoder gradient of the modality ahead times 1 - tanh(alpha rho)"
    source = "OGM: Peng et al., CVPR 2022, arXiv 2203.15332"
    Options = ModulationOptions

    def __init__(self, net: FusionNet, setup: Setup) -> None:
        super().__init__(net, setup)
        self.epoch = 0  # epochs that are over

    def backward(self, output: Output, target: Tensor) -> Tensor:
        """Gradients of the joint loss, those of the encoders modulated."""
        loss = super().backward(output, target)
        ends = self.setup.options.ends
        if len(output.features) > 1 and (ends is None or self.epoch < ends):
            with torch.no_grad():
                for factor, encoder in zip(self.factors(output, target), self.net.encoders.values(), strict=True):
                    for parameter in encoder.parameters():
                        if parameter.grad is not None:
                            parameter.grad.copy_(self.modulated(parameter.grad, factor))
        return loss

    def factors(self, output: Output, target: Tensor) -> Tensor:
        """k_m in the order of the modalities, (M,), on the device."""
        score = self.scores(output, target)
        others = (score.sum() - score) / (len(score) - 1)
        rho = score / others
        return torch.where(rho > 1, 1 - torch.tanh(self.setup.options.alpha * rho), 1.0)

    def scores(self, output: Output, target: Tensor) -> Tensor:
        """s_m in the order of the modalities, (M,)."""
        task = self.setup.task
        share = 1 if task.name == CLASSIFICATION else task.outputs
        single = self.net.unimodal({name: z.detach() for name, z in output.features.items()})
        return torch.stack([(-task.losses(logits, target) / share).exp().sum() for logits in single.values()])

    def modulated(self, gradient: Tensor, factor: Tensor) -> Tensor:
        """What takes the place of the gradient of one parameter of an encoder."""
        return gradient * factor

    def epoch_end(self, epoch: int, look: Callable[[str], Look]) -> None:
        """Count the epochs."""
        self.epoch = epoch

    def state_dict(self) -> dict[str, Any]:
        """The generator, and how many epochs are over."""
        return {**super().state_dict(), "epoch": self.epoch}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up generator and epoch."""
        super().load_state_dict(state)
        self.epoch = state["epoch"]
