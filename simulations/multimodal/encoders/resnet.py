"""Residual networks on images, and on spectrograms as images with one channel."""

from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

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
from simulations.multimodal.layers import convolution

SHAPES: dict[int, dict[str, Any]] = {
    18: {"layer_type": "basic", "depths": [2, 2, 2, 2], "hidden_sizes": [64, 128, 256, 512]},
    50: {"layer_type": "bottleneck", "depths": [3, 4, 6, 3], "hidden_sizes": [256, 512, 1024, 2048]},
}


class ResNetOptions(BackboneOptions):
    """small: the first convolution is 3 x 3 with stride 1 and no pooling follows: for images of some 32 x 32 pixels."""

    own_sizes: ClassVar[tuple[str, ...]] = ("small",)
    small: bool = False


class ResNet(Backbone):
    """Images (B, channels, H, W) -> features (B, D) in [-1, 1]: ResNet, mean over the last extent, linear layer, tanh.

    Masked: output filters of every convolution and rows of the linear layer. Batch normalisation keeps its gradient.
    """

    def pooled(self, x: Tensor) -> Tensor:
        """What the last stage gives, averaged over its extent, (B, 512) or (B, 2048)."""
        pooled: Tensor = self.backbone(x).pooler_output
        return pooled.flatten(1)


def resnet(
    shape: tuple[int, ...],
    features: int,
    *,
    generator: torch.Generator,
    vocabulary: int | None = None,
    depth: int = 18,
    small: bool = False,
    pretrained: str = "",
) -> ResNet:
    """A ResNet on rows of shape (channels, height, width), any number of channels.

    depth: 18 or 50. Initial weights of convolutions are normal with variance 2 / fan out, of the linear layer as in
    `linear`. Raises PretrainedError for a folder with another number of channels or another depth.

    >>> resnet((1, 16, 16), 4, generator=torch.Generator())(torch.zeros(2, 1, 16, 16)).shape
    torch.Size([2, 4])
    """
    name, sizes = f"resnet{depth}", SHAPES[depth]
    package = transformers(name)
    wanted = {"num_channels": shape[0], **sizes}
    if pretrained:
        found = package.ResNetConfig(**checked_config(pretrained, name, "resnet"))
        for key, value in wanted.items():
            if getattr(found, key) != value:
                raise PretrainedError(
                    f"the encoder {name!r}: pretrained folder {pretrained} must have {key} {value} for rows of shape "
                    f"{shape}, found {getattr(found, key)}"
                )
        backbone = from_folder(package.ResNetModel, pretrained, name, generator, overrides={})
    else:
        backbone = from_config(package.ResNetModel, package.ResNetConfig(**wanted), generator)
    if small:
        stem: Any = backbone.embedder
        first = convolution(2, shape[0], stem.embedder.convolution.out_channels, 3, 1, generator)
        first.bias = None
        stem.embedder.convolution, stem.pooler = first, nn.Identity()
    return ResNet(backbone, sizes["hidden_sizes"][-1], features, generator)


RESNET18, RESNET50 = (
    Encoder(
        name=f"resnet{depth}",
        summary=f"residual network with {depth} layers on an image or a spectrogram (extra models)",
        source="He, Zhang, Ren and Sun, Deep Residual Learning for Image Recognition, CVPR 2016",
        axes=("channels", "height", "width"),
        make=partial(resnet, depth=depth),
        Options=ResNetOptions,
    )
    for depth in SHAPES
)
