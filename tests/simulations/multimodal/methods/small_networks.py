"""Small networks, batches and methods for the tests of methods."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from simulations.multimodal.encoders.mlp import mlp
from simulations.multimodal.fusions import FUSIONS
from simulations.multimodal.methods import METHODS, Look, Method, Setup
from simulations.multimodal.model import FusionNet, Output
from simulations.multimodal.tasks import Task

TASKS = {
    "classification": Task("classification", 3),
    "multi-label": Task("multi-label", 3),
    "regression": Task("regression", 2),
}
CLASSES = TASKS["classification"]
SIZES = {"audio": 5, "video": 4, "text": 3}
ROWS = 12
NEEDED: Mapping[str, Mapping[str, Any]] = {"modality-lr": {"factors": {"audio": 0.25}}}
"""Options without which a method refuses."""


def network(
    task: Task = CLASSES, modalities: int = 2, *, fusion: str = "concatenation", features: int = 3
) -> FusionNet:
    """Perceptrons with 4 hidden units and a fusion, the same weights every time, float64."""
    chance = torch.Generator().manual_seed(1)
    sizes = dict(list(SIZES.items())[:modalities])
    encoders = {name: mlp((size,), features, generator=chance, hidden=(4,)) for name, size in sizes.items()}
    joined = FUSIONS[fusion](dict.fromkeys(sizes, features), task.outputs, generator=chance)
    return FusionNet(encoders, joined).double()


def batch(task: Task = CLASSES, modalities: int = 2, number: int = 0) -> tuple[dict[str, Tensor], Tensor]:
    """Inputs and target of the batch of this number, float64."""
    chance = torch.Generator().manual_seed(100 + number)
    target = torch.randint(task.outputs, (ROWS,), generator=chance)
    inputs = {
        name: torch.randn(ROWS, size, generator=chance, dtype=torch.float64)
        for name, size in list(SIZES.items())[:modalities]
    }
    inputs["audio"][:, 0] += 2 * target  # audio tells more than the others
    if task.name == "multi-label":
        return inputs, torch.rand(ROWS, task.outputs, generator=chance) < 0.4
    if task.name == "regression":
        return inputs, torch.randn(ROWS, task.outputs, generator=chance)
    return inputs, target


def setup(task: Task, options: Any, seed: int = 7) -> Setup:
    """What a method is told."""
    device = torch.device("cpu")
    return Setup(task, torch.Generator().manual_seed(seed), options, 4 * ROWS, ROWS, 10, device)


def made(name: str | type[Method], net: FusionNet, task: Task = CLASSES, *, seed: int = 7, **options: Any) -> Method:
    """A method on the network, its further parameters in float64."""
    kind = METHODS[name] if isinstance(name, str) else name
    given = options or dict(NEEDED.get(str(name), {}))
    method = kind(net, setup(task, kind.Options(**given), seed))
    for parameter in method.parameters():
        parameter.data = parameter.data.double()
    return method


def gradients(net: FusionNet) -> dict[str, Tensor]:
    """Copies of the gradients that are there, by parameter."""
    return {name: value.grad.clone() for name, value in net.named_parameters() if value.grad is not None}


def plain(net: FusionNet, task: Task, inputs: Mapping[str, Tensor], target: Tensor) -> dict[str, Tensor]:
    """The gradients of the joint loss; those of the network are cleared."""
    net.zero_grad()
    task.loss(net(inputs).logits, target).backward()
    found = gradients(net)
    net.zero_grad()
    return found


def filled(method: Method, inputs: Mapping[str, Tensor], target: Tensor) -> tuple[Output, dict[str, Tensor]]:
    """The output on a batch, and the gradients that the method leaves in the network."""
    method.net.zero_grad()
    output = method.net(inputs)
    method.backward(output, target)
    return output, gradients(method.net)


def look(loss: float, **single: float) -> Look:
    """A look with this joint loss and these uni-modal losses, which are its metrics too."""
    return Look(loss, -loss, single, single)
