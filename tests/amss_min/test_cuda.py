"""On a GPU the designs draw what they draw on a CPU, and the masked step waits for nothing."""

import pytest
import torch
from torch import nn

from amss_min import AMSS, AMSSPlus, reference
from amss_min.designs import Design
from amss_min.weightings import HorvitzThompson
from tests.unbiased_estimators import DESIGNS

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
N, K, ROWS = 40, 13, 200


def sizes() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    p = torch.randn(ROWS, N, dtype=torch.float64, generator=generator).mul_(2).exp_()
    p[1::4, 3:9] = 0.0
    p[2::4] = 1.0
    return p


@pytest.mark.parametrize("design", DESIGNS, ids=repr)
def test_a_design_draws_the_same_there(design: Design) -> None:
    p = sizes()
    bits = torch.randint(2**62, (ROWS, design.slots(N)), generator=torch.Generator().manual_seed(1))
    here, there = design.select(p, K, bits), design.select(p.cuda(), K, bits.cuda())
    # Sums are rounded in another order: boundaries move by less than n 2^-40, and one of 200 rows with 40 boundaries
    # is drawn otherwise with probability below 1e-6 (the seeds are fixed).
    assert torch.equal(here.drawn, there.drawn.cpu())
    assert torch.equal(here.k, there.k.cpu())
    weights, others = (HorvitzThompson()(draw).cpu() for draw in (here, there))
    assert torch.allclose(weights, others, rtol=2.0**-20, atol=0.0)


def net() -> nn.ModuleDict:
    torch.manual_seed(0)
    parts = {name: nn.Sequential(nn.Conv2d(3, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3)) for name in ("audio", "video")}
    return nn.ModuleDict(parts).cuda()


@pytest.mark.parametrize("kind", [AMSS, AMSSPlus])
def test_the_step_never_waits_for_the_device(kind: type[AMSS]) -> None:
    model = net()
    amss = kind(dict(model.items()), keep=0.5, generator=torch.Generator("cuda").manual_seed(0))
    for _ in range(3):
        for parameter in model.parameters():
            parameter.grad = torch.randn_like(parameter)
        amss.mask_gradients()
        torch.cuda.set_sync_debug_mode("error")
        try:
            amss.mask_gradients()
        finally:
            torch.cuda.set_sync_debug_mode("default")


def test_the_fast_step_is_the_reference_step() -> None:
    found = []
    for step in (lambda amss: amss.mask_gradients(), reference.mask_gradients):
        model = net()
        amss = AMSSPlus(dict(model.items()), keep=0.5, generator=torch.Generator("cuda").manual_seed(0))
        generator = torch.Generator("cuda").manual_seed(1)
        for parameter in model.parameters():
            parameter.grad = torch.randn(parameter.shape, device="cuda", generator=generator)
        step(amss)
        found.append([parameter.grad for parameter in model.parameters()])
    for fast, slow in zip(*found, strict=True):
        # The multiplier is rounded to float32 in both, from float64 values that differ in the last bits at most.
        assert torch.allclose(fast, slow, rtol=2.0**-20, atol=0.0)
