"""BERT on token ids."""

from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

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

NAME = "bert"
NO_DROPOUT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
Count = Annotated[int, Field(ge=1)]


class BERTOptions(BackboneOptions):
    """width: of the tokens. layers, heads: their numbers. inner: width between the two linear layers of a block.

    pooling: `mean` over the tokens that are no padding, or `first`, the first token's, where texts begin with [CLS].
    The defaults are BERT-Tiny; BERT-base has width 768, layers 12, heads 12, inner 3072.
    """

    own_sizes: ClassVar[tuple[str, ...]] = ("width", "layers", "heads", "inner")
    width: Count = 128
    layers: Count = 2
    heads: Count = 2
    inner: Count = 512
    pooling: Literal["mean", "first"] = "mean"

    @model_validator(mode="after")
    def _divisible(self) -> "BERTOptions":
        if self.width % self.heads:
            raise ValueError(f"heads must divide width, found width={self.width} and heads={self.heads}")
        return self


class BERT(Backbone):
    """Token ids (B, T), 0 for padding -> features (B, D) in [-1, 1]: BERT, pooling, linear layer, tanh.

    Padding is neither attended to nor pooled; a row of nothing but padding is read as a text of padding tokens.
    Masked: heads of the query, key and value projections (rows) and of the output projection (columns), each matrix on
    its own; rows of all other linear layers. Embeddings, normalisations and biases keep their gradient. There is no
    dropout: it would draw from torch's global generator.
    """

    def __init__(self, backbone: Any, features: int, pooling: str, generator: torch.Generator) -> None:
        super().__init__(backbone, backbone.config.hidden_size, features, generator)
        self.pooling = pooling

    def pooled(self, x: Tensor) -> Tensor:
        """What BERT gives, pooled over the tokens, (B, width)."""
        read = x != 0
        read = read | ~read.any(dim=1, keepdim=True)
        tokens: Tensor = self.backbone(input_ids=x, attention_mask=read.long()).last_hidden_state
        if self.pooling == "first":
            return tokens[:, 0]
        weights = read.to(tokens.dtype)[:, :, None]
        return (tokens * weights).sum(1) / weights.sum(1)

    def own_parts(self) -> list[Part]:
        """One unit for every head of the attention's four matrices, in every layer."""
        backbone: Any = self.backbone
        number: int = backbone.config.num_attention_heads
        found: list[Part] = []
        for layer in backbone.encoder.layer:
            attention, output = layer.attention.self, layer.attention.output
            for projection in (attention.query, attention.key, attention.value):
                found.append(head_units(projection.weight, number))
            found.append(head_units(output.dense.weight, number, axis=1))
        return found


def bert(
    shape: tuple[int, ...],
    features: int,
    *,
    generator: torch.Generator,
    vocabulary: int | None = None,
    width: int = 128,
    layers: int = 2,
    heads: int = 2,
    inner: int = 512,
    pooling: str = "mean",
    pretrained: str = "",
) -> BERT:
    """BERT on rows of `shape` = (T,) token ids below `vocabulary`.

    Initial weights are normal with deviation .02, biases 0. Raises PretrainedError for a folder whose vocabulary or
    number of positions is too small, or whose padding is not 0.

    >>> encoder = bert((3,), 4, generator=torch.Generator(), vocabulary=9, width=8, inner=8)
    >>> encoder(torch.tensor([[1, 2, 0], [3, 4, 8]])).shape
    torch.Size([2, 4])
    """
    package, words = transformers(NAME), vocabulary or 1
    if not pretrained:
        config = package.BertConfig(
            vocab_size=words,
            max_position_embeddings=shape[0],
            hidden_size=width,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            intermediate_size=inner,
            **NO_DROPOUT,
        )
        backbone: nn.Module = from_config(package.BertModel, config, generator, add_pooling_layer=False)
        return BERT(backbone, features, pooling, generator)
    found = package.BertConfig(**checked_config(pretrained, NAME, "bert"))
    where = f"the encoder {NAME!r}: pretrained folder {pretrained}"
    for key, least, what in (
        ("vocab_size", words, "token ids"),
        ("max_position_embeddings", shape[0], "tokens a row"),
    ):
        if getattr(found, key) < least:
            raise PretrainedError(f"{where} must have {key} at least {least}, the {what}, found {getattr(found, key)}")
    if found.pad_token_id not in (None, 0):
        raise PretrainedError(f"{where} must pad with token 0, found pad_token_id {found.pad_token_id}")
    backbone = from_folder(
        package.BertModel, pretrained, NAME, generator, overrides=NO_DROPOUT, add_pooling_layer=False
    )
    return BERT(backbone, features, pooling, generator)


ENCODER = Encoder(
    name=NAME,
    summary="transformer encoder on token ids (extra models)",
    source="Devlin, Chang, Lee and Toutanova, BERT, NAACL 2019; BERT-Tiny: Turc et al., arXiv:1908.08962",
    axes=("tokens",),
    make=bert,
    Options=BERTOptions,
    tokens=True,
)
