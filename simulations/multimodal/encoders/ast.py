"""The audio spectrogram transformer."""

from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field, model_validator
from torch import Tensor

from amss_min import heads as head_units
from amss_min.modalities import Part
from simulations.multimodal.encoders.backbone import (
    Backbone,
    BackboneOptions,
    PretrainedError,
    checked_config,
    from_config,
    from_folder,
    transformers,
)
from simulations.multimodal.encoders.base import Encoder

NAME = "ast"
MODEL_TYPE = "audio-spectrogram-transformer"
NO_DROPOUT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
Count = Annotated[int, Field(ge=1)]


class ASTOptions(BackboneOptions):
    """width, layers, heads, inner: as for BERT. patch: side of a patch. stride: between patches, in both directions.

    The model of the paper has width 768, layers 12, heads 12, inner 3072, patch 16, stride 10.
    """

    own_sizes: ClassVar[tuple[str, ...]] = ("width", "layers", "heads", "inner", "patch", "stride")
    width: Count = 192
    layers: Count = 4
    heads: Count = 3
    inner: Count = 768
    patch: Count = 16
    stride: Count = 10

    @model_validator(mode="after")
    def _divisible(self) -> "ASTOptions":
        if self.width % self.heads:
            raise ValueError(f"heads must divide width, found width={self.width} and heads={self.heads}")
        return self


class AST(Backbone):
    """Log-mel spectrograms (B, 1, mel, T) -> features (B, D) in [-1, 1]: patches, transformer, linear layer, tanh.

    Masked: filters of the patches' convolution; heads of the query, key and value projections (rows) and of the output
    projection (columns), each matrix on its own; rows of all other linear layers. The class and distillation tokens,
    position embeddings, normalisations and biases keep their gradient. There is no dropout: it would draw from torch's
    global generator.
    """

    def __init__(self, backbone: Any, features: int, generator: torch.Generator) -> None:
        super().__init__(backbone, backbone.config.hidden_size, features, generator)

    def pooled(self, x: Tensor) -> Tensor:
        """The mean of the class and the distillation token, (B, width)."""
        pooled: Tensor = self.backbone(x.squeeze(1).transpose(1, 2)).pooler_output
        return pooled

    def own_parts(self) -> list[Part]:
        """One unit for every head of the attention's four matrices, in every layer."""
        backbone: Any = self.backbone
        number: int = backbone.config.num_attention_heads
        found: list[Part] = []
        for layer in backbone.layers:
            attention = layer.attention
            for projection in (attention.q_proj, attention.k_proj, attention.v_proj):
                found.append(head_units(projection.weight, number))
            found.append(head_units(attention.o_proj.weight, number, axis=1))
        return found


def ast(
    shape: tuple[int, ...],
    features: int,
    *,
    generator: torch.Generator,
    vocabulary: int | None = None,
    width: int = 192,
    layers: int = 4,
    heads: int = 3,
    inner: int = 768,
    patch: int = 16,
    stride: int = 10,
    pretrained: str = "",
) -> AST:
    """An audio spectrogram transformer on rows of `shape` = (1, mel, T).

    Initial weights are normal with deviation .02, biases, tokens and position embeddings 0. Raises ValueError for rows
    of more than one channel or smaller than a patch; PretrainedError for a folder made for another mel or T.

    >>> encoder = ast((1, 8, 12), 4, generator=torch.Generator(), width=6, layers=1, inner=8, patch=4, stride=4)
    >>> encoder(torch.zeros(2, 1, 8, 12)).shape
    torch.Size([2, 4])
    """
    channels, mel, samples = shape
    if channels != 1:
        raise ValueError(f"the encoder {NAME!r} reads one channel, found rows of shape {shape}")
    package = transformers(NAME)
    if pretrained:
        found = package.ASTConfig(**checked_config(pretrained, NAME, MODEL_TYPE))
        if (found.num_mel_bins, found.max_length) != (mel, samples):
            raise PretrainedError(
                f"the encoder {NAME!r}: pretrained folder {pretrained} was made for rows of shape "
                f"(1, {found.num_mel_bins}, {found.max_length}), found {shape}"
            )
        return AST(
            from_folder(package.ASTModel, pretrained, NAME, generator, overrides=NO_DROPOUT), features, generator
        )
    if min(mel, samples) < patch:
        raise ValueError(f"the encoder {NAME!r} reads rows of at least a patch, found {shape} and patch={patch}")
    config = package.ASTConfig(
        num_mel_bins=mel,
        max_length=samples,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=inner,
        patch_size=patch,
        frequency_stride=stride,
        time_stride=stride,
        **NO_DROPOUT,
    )
    return AST(from_config(package.ASTModel, config, generator), features, generator)


ENCODER = Encoder(
    name=NAME,
    summary="transformer on patches of a log-mel spectrogram (extra models)",
    source="Gong, Chung and Glass, AST: Audio Spectrogram Transformer, Interspeech 2021",
    axes=("channel", "mel", "samples"),
    make=ast,
    Options=ASTOptions,
)
