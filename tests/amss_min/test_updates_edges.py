"""Masks after the optimizer at the edges: kinds of units, half precision, skipped steps, NaN, misuse."""

import copy

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from amss_min import (
    AMSS,
    AMSSPlus,
    HorvitzThompson,
    Schedule,
    SimpleRandom,
    Systematic,
    columns,
    heads,
    weights,
)
from amss_min.updates import Copies
from tests.amss_min.nets import Net, rate_amss, train
from tests.amss_min.stepping import OPTIMIZERS, generator, plain_step, same, started, tensors


@pytest.mark.parametrize("masks", ["update", "freeze"])
def test_units_of_every_kind_are_masked_in_place(masks: str) -> None:
    torch.manual_seed(0)
    head, query, single, conv = nn.Linear(7, 3), nn.Linear(4, 8), nn.Linear(4, 6), nn.Conv2d(2, 6, 3)
    conv.weight.data = conv.weight.data.contiguous(memory_format=torch.channels_last)
    module = nn.ModuleList([head, query, single, conv])
    parts = {
        "a": [columns(head.weight, 0, 4), heads(query.weight, 4), conv],
        "b": [columns(head.weight, 4, 6), weights(single.weight)],
    }
    for p in module.parameters():
        p.grad = torch.randn_like(p)
    parameters = list(module.parameters())
    before = [p.detach().clone() for p in parameters]
    optimizer = OPTIMIZERS["AdamW"](parameters)
    after, _ = plain_step("AdamW", parameters, optimizer.state_dict())
    AMSS(parts, keep=0.5, masks=masks, generator=generator()).attach(optimizer)
    optimizer.step()
    moved = [p != old for p, old in zip(parameters, before, strict=True)]
    for p, old, new, m in zip(parameters, before, after, moved, strict=True):
        assert same(p, torch.where(m, new, old))
    head_moved, query_moved, single_moved, conv_moved = (moved[place] for place in (0, 2, 4, 6))
    assert head_moved[:, :4].sum(1).tolist() == [2] * 3 and head_moved[:, 4:6].sum(1).tolist() == [1] * 3
    assert head_moved[:, 6].all()  # no unit covers it
    assert sorted(query_moved.reshape(4, 8).sum(1).tolist()) == [0, 0, 8, 8]
    assert single_moved.sum(1).tolist() == [2] * 6
    assert sorted(conv_moved.flatten(1).sum(1).tolist()) == [0, 0, 0, 18, 18, 18]
    assert all(moved[place].all() for place in (1, 3, 5, 7))  # biases


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_masked_in_float32_and_rounded_once(dtype: torch.dtype) -> None:
    p = nn.Parameter(torch.randn(8, 4, generator=generator(1)).to(dtype))
    p.grad = torch.randn(8, 4, generator=generator(2)).to(dtype)
    optimizer = torch.optim.SGD([p], lr=0.5)
    before = p.detach().float()
    after = (p.detach() - 0.5 * p.grad).float()
    amss = AMSSPlus({"a": p}, keep=0.3, design=SimpleRandom(), masks="update", generator=generator())
    amss.attach(optimizer)
    optimizer.step()
    moved = (p.float() != before).any(1)
    assert int(moved.sum()) == 3
    assert torch.equal(p[moved].detach(), torch.lerp(before, after, 8 / 3)[moved].to(dtype))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_weights_freeze_bit_for_bit(dtype: torch.dtype) -> None:
    p = nn.Parameter(torch.randn(8, 4, generator=generator(1)).to(dtype))
    p.grad = torch.randn(8, 4, generator=generator(2)).to(dtype)
    optimizer = torch.optim.SGD([p], lr=0.5)
    before, after = p.detach().clone(), p.detach() - 0.5 * p.grad
    AMSS({"a": p}, keep=0.5, masks="freeze", generator=generator()).attach(optimizer)
    optimizer.step()
    moved = (p != before).any(1)
    assert int(moved.sum()) == 4
    assert same(p, torch.where(moved.unsqueeze(1), after, before))


def test_a_gradient_that_is_not_finite_freezes_nothing_and_is_reported() -> None:
    broken, sound = (nn.Parameter(torch.ones(6, 2)) for _ in range(2))
    for p in (broken, sound):
        p.grad = torch.ones(6, 2)
    broken.grad[1, 0] = float("nan")
    optimizer = torch.optim.SGD([broken, sound], lr=0.5)
    amss = AMSS({"a": [broken, sound]}, keep=0.5, masks="freeze")
    amss.attach(optimizer)
    optimizer.step()
    assert int((broken != 1).any(1).sum()) == 6 and int((sound != 1).any(1).sum()) == 3
    assert amss.report.nonfinite == ["a: rows[0] of shape (6, 2)"]


