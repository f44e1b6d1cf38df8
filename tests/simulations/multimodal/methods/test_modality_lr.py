import pytest
import torch

from amss_min.testing.loading import BadInput
from tests.simulations.multimodal.methods.small_networks import CLASSES, batch, filled, made, network, plain


def test_it_is_sgd_with_a_group_for_each_modality_bit_for_bit() -> None:
    net, twin = network(), network()
    method = made("modality-lr", net, factors={"audio": 0.25, "video": 3.0})
    chosen = {"momentum": 0.9, "weight_decay": 1e-2}
    ours = torch.optim.SGD(method.parameter_groups(0.1), lr=0.1, **chosen)
    groups = [
        {"params": list(twin.encoders["audio"].parameters()), "lr": 0.1 * 0.25},
        {"params": list(twin.encoders["video"].parameters()), "lr": 0.1 * 3.0},
        {"params": list(twin.fusion.parameters())},
    ]
    theirs = torch.optim.SGD(groups, lr=0.1, **chosen)
    for number in range(3):
        inputs, target = batch(number=number)
        joint = plain(twin, CLASSES, inputs, target)
        _, found = filled(method, inputs, target)
        assert all(torch.equal(found[name], joint[name]) for name in joint)
        for name, value in twin.named_parameters():
            value.grad = joint[name]
        ours.step()
        theirs.step()
        for one, other in zip(net.parameters(), twin.parameters(), strict=True):
            assert torch.equal(one, other)


def test_every_parameter_is_in_one_group() -> None:
    net = network(modalities=3)
    groups = made("modality-lr", net, factors={"text": 2.0}).parameter_groups(0.5)
    assert [group["lr"] for group in groups] == [0.5, 0.5, 1.0, 0.5]
    held = [id(parameter) for group in groups for parameter in group["params"]]
    assert sorted(held) == sorted(id(parameter) for parameter in net.parameters())


def test_no_factor_and_an_unknown_modality_are_refused() -> None:
    with pytest.raises(BadInput, match="needs `factors`"):
        made("modality-lr", network(), factors={})
    with pytest.raises(BadInput, match="no modality 'adio'; did you mean 'audio'"):
        made("modality-lr", network(), factors={"adio": 2.0})
