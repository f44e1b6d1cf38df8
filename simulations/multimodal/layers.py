"""Layers whose initial weights come from a generator that is passed in."""

import math

import torch
from torch import nn

CONVOLUTIONS: dict[int, type[nn.Conv1d] | type[nn.Conv2d]] = {1: nn.Conv1d, 2: nn.Conv2d}


def linear(fan_in: int, fan_out: int, generator: torch.Generator, *, bias: bool = True) -> nn.Linear:
    """A linear layer, weights and biases uniform on +-1/sqrt(fan in): what nn.Linear does with the global generator."""
    # Made on the meta device: on a real one the constructor draws from the global generator.
    layer = nn.Linear(fan_in, fan_out, bias=bias, device="meta").to_empty(device="cpu")
    bound = 1 / math.sqrt(fan_in)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.uniform_(-bound, bound, generator=generator)
    return layer


def convolution(
    dimensions: int, channels: int, filters: int, size: int, stride: int, generator: torch.Generator
) -> nn.Conv1d | nn.Conv2d:
    """A convolution over 1 or 2 dimensions that keeps the extent up to its stride: ceil(extent / stride), size odd.

    Weights are normal with variance 2 / fan in, biases 0, so that a ReLU after it keeps the size of the signal.
    Source: He, Zhang, Ren and Sun, Delving Deep into Rectifiers, ICCV 2015.
    """
    layer = CONVOLUTIONS[dimensions](channels, filters, size, stride, padding=size // 2, device="meta").to_empty(
        device="cpu"
    )
    with torch.no_grad():
        layer.weight.normal_(0, math.sqrt(2 / (channels * size**dimensions)), generator=generator)
        layer.get_parameter("bias").zero_()
    return layer


def transformer_block(width: int, heads: int, inner: int, generator: torch.Generator) -> nn.TransformerEncoderLayer:
    """Self-attention and two linear layers with GELU, each after a normalisation and beside a shortcut; no dropout.

    Tokens (B, S, width) -> (B, S, width). Matrices uniform with variance 2 / (fan in + fan out), biases 0.
    Sources: Vaswani et al., Attention Is All You Need, NeurIPS 2017; normalisation before each part: Xiong et al.,
    On Layer Normalization in the Transformer Architecture, ICML 2020; Glorot and Bengio, AISTATS 2010.
    """
    layer = nn.TransformerEncoderLayer(
        width, heads, inner, dropout=0.0, activation="gelu", batch_first=True, norm_first=True, device="meta"
    ).to_empty(device="cpu")
    with torch.no_grad():
        for parameter in layer.parameters():
            if parameter.ndim == 2:
                nn.init.xavier_uniform_(parameter, generator=generator)
            else:
                parameter.zero_()
        for norm in (layer.norm1, layer.norm2):
            norm.weight.fill_(1)
    return layer
