"""Gradients of one checkpoint, minibatch by minibatch, with the network left as it was found."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor, nn

from amss_min import AMSS

if TYPE_CHECKING:
    from simulations.multimodal.model import FusionNet

LEAST_MINIBATCHES = 3
"""A jackknife of products of two minibatches needs this many."""


class Rows(Protocol):
    """Some rows: features modality -> (B, ...), target (B, ...)."""

    @property
    def features(self) -> Mapping[str, Tensor]:
        """Modality -> (B, ...)."""

    @property
    def target(self) -> Tensor:
        """(B, ...)."""


class Part(Protocol):
    """The train rows, in whatever store."""

    def __len__(self) -> int: ...

    def rows(self, index: Tensor) -> Rows:
        """The rows of the index (B,), int64 on the CPU."""


class Loss(Protocol):
    """A loss that is a mean over rows."""

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """Mean over the rows of a batch, ()."""


@contextmanager
def as_found(net: nn.Module) -> Iterator[None]:
    """Eval mode with gradients; modes and buffers are afterwards what they were."""
    modes = {module: module.training for module in net.modules()}
    buffers = {buffer: buffer.clone() for buffer in net.buffers()}
    net.eval()
    try:
        with torch.inference_mode(False), torch.enable_grad():
            yield
    finally:
        for module, training in modes.items():
            module.training = training
        with torch.no_grad():
            for buffer, value in buffers.items():
                buffer.copy_(value)


class Partition:
    """N rows in a random order, cut into minibatches of B rows, of which T are measured, and others.

    correction: T (N - B) / ((T - 1) N), by which the mean of (mu - mean mu) xi over the measured minibatches is
    multiplied to estimate Cov(mu, g) without bias: given one minibatch, the mean gradient of another is that of the
    other rows, so E[mu_a xi_b] = -B / (N - B) Cov(mu, g). It is 1 where the minibatches are all rows.

    Raises ValueError for fewer than 3 minibatches, which leave no standard error, unless one holds all rows.
    """

    def __init__(self, rows: int, batch: int, *, most: int | None, generator: torch.Generator) -> None:
        if batch < 1 or rows < 1:
            raise ValueError(f"a diagnosis needs rows and a batch of at least 1, found {rows} rows and batch={batch}")
        self.rows, self.batch = rows, min(batch, rows)
        order = torch.randperm(rows, generator=generator, device=generator.device).cpu()
        pieces = list(order.split(self.batch))
        complete = [piece for piece in pieces if len(piece) == self.batch]
        self.minibatches = complete if most is None else complete[:most]
        self.others = pieces[len(self.minibatches) :]
        self.exact = not self.others and self.batch in (1, rows)
        if not self.exact and len(self.minibatches) < LEAST_MINIBATCHES:
            raise ValueError(
                f"a diagnosis needs {LEAST_MINIBATCHES} complete minibatches, or one of all rows, found "
                f"{len(self.minibatches)} from {rows} rows, batch={batch} and minibatches={most}"
            )

    @property
    def correction(self) -> float:
        """See the class; 1 for a minibatch of all rows."""
        count = len(self.minibatches)
        return 1.0 if count == 1 else count * (self.rows - self.batch) / ((count - 1) * self.rows)

    @property
    def pieces(self) -> list[Tensor]:
        """All rows."""
        return [*self.minibatches, *self.others]


class Gradients:
    """Gradients of the masked parameters that are trained, and the keep fractions, for rows of the part."""

    def __init__(self, net: "FusionNet", masks: AMSS, part: Part, task: Loss) -> None:
        self._net, self._masks, self._part, self._task = net, masks, part, task
        masked = {id(block.units.parameter): block.units.parameter for block in masks.blocks}
        self.parameters = [parameter for parameter in masked.values() if parameter.requires_grad]
        self._device = self.parameters[0].device if self.parameters else torch.device("cpu")

    def at(self, index: Tensor) -> tuple[dict[int, Tensor], Tensor]:
        """id of parameter -> gradient of the mean loss over these rows (those that it depends on); keep (M,)."""
        rows = self._part.rows(index)
        features = {name: array.to(self._device) for name, array in rows.features.items()}
        target = rows.target.to(self._device)
        output = self._net(features)
        found: Sequence[Tensor | None] = torch.autograd.grad(
            self._task.loss(output.logits, target), self.parameters, allow_unused=True
        )
        with torch.no_grad():
            keep = self._masks.keep_for(
                logits=self._net.unimodal(output.features), features=output.features, target=target
            )
        return {id(p): g for p, g in zip(self.parameters, found, strict=True) if g is not None}, keep

    def full(self, partition: Partition) -> dict[int, Tensor]:
        """id of parameter -> gradient over all rows of the partition, float64."""
        total: dict[int, Tensor] = {}
        for index in partition.pieces:
            gradients, _ = self.at(index)
            for name, gradient in gradients.items():
                piece = gradient.double() * (len(index) / partition.rows)
                total[name] = total[name] + piece if name in total else piece
        return total
