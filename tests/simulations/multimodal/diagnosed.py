"""Small networks and rows for the tests of the diagnosis, in float64."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from simulations.multimodal.fusions.concatenation import Concatenation
from simulations.multimodal.model import FusionNet, Output

INPUTS = {"audio": 3, "video": 2}


@dataclass(frozen=True)
class Part:
    features: Mapping[str, Tensor]
    target: Tensor

    def __len__(self) -> int:
        return len(self.target)

    def rows(self, index: Tensor) -> "Part":
        return Part({name: array[index] for name, array in self.features.items()}, self.target[index])


class HalfSquares:
    """1/2 |f - y|^2."""

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        return 0.5 * (logits - target).square().sum(1).mean()


class CrossEntropy:
    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        return nn.functional.cross_entropy(logits, target)


def linear_part(rows: int, seed: int = 0) -> Part:
    """Quantities (rows, 2)."""
    generator = torch.Generator().manual_seed(seed)
    features = {
        name: torch.randn(rows, size, generator=generator, dtype=torch.float64) for name, size in INPUTS.items()
    }
    return Part(features, torch.randn(rows, 2, generator=generator, dtype=torch.float64).exp())


def labelled(part: Part) -> Part:
    return Part(part.features, (part.target[:, 0] > part.target[:, 1]).long())


def network(encoder: object = None, seed: int = 0) -> FusionNet:
    """Linear encoders to 4 features (or those that `encoder` makes of an input size), and a concatenation."""
    generator = torch.Generator().manual_seed(seed)
    make = encoder or (lambda size: nn.Linear(size, 4, bias=False))
    encoders = {name: make(size) for name, size in INPUTS.items()}  # type: ignore[operator]
    net = FusionNet(encoders, Concatenation(dict.fromkeys(INPUTS, 4), 2, generator=generator)).double()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64) / 2)
    return net


class Point(nn.Module):
    """A network that is a point w: with the loss 1/2 |w + xi_r|^2 the gradient of row r is w + xi_r."""

    def __init__(self, w: list[float]) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor(w, dtype=torch.float64))

    def forward(self, batch: Mapping[str, Tensor]) -> Output:
        return Output(self.w + batch["noise"], {"noise": batch["noise"]})

    def unimodal(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return dict(features)
