import math

import pytest
import torch
from torch.nn import functional

from amss_min import AMSS, MutualInformationRate, unimodal_logits
from simulations.multimodal.datasets import load
from simulations.multimodal.methods import METHODS
from simulations.multimodal.model import FusionNet
from simulations.multimodal.settings import Settings
from simulations.multimodal.training import Replicate

SETTINGS = Settings(hidden=(10,), features=6, uniform_keep=0.35)
MASKING = [name for name in METHODS if name != "joint"]


def masked(method: str) -> tuple[FusionNet, AMSS, dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """A network after one backward pass and one masking: the gradients before and after."""
    replicate = Replicate(load("htad"), 0, SETTINGS)
    net = replicate.network()
    batch = replicate.parts()[0]["train"].rows(torch.arange(64))
    masks = METHODS[method].build(net, SETTINGS, replicate.generator("masks"))
    assert masks is not None
    output = net(batch.features)
    functional.cross_entropy(output.logits, batch.labels).backward()
    masks.observe(logits=unimodal_logits(net.head, output.features), features=output.features, target=batch.labels)
    before = {name: value.grad.clone() for name, value in net.named_parameters() if value.grad is not None}
    masks.mask_gradients()
    return net, masks, before, {name: v.grad for name, v in net.named_parameters() if v.grad is not None}


def test_joint_leaves_the_gradient_alone() -> None:
    net = Replicate(load("htad"), 0, SETTINGS).network()
    assert METHODS["joint"].build(net, SETTINGS, torch.Generator()) is None


@pytest.mark.parametrize("method", MASKING)
def test_every_weight_matrix_is_masked_and_no_bias(method: str) -> None:
    _, masks, before, after = masked(method)
    assert masks.report is not None
    assert sum(entry.modality == "audio" for entry in masks.report.tensors) == 3
    assert sum(entry.modality == "accelerometer" for entry in masks.report.tensors) == 3
    for name, gradient in before.items():
        assert torch.equal(gradient, after[name]) == name.endswith("bias")


@pytest.mark.parametrize("method", ["uniform", "amss"])
def test_masks_are_zero_or_one(method: str) -> None:
    _, _, before, after = masked(method)
    for name, gradient in before.items():
        assert bool(((after[name] == 0) | (after[name] == gradient)).all())


def test_uniform_keeps_the_fixed_share_of_rows_and_of_single_head_weights() -> None:
    _, masks, _, after = masked("uniform")
    for name in ("audio", "accelerometer"):
        first = after[f"encoders.{name}.0.weight"]
        assert int(first.abs().sum(1).count_nonzero()) == math.ceil(0.35 * 10)
    kept = after["head.weight"].reshape(7, 2, 6).count_nonzero(dim=2)
    assert kept.tolist() == [[math.ceil(0.35 * 6)] * 2] * 7
    assert type(masks.design).__name__ == "SimpleRandom"


@pytest.mark.parametrize("method", ["amss", "amss+"])
def test_keep_follows_the_information_rate_of_the_settings(method: str) -> None:
    _, masks, _, _ = masked(method)
    assert masks.keep == MutualInformationRate(temperature=SETTINGS.tau, floor=0.1, ceiling=0.9)
    assert masks.report is not None
    keep = masks.report.keep
    assert all(0.1 <= value <= 0.9 for value in keep.values())
    assert len(set(keep.values())) == 2


def test_amss_plus_alone_is_unbiased() -> None:
    assert {method: masked(method)[1].weighting.unbiased for method in MASKING} == {
        "uniform": False,
        "amss": False,
        "amss+": True,
    }
