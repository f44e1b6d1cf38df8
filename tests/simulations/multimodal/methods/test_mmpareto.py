import importlib
import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from amss_min.testing.loading import BadInput
from simulations.multimodal.methods.mmpareto import ParetoIntegration
from tests.simulations.multimodal.methods.small_networks import CLASSES, TASKS, batch, filled, made, network, plain

EPS = torch.finfo(torch.float64).eps


def pareto(task: Any = CLASSES, **options: float) -> ParetoIntegration:
    method = made("mmpareto", network(task), task, **options)
    assert isinstance(method, ParetoIntegration)
    return method


def vector(*entries: float) -> Tensor:
    return torch.tensor(entries, dtype=torch.float64)


def test_gradients_that_agree_are_added() -> None:
    assert torch.equal(pareto().combined(vector(1, 2), vector(3, -1)), 1.5 * vector(4, 1))
    assert torch.equal(pareto(gamma=1.0).combined(vector(1, 0), vector(0, 2)), vector(1, 2))


def test_gradients_in_conflict_give_the_least_norm_direction_at_the_norm_of_the_sum() -> None:
    # a = (2, 0), b = (-1, 1): h = a + 3/5 (b - a) = (1/5, 3/5), |a + b| = sqrt 2.
    found = pareto(gamma=1.0).combined(vector(2, 0), vector(-1, 1))
    torch.testing.assert_close(found, vector(1, 3) * math.sqrt(2 / 10))


def test_opposite_gradients_give_zero() -> None:
    for single in (vector(-2, 4), vector(-1, 2), vector(-4, 8)):
        found = pareto().combined(vector(2, -4), single)
        assert found.tolist() == [0.0, 0.0]


@given(st.integers(2, 5).flatmap(lambda n: st.tuples(*[st.lists(st.integers(-8, 8), min_size=n, max_size=n)] * 2)))
def test_nothing_is_worked_against_and_the_norm_is_restored(pair: tuple[list[int], list[int]]) -> None:
    a, b = (vector(*entries) for entries in pair)
    found = pareto(gamma=1.5).combined(a, b)
    if float(a @ a) * float(b @ b) == float(a @ b) ** 2 and float(a @ b) < 0:
        return  # opposite: any direction works against one of them
    # Entries are integers of at most 8, at most 5 of them: the Gram determinant is at least 1, so |h|^2 is at least
    # 1 / |a - b|^2 >= 1 / 1280, while a product of |h| <= 18 with rounding errors of a few eps is far below it.
    assert float(found @ a) >= 0 <= float(found @ b)
    assert math.isclose(float(found.norm()), 1.5 * float((a + b).norm()), rel_tol=16 * EPS, abs_tol=0)


@pytest.mark.parametrize("task", TASKS.values(), ids=list(TASKS))
def test_encoders_get_the_combination_and_the_rest_its_own_gradient(task: Any) -> None:
    method = pareto(task)
    net, (inputs, target) = method.net, batch(task)
    joint = plain(net, task, inputs, target)
    output = net(inputs)
    alone = {}
    for name, encoder in net.encoders.items():
        loss = task.loss(method.heads[name](output.features[name]), target)
        held = [*encoder.parameters(), *method.heads[name].parameters()]
        alone[name] = torch.autograd.grad(loss, held, retain_graph=True)
    _, found = filled(method, inputs, target)
    for name, encoder in net.encoders.items():
        keys = [f"encoders.{name}.{key}" for key, _ in encoder.named_parameters()]
        own = alone[name][: len(keys)]
        a, b = (torch.cat([piece.flatten() for piece in pieces]) for pieces in ([joint[key] for key in keys], own))
        combined = torch.cat([found[key].flatten() for key in keys])
        assert torch.equal(combined, method.combined(a, b))
        for parameter, gradient in zip(method.heads[name].parameters(), alone[name][len(keys) :], strict=True):
            assert torch.equal(parameter.grad, gradient)
    for name in ("fusion.head.weight", "fusion.head.bias"):
        assert torch.equal(found[name], joint[name])


def test_a_conflict_in_training_is_resolved() -> None:
    method = pareto()
    net, (inputs, target) = method.net, batch()
    with torch.no_grad():  # the head of audio wants the opposite of what the fusion wants of it
        method.heads["audio"].weight.copy_(-net.fusion.head.weight[:, :3])
    joint = plain(net, CLASSES, inputs, target)
    keys = [key for key in joint if key.startswith("encoders.audio")]
    loss = CLASSES.loss(method.heads["audio"](net(inputs).features["audio"]), target)
    own = torch.autograd.grad(loss, list(net.encoders["audio"].parameters()))
    a, b = (torch.cat([piece.flatten() for piece in pieces]) for pieces in ([joint[key] for key in keys], own))
    assert float(a @ b) < 0
    found = torch.cat([filled(method, inputs, target)[1][key].flatten() for key in keys])
    assert float(found @ a) > 0 < float(found @ b)
    torch.testing.assert_close(found.norm(), 1.5 * (a + b).norm())


def test_without_torchjd_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(BadInput, match="needs the package torchjd, found none: install the extra `models`"):
        pareto()
