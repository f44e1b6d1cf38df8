"""Ordinary loops do with a masked step what they do without: precision, accumulation, groups, wrappers, checkpoints."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import nn

from amss_min import AMSS, AMSSPlus
from amss_min.loops import unwrapped
from tests.amss_min.nets import Net, batch, observe, rate_amss

Make = Callable[[nn.Module], torch.optim.Optimizer]


def run(
    make: Make,
    *,
    plus: bool = True,
    scale: float | None = None,
    parts: int = 1,
    clip: float | None = None,
    forward: Callable[[Net, dict[str, torch.Tensor]], torch.Tensor] = lambda net, x: net(x),
    cast: torch.dtype | None = None,
) -> tuple[list[torch.Tensor], list[list[torch.Tensor]]]:
    """Four masked steps in float32: the parameters after them, and which rows each step kept."""
    torch.manual_seed(0)
    net = Net(torch.float32)
    amss = rate_amss(net, plus)
    optimizer = make(net)
    amss.attach(optimizer)
    scaler = torch.amp.GradScaler("cpu", init_scale=scale or 1.0, enabled=scale is not None)
    kept = []
    for step in range(4):
        x, y = batch(step, dtype=torch.float32)
        optimizer.zero_grad()
        for part in range(parts):
            rows = slice(part * len(y) // parts, (part + 1) * len(y) // parts)
            some = {name: value[rows] for name, value in x.items()}
            with torch.autocast("cpu", dtype=cast, enabled=cast is not None):
                observe(amss, net, some, y[rows])
                loss = nn.functional.cross_entropy(forward(net, some), y[rows]) / parts
            scaler.scale(loss).backward()
        if clip is not None:
            scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(net.parameters(), clip)
        scaler.step(optimizer)
        scaler.update()
        assert amss.report is not None
        assert amss.report.nonfinite == []
        kept.append([p.grad.ne(0) for p in net.parameters() if p.ndim == 2])
    return [p.detach() for p in net.parameters()], kept


def same(one: list[torch.Tensor], other: list[torch.Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def sgd(net: nn.Module, **options: object) -> torch.optim.Optimizer:
    return torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, **options)


def adam(net: nn.Module, **options: object) -> torch.optim.Optimizer:
    return torch.optim.Adam(net.parameters(), lr=0.01, **options)


@pytest.mark.parametrize("make", [sgd, adam])
def test_foreach_is_the_loop_over_parameters(make: Callable[..., torch.optim.Optimizer]) -> None:
    each, all_at_once = (run(partial(make, foreach=foreach)) for foreach in (False, True))
    assert same(each[0], all_at_once[0])


@pytest.mark.parametrize("make", [sgd, adam])
@pytest.mark.parametrize("cast", [None, torch.float16, torch.bfloat16])
def test_masks_of_scaled_gradients_are_those_of_unscaled_ones(
    make: Callable[..., torch.optim.Optimizer], cast: torch.dtype | None
) -> None:
    # Unfused, the scaler divides first; fused, the hook sees gradients times 2^10. A power of two changes no size.
    fused, unfused = (run(partial(make, fused=fused), scale=2.0**10, cast=cast) for fused in (True, False))
    assert all(same(a, b) for a, b in zip(fused[1][:1], unfused[1][:1], strict=True))
    for a, b in zip(fused[0], unfused[0], strict=True):
        # Four steps of two kernels that round differently; a mask drawn otherwise differs by more than a tenth.
        torch.testing.assert_close(a, b, rtol=2.0**-12, atol=2.0**-12)


def test_a_scale_changes_nothing() -> None:
    assert same(run(sgd)[0], run(sgd, scale=2.0**12)[0])


def test_accumulated_micro_batches_are_the_large_batch() -> None:
    whole, parts = run(sgd), run(sgd, parts=4)
    assert all(same(a, b) for a, b in zip(whole[1], parts[1], strict=True))
    for a, b in zip(whole[0], parts[0], strict=True):
        torch.testing.assert_close(a, b)  # float32 sums in another order


def test_checkpointed_activations_change_nothing() -> None:
    def forward(net: Net, x: dict[str, torch.Tensor]) -> torch.Tensor:
        logits: torch.Tensor = torch.utils.checkpoint.checkpoint(net, x, use_reentrant=False)
        return logits

    assert same(run(sgd)[0], run(sgd, forward=forward)[0])


def test_the_mask_comes_after_clipping() -> None:
    torch.manual_seed(0)
    net = Net()
    x, y = batch()
    amss = AMSSPlus(net.modalities(), keep=0.5, generator=torch.Generator().manual_seed(0))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    amss.attach(optimizer)
    nn.functional.cross_entropy(net(x), y).backward()
    nn.utils.clip_grad_norm_(net.parameters(), 1e-3)
    clipped = {p: p.grad.clone() for p in net.parameters()}
    optimizer.step()
    assert amss.report is not None
    weights = net.audio[0].weight.grad / clipped[net.audio[0].weight]
    assert float(weights.max()) > 1  # weighted up again: the norm may exceed the threshold, as it must
    assert torch.equal(net.audio[0].bias.grad, clipped[net.audio[0].bias])


def test_parameter_groups_are_masked_as_one() -> None:
    def groups(net: nn.Module) -> torch.optim.Optimizer:
        matrices = [p for p in net.parameters() if p.ndim == 2]
        rest = [p for p in net.parameters() if p.ndim < 2]
        return torch.optim.SGD(
            [{"params": rest}, {"params": matrices[2:]}, {"params": matrices[:2]}], lr=0.1, momentum=0.9
        )

    assert same(run(sgd)[0], run(groups)[0])


OPTIMIZERS = sorted(
    name
    for name, kind in vars(torch.optim).items()
    if isinstance(kind, type) and issubclass(kind, torch.optim.Optimizer) and kind is not torch.optim.Optimizer
)


@pytest.mark.parametrize("masks", ["gradient", "update"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_refuses_a_closure_and_says_why(name: str, masks: str) -> None:
    net = Net()
    matrices = [p for p in net.parameters() if p.ndim == 2]  # Muon takes nothing else
    optimizer: Any = getattr(torch.optim, name)(matrices)
    AMSSPlus(net.modalities(), keep=0.5, masks=masks).attach(optimizer)
    before = [p.detach().clone() for p in net.parameters()]
    for closure in ({"args": (lambda: 0.0,)}, {"closure": lambda: 0.0}):
        positional: Any = closure.pop("args", ())
        with pytest.raises(RuntimeError, match=r"step\(closure\) cannot be masked.*backward"):
            optimizer.step(*positional, **closure)
    assert same(before, list(net.parameters()))


def test_all_optimizers_of_torch_are_tried() -> None:
    assert {"SGD", "Adam", "AdamW", "LBFGS"} < set(OPTIMIZERS)


@pytest.mark.parametrize("fused", [False, True])
def test_a_real_overflow_is_skipped_and_training_goes_on(fused: bool) -> None:
    torch.manual_seed(0)
    net = Net(torch.float32)
    amss = AMSSPlus(net.modalities(), keep=0.5, generator=torch.Generator().manual_seed(0))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, fused=fused)
    amss.attach(optimizer)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**24)  # float16 ends at 2^16
    moved, overflows = [], []
    for step in range(14):
        before = [p.detach().clone() for p in net.parameters()]
        x, y = batch(step, dtype=torch.float32)
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.float16):
            loss = nn.functional.cross_entropy(net(x), y)
        scaler.scale(loss).backward()
        overflows.append(not all(p.grad.isfinite().all() for p in net.parameters()))
        scaler.step(optimizer)
        scaler.update()
        moved.append(not same(before, list(net.parameters())))
        assert all(p.isfinite().all() for p in net.parameters())
        if fused:  # it is stepped all the same, and reports what it was given
            masked = [p for p in net.parameters() if p.ndim == 2]
            assert bool(amss.report.nonfinite) == (not all(p.grad.isfinite().all() for p in masked))
        else:  # it is not even called
            assert (amss.report is not None) == any(moved)
    assert overflows[0]
    assert not overflows[-1]
    assert moved == [not overflow for overflow in overflows]


class Wrapper(torch.optim.Optimizer):
    """Holds an optimizer as those of Accelerate and Lightning do."""

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        self.optimizer = optimizer
        self.param_groups = optimizer.param_groups

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        self.optimizer.step(closure)


def test_a_wrapped_optimizer_is_attached_at_its_core() -> None:
    net = Net()
    core = torch.optim.SGD(net.parameters(), lr=0.1)
    wrapper = Wrapper(Wrapper(core))
    assert unwrapped(wrapper) is core
    amss = AMSSPlus(net.modalities(), keep=0.5)
    amss.attach(wrapper)
    assert amss.attached == [core]
    with pytest.raises(ValueError, match="attached once"):
        amss.attach(core)
    x, y = batch()
    nn.functional.cross_entropy(net(x), y).backward()
    wrapper.step()
    assert amss.report is not None
    amss.detach(wrapper)
    assert amss.attached == []


def masked_by_hand(kind: type[AMSS] = AMSSPlus) -> tuple[Net, torch.optim.Optimizer, AMSS]:
    net = Net()
    x, y = batch()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    nn.functional.cross_entropy(net(x), y).backward()
    amss = kind(net.modalities(), keep=0.5)
    amss.mask_gradients()
    return net, optimizer, amss


def test_clipping_after_a_mask_by_hand_warns_with_the_reason() -> None:
    net, optimizer, _amss = masked_by_hand()
    nn.utils.clip_grad_norm_(net.parameters(), 0.1)
    with pytest.warns(UserWarning, match="clipping there makes an unbiased mask biased"):
        optimizer.step()
    optimizer.step()  # once


def test_a_mask_by_hand_without_clipping_does_not_warn() -> None:
    _, optimizer, _amss = masked_by_hand()
    optimizer.step()
    net, optimizer, _amss = masked_by_hand(AMSS)  # a 0/1 mask promises no mean
    nn.utils.clip_grad_norm_(net.parameters(), 0.1)
    optimizer.step()
    net, optimizer, _amss = masked_by_hand()
    optimizer.zero_grad()  # another gradient, masked or not
    x, y = batch()
    nn.functional.cross_entropy(net(x), y).backward()
    nn.utils.clip_grad_norm_(net.parameters(), 0.1)
    optimizer.step()


def test_the_step_of_another_optimizer_does_not_end_the_watch() -> None:
    net, optimizer, _amss = masked_by_hand()
    other = nn.Linear(2, 2)
    torch.optim.SGD(other.parameters(), lr=0.1).step()
    nn.utils.clip_grad_norm_(net.parameters(), 0.1)
    with pytest.warns(UserWarning, match="must not be changed between"):
        optimizer.step()
