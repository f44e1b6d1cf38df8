"""What a fusion is: features of all modalities in, joint logits out, and what it tells about each alone."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import torch
from pydantic import BaseModel
from torch import Tensor, nn

from amss_min.modalities import Part
from simulations.multimodal.options import Options, read_options


class Fusion(nn.Module):
    """Joint logits (B, outputs) from features, modality -> (B, D_m).

    widths: modality -> D_m, in the order of the features. outputs: C. generator: draws the initial weights.
    A subclass says what follows from its own structure: `unimodal`, and `own`, the parts of it that belong to one
    modality alone and are masked with it: weights that multiply features of that modality and of no other. Whatever is
    shared keeps its whole gradient. Features are found by name: the order of a mapping plays no part.
    name, summary, source: what it is called, one line for tables, where it is from. Options: what may be set.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    source: ClassVar[str]
    Options: ClassVar[type[BaseModel]] = Options

    def __init__(self, widths: Mapping[str, int], outputs: int, *, generator: torch.Generator) -> None:
        super().__init__()
        if not widths:
            raise ValueError("a fusion has at least one modality, found none")
        self.widths, self.outputs = dict(widths), outputs

    @classmethod
    def build(cls, widths: Mapping[str, int], outputs: int, *, generator: torch.Generator, **options: Any) -> Self:
        """The fusion with these options; ValueError, one line, for an option that is refused."""
        return cls(
            widths, outputs, generator=generator, **read_options(cls.Options, options, f"the fusion {cls.name!r}")
        )

    @property
    def modalities(self) -> tuple[str, ...]:
        """The names of the modalities, in their order."""
        return tuple(self.widths)

    def listed(self, features: Mapping[str, Tensor]) -> list[Tensor]:
        """The features in the order of the modalities."""
        return [features[name] for name in self.widths]

    def unimodal(self, features: Mapping[str, Tensor], means: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What each modality alone says: joint logits with the features of all others at their means.

        means: modality -> (D_m,), taken as constants. Returns modality -> (B, outputs).
        """
        return {name: self(at_means(features, means, [name])) for name in self.widths}

    def own(self) -> dict[str, list[Part]]:
        """The parts of the fusion that belong to one modality alone; none here."""
        return {name: [] for name in self.widths}


def at_means(features: Mapping[str, Tensor], means: Mapping[str, Tensor], kept: list[str]) -> dict[str, Tensor]:
    """The features, those of modalities that are not kept replaced by their means, without gradient to these."""
    return {name: z if name in kept else means[name].detach().to(z.dtype).expand_as(z) for name, z in features.items()}
