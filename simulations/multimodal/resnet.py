"""ResNet-18 for any number of input channels, without its classification layer.

Source: He, Zhang, Ren and Sun, Deep Residual Learning for Image Recognition, CVPR 2016: the 18-layer column of table 1,
basic blocks (figure 5, left), projection shortcuts where the shape changes (option B), and the initialisation of
He et al., ICCV 2015. About 11.2 million parameters.
"""

from itertools import pairwise

from torch import Tensor, nn

WIDTHS = (64, 128, 256, 512)
BLOCKS_PER_STAGE = 2


def convolution(inputs: int, outputs: int, size: int, stride: int) -> nn.Sequential:
    """A convolution that keeps the extent (up to its stride), and the normalisation after it."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride=stride, padding=size // 2, bias=False), nn.BatchNorm2d(outputs)
    )


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions F and a shortcut S: relu(F(x) + S(x)), S the identity where the shape allows."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            convolution(inputs, outputs, 3, stride), nn.ReLU(inplace=True), convolution(outputs, outputs, 3, 1)
        )
        same = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if same else convolution(inputs, outputs, 1, stride)
        self.activation = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, inputs, H, W) to (B, outputs, H / stride, W / stride), extents rounded up."""
        out: Tensor = self.activation(self.residual(x) + self.shortcut(x))
        return out


class ResNet18(nn.Module):
    """The encoder: images (B, channels, H, W) to features (B, 512), averaged over the last extent.

    channels: at least 1. Raises ValueError otherwise.

    >>> import torch
    >>> ResNet18(channels=1)(torch.zeros(2, 1, 33, 47)).shape
    torch.Size([2, 512])
    """

    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        if channels < 1:
            raise ValueError(f"channels must be at least 1, found channels={channels}")
        self.stem = nn.Sequential(
            convolution(channels, WIDTHS[0], 7, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, stride=2, padding=1)
        )
        blocks: list[nn.Module] = []
        for inputs, outputs in pairwise((WIDTHS[0], *WIDTHS)):
            for position in range(BLOCKS_PER_STAGE):
                first = position == 0
                stride = 2 if first and inputs != outputs else 1
                blocks.append(BasicBlock(inputs if first else outputs, outputs, stride))
        self.stages = nn.Sequential(*blocks)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: Tensor) -> Tensor:
        """Features (B, 512) of images (B, channels, H, W)."""
        features: Tensor = self.stages(self.stem(images)).mean(dim=(-2, -1))
        return features
