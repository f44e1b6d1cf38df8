"""A multi-modal network: an encoder for each modality, and a fusion of their features."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from amss_min.modalities import Part
from simulations.multimodal.encoders.base import parts
from simulations.multimodal.fusions.base import Fusion, at_means

MEMORY = 0.9


class Output(NamedTuple):
    """What a forward pass gives: joint logits (B, outputs), and features modality -> (B, D_m)."""

    logits: Tensor
    features: dict[str, Tensor]


class FusionNet(nn.Module):
    """M encoders phi_m, features z_m = phi_m(x_m), logits f = fusion(z_1 .. z_M).

    In training the running mean of each modality's features is kept, mean <- .9 mean + .1 batch mean (the first batch's
    own to begin with): it stands for a modality that is taken away.

    encoders: modality -> module, inputs (B, ...) to features (B, D_m), in the order of the fusion's modalities.

    >>> from simulations.multimodal.encoders.mlp import mlp
    >>> from simulations.multimodal.fusions.concatenation import Concatenation
    >>> generator = torch.Generator()
    >>> encoders = {name: mlp((size,), 4, generator=generator) for name, size in {"audio": 3, "video": 2}.items()}
    >>> net = FusionNet(encoders, Concatenation({"audio": 4, "video": 4}, 2, generator=generator))
    >>> net({"audio": torch.zeros(7, 3), "video": torch.zeros(7, 2)}).logits.shape
    torch.Size([7, 2])
    """

    def __init__(self, encoders: Mapping[str, nn.Module], fusion: Fusion) -> None:
        super().__init__()
        if tuple(encoders) != fusion.modalities:
            raise ValueError(
                f"encoders and fusion name the same modalities, found {list(encoders)} and {fusion.widths}"
            )
        try:
            self.encoders, self.fusion = nn.ModuleDict(encoders), fusion
        except KeyError as error:
            raise ValueError(f"modalities are named so that torch can name modules so: {error.args[0]}") from error
        self.register_buffer("seen", torch.zeros(()))
        for name, width in fusion.widths.items():
            self.register_buffer(f"mean_{name}", torch.zeros(width))

    @property
    def modalities(self) -> tuple[str, ...]:
        """The names of the modalities, in their order."""
        return self.fusion.modalities

    def forward(self, batch: Mapping[str, Tensor]) -> Output:
        """Logits and features of a batch, modality -> (B, ...)."""
        features = {name: encoder(batch[name]) for name, encoder in self.encoders.items()}
        if self.training:
            self._remember(features)
        return Output(self.fusion(features), features)

    def means(self) -> dict[str, Tensor]:
        """Running means of the features, modality -> (D_m,); zeros before the first training batch."""
        return {name: self.get_buffer(f"mean_{name}") for name in self.modalities}

    def unimodal(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Logits of each modality alone, modality -> (B, outputs), as the fusion defines them."""
        return self.fusion.unimodal(features, self.means())

    def subset(self, features: Mapping[str, Tensor], names: Iterable[str]) -> Tensor:
        """Joint logits (B, outputs) with the features of all modalities but these at their running means."""
        logits: Tensor = self.fusion(at_means(features, self.means(), list(names)))
        return logits

    def parts(self) -> dict[str, list[Part]]:
        """What belongs to one modality alone: its encoder's parts, and its own parts of the fusion."""
        own = self.fusion.own()
        return {name: [*parts(encoder), *own[name]] for name, encoder in self.encoders.items()}

    @torch.no_grad()
    def _remember(self, features: Mapping[str, Tensor]) -> None:
        seen = self.get_buffer("seen")
        memory = torch.where(seen > 0, MEMORY, 0.0)
        for name, z in features.items():
            mean = self.get_buffer(f"mean_{name}")
            mean.copy_(memory * mean + (1 - memory) * z.to(mean.dtype).mean(0))
        seen.add_(1)
