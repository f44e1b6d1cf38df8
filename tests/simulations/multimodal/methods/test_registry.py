import copy
import io
from pathlib import Path
from typing import Any

import pytest
import torch

from amss_min.testing.loading import BadInput
from simulations import registry
from simulations.multimodal.fusions import FUSIONS
from simulations.multimodal.methods import METHODS, Look, Method, find_method
from simulations.multimodal.methods.mask_options import DESIGNS, IMPORTANCES, WEIGHTINGS
from simulations.multimodal.model import Output
from tests.simulations.multimodal.methods.small_networks import NEEDED, TASKS, batch, look, made, network


def optimiser(method: Method) -> torch.optim.Optimizer:
    made = torch.optim.SGD(method.parameter_groups(0.1), lr=0.1, momentum=0.9, weight_decay=1e-3)
    method.attach(made)
    return made


def seen(part: str) -> Look:
    assert part in ("train", "validation"), "a method must not look at the test part"
    shift = 0.1 if part == "train" else 0.3
    return look(1.0 - shift, audio=2.0 - shift, video=3.0 - 2 * shift, text=1.5)


def train(method: Method, optimizer: torch.optim.Optimizer, steps: range) -> None:
    task = method.setup.task
    for step in steps:
        inputs, target = batch(task, len(method.net.modalities), step)
        optimizer.zero_grad()
        loss = method.backward(method.net(inputs), target)
        assert loss.shape == () and not loss.requires_grad and bool(loss.isfinite())
        optimizer.step()
        if step % 2:
            method.epoch_end(step // 2 + 1, seen)


@pytest.mark.parametrize("modalities", [1, 2, 3])
@pytest.mark.parametrize("task", TASKS.values(), ids=list(TASKS))
@pytest.mark.parametrize("name", METHODS)
def test_every_method_trains_every_task_on_any_number_of_modalities(name: str, task: Any, modalities: int) -> None:
    net = network(task, modalities)
    before = copy.deepcopy(net.state_dict())
    method = made(name, net, task)
    train(method, optimiser(method), range(4))
    for modality in net.modalities:
        weight = f"encoders.{modality}.0.weight"
        assert not torch.equal(before[weight], net.state_dict()[weight])
    net.eval()
    inputs, target = batch(task, modalities)
    output = net(inputs)
    assert method.predict(output).shape == (len(target), task.outputs)
    assert {key: value.shape for key, value in method.unimodal(output).items()} == dict.fromkeys(
        net.modalities, (len(target), task.outputs)
    )


@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize("name", METHODS)
def test_every_method_trains_with_every_fusion(name: str, fusion: str) -> None:
    net = network(fusion=fusion, features=8)
    before = copy.deepcopy(net.state_dict())
    method = made(name, net)
    train(method, optimiser(method), range(2))
    joint = name != "unimodal"
    assert (
        any(not torch.equal(before[key], value) for key, value in net.fusion.state_dict(prefix="fusion.").items())
        == joint
    )
    for modality in net.modalities:
        weight = f"encoders.{modality}.0.weight"
        assert not torch.equal(before[weight], net.state_dict()[weight])


@pytest.mark.parametrize(
    ("name", "options"), [*((name, {}) for name in METHODS), ("amss", {"smoothing": 0.5}), ("ogm-ge", {"ends": 3})]
)
def test_a_run_resumed_from_a_state_is_the_whole_run_bit_for_bit(name: str, options: dict[str, Any]) -> None:
    whole = made(name, network(), **options)
    steps = optimiser(whole)
    train(whole, steps, range(4))
    held = copy.deepcopy((whole.net.state_dict(), whole.state_dict(), steps.state_dict()))
    inputs, _ = batch(number=9)
    with torch.no_grad():
        then = whole.predict(whole.net.eval()(inputs))
    whole.net.train()
    train(whole, steps, range(4, 8))

    resumed = made(name, network(), seed=8, **options)  # another generator: all of it must come from the state
    again = optimiser(resumed)
    resumed.net.load_state_dict(held[0])
    resumed.load_state_dict(held[1])
    again.load_state_dict(held[2])
    with torch.no_grad():
        assert torch.equal(then, resumed.predict(resumed.net.eval()(inputs)))
    resumed.net.train()
    train(resumed, again, range(4, 8))

    assert whole.keep == resumed.keep
    for key, value in whole.net.state_dict().items():
        assert torch.equal(value, resumed.net.state_dict()[key]), key
    for one, other in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, other)
    assert torch.equal(whole.predict(whole.net(inputs)), resumed.predict(resumed.net(inputs)))


@pytest.mark.parametrize("name", METHODS)
def test_a_state_is_a_copy_and_survives_a_file(name: str) -> None:
    method = made(name, network())
    steps = optimiser(method)
    train(method, steps, range(2))
    state = method.state_dict()
    now, later = io.BytesIO(), io.BytesIO()
    torch.save(state, now)
    train(method, steps, range(2, 4))
    torch.save(state, later)
    assert now.getvalue() == later.getvalue()
    method.load_state_dict(torch.load(io.BytesIO(now.getvalue()), weights_only=True))


@pytest.mark.parametrize("name", METHODS)
def test_no_method_touches_the_global_random_state(name: str) -> None:
    before = torch.get_rng_state()
    method = made(name, network())
    train(method, optimiser(method), range(2))
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("name", METHODS)
def test_every_method_takes_a_forward_pass_in_bfloat16(name: str) -> None:
    net = network().float()
    method = METHODS[name](net, made(name, network()).setup)
    inputs, target = batch()
    with torch.autocast("cpu", torch.bfloat16):
        rough = net({key: value.float() for key, value in inputs.items()})
    assert rough.logits.dtype == torch.bfloat16
    output = Output(rough.logits.float(), {key: z.float() for key, z in rough.features.items()})
    method.backward(output, target)
    assert all(value.grad.dtype == torch.float32 for value in net.encoders.parameters())


def test_every_method_says_what_it_does_and_where_it_is_from() -> None:
    for name, kind in METHODS.items():
        assert kind.summary and kind.source, name
        assert "\n" not in kind.summary + kind.source
    assert len({kind.summary for kind in METHODS.values()}) == len(METHODS)
    assert set(NEEDED) < set(METHODS)


def test_parts_of_masks_have_the_names_of_studies() -> None:
    assert {name: part.make for name, part in registry.DESIGNS.items()} == dict(DESIGNS)
    assert {name for name, part in registry.WEIGHTINGS.items() if part.make in WEIGHTINGS.values()} <= set(WEIGHTINGS)
    assert {*registry.IMPORTANCES, registry.UNIFORM} == set(IMPORTANCES)


def test_a_mistyped_name_is_answered_with_close_ones() -> None:
    with pytest.raises(BadInput, match="no method 'ogmge'; did you mean 'ogm-ge'"):
        find_method("ogmge")


def test_a_file_without_such_a_class_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("VALUE = 3\nclass Mine: pass\n")
    for text, said in (
        (f"{path}:VALUE", "VALUE in .* must be a subclass of Method, found int"),
        (f"{path}:Mine", "Mine in .* must be a subclass of Method, found another class"),
        (f"{path}:Mina", "no 'Mina' in .*; did you mean 'Mine'"),
        (f"{tmp_path}/her.py:Mine", "does not exist"),
        (str(path), "must be given as FILE.py:NAME"),
    ):
        with pytest.raises(BadInput, match=said):
            find_method(text)
    assert find_method("joint").__name__ == "Joint"
