"""Many copies of one small network in one training loop: a step of AMSS+ gives as many draws of its masked update.

All copies of a step are drawn in one random order, so they are not independent. The sequential test does not need that:
given the order and the copies before, the start of the next copy is fresh, and its masked update has the mean that it
has in every order. The draws less their mean are martingale differences, which is what the test is made for.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from amss_min import AMSSPlus
from amss_min.testing import CheckResult, estimate_bias
from amss_min.weightings import HorvitzThompson
from tests.faults import ALPHA

COPIES, UNITS, WIDTH, CLASSES, BATCH = 128, 8, 5, 3, 16


class Replicas(nn.Module):
    """Copies of a layer with equal weights, each with a fixed read-out; the loss is the sum over the copies."""

    def __init__(self, copies: int = COPIES) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        start = torch.randn(UNITS, WIDTH, generator=generator)
        self.layers = nn.ParameterList([start.clone() for _ in range(copies)])
        self.register_buffer("start", start)
        self.register_buffer("readout", torch.randn(UNITS, CLASSES, generator=generator))
        self.register_buffer("x", torch.randn(BATCH, WIDTH, generator=generator))
        self.register_buffer("y", torch.randint(CLASSES, (BATCH,), generator=generator))

    def forward(self, rows: slice) -> Tensor:
        """The mean loss of these rows of the fixed batch, summed over copies."""
        logits = torch.tanh(self.x[rows] @ torch.stack(list(self.layers)).mT) @ self.readout
        target = self.y[rows].expand(len(self.layers), -1)
        return nn.functional.cross_entropy(logits.flatten(0, 1), target.flatten()) * len(self.layers)


class Inflated(HorvitzThompson):
    """A planted error: every weight is 1.05 times what it should be."""

    def __call__(self, draw: object) -> Tensor:
        return super().__call__(draw) * 1.05


Step = Callable[[Replicas, torch.optim.Optimizer], None]
"""One whole step of a training loop: backward and step."""


class Path:
    """A training loop as an estimator of what it does to the weights without a mask.

    estimate(gradient, generator=...) returns the updates of as many copies as `gradient` has rows, scaled by how much
    each row is larger than `unmasked`: the network never sees the rows, which are what the contract compares.
    """

    def __init__(
        self,
        step: Step,
        *,
        optimizer: Callable[[list[nn.Parameter]], torch.optim.Optimizer] = lambda p: torch.optim.SGD(p, lr=1.0),
        net: Replicas | None = None,
        wrapped: Callable[[Replicas], nn.Module] = lambda net: net,
        **options: object,
    ) -> None:
        self.net = net or Replicas()
        self.model = wrapped(self.net)
        self.optimizer = optimizer(list(self.net.layers))
        self._step = step
        self.unmasked = self._updates()[0].double()
        halves = len(self.net.layers) // 2
        parts = {"a": list(self.net.layers[:halves]), "b": list(self.net.layers[halves:])}
        self.amss = AMSSPlus(parts, keep={"a": 0.5, "b": 0.5}, generator=torch.Generator(), **options)
        self.amss.attach(self.optimizer)

    def _updates(self) -> Tensor:
        self._step(self.model, self.optimizer)
        moved = torch.stack([self.net.start - layer.detach() for layer in self.net.layers])
        with torch.no_grad():
            for layer in self.net.layers:
                layer.copy_(self.net.start)
        self.optimizer.zero_grad()
        self.optimizer.state.clear()
        return moved

    def estimate(self, gradient: Tensor, *, generator: torch.Generator) -> Tensor:
        self.amss.generator = generator
        moved = torch.cat([self._updates() for _ in range(-(-len(gradient) // len(self.net.layers)))])
        scale = gradient.abs().amax((1, 2), keepdim=True) / self.unmasked.abs().max()
        return moved[: len(gradient)].double() * scale


def whole(net: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    net(slice(None)).backward()
    optimizer.step()


def check(path: Path) -> CheckResult:
    """The sequential test: a bias of norm above 0.05 |u| of the unmasked update u is excluded, or one is found."""
    return estimate_bias(path.estimate, path.unmasked, alpha=ALPHA, detect=0.05, draws=200_000, batched=True)
