"""Small convolutional networks on signals and images."""

from typing import Annotated

import torch
from pydantic import Field, field_validator
from torch import Tensor, nn

from simulations.multimodal.encoders.base import Encoder
from simulations.multimodal.layers import convolution, linear
from simulations.multimodal.options import Options

Count = Annotated[int, Field(ge=1)]
NORMALISATIONS = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d}


class CNNOptions(Options):
    """widths: filters of each convolution. size: of the kernels, odd. stride: of every convolution but the first.

    normalise: batch normalisation after every convolution. outline: beside the pooled filters, give the linear layer
    what the input itself tells, channel by channel (see `outline`); both normalised where the convolutions are.
    """

    widths: Annotated[tuple[Count, ...], Field(min_length=1)] = (32, 64, 64)
    size: Count = 5
    stride: Count = 2
    normalise: bool = False
    outline: bool = False

    @field_validator("size")
    @classmethod
    def _odd(cls, size: int) -> int:
        if size % 2 == 0:
            raise ValueError("a kernel has an odd size, so that it keeps the extent")
        return size


class CNN2DOptions(CNNOptions):
    """As CNNOptions, with other defaults."""

    widths: Annotated[tuple[Count, ...], Field(min_length=1)] = (16, 32, 64)
    size: Count = 3


def outline(x: Tensor) -> Tensor:
    """Mean, deviation, least, largest and mean absolute difference of neighbours of (B, C, ...): (B, 5 C).

    >>> outline(torch.tensor([[[1.0, 3.0]]]))
    tensor([[2., 1., 1., 3., 2.]])
    """
    flat = x.flatten(2)
    step = flat.diff(dim=2).abs().mean(2) if flat.shape[2] > 1 else torch.zeros_like(flat[:, :, 0])
    return torch.cat([flat.mean(2), flat.std(2, correction=0), flat.amin(2), flat.amax(2), step], 1)


class CNN(nn.Module):
    """Convolutions over 1 or 2 dimensions, a ReLU after each; mean over the extent; linear layer, tanh.

    Inputs (B, C, T) or (B, C, H, W) -> (B, features). Without normalisation what a row gives depends on that row alone,
    and the gradient of a batch is the mean of its rows' gradients.
    """

    def __init__(
        self,
        channels: int,
        features: int,
        *,
        dimensions: int,
        widths: tuple[int, ...],
        size: int,
        stride: int,
        normalise: bool,
        outline: bool,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        self.outline, told = outline, 5 * channels
        for position, width in enumerate(widths):
            step = stride if position else 1
            layers.append(convolution(dimensions, channels, width, size, step, generator))
            if normalise:
                layers.append(NORMALISATIONS[dimensions](width))
            layers.append(nn.ReLU())
            channels = width
        self.layers = nn.Sequential(*layers)
        width = channels + told if outline else channels
        self.scale = nn.BatchNorm1d(width) if outline and normalise else nn.Identity()
        self.head = linear(width, features, generator)

    def forward(self, x: Tensor) -> Tensor:
        """Features (B, D) in [-1, 1]."""
        pooled = self.layers(x).flatten(2).mean(2)
        both = torch.cat([pooled, outline(x)], 1) if self.outline else pooled
        return torch.tanh(self.head(self.scale(both)))


def cnn(
    shape: tuple[int, ...],
    features: int,
    *,
    generator: torch.Generator,
    vocabulary: int | None = None,
    widths: tuple[int, ...] = (32, 64, 64),
    size: int = 5,
    stride: int = 2,
    normalise: bool = False,
    outline: bool = False,
) -> CNN:
    """A CNN on rows of shape (channels, samples) or (channels, height, width).

    >>> cnn((3, 20), 4, generator=torch.Generator())(torch.zeros(7, 3, 20)).shape
    torch.Size([7, 4])
    """
    return CNN(
        shape[0],
        features,
        dimensions=len(shape) - 1,
        widths=widths,
        size=size,
        stride=stride,
        normalise=normalise,
        outline=outline,
        generator=generator,
    )


CNN1D = Encoder(
    name="cnn1d",
    summary="a small convolutional network on a signal",
    source="after Wang, Yan and Oates, Time Series Classification from Scratch, IJCNN 2017",
    axes=("channels", "samples"),
    make=cnn,
    Options=CNNOptions,
)
CNN2D = Encoder(
    name="cnn2d",
    summary="a small convolutional network on an image or a spectrogram",
    source="after LeCun, Bottou, Bengio and Haffner, Proceedings of the IEEE 86 (1998)",
    axes=("channels", "height", "width"),
    make=cnn,
    Options=CNN2DOptions,
)
