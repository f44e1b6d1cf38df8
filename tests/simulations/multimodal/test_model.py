import copy

import pytest
import torch
from torch import Tensor, nn

from amss_min import AMSSPlus
from simulations.multimodal.encoders.mlp import mlp
from simulations.multimodal.fusions import FUSIONS
from simulations.multimodal.model import MEMORY, FusionNet

INPUTS = {"audio": 5, "video": 3, "touch": 2}
FEATURES, OUTPUTS, ROWS = 4, 3, 50

every = pytest.mark.parametrize("fusion", FUSIONS)


def network(fusion: str = "concatenation", number: int = 0) -> FusionNet:
    generator = torch.Generator().manual_seed(number)
    encoders = {name: mlp((size,), FEATURES, generator=generator, hidden=(8, 6)) for name, size in INPUTS.items()}
    return FusionNet(encoders, FUSIONS[fusion].build(dict.fromkeys(INPUTS, FEATURES), OUTPUTS, generator=generator))


def batch(number: int = 1) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(number)
    return {name: torch.randn(ROWS, size, generator=generator) for name, size in INPUTS.items()}


@every
def test_output_has_logits_and_bounded_features_by_name(fusion: str) -> None:
    net = network(fusion)
    output = net({name: 1e6 * x for name, x in batch().items()})
    assert output.logits.shape == (ROWS, OUTPUTS) and net.modalities == tuple(INPUTS) == tuple(output.features)
    assert all(z.shape == (ROWS, FEATURES) and float(z.detach().abs().max()) <= 1 for z in output.features.values())


@every
def test_initial_weights_come_from_the_generator_alone(fusion: str) -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, second, third = network(fusion), network(fusion), network(fusion, 1)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    pairs = list(zip(first.parameters(), third.parameters(), strict=True))
    assert not any(torch.equal(a, b) for a, b in pairs if a.ndim > 1)


def test_initial_weights_lie_within_one_over_the_root_of_fan_in() -> None:
    for module in network().modules():
        if isinstance(module, nn.Linear):
            bound = module.in_features**-0.5
            for parameter in module.parameters():
                assert 0 < float(parameter.detach().abs().max()) <= bound


def test_running_means_begin_with_the_first_batch_and_then_move_by_a_tenth() -> None:
    net = network()
    assert all(not bool(mean.any()) for mean in net.means().values())
    first = {name: z.detach().mean(0) for name, z in net(batch(1)).features.items()}
    assert all(torch.equal(mean, first[name]) for name, mean in net.means().items())
    second = {name: z.detach().mean(0) for name, z in net(batch(2)).features.items()}
    for name, mean in net.means().items():
        memory = torch.tensor(MEMORY)
        assert torch.equal(mean, memory * first[name] + (1 - memory) * second[name])
        assert not mean.requires_grad


def test_running_means_rest_outside_training() -> None:
    net = network()
    net(batch(1))
    before = {name: mean.clone() for name, mean in net.means().items()}
    net.eval()(batch(2))
    assert all(torch.equal(mean, before[name]) for name, mean in net.means().items())


def test_running_means_have_the_precision_of_the_network() -> None:
    net = network().double()
    features = net({name: x.double() for name, x in batch().items()}).features
    assert all(torch.equal(mean, features[name].detach().mean(0)) for name, mean in net.means().items())


def test_running_means_stay_float32_under_autocast() -> None:
    net = network()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        features = net(batch()).features
    for name, mean in net.means().items():
        assert features[name].dtype == torch.bfloat16 and mean.dtype == torch.float32
        assert torch.equal(mean, features[name].detach().float().mean(0))


@every
def test_subsets_put_the_other_modalities_at_their_means(fusion: str) -> None:
    net = network(fusion)
    output = net(batch())
    net.eval()
    assert torch.equal(net.subset(output.features, INPUTS), output.logits)
    mixed = {name: z if name != "video" else net.means()[name].repeat(ROWS, 1) for name, z in output.features.items()}
    assert torch.equal(net.subset(output.features, ["touch", "audio"]), net.fusion(mixed))
    nothing = net.subset(output.features, [])
    assert nothing.shape == (ROWS, OUTPUTS) and torch.equal(nothing, nothing[:1].expand_as(nothing))
    if fusion not in ("concatenation", "sum"):
        alone = net.unimodal(output.features)
        assert all(torch.equal(net.subset(output.features, [name]), alone[name]) for name in INPUTS)


@every
def test_copies_and_loaded_states_carry_weights_and_means(fusion: str) -> None:
    net, other = network(fusion), network(fusion, 1)
    net(batch(1))
    other.load_state_dict(net.state_dict())
    twin = copy.deepcopy(net)
    for copied in (other, twin):
        assert all(torch.equal(mean, net.means()[name]) for name, mean in copied.means().items())
        copied(batch(2))
    net(batch(2))
    # The number of batches came along: the second one moves the mean by a tenth in all three.
    assert all(torch.equal(mean, net.means()[name]) for name, mean in other.means().items())
    assert all(torch.equal(mean, net.means()[name]) for name, mean in twin.means().items())


class Heads(nn.Module):
    """An encoder that names its own units."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, FEATURES)

    def forward(self, x: Tensor) -> Tensor:
        z: Tensor = self.layer(x)
        return z

    def own_parts(self) -> list[nn.Parameter]:
        return [self.layer.bias]


def test_parts_are_those_of_encoder_and_fusion() -> None:
    generator = torch.Generator().manual_seed(0)
    encoders = {"a": mlp((2,), FEATURES, generator=generator), "b": Heads()}
    fusion = FUSIONS["concatenation"].build(dict.fromkeys(encoders, FEATURES), OUTPUTS, generator=generator)
    net = FusionNet(encoders, fusion)
    parts = net.parts()
    assert list(parts) == ["a", "b"]
    assert parts["a"][0] is net.encoders["a"] and len(parts["a"]) == 2
    assert parts["b"][0] is encoders["b"] and parts["b"][1] is encoders["b"].layer.bias and len(parts["b"]) == 3


@every
def test_amss_plus_takes_the_parts_and_steps(fusion: str) -> None:
    net = network(fusion)
    amss = AMSSPlus(net.parts(), keep=0.5, generator=torch.Generator().manual_seed(1))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    amss.attach(optimizer)
    before = [parameter.detach().clone() for parameter in net.parameters()]
    net(batch()).logits.square().sum().backward()
    optimizer.step()
    assert all(bool(parameter.isfinite().all()) for parameter in net.parameters())
    moved = [not torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True)]
    assert any(moved) and amss.report is not None


def test_encoders_and_fusion_name_the_same_modalities() -> None:
    net = network()
    with pytest.raises(ValueError, match="encoders and fusion name the same modalities"):
        FusionNet({"audio": net.encoders["audio"]}, net.fusion)


@pytest.mark.parametrize("name", ["a.b", "keys", ""])
def test_a_name_that_torch_refuses_is_named(name: str) -> None:
    generator = torch.Generator()
    fusion = FUSIONS["sum"].build({name: FEATURES}, OUTPUTS, generator=generator)
    with pytest.raises(ValueError, match="modalities are named so that torch can name modules so"):
        FusionNet({name: mlp((2,), FEATURES, generator=generator)}, fusion)
