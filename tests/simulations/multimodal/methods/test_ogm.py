import math
from typing import Any

import pytest
import torch
from torch import Tensor

from simulations.multimodal.methods.ogm import Modulation
from simulations.multimodal.model import FusionNet
from tests.simulations.multimodal.methods.small_networks import (
    CLASSES,
    ROWS,
    TASKS,
    batch,
    filled,
    look,
    made,
    network,
    plain,
)


def probability(task: Any, logits: list[float], target: Any) -> float:
    """What the logits of one row give to its target, from the definitions."""
    if task.name == "classification":
        return math.exp(logits[target]) / sum(math.exp(value) for value in logits)
    if task.name == "regression":
        return math.exp(-sum((f - y) ** 2 for f, y in zip(logits, target, strict=True)) / 2 / len(logits))
    each = [1 / (1 + math.exp(-f if y else f)) for f, y in zip(logits, target, strict=True)]
    return float(math.prod(each) ** (1 / len(each)))


def coefficients(
    net: FusionNet, task: Any, inputs: dict[str, Tensor], target: Tensor, alpha: float
) -> dict[str, float]:
    """k_m from the definition, row by row."""
    with torch.no_grad():
        single = net.unimodal(net(inputs).features)
    score = {
        name: sum(probability(task, row, y) for row, y in zip(logits.tolist(), target.tolist(), strict=True))
        for name, logits in single.items()
    }
    found = {}
    for name in score:
        others = [value for other, value in score.items() if other != name]
        rho = score[name] / (sum(others) / len(others))
        found[name] = 1 - math.tanh(alpha * rho) if rho > 1 else 1.0
    return found


@pytest.mark.parametrize("modalities", [2, 3])
@pytest.mark.parametrize("task", TASKS.values(), ids=list(TASKS))
def test_the_modality_ahead_is_slowed_and_the_rest_is_left_bit_for_bit(task: Any, modalities: int) -> None:
    net, (inputs, target) = network(task, modalities), batch(task, modalities)
    joint = plain(net, task, inputs, target)
    method = made("ogm", net, task, alpha=0.3)
    assert isinstance(method, Modulation)
    output, found = filled(method, inputs, target)
    wanted = coefficients(net, task, inputs, target, 0.3)
    with torch.no_grad():
        factors = dict(zip(net.modalities, method.factors(output, target), strict=True))
    assert 1 <= sum(value < 1 for value in wanted.values()) < modalities
    for name, gradient in joint.items():
        modality = name.split(".")[1]
        if not name.startswith("encoders") or wanted[modality] == 1:
            assert torch.equal(found[name], gradient)
        else:
            assert torch.equal(found[name], gradient * factors[modality])
    for name, value in wanted.items():
        # A dozen rows, a handful of roundings on each, and one subtraction that is far from cancelling.
        assert math.isclose(float(factors[name]), value, rel_tol=4 * ROWS * torch.finfo(torch.float64).eps)


def test_equal_modalities_and_a_single_one_are_left() -> None:
    for name, modalities in (("ogm", 1), ("ogm-ge", 1)):
        net, (inputs, target) = network(modalities=modalities), batch(modalities=modalities)
        joint = plain(net, CLASSES, inputs, target)
        found = filled(made(name, net), inputs, target)[1]
        assert all(torch.equal(found[key], joint[key]) for key in joint)
    net = network()
    with torch.no_grad():
        net.fusion.head.weight.zero_()
    method = made("ogm", net)
    assert isinstance(method, Modulation)
    inputs, target = batch()
    assert method.factors(net(inputs), target).tolist() == [1.0, 1.0]


def test_noise_is_the_draw_of_the_generator_times_the_deviation_of_the_gradient() -> None:
    net, (inputs, target) = network(), batch()
    joint = plain(net, CLASSES, inputs, target)
    ogm = filled(made("ogm", net), inputs, target)[1]
    found = filled(made("ogm-ge", net), inputs, target)[1]
    twin = torch.Generator().manual_seed(7)
    for name, gradient in joint.items():
        if name.startswith("encoders"):
            normal = torch.randn(gradient.shape, generator=twin, dtype=torch.float64)
            entries = gradient.flatten().tolist()
            mean = sum(entries) / len(entries)
            std = math.sqrt(sum((entry - mean) ** 2 for entry in entries) / (len(entries) - 1))
            torch.testing.assert_close(found[name], ogm[name] + std * normal)
            assert not torch.equal(found[name], ogm[name])
        else:
            assert torch.equal(found[name], gradient)


def test_a_single_entry_has_no_deviation_and_gets_no_noise() -> None:
    method = made("ogm-ge", network())
    assert isinstance(method, Modulation)
    one = torch.tensor([3.0])
    assert torch.equal(method.modulated(one, torch.tensor(0.5)), one / 2)


@pytest.mark.parametrize("name", ["ogm", "ogm-ge"])
def test_modulation_ends(name: str) -> None:
    net, (inputs, target) = network(), batch()
    joint = plain(net, CLASSES, inputs, target)
    method = made(name, net, ends=2)
    for epoch, changed in ((1, True), (2, True), (3, False)):
        found = filled(method, inputs, target)[1]
        assert any(not torch.equal(found[key], joint[key]) for key in joint) == changed
        method.epoch_end(epoch, lambda part: look(1.0))