@pytest.mark.parametrize("masks", ["update", "freeze"])
@pytest.mark.parametrize("name", ["SGD", "SGD fused", "AdamW", "AdamW fused"])
def test_a_step_that_a_scaler_leaves_out_changes_no_bit(name: str, masks: str) -> None:
    p = nn.Parameter(torch.randn(8, 3, generator=generator(1)))
    with torch.no_grad():
        p[0] = -0.0
    optimizer = OPTIMIZERS[name]([p])
    amss = AMSS({"a": p}, keep=0.5, masks=masks, generator=generator())
    amss.attach(optimizer)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**4)
    # Fused SGD leaves its momentum uninitialised where the first step of all is left out.
    p.grad = torch.zeros(8, 3)
    optimizer.step()
    before = p.detach().clone()
    p.grad = None
    scaler.scale(p.square().sum()).backward()
    p.grad[2, 1] = float("inf")
    scaler.step(optimizer)
    scaler.update()
    assert same(p, before)
    p.grad = None
    scaler.scale((p - 1).square().sum()).backward()
    scaler.step(optimizer)
    assert int((p != before).any(1).sum()) == 4


def test_an_update_that_is_not_finite_is_left_as_it_is_and_reported() -> None:
    broken, sound = (nn.Parameter(torch.ones(6, 2)) for _ in range(2))
    for p in (broken, sound):
        p.grad = torch.ones(6, 2)
    broken.grad[1, 0], broken.grad[2, 0] = float("nan"), float("inf")
    optimizer = torch.optim.SGD([broken, sound], lr=0.5)
    after = broken.detach() - 0.5 * broken.grad
    amss = AMSS({"a": [broken, sound]}, keep=0.5, masks="update")
    amss.attach(optimizer)
    optimizer.step()
    finite = after.isfinite()
    assert torch.equal(broken.isfinite(), finite) and same(broken[finite], after[finite])
    assert int((sound != 1).any(1).sum()) == 3
    assert amss.report.nonfinite == ["a: rows[0] of shape (6, 2)"]


@pytest.mark.parametrize("masks", ["update", "freeze"])
def test_a_forgotten_observation_is_refused_before_the_update(masks: str) -> None:
    net = Net()
    amss = AMSS(net.modalities(), keep=rate_amss(net).keep, masks=masks)
    optimizer = train(net, lambda net: OPTIMIZERS["SGD"](net.parameters()), range(2), amss)
    before = copy.deepcopy(net.state_dict())
    with pytest.raises(RuntimeError, match="call observe"):
        optimizer.step()
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())


def test_gradient_is_the_default_and_takes_one_hook() -> None:
    for masks, hooks in (({}, (1, 0)), ({"masks": "gradient"}, (1, 0)), ({"masks": "update"}, (1, 1))):
        p, optimizer = started("SGD")
        amss = AMSSPlus({"a": p}, keep=0.5, **masks)
        amss.attach(optimizer)
        assert (len(optimizer._optimizer_step_pre_hooks), len(optimizer._optimizer_step_post_hooks)) == hooks
        amss.detach(optimizer)
        assert not optimizer._optimizer_step_pre_hooks and not optimizer._optimizer_step_post_hooks


class Refusing(TorchDispatchMode):
    """Raises at operations that wait for the device, or whose shapes depend on data."""

    WAITING = ("_local_scalar_dense", "nonzero", "is_nonzero", "masked_select", "equal")

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        name = func.name().split("::")[-1].split(".")[0]
        assert name not in self.WAITING, f"{name} waits for the device"
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("kind", [AMSS, AMSSPlus])
def test_copying_measuring_and_masking_never_wait_for_the_device(kind: type[AMSS]) -> None:
    p, optimizer = started("SGD")
    amss = kind({"a": p}, keep=0.5, masks="update")
    amss.attach(optimizer)
    with Refusing(), pytest.raises(AssertionError, match="waits for the device"):
        p.sum().item()
    with Refusing():
        optimizer.step()


def test_the_copies_are_the_size_of_the_masked_parameters() -> None:
    net = Net()
    blocks = AMSS(net.modalities(), keep=0.5).blocks
    held = {id(block.units.parameter): block.units.parameter.numel() for block in blocks}
    copies = tensors(Copies(blocks)._before)
    assert sum(copy.numel() for copy in copies) == sum(held.values())  # the shared head once


def test_what_contradicts_itself_is_refused() -> None:
    p = nn.Parameter(torch.ones(4, 2))
    with pytest.raises(ValueError, match="masks must be one of 'gradient', 'update', 'freeze', found masks='weights'"):
        AMSS({"a": p}, keep=0.5, masks="weights")
    with pytest.raises(ValueError, match="AMSSPlus must be unbiased, found masks='freeze'"):
        AMSSPlus({"a": p}, keep=0.5, masks="freeze")
    with pytest.raises(ValueError, match=r"plain update or not at all, found HorvitzThompson\(\)"):
        AMSS({"a": p}, keep=0.5, design=Systematic(), weighting=HorvitzThompson(), masks="freeze")
    with pytest.raises(ValueError, match="the released code masks the gradient, found released with masks='update'"):
        AMSS({"a": p}, keep=0.5, released=True, masks="update")
    with pytest.raises(RuntimeError, match=r"mask_gradients\(\) masks the gradient, found masks='update'"):
        AMSSPlus({"a": p}, keep=0.5, masks="update").mask_gradients()
    with pytest.raises(TypeError, match="schedule must be a Schedule, found 3"):
        AMSS({"a": p}, keep=0.5, schedule=3)
    with pytest.raises(ValueError, match="AMSSPlus must be unbiased, found every=2"):
        AMSSPlus({"a": p}, keep=0.5, schedule=Schedule(every=2))
    assert AMSSPlus({"a": p}, keep=0.5, schedule=Schedule(start=2, end=9)).schedule.end == 9
