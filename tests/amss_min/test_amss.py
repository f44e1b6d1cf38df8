"""The masked step: what it does, and the defined outcome of every edge case."""

import numpy as np
import pytest
import torch
from torch import nn

from amss_min import (
    AMSS,
    AMSSPlus,
    HorvitzThompson,
    Indicator,
    RankConditioned,
    SimpleRandom,
    SquaredGradient,
    Successive,
    Systematic,
    rows,
)
from tests.amss_min.nets import Net, batch, observe, rate_amss, with_gradients


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def parameter(*shape: int, grad: torch.Tensor | None = None, dtype: torch.dtype = torch.float64) -> nn.Parameter:
    made = nn.Parameter(torch.zeros(shape, dtype=dtype))
    made.grad = torch.randn(shape, dtype=dtype, generator=generator(1)) if grad is None else grad.to(dtype)
    return made


def gradients(net: nn.Module) -> dict[str, torch.Tensor]:
    return {name: p.grad.clone() for name, p in net.named_parameters() if p.grad is not None}


def test_every_modality_keeps_its_own_share_of_units() -> None:
    net = with_gradients()
    before = gradients(net)
    amss = AMSS(net.modalities(), keep={"audio": 0.25, "video": 0.5}, generator=generator())
    amss.mask_gradients()
    after = gradients(net)
    for name, k in {"audio.0.weight": 3, "audio.2.weight": 2, "video.0.weight": 5, "video.2.weight": 2}.items():
        kept = (after[name] != 0).any(1)
        assert int(kept.sum()) == k
        assert torch.equal(after[name][kept], before[name][kept])
    head = after["head.weight"] != 0
    assert head[:, :6].sum(1).tolist() == [2, 2, 2]
    assert head[:, 6:].sum(1).tolist() == [2, 2, 2]
    for name in ("audio.0.bias", "head.bias"):  # not among the units
        assert torch.equal(after[name], before[name])


@pytest.mark.parametrize("kind", [AMSS, AMSSPlus])
def test_keeping_everything_changes_nothing_bit_for_bit(kind: type[AMSS]) -> None:
    net = with_gradients()
    before = gradients(net)
    kind(net.modalities(), keep=1.0).mask_gradients()
    after = gradients(net)
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize("kind", [AMSS, AMSSPlus])
def test_an_all_zero_gradient_is_left_as_it_is(kind: type[AMSS]) -> None:
    p = parameter(4, 3, grad=torch.zeros(4, 3))
    report = kind({"a": p}, keep=0.5).mask_gradients()
    assert torch.equal(p.grad, torch.zeros(4, 3, dtype=torch.float64))
    assert report.nonfinite == []


@pytest.mark.parametrize("kind", [AMSS, AMSSPlus])
def test_fewer_units_with_a_gradient_than_k_are_all_kept(kind: type[AMSS]) -> None:
    grad = torch.zeros(6, 2)
    grad[1], grad[4] = 1.0, 2.0
    p = parameter(6, 2, grad=grad)
    kind({"a": p}, keep=0.5).mask_gradients()
    assert torch.equal(p.grad, grad.double())


def test_a_single_unit_and_a_0d_parameter_keep_their_gradient() -> None:
    for p in (parameter(1, 3), parameter()):
        before = p.grad.clone()
        AMSSPlus({"a": p}, keep=0.1).mask_gradients()
        assert torch.equal(p.grad, before)


def test_a_5d_gradient_is_masked_by_output_filter() -> None:
    conv = nn.Conv3d(2, 6, 3)
    conv.weight.grad = torch.ones_like(conv.weight)
    AMSSPlus({"a": conv}, keep=0.5, generator=generator()).mask_gradients()
    assert sorted(conv.weight.grad.flatten(1)[:, 0].tolist()) == [0, 0, 0, 2, 2, 2]


def test_parameters_without_gradient_and_frozen_ones_are_passed_over() -> None:
    net = with_gradients()
    for p in net.audio.parameters():
        p.requires_grad_(False)
        p.grad = None
    report = AMSSPlus(net.modalities(), keep=0.5).mask_gradients()
    assert all(p.grad is None for p in net.audio.parameters())
    assert {entry.modality for entry in report.tensors if "head" not in entry.name and "columns" not in entry.name} == {
        "video"
    }


