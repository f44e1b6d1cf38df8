"""What every encoder keeps to."""

import copy
import math
import random
import sys

import numpy as np
import pytest
import torch

from amss_min import AMSS
from simulations.multimodal.encoders import ENCODERS, default_encoder
from simulations.multimodal.encoders.base import MissingExtraError, parts
from tests.simulations.multimodal.encoders.small_encoders import (
    FEATURES,
    FROM_TRANSFORMERS,
    SMALL,
    VOCABULARY,
    encoder,
    rows,
)

every = pytest.mark.parametrize("name", SMALL)


@every
def test_rows_become_bounded_features(name: str) -> None:
    x = rows(name)
    z = encoder(name)(x if ENCODERS[name].tokens else 1e6 * x)
    assert z.shape == (6, FEATURES) and z.dtype == torch.float32
    assert bool((z.abs() <= 1).all())
    entropy = torch.distributions.Categorical(logits=z.detach().double()).entropy()
    # The least entropy of softmax(z) is above that of a single 1 among -1, whose least surprise is this.
    assert float(entropy.min()) >= math.log(1 + (FEATURES - 1) * math.exp(-2))


@every
def test_every_parameter_gets_a_gradient(name: str) -> None:
    net = encoder(name)
    weights = torch.linspace(1, 2, FEATURES)
    (net(rows(name)) * weights).sum().backward()
    for label, parameter in net.named_parameters():
        assert parameter.grad is not None and bool(parameter.grad.isfinite().all()), label


@every
def test_initial_weights_come_from_the_generator_alone(name: str) -> None:
    torch.manual_seed(5)
    states = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].copy()
    first, third = encoder(name), encoder(name, 1)
    assert torch.equal(torch.get_rng_state(), states[0])
    assert random.getstate() == states[1]
    assert np.array_equal(np.random.get_state()[1], states[2])
    torch.manual_seed(6)
    second = encoder(name).state_dict()
    assert first.state_dict().keys() == second.keys()
    assert all(torch.equal(value, second[key]) for key, value in first.state_dict().items())
    assert any(not torch.equal(value, second[key]) for key, value in third.state_dict().items())
    # Matrices and filters are all drawn: none is left as it was allocated, or shared between seeds.
    drawn = {key for key, value in first.named_parameters() if value.ndim > 1 and bool(value.any())}
    assert drawn and not any(torch.equal(dict(third.named_parameters())[key], second[key]) for key in drawn)


@every
def test_the_generator_moves_on_from_encoder_to_encoder(name: str) -> None:
    generator = torch.Generator().manual_seed(0)
    shape, options = SMALL[name]
    vocabulary = VOCABULARY if ENCODERS[name].tokens else None
    first, second = (
        ENCODERS[name].build(shape, FEATURES, generator=generator, vocabulary=vocabulary, **options) for _ in range(2)
    )
    pairs = zip(first.parameters(), second.parameters(), strict=True)
    assert not any(torch.equal(a, b) for a, b in pairs if a.ndim > 1 and bool(a.any()))


@every
def test_a_forward_pass_draws_nothing(name: str) -> None:
    net, x = encoder(name).train(), rows(name)
    before = torch.get_rng_state()
    first, second = net(x), net(x)
    assert torch.equal(first, second) and torch.equal(torch.get_rng_state(), before)


@every
def test_bfloat16_forward_and_backward(name: str) -> None:
    net = encoder(name)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        z = net(rows(name))
    assert z.shape == (6, FEATURES) and z.dtype == torch.bfloat16 and bool(z.isfinite().all())
    z.float().sum().backward()
    assert all(bool(parameter.grad.isfinite().all()) for parameter in net.parameters())


@every
def test_copies_and_loaded_states_give_the_same_features(name: str) -> None:
    net, other = encoder(name).eval(), encoder(name, 1).eval()
    twin = copy.deepcopy(net)
    other.load_state_dict(net.state_dict())
    x = rows(name)
    with torch.no_grad():
        assert torch.equal(twin(x), net(x)) and torch.equal(other(x), net(x))
        for parameter in net.parameters():
            parameter.zero_()
        assert not torch.equal(twin(x), net(x))


