import torch

from amss_min import unimodal_logits
from simulations.multimodal.model import FusionNet

INPUTS = {"audio": 5, "video": 3, "touch": 2}


def network(number: int = 0) -> FusionNet:
    generator = torch.Generator().manual_seed(number)
    return FusionNet(INPUTS, hidden=(8, 6), features=4, classes=3, generator=generator)


def test_uni_modal_logits_sum_to_the_joint_logits() -> None:
    net = network()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        output = net({name: torch.randn(50, size, generator=generator) for name, size in INPUTS.items()})
        parts = unimodal_logits(net.head, output.features)
        total = sum(logits.double() for logits in parts.values())
        # Both sides are sums of the same n = 13 products and bias parts in float32, in some order: each side is off
        # by at most gamma = (n + 1) u / (1 - (n + 1) u) times the sum of their absolute values.
        z = torch.cat(list(output.features.values()), dim=1)
        size = z.abs().double() @ net.head.weight.abs().double().T + net.head.bias.abs().double()
        n, unit = z.shape[1] + 1, 2.0**-24
        gamma = (n + 1) * unit / (1 - (n + 1) * unit)
        assert bool(((total - output.logits.double()).abs() <= 2 * gamma * size).all())
        assert list(parts) == list(INPUTS)


def test_initial_weights_come_from_the_generator_alone() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, second, third = network(), network(), network(1)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(first.parameters(), third.parameters(), strict=True))


def test_initial_weights_lie_within_one_over_the_root_of_fan_in() -> None:
    for module in network().modules():
        if isinstance(module, torch.nn.Linear):
            bound = module.in_features**-0.5
            for parameter in module.parameters():
                assert 0 < float(parameter.detach().abs().max()) <= bound


def test_features_are_bounded_and_named_in_order() -> None:
    output = network()({name: 1e6 * torch.ones(2, size) for name, size in INPUTS.items()})
    assert list(output.features) == list(INPUTS)
    assert all(z.shape == (2, 4) and float(z.detach().abs().max()) <= 1 for z in output.features.values())
