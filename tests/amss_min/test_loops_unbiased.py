"""What a whole step of training does to the weights is unbiased in every kind of loop, measured end to end.

Each loop runs as an estimator of its own unmasked step (tests/amss_min/replicas.py) through the sequential test; the
test's alpha is the suite's. The planted errors show that the same test refutes.
"""

import pytest
import torch
from torch import nn

from amss_min.testing import Status
from tests.amss_min.replicas import Inflated, Path, Step, check, whole


def accumulated(net: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    for quarter in range(4):
        (net(slice(4 * quarter, 4 * quarter + 4)) / 4).backward()
    optimizer.step()


def clipped(net: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    net(slice(None)).backward()
    nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    optimizer.step()


def in_bfloat16(net: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = net(slice(None))
    loss.backward()
    optimizer.step()


def in_float16_scaled(net: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**8)
    with torch.autocast("cpu", dtype=torch.float16):
        loss = net(slice(None))
    scaler.scale(loss).backward()
    scaler.step(optimizer)


def checkpointed(net: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    torch.utils.checkpoint.checkpoint(net, slice(None), use_reentrant=False).backward()
    optimizer.step()


def fused(parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, lr=1.0, fused=True)


def adamw(parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    return torch.optim.AdamW(parameters, lr=0.1, weight_decay=0.1)


LOOPS: dict[str, tuple[Step, dict[str, object]]] = {
    "plain": (whole, {}),
    "accumulation": (accumulated, {}),
    "clipping before the mask": (clipped, {}),
    "bfloat16": (in_bfloat16, {}),
    "float16 with scaler": (in_float16_scaled, {}),
    "float16 with scaler, fused": (in_float16_scaled, {"optimizer": fused}),
    "checkpointed": (checkpointed, {}),
    "update of SGD": (whole, {"masks": "update"}),
    "update of AdamW": (whole, {"masks": "update", "optimizer": adamw}),
}
QUICK = ("plain",)


TIERS = [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in LOOPS]


@pytest.mark.parametrize("name", TIERS)
def test_a_loop_is_unbiased(name: str) -> None:
    step, options = LOOPS[name]
    path = Path(step, **options)
    result = check(path)
    assert result.status is Status.CONSISTENT, result.text


@pytest.mark.parametrize("name", TIERS)
def test_weights_five_per_cent_too_large_are_refuted(name: str) -> None:
    step, options = LOOPS[name]
    result = check(Path(step, weighting=Inflated(), **options))
    assert result.status is Status.REFUTED
    assert not result.violations


def test_clipping_after_the_mask_is_refuted() -> None:
    path = Path(whole)
    most = 0.5 * float(path.unmasked.norm()) * len(path.net.layers) ** 0.5

    def clip(*_: object) -> None:
        nn.utils.clip_grad_norm_(path.net.parameters(), most)

    path.optimizer.register_step_pre_hook(clip)  # runs after the mask, which was attached first
    result = check(path)
    assert result.status is Status.REFUTED


def test_adam_behind_a_mask_of_the_gradient_is_refuted() -> None:
    result = check(Path(whole, optimizer=adamw))
    assert result.status is Status.REFUTED