@every
def test_amss_masks_whole_units_and_steps(name: str) -> None:
    net = encoder(name)
    generator = torch.Generator().manual_seed(2)
    amss = AMSS({"it": parts(net)}, keep={"it": 0.5}, generator=generator)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    amss.attach(optimizer)
    (net(rows(name)) * torch.linspace(1, 2, FEATURES)).sum().backward()
    before = {key: parameter.grad.clone() for key, parameter in net.named_parameters()}
    start = {key: parameter.detach().clone() for key, parameter in net.named_parameters()}
    optimizer.step()
    masked = 0
    for key, parameter in net.named_parameters():
        kept = parameter.grad == before[key]
        assert bool((kept | (parameter.grad == 0)).all()), key
        masked += int((~kept).sum())
        assert torch.equal(parameter.detach(), torch.add(start[key], parameter.grad, alpha=-0.1)), key
    assert masked > 0


@pytest.mark.parametrize(
    ("shape", "dtype", "name"),
    [
        ((5,), np.float32, "mlp"),
        ((3, 100), np.float32, "cnn1d"),
        ((3, 32, 32), np.float32, "resnet18"),
        ((1, 64, 99), np.float32, "resnet18"),
        ((12,), np.int64, "bert"),
    ],
)
def test_the_default_follows_from_shape_and_type(shape: tuple[int, ...], dtype: type, name: str) -> None:
    assert default_encoder(shape, np.dtype(dtype)) == name


@pytest.mark.parametrize(("shape", "dtype"), [((2, 3, 4, 5), np.float32), ((3, 4), np.int64), ((), np.float32)])
def test_rows_without_a_default_are_named(shape: tuple[int, ...], dtype: type) -> None:
    with pytest.raises(ValueError, match="no encoder reads rows of shape"):
        default_encoder(shape, np.dtype(dtype))


def test_the_registry_is_complete() -> None:
    assert set(SMALL) | {"resnet50"} == set(ENCODERS)
    for name, kind in ENCODERS.items():
        assert kind.name == name and kind.summary and kind.source
        assert kind.options(kind.options({})) == kind.options({})


@pytest.mark.parametrize(
    ("name", "shape", "vocabulary", "options", "message"),
    [
        ("cnn1d", (5,), None, {}, r"the encoder 'cnn1d' reads rows of shape \(channels, samples\), found \(5,\)"),
        ("cnn1d", (0, 5), None, {}, r"reads rows of shape \(channels, samples\), found \(0, 5\)"),
        ("mlp", (0,), None, {}, "reads rows with no empty dimension"),
        ("bert", (5,), None, {}, "the encoder 'bert' reads rows of token ids, found floats"),
        ("mlp", (5,), 9, {}, "the encoder 'mlp' reads rows of floats, found token ids"),
        ("mlp", (5,), None, {"hiden": (3,)}, "no option 'hiden' of the encoder 'mlp'; did you mean 'hidden'?"),
        ("mlp", (5,), None, {"hidden": (0,)}, r"option hidden.0 of the encoder 'mlp': .* greater than or equal to 1"),
        ("cnn1d", (2, 5), None, {"size": 4}, "option size of the encoder 'cnn1d': a kernel has an odd size"),
        ("bert", (5,), 9, {"width": 6, "heads": 4}, "the encoder 'bert': heads must divide width"),
        ("ast", (1, 8, 9), None, {"width": 6, "heads": 4}, "the encoder 'ast': heads must divide width"),
        ("ast", (3, 64, 64), None, {}, "the encoder 'ast' reads one channel"),
        ("ast", (1, 8, 64), None, {}, "the encoder 'ast' reads rows of at least a patch"),
        ("resnet18", (3, 8, 8), None, {"small": True, "pretrained": "x"}, "sizes come from the folder"),
    ],
)
def test_what_does_not_fit_is_named(
    name: str, shape: tuple[int, ...], vocabulary: int | None, options: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message) as found:
        ENCODERS[name].build(shape, 4, generator=torch.Generator(), vocabulary=vocabulary, **options)
    assert "\n" not in str(found.value)


def test_no_features_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one feature, found features=0"):
        ENCODERS["mlp"].build((3,), 0, generator=torch.Generator())


@pytest.mark.parametrize("name", FROM_TRANSFORMERS)
def test_a_missing_extra_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingExtraError, match=rf"the encoder '{name}' needs the extra models: pip install"):
        encoder(name)
