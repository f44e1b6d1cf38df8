"""MMPareto: joint and uni-modal gradient of an encoder combined so that neither objective is worked against."""

import importlib
from collections.abc import Callable
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from amss_min.testing.loading import BadInput
from simulations.multimodal.methods.base import Options, Setup
from simulations.multimodal.methods.heads import Headed
from simulations.multimodal.model import FusionNet, Output


class ParetoOptions(Options):
    """gamma: factor on the gradient of the encoders."""

    gamma: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.5


class ParetoIntegration(Headed):
    """Each encoder has the gradient a of the joint loss and b of its auxiliary head's loss, over all its parameters.

    Where <a, b> >= 0 it gets gamma (a + b). Where they conflict it gets gamma |a + b| h / |h|, h the point of least
    norm on the segment from a to b (MGDA), which has a non-negative product with both; h = 0 gives 0. Fusion and heads
    get the gradients of their own losses. The loss written down is the sum of all.

    The released code restores the norm tensor by tensor, which can turn the direction; here it is that of the whole
    encoder. Needs the package torchjd (extra `models`), BadInput without it.
    """

    summary = "joint and uni-modal gradients combined without conflict, at full norm"
    source = "MMPareto: Wei and Hu, ICML 2024, arXiv 2405.17730; min-norm point by torchjd"
    Options = ParetoOptions

    def __init__(self, net: FusionNet, setup: Setup) -> None:
        super().__init__(net, setup)
        self.least_norm = least_norm()

    def backward(self, output: Output, target: Tensor) -> Tensor:
        """Gradients of the joint loss for the fusion, of the uni-modal losses for the heads, of both for encoders."""
        joint = self.setup.task.loss(output.logits, target)
        single = self.unimodal_losses(output, target)
        # The graph of the encoders is walked twice: the heads read the same features as the fusion.
        joint.backward(retain_graph=True)
        total = joint.detach().clone()
        for name, loss in single.items():
            encoder = self.net.encoders[name]
            whole = {parameter: parameter.grad for parameter in encoder.parameters() if parameter.grad is not None}
            encoder.zero_grad()
            loss.backward()
            alone = {parameter: parameter.grad for parameter in encoder.parameters() if parameter.grad is not None}
            trained = list({**whole, **alone})
            if trained:
                pair = (
                    _flat([held.get(value, torch.zeros_like(value)) for value in trained]) for held in (whole, alone)
                )
                pieces = self.combined(*pair).split([value.numel() for value in trained])
                for parameter, piece in zip(trained, pieces, strict=True):
                    parameter.grad = piece.view_as(parameter).clone()
            total += loss.detach()
        return total

    def combined(self, joint: Tensor, single: Tensor) -> Tensor:
        """The gradient of an encoder from its two gradients, each a vector."""
        gamma: float = self.setup.options.gamma
        plain = joint + single
        if bool(joint @ single >= 0):
            return gamma * plain
        h = self.least_norm(torch.stack([joint, single]))
        length = h.norm()
        return h * torch.where(length > 0, gamma * plain.norm() / length, 0.0)


def least_norm() -> Callable[[Tensor], Tensor]:
    """The point of least norm in the convex hull of the rows of a matrix; raises BadInput without torchjd."""
    try:
        aggregation = importlib.import_module("torchjd.aggregation")
    except ModuleNotFoundError as error:
        raise BadInput(
            "mmpareto needs the package torchjd, found none: install the extra `models` (pip install -e '.[models]')"
        ) from error
    found: nn.Module = aggregation.MGDA()
    return found


def _flat(pieces: list[Tensor]) -> Tensor:
    return torch.cat([piece.flatten() for piece in pieces])
