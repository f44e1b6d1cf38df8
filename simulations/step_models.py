"""Models by their shapes alone, for timings of the masked step: it sees gradients, and nothing of a forward pass.

Convolutions are masked by filter, attention projections by head, other linear layers by row; normalisation, biases and
embeddings are left alone, as amss_min finds them in a module.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import torch
from torch import nn

from amss_min import heads, rows
from amss_min.modalities import Part

Encoders = Mapping[str, nn.Module | Sequence[Part]]

_WIDTHS = (64, 128, 256, 512)
_BLOCKS = {18: (2, 2, 2, 2), 50: (3, 4, 6, 3)}


def resnet(depth: int, channels: int) -> list[Part]:
    """ResNet-18 or ResNet-50 without its classification layer: 11.2 and 23.5 million parameters.

    Source: He, Zhang, Ren and Sun, CVPR 2016, table 1, with projection shortcuts.

    >>> sum(parameter.numel() for parameter in parameters(resnet(50, 3)))
    23508032
    """
    shapes = [(_WIDTHS[0], channels, 7)]
    expansion = 4 if depth == 50 else 1
    stages = (_WIDTHS[0] // expansion, *_WIDTHS)
    for (before, width), count in zip(pairwise(stages), _BLOCKS[depth], strict=True):
        for position in range(count):
            inputs = (width if position else before) * expansion
            outputs = width * expansion
            inner = [(width, inputs, 1), (width, width, 3), (outputs, width, 1)]
            shapes += inner if depth == 50 else [(width, inputs, 3), (width, width, 3)]
            if inputs != outputs:
                shapes.append((outputs, inputs, 1))
    filters = [rows(_zeros(outputs, inputs, size, size)) for outputs, inputs, size in shapes]
    scales = [_zeros(outputs) for outputs, _, _ in shapes for _ in ("scale", "shift")]
    return [*filters, nn.ParameterList(scales)]


def transformer(width: int, layers: int, tokens: int = 0, positions: int = 0, inner: int = 4) -> list[Part]:
    """A transformer encoder with heads of 64 features and an inner width of inner * width.

    tokens, positions: rows of its embeddings. transformer(768, 12, 30522, 512 + 2) is BERT-base without its pooler.

    >>> sum(parameter.numel() for parameter in parameters(transformer(768, 12, 30522, 512 + 2)))
    108891648
    """
    masked: list[Part] = []
    plain = [_zeros(size, width) for size in (tokens, positions) if size] + [_zeros(width), _zeros(width)]
    for _ in range(layers):
        masked += [heads(_zeros(width, width), width // 64) for _ in "QKV"]
        masked.append(heads(_zeros(width, width), width // 64, axis=1))
        masked += [rows(_zeros(inner * width, width)), rows(_zeros(width, inner * width))]
        plain += [_zeros(width) for _ in range(4 + 2 + 2 + 1)] + [_zeros(inner * width)]
    return [*masked, nn.ParameterList(plain)]


def matrices(count: int, units: int, width: int) -> list[Part]:
    """As many matrices of units x width, masked by row."""
    return [rows(_zeros(units, width)) for _ in range(count)]


def parameters(parts: nn.Module | Sequence[Part]) -> list[torch.Tensor]:
    """All parameters of the parts, masked or not."""
    listed = [parts] if isinstance(parts, nn.Module) else parts
    found: list[torch.Tensor] = []
    for part in listed:
        if isinstance(part, nn.Module):
            found += part.parameters()
        else:
            found.append(part if isinstance(part, nn.Parameter) else part.parameter)
    return found


PAIRS: Mapping[str, Callable[[], Encoders]] = {
    "two ResNet-18": lambda: {"audio": resnet(18, 1), "visual": resnet(18, 3)},
    "two ResNet-50": lambda: {"audio": resnet(50, 1), "visual": resnet(50, 3)},
    "BERT and ResNet-50": lambda: {"text": transformer(768, 12, 30522, 512 + 2), "image": resnet(50, 3)},
}
LARGE: Mapping[str, Callable[[], Encoders]] = {
    "two transformers": lambda: {"text": transformer(1024, 14), "image": transformer(1024, 14)},
}
"""350 million parameters together: 6 GB with gradients, their copies and momentum."""


def _zeros(*shape: int) -> nn.Parameter:
    return nn.Parameter(torch.zeros(shape))
