"""Encoders by modality, their features concatenated, one linear head."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn


class Output(NamedTuple):
    """What a forward pass gives: logits (B, C), and features modality -> (B, D)."""

    logits: Tensor
    features: dict[str, Tensor]


class FusionNet(nn.Module):
    """M encoders phi_m, features z_m = phi_m(x_m), and logits = W [z_1 .. z_M] + b.

    An encoder is a perceptron: input -> hidden sizes, a ReLU after each -> D features, tanh. The features are
    bounded, so that the entropy of softmax(z_m), which divides the information of a modality, stays away from 0.

    inputs: modality -> number of its input features. hidden: the hidden sizes of every encoder.
    features: D, the same for every modality. classes: C.
    generator: draws the initial weights, uniform on +-1/sqrt(fan in) for weights and biases (what nn.Linear does).

    >>> net = FusionNet({"audio": 3, "video": 2}, hidden=(5,), features=4, classes=2, generator=torch.Generator())
    >>> net({"audio": torch.zeros(7, 3), "video": torch.zeros(7, 2)}).logits.shape
    torch.Size([7, 2])
    """

    def __init__(
        self,
        inputs: Mapping[str, int],
        *,
        hidden: Sequence[int],
        features: int,
        classes: int,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.encoders = nn.ModuleDict(
            {name: _encoder([size, *hidden, features], generator) for name, size in inputs.items()}
        )
        self.head = _linear(features * len(inputs), classes, generator)

    def forward(self, batch: Mapping[str, Tensor]) -> Output:
        """Logits and features of a batch, modality -> (B, inputs)."""
        features = {name: encoder(batch[name]) for name, encoder in self.encoders.items()}
        return Output(self.head(torch.cat(list(features.values()), dim=1)), features)


def _encoder(sizes: Sequence[int], generator: torch.Generator) -> nn.Sequential:
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(sizes):
        layers += [_linear(fan_in, fan_out, generator), nn.ReLU()]
    layers[-1] = nn.Tanh()
    return nn.Sequential(*layers)


def _linear(fan_in: int, fan_out: int, generator: torch.Generator) -> nn.Linear:
    # Made on the meta device: on a real one the constructor draws from the global generator.
    layer = nn.Linear(fan_in, fan_out, device="meta").to_empty(device="cpu")
    bound = 1 / math.sqrt(fan_in)
    with torch.no_grad():
        layer.weight.uniform_(-bound, bound, generator=generator)
        layer.bias.uniform_(-bound, bound, generator=generator)
    return layer
