"""What an encoder is: one modality's input in, features out; and how one is described in the registry."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from pydantic import BaseModel
from torch import nn

from amss_min.modalities import Part
from simulations.multimodal.options import Options, read_options


class MissingExtraError(ValueError):
    """An encoder needs packages of an extra that is not installed; the message says how to install it."""


@dataclass(frozen=True, kw_only=True)
class Encoder:
    """A kind of encoder.

    name, summary, source: what it is called, one line for tables, where it is from.
    axes: what the dimensions of a row are called, outermost first; None where any shape is read.
    make: (shape, features, *, generator, vocabulary, and the options by name) -> module, inputs (B, *shape) to
    features (B, D), D = features. Options: what may be set.
    tokens: whether rows are int64 token ids below `vocabulary`, 0 for padding; otherwise they are float32.

    Every shipped encoder ends in tanh, so that its features lie in [-1, 1]: the entropy of softmax(z) over the D
    coordinates, which divides the information of a modality, is then at least ln(1 + (D - 1) exp(-2)) nats.
    """

    name: str
    summary: str
    source: str
    axes: tuple[str, ...] | None
    make: Callable[..., nn.Module]
    Options: type[BaseModel] = Options
    tokens: bool = False

    def options(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """All options by name, those given and the defaults; ValueError, one line, for one that is refused."""
        return read_options(self.Options, given, f"the encoder {self.name!r}")

    def build(
        self,
        shape: tuple[int, ...],
        features: int,
        *,
        generator: torch.Generator,
        vocabulary: int | None = None,
        **options: Any,
    ) -> nn.Module:
        """An encoder of rows of this shape, initial weights drawn from the generator alone.

        vocabulary: one more than the largest token id; None where rows are no text.
        Raises ValueError, naming the encoder, for rows that it does not read and options that it refuses;
        MissingExtraError where its packages are not installed.
        """
        owner = f"the encoder {self.name!r}"
        if features < 1:
            raise ValueError(f"{owner} gives at least one feature, found features={features}")
        if self.tokens != (vocabulary is not None):
            wanted, found = ("token ids", "floats") if self.tokens else ("floats", "token ids")
            raise ValueError(f"{owner} reads rows of {wanted}, found {found} of shape {shape}")
        if min(shape, default=0) < 1 or (self.axes is not None and len(shape) != len(self.axes)):
            axes = "with no empty dimension" if self.axes is None else f"of shape ({', '.join(self.axes)})"
            raise ValueError(f"{owner} reads rows {axes}, found {shape}")
        return self.make(shape, features, generator=generator, vocabulary=vocabulary, **self.options(options))


def parts(encoder: nn.Module) -> list[Part]:
    """What is masked of an encoder: the module itself, and the units that it names by a method `own_parts`.

    In a module, units are output filters of convolutions and output rows of linear layers; units that `own_parts`
    returns replace those found for the same parameter. Encoders with self-attention name one unit for every head.
    """
    own = getattr(encoder, "own_parts", None)
    return [encoder, *own()] if callable(own) else [encoder]
