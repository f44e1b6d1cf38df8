import math
from itertools import permutations
from typing import Any

import pytest
import torch
from torch import Tensor

from amss_min.testing.loading import BadInput
from simulations.multimodal.fusions.concatenation import Concatenation
from simulations.multimodal.methods.agm import AdaptiveModulation
from simulations.multimodal.model import FusionNet
from tests.simulations.multimodal.methods.small_networks import CLASSES, TASKS, batch, filled, made, network, plain


def adaptive(net: FusionNet, task: Any = CLASSES, **options: float) -> AdaptiveModulation:
    method = made("agm", net, task, **options)
    assert isinstance(method, AdaptiveModulation)
    return method


@pytest.mark.parametrize("modalities", [1, 2, 3])
def test_responses_are_shapley_values_and_add_up_to_the_logits(modalities: int) -> None:
    net = network(modalities=modalities)
    net(batch(modalities=modalities, number=1)[0])  # running means that are not zero
    method = adaptive(net)
    output = net(batch(modalities=modalities)[0])
    names = net.modalities
    empty = net.subset(output.features, [])
    found = dict(zip(names, method.responses(output), strict=True))
    orders = list(permutations(names))
    for name in names:
        gains = []
        for order in orders:
            before = list(order[: order.index(name)])
            gains.append(net.subset(output.features, [*before, name]) - net.subset(output.features, before))
        value = torch.stack(gains).mean(0) + empty / modalities
        torch.testing.assert_close(found[name], value)
    torch.testing.assert_close(torch.stack(list(found.values())).sum(0), output.logits)


def test_two_modalities_have_half_of_the_sum_of_both_differences() -> None:
    net = network()
    method, output = adaptive(net), net(batch()[0])
    one, two = net.subset(output.features, ["audio"]), net.subset(output.features, ["video"])
    torch.testing.assert_close(
        method.responses(output), torch.stack([output.logits - two + one, output.logits - one + two]) / 2
    )


@pytest.mark.parametrize("task", TASKS.values(), ids=list(TASKS))
def test_gradients_of_encoders_are_multiplied_by_coefficients_from_the_definition(task: Any) -> None:
    net = network(task)
    net(batch(task, number=5)[0])
    net.eval()  # the running means stay
    method = adaptive(net, task, alpha=0.7)
    scores: list[list[float]] = []
    for number in range(3):
        inputs, target = batch(task, number=number)
        joint = plain(net, task, inputs, target)
        with torch.no_grad():
            output = net(inputs)
            s = [float(task.loss(response, target)) for response in method.responses(output)]
        kappa = [1.0, 1.0]
        if scores:
            past = [sum(column) / len(scores) for column in zip(*scores, strict=True)]
            kappa = [
                math.exp(0.7 * min(math.exp(past[1 - m] - past[m]) - math.exp(s[1 - m] - s[m]), 10.0)) for m in (0, 1)
            ]
            assert kappa[0] != 1 != kappa[1]
        scores.append(s)
        found = filled(method, inputs, target)[1]
        for modality, factor in zip(net.modalities, kappa, strict=True):
            for name, gradient in joint.items():
                if name.startswith(f"encoders.{modality}"):
                    # What passes through the other response cancels.
                    torch.testing.assert_close(found[name], gradient * factor)


def test_a_modality_further_behind_than_before_is_held_back_less() -> None:
    method = adaptive(network())
    method.total, method.steps = torch.tensor([2.0, 2.0], dtype=torch.float64), 2
    kappa = method.factors(torch.tensor([0.5, 1.5]))
    assert kappa[0] < 1 < kappa[1]
    assert method.factors(torch.tensor([1.0, 1.0])).tolist() == [1.0, 1.0]
    assert bool(method.factors(torch.tensor([0.0, 1e6])).isfinite().all())


def test_the_cap_bounds_the_coefficient() -> None:
    method = adaptive(network(), alpha=2.0, cap=0.25)
    method.total, method.steps = torch.tensor([0.0, 3.0]), 1
    assert float(method.factors(torch.tensor([3.0, 0.0]))[0]) == pytest.approx(math.exp(0.5))


def test_passes_without_a_modality_leave_the_mode_of_the_fusion() -> None:
    net = network()
    modes: list[bool] = []
    hook = net.fusion.register_forward_hook(lambda module, given, out: modes.append(module.training))
    method = adaptive(net)
    inputs, target = batch()
    filled(method, inputs, target)
    hook.remove()
    assert modes == [True, False, False] and net.fusion.training


def test_too_many_modalities_are_refused() -> None:
    names = [f"m{index}" for index in range(11)]
    fusion = Concatenation(dict.fromkeys(names, 2), 3, generator=torch.Generator())
    net = FusionNet({name: torch.nn.Linear(2, 2) for name in names}, fusion)
    with pytest.raises(BadInput, match="at most 10 modalities"):
        adaptive(net)


def test_responses_keep_the_precision_of_the_logits() -> None:
    net = network().float()
    output = net({name: value.float() for name, value in batch()[0].items()})
    found: Tensor = adaptive(net).responses(output)
    assert found.dtype == torch.float32
