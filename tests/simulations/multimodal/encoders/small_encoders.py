"""A small encoder of every kind, and a batch for it."""

from typing import Any

import torch
from torch import Tensor, nn

from simulations.multimodal.encoders import ENCODERS

ATTENTION = {"width": 8, "heads": 2, "layers": 2, "inner": 6}
SMALL: dict[str, tuple[tuple[int, ...], dict[str, Any]]] = {
    "mlp": ((5,), {"hidden": (4,)}),
    "cnn1d": ((2, 9), {"widths": (3, 4), "normalise": True}),
    "cnn2d": ((2, 6, 5), {"widths": (3, 4)}),
    "resnet18": ((1, 8, 9), {}),
    "bert": ((4,), ATTENTION),
    "ast": ((1, 8, 13), {**ATTENTION, "patch": 4, "stride": 4}),
}
FROM_TRANSFORMERS = ("resnet18", "bert", "ast")
VOCABULARY = 7
FEATURES = 3


def encoder(name: str, number: int = 0, **options: Any) -> nn.Module:
    shape, given = SMALL[name]
    generator = torch.Generator().manual_seed(number)
    vocabulary = VOCABULARY if ENCODERS[name].tokens else None
    return ENCODERS[name].build(shape, FEATURES, generator=generator, vocabulary=vocabulary, **{**given, **options})


def rows(name: str, number: int = 6) -> Tensor:
    shape, _ = SMALL[name]
    generator = torch.Generator().manual_seed(100)
    if ENCODERS[name].tokens:
        return torch.randint(VOCABULARY, (number, *shape), generator=generator)
    return torch.randn(number, *shape, generator=generator)
