import math

import pytest
import torch
from torch import nn

from simulations.multimodal.layers import convolution, linear, transformer_block


def test_convolutions_keep_the_extent_up_to_their_stride() -> None:
    generator = torch.Generator().manual_seed(0)
    for extent in range(1, 9):
        for size in (1, 3, 5):
            for stride in (1, 2, 3):
                signal = convolution(1, 2, 4, size, stride, generator)(torch.zeros(1, 2, extent))
                image = convolution(2, 2, 4, size, stride, generator)(torch.zeros(1, 2, extent, extent + 1))
                rounded = math.ceil(extent / stride)
                assert signal.shape == (1, 4, rounded)
                assert image.shape == (1, 4, rounded, math.ceil((extent + 1) / stride))


@pytest.mark.parametrize(("dimensions", "fan_in"), [(1, 15), (2, 75)])
def test_convolutions_are_normal_with_variance_two_over_fan_in(dimensions: int, fan_in: int) -> None:
    layer = convolution(dimensions, 3, 4, 5, 1, torch.Generator().manual_seed(1))
    drawn = torch.empty_like(layer.weight).normal_(0, 1, generator=torch.Generator().manual_seed(1))
    # Both are the same draws, scaled once in float32.
    expected = drawn.double() * math.sqrt(2 / fan_in)
    assert bool(((layer.weight.double() - expected).abs() <= 2.0**-22 * expected.abs()).all())
    assert not bool(layer.bias.any())


def test_a_linear_layer_without_bias_draws_the_same_weights() -> None:
    first = linear(5, 4, torch.Generator().manual_seed(2))
    second = linear(5, 4, torch.Generator().manual_seed(2), bias=False)
    assert second.bias is None and torch.equal(first.weight, second.weight)


def test_a_transformer_block_has_every_weight_set() -> None:
    layer = transformer_block(8, 2, 6, torch.Generator().manual_seed(3))
    for name, parameter in layer.named_parameters():
        if parameter.ndim == 2:
            bound = math.sqrt(6 / sum(parameter.shape))
            assert 0 < float(parameter.detach().abs().max()) <= bound, name
        elif name in ("norm1.weight", "norm2.weight"):
            assert torch.equal(parameter.detach(), torch.ones(8))
        else:
            assert not bool(parameter.any()), name


def test_layers_leave_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    generator = torch.Generator().manual_seed(4)
    layers: list[nn.Module] = [
        linear(3, 2, generator),
        convolution(1, 3, 2, 3, 1, generator),
        convolution(2, 3, 2, 3, 1, generator),
        transformer_block(4, 2, 4, generator),
    ]
    assert torch.equal(torch.get_rng_state(), before)
    assert all(parameter.device.type == "cpu" for layer in layers for parameter in layer.parameters())