def test_a_parameter_tied_inside_a_modality_is_masked_once() -> None:
    first, second = nn.Linear(3, 8, bias=False), nn.Linear(3, 8, bias=False)
    second.weight = first.weight
    first.weight.grad = torch.ones(8, 3)
    report = AMSSPlus({"a": [first, second]}, keep=0.5, generator=generator()).mask_gradients()
    assert len(report.tensors) == 1
    assert sorted(first.weight.grad[:, 0].tolist()) == [0] * 4 + [2] * 4


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("kind", [AMSS, AMSSPlus])
def test_a_gradient_that_is_not_finite_is_left_as_it_is_and_reported(kind: type[AMSS], bad: float) -> None:
    broken, sound = parameter(6, 2), parameter(6, 2)
    broken.grad[2, 1] = bad
    before = broken.grad.clone()
    report = kind({"a": [broken, sound]}, keep=0.5).mask_gradients()
    assert torch.equal(broken.grad.nan_to_num(nan=7.0), before.nan_to_num(nan=7.0))
    assert int((sound.grad == 0).all(1).sum()) == 3
    assert report.nonfinite == ["a: rows[0] of shape (6, 2)"]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_weighted_in_float32_and_rounded_once(dtype: torch.dtype) -> None:
    grad = torch.randn(8, 4, generator=generator(3)).to(dtype)
    half, single = parameter(8, 4, grad=grad, dtype=dtype), parameter(8, 4, grad=grad, dtype=torch.float32)
    for p in (half, single):
        AMSSPlus({"a": p}, keep=0.4, generator=generator()).mask_gradients()
    assert torch.equal(half.grad, single.grad.to(dtype))


def test_energies_of_small_half_precision_gradients_do_not_underflow() -> None:
    grad = torch.full((8, 1), 2.0**-14, dtype=torch.float16)  # its square is below the least float16
    p = parameter(8, 1, grad=grad, dtype=torch.float16)
    AMSSPlus({"a": p}, keep=0.5, generator=generator()).mask_gradients()
    assert sorted(p.grad.flatten().tolist()) == [0] * 4 + [2.0**-13] * 4


def test_a_unit_whose_energy_underflows_keeps_its_gradient() -> None:
    for dtype, small in ((torch.float32, 1e-30), (torch.float64, 1e-300)):
        grad = torch.tensor([[small, small], [1, 1], [1, 1], [1, 1]], dtype=dtype)
        p = parameter(4, 2, grad=grad, dtype=dtype)
        AMSSPlus({"a": p}, keep=0.25, generator=generator()).mask_gradients()
        assert torch.equal(p.grad[0], grad[0])
        assert int((p.grad[1:] != 0).all(1).sum()) == 1


def test_any_real_number_may_be_a_keep_fraction() -> None:
    assert AMSSPlus({"a": nn.Linear(2, 3)}, keep=np.float32(0.5)).keep == {"a": 0.5}  # type: ignore[arg-type]


def test_observations_of_micro_batches_pool_to_the_large_batch() -> None:
    net = with_gradients()
    x, y = batch(size=32)
    whole, parts = rate_amss(net), rate_amss(net)
    observe(whole, net, x, y)
    for part in (slice(0, 5), slice(5, 32)):
        observe(parts, net, {name: value[part] for name, value in x.items()}, y[part])
    # Sums of 32 float64 terms in another order, through a softmax at temperature 0.2.
    torch.testing.assert_close(parts.keep_fractions(), whole.keep_fractions(), rtol=1e-12, atol=0)


def test_a_forward_pass_that_overflowed_counts_for_nothing() -> None:
    net = with_gradients()
    x, y = batch()
    spoiled, clean = rate_amss(net), rate_amss(net)
    observe(spoiled, net, {name: value * float("inf") for name, value in x.items()}, y)
    assert spoiled.keep_fractions().tolist() == [0.9, 0.9]  # the ceiling: nothing is known
    observe(spoiled, net, x, y)
    observe(clean, net, x, y)
    assert torch.equal(spoiled.keep_fractions(), clean.keep_fractions())


