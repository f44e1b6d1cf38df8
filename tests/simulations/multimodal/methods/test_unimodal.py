import pytest
import torch

from simulations.multimodal.methods import Look
from simulations.multimodal.methods.unimodal import Unimodal
from tests.simulations.multimodal.methods.small_networks import CLASSES, TASKS, batch, filled, made, network


def unimodal() -> Unimodal:
    method = made("unimodal", network())
    assert isinstance(method, Unimodal)
    return method


@pytest.mark.parametrize("task", TASKS.values(), ids=list(TASKS))
def test_each_encoder_has_the_gradient_of_its_own_head_alone_and_the_fusion_none(task) -> None:  # type: ignore[no-untyped-def]
    method = made("unimodal", network(task), task)
    assert isinstance(method, Unimodal)
    inputs, target = batch(task)
    _, found = filled(method, inputs, target)
    assert all(not name.startswith("fusion") for name in found)
    for name, encoder in method.net.encoders.items():
        loss = task.loss(method.heads[name](encoder(inputs[name])), target)
        for (key, _), gradient in zip(
            encoder.named_parameters(), torch.autograd.grad(loss, list(encoder.parameters())), strict=True
        ):
            assert torch.equal(found[f"encoders.{name}.{key}"], gradient)


def test_the_joint_head_plays_no_part() -> None:
    inputs, target = batch()
    one, other = unimodal(), unimodal()
    with torch.no_grad():
        for value in other.net.fusion.parameters():
            value.mul_(-3)
    first, second = filled(one, inputs, target)[1], filled(other, inputs, target)[1]
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_the_best_modality_on_validation_predicts() -> None:
    method = unimodal()
    output = method.net(batch()[0])
    asked: list[str] = []

    def look(audio: float, video: float, part: str) -> Look:
        asked.append(part)
        return Look(0.0, 1.0, {}, {"audio": audio, "video": video})

    for epoch, (audio, video, best) in enumerate([(0.3, 0.4, "video"), (0.5, 0.4, "audio"), (0.5, 0.5, "audio")], 1):
        method.epoch_end(epoch, lambda part, a=audio, v=video: look(a, v, part))  # type: ignore[misc]
        assert method.chosen == best
        assert torch.equal(method.predict(output), method.heads[best](output.features[best]))
    assert set(asked) == {"validation"}


def test_the_loss_written_down_is_the_sum() -> None:
    method = unimodal()
    inputs, target = batch()
    output = method.net(inputs)
    single = [CLASSES.loss(logits, target) for logits in method.unimodal(output).values()]
    assert torch.equal(method.backward(output, target), single[0].detach() + single[1].detach())
