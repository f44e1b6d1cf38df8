"""A perceptron on a vector of features."""

from itertools import pairwise
from typing import Annotated

import torch
from pydantic import Field
from torch import nn

from simulations.multimodal.encoders.base import Encoder
from simulations.multimodal.layers import linear
from simulations.multimodal.options import Options


class MLPOptions(Options):
    """hidden: sizes of the hidden layers; none for a linear layer and tanh."""

    hidden: tuple[Annotated[int, Field(ge=1)], ...] = (64,)


def mlp(
    shape: tuple[int, ...],
    features: int,
    *,
    generator: torch.Generator,
    vocabulary: int | None = None,
    hidden: tuple[int, ...] = (64,),
) -> nn.Sequential:
    """Inputs (B, *shape), flattened -> hidden sizes, a ReLU after each -> D = features, tanh.

    The features are bounded, so that the entropy of softmax(z), which divides the information of a modality, stays away
    from 0. Initial weights as in `linear`.

    >>> mlp((3,), 4, generator=torch.Generator(), hidden=(5,))(torch.zeros(7, 3)).shape
    torch.Size([7, 4])
    """
    sizes = [torch.Size(shape).numel(), *hidden, features]
    layers: list[nn.Module] = [] if len(shape) == 1 else [nn.Flatten()]
    for fan_in, fan_out in pairwise(sizes):
        layers += [linear(fan_in, fan_out, generator), nn.ReLU()]
    layers[-1] = nn.Tanh()
    return nn.Sequential(*layers)


MLP = Encoder(
    name="mlp",
    summary="a perceptron on a row, flattened to a vector",
    source="Rumelhart, Hinton and Williams, Nature 323 (1986)",
    axes=None,
    make=mlp,
    Options=MLPOptions,
)