def test_a_long_tensor_that_is_kept_whole_is_unchanged() -> None:
    for grad in (torch.ones(50_000, dtype=torch.float64), torch.ones(200_000, dtype=torch.float64)):
        grad[50_000:] = 0
        grad[0] = 1e12
        p = parameter(len(grad), grad=grad.clone())
        AMSSPlus({"a": p}, keep=1.0 if len(grad) == 50_000 else 0.6).mask_gradients()
        assert torch.equal(p.grad, grad)


def test_a_frozen_parameter_with_a_stale_gradient_is_passed_over() -> None:
    p = parameter(8, 3).requires_grad_(False)
    before = p.grad.clone()
    AMSSPlus({"a": p}, keep=0.25).mask_gradients()
    assert torch.equal(p.grad, before)


def test_the_default_generator_does_not_repeat_the_global_stream() -> None:
    torch.manual_seed(5)
    amss = AMSSPlus({"a": parameter(8, 3)}, keep=0.25)
    words = torch.randint(2**62, (4,), generator=amss.generator)
    torch.manual_seed(5)
    assert not torch.equal(words, torch.randint(2**62, (4,)))


def test_the_draw_does_not_see_the_scale_of_the_gradient() -> None:
    p, scaled = parameter(8, 3), parameter(8, 3)
    scaled.grad.mul_(2.0**20)
    for made in (p, scaled):
        AMSSPlus({"a": made}, keep=0.5, generator=generator()).mask_gradients()
    assert torch.equal(scaled.grad, p.grad * 2.0**20)


def test_the_report_gives_realised_fractions_and_second_moments() -> None:
    grad = torch.tensor([[3.0], [1.0], [1.0], [1.0]])
    p = parameter(4, 1, grad=grad)
    report = AMSSPlus({"a": p}, keep=0.3, importance=SquaredGradient(), design=SimpleRandom()).mask_gradients()
    (entry,) = report.tensors
    assert (entry.n, entry.drawn, entry.fraction, entry.finite) == (4, 2, 0.5, True)
    assert report.keep == {"a": 0.3}
    assert entry.second_moment == pytest.approx(2.0, rel=2**-40)  # n / k for a uniform design
    assert report.suggested_lr(0.1) == pytest.approx(0.05, rel=2**-40)
    ranked = AMSSPlus({"a": p}, keep=0.5, design=Successive(), weighting=RankConditioned()).mask_gradients()
    with pytest.raises(ValueError, match="closed form, found a weighting that has none"):
        ranked.suggested_lr(0.1)
    biased = AMSS({"a": p}, keep=0.5).mask_gradients()
    with pytest.raises(ValueError, match="omega belongs to an unbiased mask, found Indicator"):
        biased.suggested_lr(0.1)


def test_omega_is_that_of_the_worst_tensor() -> None:
    parts = [parameter(8, 2), parameter(20, 2)]
    report = AMSSPlus({"a": parts}, keep=0.3, design=SimpleRandom()).mask_gradients()
    assert report.omega == pytest.approx(20 / 6 - 1, rel=2**-40)  # 8/3 for the other one


def test_the_guard_of_the_count_is_below_one_unit_in_a_million() -> None:
    for keep, k in ((0.07, 7), (0.0701, 8), (0.07001, 8)):
        report = AMSSPlus({"a": parameter(100)}, keep=keep).mask_gradients()
        assert report.tensors[0].drawn == k


def test_explicit_units_replace_those_of_the_module() -> None:
    net = Net()
    amss = AMSSPlus({"audio": [net.audio, rows(net.audio[0].weight)], "video": net.video}, keep=0.5)
    names = [block.name for block in amss.blocks if block.modality == "audio"]
    assert names == ["audio: rows[1] of shape (12, 5)", "audio: 2.weight"]


def test_defaults_are_the_documented_ones() -> None:
    p = parameter(4, 2)
    amss, plus = AMSS({"a": p}, keep=0.5), AMSSPlus({"a": p}, keep=0.5)
    assert (amss.importance, plus.importance) == (SquaredGradient(), SquaredGradient(mix=0.5))
    assert isinstance(amss.design, Successive) and isinstance(plus.design, Systematic)
    assert (amss.weighting, plus.weighting) == (Indicator(), HorvitzThompson())
