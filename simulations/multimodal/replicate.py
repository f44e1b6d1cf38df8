"""A seed of a data set: everything that is the same for all methods, so that they are compared in pairs."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from simulations.multimodal.building import network
from simulations.multimodal.datasets import Dataset
from simulations.multimodal.model import FusionNet
from simulations.multimodal.settings import Settings
from simulations.multimodal.splits import Part, split, standardised
from simulations.seeding import seed


@dataclass(frozen=True)
class Replicate:
    """Split, standardisation, initial weights and order of the batches of one seed.

    Everything follows from the root, the name of the data set and the number of the seed.
    """

    dataset: Dataset
    number: int
    settings: Settings

    def parts(self) -> tuple[dict[str, Part], str]:
        """The standardised train, validation and test parts, and the digest of the split."""
        parts = split(self.dataset, rng=np.random.default_rng(self.seed("split")))
        return standardised(self.dataset, parts), digest(*(rows.tobytes() for rows in parts.values()))

    def network(self) -> tuple[FusionNet, str]:
        """The network with its initial weights, on the CPU, and their digest."""
        net = network(self.dataset, self.settings.model, self.generator("weights"))
        return net, digest(*(value.numpy().tobytes() for value in net.state_dict().values()))

    def generator(self, use: str, device: str = "cpu") -> torch.Generator:
        """A generator for one named use."""
        return torch.Generator(device).manual_seed(self.seed(use))

    def seed(self, use: str) -> int:
        """The seed of one named use."""
        return seed(self.settings.root, data=self.dataset.name, replicate=self.number, use=use)


def orders(rows: int, generator: torch.Generator) -> Iterator[Tensor]:
    """For each epoch the order in which the train rows are visited."""
    while True:
        yield torch.randperm(rows, generator=generator)


def digest(*pieces: bytes) -> str:
    """A short hash of bytes, for records of what was the same."""
    found = hashlib.blake2b(digest_size=8)
    for piece in pieces:
        found.update(piece)
    return found.hexdigest()
