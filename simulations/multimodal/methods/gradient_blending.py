"""Gradient Blending: joint and uni-modal losses, weighted by how much each generalises and overfits."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from simulations.multimodal.methods.base import Look, Options, Setup
from simulations.multimodal.methods.heads import Headed
from simulations.multimodal.model import FusionNet, Output

JOINT = "joint"


class BlendingOptions(Options):
    """period: epochs of a super-epoch. least: smallest change of overfitting that counts, in units of the loss."""

    period: Annotated[int, Field(ge=1)] = 10
    least: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1e-3


class GradientBlending(Headed):
    """Loss w_0 L_0 + sum of w_m L_m: L_0 of the joint logits, L_m of the auxiliary head of modality m.

    Over a super-epoch, from epoch N to N + n, each loss has G = V_N - V_{N+n} (generalisation, V its loss on the
    validation part) and O = (V - T)_{N+n} - (V - T)_N (overfitting, T its loss on the train part). Its weight in the
    next one is proportional to G / O^2, and the weights add up to 1. G counts as 0 where it is negative, O as at least
    `least` in size; where no loss generalises the weights stay. They are equal until the first super-epoch, which
    begins after epoch 1, is over.

    The weights use validation losses: for this method the validation part is no more untouched by training than it is
    by the choice of the epoch. Simplified: G and O come from the run itself; the paper trains uni-modal copies of the
    network for each estimate.
    """

    summary = "joint and uni-modal losses weighted by generalisation / overfitting^2"
    source = "Gradient Blending: Wang, Tran and Feiszli, CVPR 2020, arXiv 1905.12681"
    Options = BlendingOptions

    def __init__(self, net: FusionNet, setup: Setup) -> None:
        super().__init__(net, setup)
        names = (JOINT, *net.modalities)
        self.weights = dict.fromkeys(names, 1 / len(names))
        self.begun: dict[str, tuple[float, float]] = {}  # (T, V) of each loss when the super-epoch began

    def backward(self, output: Output, target: Tensor) -> Tensor:
        """Gradients of the blend, which is the loss written down."""
        losses = [self.setup.task.loss(output.logits, target), *self.unimodal_losses(output, target).values()]
        loss = torch.stack([weight * value for weight, value in zip(self.weights.values(), losses, strict=True)]).sum()
        loss.backward()
        return loss.detach()

    def epoch_end(self, epoch: int, look: Callable[[str], Look]) -> None:
        """At the end of a super-epoch, new weights; a super-epoch begins after epochs 1, 1 + n, 1 + 2n, ..."""
        if (epoch - 1) % self.setup.options.period:
            return
        train, validation = look("train"), look("validation")
        now = {JOINT: (train.loss, validation.loss)}
        now.update((name, (train.modality_loss[name], validation.modality_loss[name])) for name in self.net.modalities)
        if self.begun:
            least = self.setup.options.least
            merit = {name: _merit(self.begun[name], now[name], least) for name in self.weights}
            total = sum(merit.values())
            if total > 0:
                self.weights = {name: value / total for name, value in merit.items()}
        self.begun = now

    def state_dict(self) -> dict[str, Any]:
        """Generator, heads, weights, and the losses at the beginning of the super-epoch."""
        return {**super().state_dict(), "weights": dict(self.weights), "begun": dict(self.begun)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up generator, heads, weights and losses."""
        super().load_state_dict(state)
        self.weights = dict(state["weights"])
        self.begun = {name: (train, validation) for name, (train, validation) in state["begun"].items()}


def _merit(before: tuple[float, float], after: tuple[float, float], least: float) -> float:
    """G / O^2 from (train loss, validation loss) at the two ends; O in size at least `least`."""
    generalised = max(before[1] - after[1], 0.0)
    overfitted = (after[1] - after[0]) - (before[1] - before[0])
    return generalised / max(abs(overfitted), least) ** 2
