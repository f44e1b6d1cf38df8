"""One training run: a method on a seed, selected on validation, scored once on test."""

import copy
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from amss_min import AMSS, unimodal_logits
from simulations.multimodal.datasets import Dataset
from simulations.multimodal.evaluation import Scores, scores
from simulations.multimodal.history import History
from simulations.multimodal.methods import METHODS
from simulations.multimodal.model import FusionNet
from simulations.multimodal.nonfinite import Finding, NonFiniteError, check_loss, check_tensors
from simulations.multimodal.settings import Settings
from simulations.multimodal.splits import Part, split, standardised
from simulations.seeding import seed


class StoppedError(Exception):
    """The caller asked for an end."""


@dataclass(frozen=True)
class Run:
    """What a run leaves.

    best_epoch: 1-based; the epoch of highest validation accuracy, ties to the lower validation loss, then to the
    earlier epoch. validation, test: scores of the weights after that epoch; test rows are scored once, at the end.
    history: see History. paired: digests of what all methods of a seed share: split, weights, batches.
    """

    method: str
    seed: int
    best_epoch: int
    validation: Scores
    test: Scores
    history: dict[str, Any]
    paired: dict[str, str]

    def as_json(self) -> dict[str, Any]:
        """The fields as plain JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Replicate:
    """A seed of a data set: what is the same for all its methods. Everything follows from root, data set and seed."""

    dataset: Dataset
    number: int
    settings: Settings

    def parts(self) -> tuple[dict[str, Part], str]:
        """The standardised train, validation and test parts, and the digest of the split."""
        parts = split(self.dataset, rng=np.random.default_rng(self._seed("split")))
        return standardised(self.dataset, parts), _digest(*(rows.tobytes() for rows in parts.values()))

    def network(self) -> FusionNet:
        """The network with its initial weights."""
        return FusionNet(
            {name: matrix.shape[1] for name, matrix in self.dataset.features.items()},
            hidden=self.settings.hidden,
            features=self.settings.features,
            classes=len(self.dataset.class_names),
            generator=self.generator("weights"),
        )

    def orders(self, rows: int) -> Iterator[Tensor]:
        """For each epoch the order in which the train rows are visited."""
        generator = self.generator("batches")
        while True:
            yield torch.randperm(rows, generator=generator)

    def generator(self, use: str) -> torch.Generator:
        """A generator for one named use."""
        return torch.Generator().manual_seed(self._seed(use))

    def _seed(self, use: str) -> int:
        return seed(self.settings.root, data=self.dataset.name, replicate=self.number, use=use)


def train(
    dataset: Dataset,
    method: str,
    number: int,
    settings: Settings,
    stop: Callable[[], bool] = lambda: False,
) -> Run | Finding:
    """Train one method on seed `number`; a number that is not finite ends the run with a Finding instead of a Run.

    Masks act on the gradient, before momentum and weight decay; they have a generator of their own for each method.
    `stop` is asked before each epoch; once it says so, StoppedError is raised.
    """
    replicate = Replicate(dataset, number, settings)
    parts, split_digest = replicate.parts()
    net = replicate.network()
    paired = {
        "split": split_digest,
        "weights": _digest(*(value.numpy().tobytes() for value in net.state_dict().values())),
    }
    masks = METHODS[method].build(net, settings, replicate.generator(f"masks of {method}"))
    optimizer = torch.optim.SGD(
        net.parameters(), lr=settings.lr, momentum=settings.momentum, weight_decay=settings.weight_decay
    )
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, settings.lr_step, settings.lr_decay)
    if masks is not None:
        masks.attach(optimizer)
    history = History(dataset.modalities)
    visited = hashlib.blake2b(digest_size=8)
    best: tuple[tuple[float, float], int, dict[str, Any]] | None = None
    orders = replicate.orders(len(parts["train"]))
    step = 0
    try:
        for epoch in range(1, settings.epochs + 1):
            if stop():
                raise StoppedError(f"method {method}, seed {number}: stopped after {epoch - 1} epochs")
            order = next(orders)
            visited.update(order.numpy().tobytes())
            for rows in order.split(settings.batch):
                step += 1
                loss = _step(net, parts["train"].rows(rows), optimizer, masks)
                history.step(loss, None if masks is None or masks.report is None else masks.report.keep)
            schedule.step()
            check_tensors(net, "weight")
            validation = history.epoch(net, parts)
            rank = (validation.accuracy, -validation.loss)
            if best is None or rank > best[0]:
                best = rank, epoch, copy.deepcopy(net.state_dict())
    except NonFiniteError as error:
        return Finding(method, number, step, error.what, error.tensor, error.modality)
    assert best is not None
    _, best_epoch, weights = best
    net.load_state_dict(weights)
    paired["batches"] = visited.hexdigest()
    validation, test = scores(net, parts["validation"]), scores(net, parts["test"])
    return Run(method, number, best_epoch, validation, test, history.as_json(), paired)


def _step(net: FusionNet, batch: Part, optimizer: torch.optim.Optimizer, masks: AMSS | None) -> float:
    output = net(batch.features)
    loss: Tensor = functional.cross_entropy(output.logits, batch.labels)
    check_loss(net, output, loss)
    if masks is not None:
        masks.observe(logits=unimodal_logits(net.head, output.features), features=output.features, target=batch.labels)
    optimizer.zero_grad()
    loss.backward()
    check_tensors(net, "gradient")
    optimizer.step()
    return float(loss.detach())


def _digest(*pieces: bytes) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()
