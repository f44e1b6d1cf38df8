"""What a training method is: what happens between the forward pass and the optimiser's step."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from simulations.multimodal.model import FusionNet, Output
from simulations.multimodal.tasks import Task


class Options(BaseModel):
    """Options of a method, by name; unknown names are refused. A method with options subclasses this as its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True)
class Setup:
    """What a method is told beside the network.

    task: loss and metric. generator: a random generator of its own, on the device. options: of its class Options.
    rows, batch, epochs: train rows, rows a step, epochs at most. device: where the network is.
    """

    task: Task
    generator: torch.Generator
    options: Any
    rows: int
    batch: int
    epochs: int
    device: torch.device


@dataclass(frozen=True)
class Look:
    """Scores on the train or the validation part at the end of an epoch.

    loss, metric: of the method's `predict`, the metric the task's own. modality_loss, modality_metric: of the method's
    `unimodal`, by modality.
    """

    loss: float
    metric: float
    modality_loss: Mapping[str, float]
    modality_metric: Mapping[str, float]


class Method:
    """Plain joint training; a method overrides what it does otherwise.

    In every step the loop clears gradients, calls `backward` with the network's output, checks that the gradients are
    finite, and lets the optimiser step. Features and logits are in the precision of the parameters.
    summary: one line for tables. source: where the method is from. A constructor raises BadInput for options that do
    not fit the network.
    """

    summary: ClassVar[str] = ""
    source: ClassVar[str] = ""
    Options: ClassVar[type[BaseModel]] = Options

    def __init__(self, net: FusionNet, setup: Setup) -> None:
        self.net, self.setup = net, setup

    def parameters(self) -> list[nn.Parameter]:
        """Parameters trained beside the network's, such as auxiliary heads."""
        return []

    def parameter_groups(self, lr: float) -> list[dict[str, Any]]:
        """The optimiser's groups; one with everything."""
        return [{"params": [*self.net.parameters(), *self.parameters()], "lr": lr}]

    def attach(self, optimizer: torch.optim.Optimizer) -> None:
        """Called once, before the first step."""

    def backward(self, output: Output, target: Tensor) -> Tensor:
        """Fill the gradients of all parameters, and return the loss () to write down."""
        loss = self.setup.task.loss(output.logits, target)
        loss.backward()
        return loss.detach()

    def epoch_end(self, epoch: int, look: Callable[[str], Look]) -> None:
        """Called after each epoch, 1-based, before the validation part is scored for the selection of the epoch.

        look("train") and look("validation") score on demand.
        """

    def predict(self, output: Output) -> Tensor:
        """The logits (B, outputs) by which the method is scored."""
        return output.logits

    def unimodal(self, output: Output) -> dict[str, Tensor]:
        """The logits of each modality alone by which it is scored, modality -> (B, outputs): those of the fusion."""
        return self.net.unimodal(output.features)

    @property
    def keep(self) -> Mapping[str, float] | None:
        """Keep fraction of each modality in the last step; None where no gradient is masked."""
        return None

    def state_dict(self) -> dict[str, Any]:
        """Everything that the method carries from step to step, as tensors and plain values."""
        return {"generator": self.setup.generator.get_state()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a state of `state_dict`."""
        self.setup.generator.set_state(state["generator"].cpu())
