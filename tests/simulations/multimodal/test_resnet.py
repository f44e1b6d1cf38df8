"""ResNet-18: the shape of the published network, counted independently of the module."""

import pytest
import torch
from torch import nn

from simulations.multimodal.resnet import BasicBlock, ResNet18


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_the_number_of_parameters_is_that_of_the_published_network(channels: int) -> None:
    # The published ResNet-18 has 11,689,512 parameters: 512 * 1000 + 1000 of them in the classification layer, and
    # 64 * 7 * 7 for each input channel.
    expected = 11_689_512 - 513_000 + (channels - 3) * 64 * 7 * 7
    assert sum(parameter.numel() for parameter in ResNet18(channels).parameters()) == expected


def test_it_has_eighteen_layers_less_the_last_and_three_projections() -> None:
    convolutions = [module for module in ResNet18().modules() if isinstance(module, nn.Conv2d)]
    assert len(convolutions) == 17 + 3
    assert sum(module.kernel_size == (1, 1) for module in convolutions) == 3


@pytest.mark.parametrize("extent", [(64, 64), (33, 47)])
def test_features_are_512_and_the_stride_is_32(extent: tuple[int, int]) -> None:
    net = ResNet18(channels=2).eval()
    images = torch.zeros(1, 2, *extent)
    maps = net.stages(net.stem(images))
    assert maps.shape == (1, 512, -(-extent[0] // 32), -(-extent[1] // 32))
    assert net(images).shape == (1, 512)


def test_a_block_whose_residual_is_zero_is_the_rectified_identity() -> None:
    block = BasicBlock(4, 4, stride=1).eval()
    nn.init.zeros_(block.residual[2][1].weight)
    x = torch.randn(2, 4, 5, 5, generator=torch.Generator().manual_seed(0))
    assert torch.equal(block(x.clone()), x.relu())


def test_no_channels_are_refused() -> None:
    with pytest.raises(ValueError, match="channels must be at least 1, found channels=0"):
        ResNet18(channels=0)
