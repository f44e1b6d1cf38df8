from fractions import Fraction
from typing import Any

import pytest
import torch

from simulations.multimodal.methods.gradient_blending import GradientBlending
from tests.simulations.multimodal.methods.small_networks import TASKS, batch, filled, look, made, network

LOSSES = {  # epoch -> part -> joint, audio, video; binary fractions, so that differences are exact
    1: {"train": (1.0, 1.5, 2.0), "validation": (1.25, 1.75, 2.0)},
    3: {"train": (0.5, 1.0, 1.0), "validation": (1.0, 1.5, 1.5)},
    5: {"train": (0.25, 0.5, 1.5), "validation": (1.25, 1.5, 1.75)},
}


def blending(**options: Any) -> GradientBlending:
    method = made("gradient-blending", network(), **options)
    assert isinstance(method, GradientBlending)
    return method


def end(method: GradientBlending, epoch: int) -> list[str]:
    asked: list[str] = []

    def seen(part: str) -> Any:
        asked.append(part)
        joint, audio, video = LOSSES[epoch][part]
        return look(joint, audio=audio, video=video)

    method.epoch_end(epoch, seen)
    return asked


def test_weights_are_generalisation_over_squared_overfitting() -> None:
    method = blending(period=2, least=0.125)
    assert method.weights == dict.fromkeys(("joint", "audio", "video"), 1 / 3)
    end(method, 1)
    assert method.weights == dict.fromkeys(("joint", "audio", "video"), 1 / 3)
    end(method, 2)
    end(method, 3)
    # joint: G = 1/4, O = (1 - 1/2) - (5/4 - 1) = 1/4; audio: the same; video: G = 1/2, O = (3/2 - 1) - 0 = 1/2.
    merit = [Fraction(1, 4) * 16, Fraction(1, 4) * 16, Fraction(1, 2) * 4]
    assert list(method.weights.values()) == [float(value / sum(merit)) for value in merit] == [0.4, 0.4, 0.2]
    held = dict(method.weights)
    end(method, 5)  # joint and video got worse on validation, audio no better: nothing generalises
    assert method.weights == held


def test_a_small_change_of_overfitting_counts_as_the_least() -> None:
    method = blending(period=2, least=0.5)
    end(method, 1)
    end(method, 3)
    assert list(method.weights.values()) == [0.25, 0.25, 0.5]  # all O are 1/2 or count as it, G = 1/4, 1/4, 1/2
    method = blending(period=2, least=0.125)
    method.begun = {"joint": (1.0, 1.0), "audio": (1.0, 1.0), "video": (1.0, 1.0)}
    now = {"train": look(0.5, audio=0.75, video=1.0), "validation": look(0.5, audio=1.0, video=1.25)}
    method.epoch_end(3, now.__getitem__)
    assert list(method.weights.values()) == [1.0, 0.0, 0.0]  # no overfitting at all is no division by zero


def test_parts_are_looked_at_at_the_end_of_a_super_epoch_alone() -> None:
    method = blending(period=2)
    assert {epoch: sorted(end(method, epoch)) for epoch in (1, 2, 3, 4, 5)} == {
        1: ["train", "validation"],
        2: [],
        3: ["train", "validation"],
        4: [],
        5: ["train", "validation"],
    }


@pytest.mark.parametrize("task", TASKS.values(), ids=list(TASKS))
def test_gradients_are_those_of_the_blend(task: Any) -> None:
    method = made("gradient-blending", network(task), task)
    assert isinstance(method, GradientBlending)
    method.weights = {"joint": 0.5, "audio": 0.125, "video": 0.375}
    inputs, target = batch(task)
    output, found = filled(method, inputs, target)
    output = method.net(inputs)
    losses = [task.loss(output.logits, target)]
    losses += [task.loss(head(output.features[name]), target) for name, head in method.heads.items()]
    total = 0.5 * losses[0] + 0.125 * losses[1] + 0.375 * losses[2]
    for (name, _), gradient in zip(
        method.net.named_parameters(), torch.autograd.grad(total, list(method.net.parameters())), strict=True
    ):
        torch.testing.assert_close(found[name], gradient)
