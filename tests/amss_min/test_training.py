"""The masked step inside training loops: hooks, scalers, accumulation, resume."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import nn

from amss_min import AMSS, AMSSPlus
from tests.amss_min.nets import Net, batch, observe, rate_amss, train, with_gradients

OPTIMIZERS: dict[str, Callable[[nn.Module], torch.optim.Optimizer]] = {
    "SGD": lambda net: torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9),
    "AdamW": lambda net: torch.optim.AdamW(net.parameters(), lr=0.01),
    "Adam foreach": lambda net: torch.optim.Adam(net.parameters(), lr=0.01, foreach=True),
    "SGD fused": lambda net: torch.optim.SGD(net.parameters(), lr=0.1, fused=True),
}


def fresh(plus: bool = True) -> tuple[Net, AMSS]:
    torch.manual_seed(0)
    net = Net()
    return net, rate_amss(net, plus)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("plus", [False, True])
def test_attached_steps_equal_masking_by_hand(name: str, plus: bool) -> None:
    net, amss = fresh(plus)
    train(net, OPTIMIZERS[name], range(3), amss)
    other, by_hand = fresh(plus)
    optimizer = OPTIMIZERS[name](other)
    for step in range(3):
        x, y = batch(step)
        optimizer.zero_grad()
        observe(by_hand, other, x, y)
        nn.functional.cross_entropy(other(x), y).backward()
        by_hand.mask_gradients()
        optimizer.step()
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), other.parameters(), strict=True))


def test_a_resumed_run_equals_the_uninterrupted_one_bit_for_bit() -> None:
    net, amss = fresh()
    optimizer = train(net, OPTIMIZERS["SGD"], range(6), amss)

    first, amss_first = fresh()
    optimizer_first = train(first, OPTIMIZERS["SGD"], range(3), amss_first)
    x, y = batch(3)
    observe(amss_first, first, x, y)  # saved between observe and step: the observation travels too
    saved = copy.deepcopy((first.state_dict(), optimizer_first.state_dict(), amss_first.state_dict()))

    torch.manual_seed(99)
    second = Net()
    amss_second = rate_amss(second, seed=77)
    optimizer_second = OPTIMIZERS["SGD"](second)
    second.load_state_dict(saved[0])
    optimizer_second.load_state_dict(saved[1])
    amss_second.load_state_dict(saved[2])
    amss_second.attach(optimizer_second)
    optimizer_second.zero_grad()
    nn.functional.cross_entropy(second(x), y).backward()
    optimizer_second.step()
    train(second, OPTIMIZERS["SGD"], range(4, 6), amss_second, optimizer_second)
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), second.parameters(), strict=True))
    assert optimizer.state_dict()["state"].keys() == optimizer_second.state_dict()["state"].keys()


def test_the_state_survives_a_weights_only_checkpoint(tmp_path: object) -> None:
    net, amss = fresh()
    observe(amss, net, *batch())
    path = f"{tmp_path}/state.pt"
    torch.save(amss.state_dict(), path)
    _, other = fresh()
    other.load_state_dict(torch.load(path, weights_only=True))
    assert torch.equal(other.keep_fractions(), amss.keep_fractions())
    assert torch.equal(other.generator.get_state(), amss.generator.get_state())
    single = AMSS({"only": net.audio}, keep=0.5)
    with pytest.raises(ValueError, match="the state must be of modalities"):
        single.load_state_dict(amss.state_dict())
    with pytest.raises(ValueError, match=r"found no \['generator', 'observed', 'used_by'\] in it"):
        single.load_state_dict({"modalities": ["only"]})


@pytest.mark.parametrize("fused", [False, True])  # a fused step gets gradients that are still scaled
def test_a_scaler_sees_overflow_and_skips_the_step(fused: bool) -> None:
    net, amss = fresh()
    net = net.float()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, fused=fused)
    amss.attach(optimizer)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**4)
    x, y = batch(dtype=torch.float32)
    before = copy.deepcopy(net.state_dict())
    observe(amss, net, x, y)
    scaler.scale(nn.functional.cross_entropy(net(x), y)).backward()
    assert net.audio[0].weight.grad is not None
    net.audio[0].weight.grad[0, 0] = float("inf")
    scaler.step(optimizer)
    scaler.update()
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert scaler.get_scale() == 2.0**3

    optimizer.zero_grad()
    observe(amss, net, x, y)
    scaler.scale(nn.functional.cross_entropy(net(x), y)).backward()
    scaler.step(optimizer)
    assert amss.report is not None and amss.report.nonfinite == []
    assert not torch.equal(net.audio[0].weight, before["audio.0.weight"])


@pytest.mark.parametrize("call", [lambda o: o.step(lambda: 0.0), lambda o: o.step(closure=lambda: 0.0)])
@pytest.mark.parametrize("name", ["SGD", "LBFGS"])
def test_a_closure_is_refused_whatever_the_optimizer(name: str, call: object) -> None:
    net = with_gradients()
    optimizer = getattr(torch.optim, name)(net.parameters(), lr=0.1)
    AMSSPlus(net.modalities(), keep=0.5).attach(optimizer)
    with pytest.raises(RuntimeError, match=r"step\(closure\) cannot be masked"):
        call(optimizer)  # type: ignore[operator]


def test_masking_twice_is_refused() -> None:
    net = with_gradients()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    amss = AMSSPlus(net.modalities(), keep=0.5)
    amss.attach(optimizer)
    with pytest.raises(ValueError, match="attached once"):
        amss.attach(optimizer)
    with pytest.raises(RuntimeError, match="by hand would mask twice"):
        amss.mask_gradients()
    amss.detach(optimizer)
    amss.mask_gradients()
    with pytest.raises(ValueError, match="detach takes an attached optimizer"):
        amss.detach(optimizer)


def test_an_optimizer_of_another_model_is_refused() -> None:
    amss = AMSSPlus(with_gradients().modalities(), keep=0.5)
    with pytest.raises(ValueError, match="must hold a masked parameter, found none"):
        amss.attach(torch.optim.SGD(nn.Linear(2, 2).parameters(), lr=0.1))


def test_two_optimizers_share_one_observation_and_mask_their_own() -> None:
    net, amss = fresh()
    audio = torch.optim.SGD(net.audio.parameters(), lr=0.1)
    rest = torch.optim.SGD([*net.video.parameters(), *net.head.parameters()], lr=0.1)
    amss.attach(audio)
    amss.attach(rest)
    for step in range(2):
        x, y = batch(step)
        observe(amss, net, x, y)
        net.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        audio.step()
        assert amss.report is not None
        assert {entry.modality for entry in amss.report.tensors} == {"audio"}
        rest.step()
    with pytest.raises(RuntimeError, match="call observe"):
        audio.step()


def test_parameters_added_after_attaching_are_masked_too() -> None:
    first, second = nn.Linear(2, 8), nn.Linear(2, 8)
    optimizer = torch.optim.SGD(first.parameters(), lr=0.1)
    amss = AMSSPlus({"a": first, "b": second}, keep=0.25)
    amss.attach(optimizer)
    optimizer.add_param_group({"params": second.parameters()})
    for layer in (first, second):
        layer.weight.grad = torch.ones(8, 2)
    optimizer.step()
    for layer in (first, second):
        assert layer.weight.grad is not None
        assert int((layer.weight.grad != 0).all(1).sum()) == 2


def test_the_global_generator_is_left_alone() -> None:
    net, amss = fresh()
    state = torch.get_rng_state()
    train(net, OPTIMIZERS["SGD"], range(1), amss)
    assert torch.equal(state, torch.get_rng_state())


def test_the_default_generator_follows_the_manual_seed() -> None:
    drawn = []
    for _ in range(2):
        torch.manual_seed(11)
        net = with_gradients()
        AMSSPlus(net.modalities(), keep=0.5).mask_gradients()
        drawn.append(net.audio[0].weight.grad)
    assert torch.equal(*drawn)
