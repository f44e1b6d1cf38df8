"""What every fusion keeps to, with one, two and three modalities."""

import copy
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor

from amss_min import AMSS, Units
from simulations.multimodal.encoders.mlp import mlp
from simulations.multimodal.fusions import FUSIONS
from simulations.multimodal.fusions.base import Fusion
from simulations.multimodal.model import FusionNet

WIDTHS = {"audio": 4, "video": 3, "touch": 5}
ROWS, OUTPUTS = 6, 3
OPTIONS: Mapping[str, Mapping[str, Any]] = {"transformer": {"heads": 2}}
LINEAR = ("concatenation", "sum")

every = pytest.mark.parametrize("name", FUSIONS)
several = pytest.mark.parametrize("modalities", [1, 2, 3])


def fusion(name: str, modalities: int = 2, number: int = 0, **options: Any) -> Fusion:
    widths = dict(list(WIDTHS.items())[:modalities])
    generator = torch.Generator().manual_seed(number)
    return FUSIONS[name].build(widths, OUTPUTS, generator=generator, **{**OPTIONS.get(name, {}), **options})


def features(modalities: int = 2, number: int = 100) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(number)
    return {name: torch.randn(ROWS, size, generator=generator) for name, size in list(WIDTHS.items())[:modalities]}


def means(modalities: int = 2) -> dict[str, Tensor]:
    return {name: z.mean(0) for name, z in features(modalities, 200).items()}


@every
@several
def test_features_become_logits(name: str, modalities: int) -> None:
    net, z = fusion(name, modalities), features(modalities)
    assert net.modalities == tuple(z)
    logits = net(z)
    assert logits.shape == (ROWS, OUTPUTS) and logits.dtype == torch.float32
    weights = torch.linspace(1, 2, OUTPUTS)
    (logits * weights).square().sum().backward()
    assert all(bool(parameter.grad.isfinite().all()) for parameter in net.parameters())


@every
def test_the_order_of_a_mapping_plays_no_part(name: str) -> None:
    net, z = fusion(name, 3), features(3)
    turned = dict(reversed(z.items()))
    assert torch.equal(net(z), net(turned))
    first, second = net.unimodal(z, means(3)), net.unimodal(turned, means(3))
    assert list(first) == list(second) == list(z)
    assert all(torch.equal(first[modality], second[modality]) for modality in z)


@pytest.mark.parametrize("name", LINEAR)
@several
def test_linear_fusions_are_the_sum_of_their_uni_modal_logits(name: str, modalities: int) -> None:
    net, z = fusion(name, modalities), features(modalities)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(3)))
        total = sum(logits.double() for logits in net.unimodal(z, means(modalities)).values())
        # Both sides are sums, in some order, of n products and of b or M shares of b, in float32: every term meets at
        # most n + M + 2 roundings, so that each side is off by at most gamma times the sum of absolute values.
        columns = {m: units[0].view(units[0].parameter).detach() for m, units in net.own().items()}
        bias = net.head.bias if name == "concatenation" else net.bias
        size = sum(z[m].abs().double() @ columns[m].reshape(OUTPUTS, -1).abs().double().T for m in z)
        size = size + bias.abs().double()
        steps = (sum(net.widths.values()) + modalities + 2) * 2.0**-24
        gamma = steps / (1 - steps)
        assert bool(((total - net(z).double()).abs() <= 2 * gamma * size).all())
        assert bool((size > 0).all())


@every
@several
def test_uni_modal_logits_are_those_with_the_others_at_their_means(name: str, modalities: int) -> None:
    net, z, rest = fusion(name, modalities), features(modalities), means(modalities)
    alone = net.unimodal(z, rest)
    assert list(alone) == list(z)
    if name in LINEAR:
        # Without other modalities, and with all features 0, what is left of f_m is b / M.
        zero = {m: torch.zeros_like(value) for m, value in z.items()}
        shares = net.unimodal(zero, rest)
        assert all(torch.equal(share, net(zero) / modalities) for share in shares.values())
        return
    for modality in z:
        mixed = {m: z[m] if m == modality else rest[m].repeat(ROWS, 1) for m in z}
        assert torch.equal(alone[modality], net(mixed))
    if modalities == 1:
        assert torch.equal(alone["audio"], net(z))


@every
@pytest.mark.parametrize("modalities", [2, 3])
def test_uni_modal_logits_know_nothing_of_other_features(name: str, modalities: int) -> None:
    net, z, other = fusion(name, modalities), features(modalities), features(modalities, 101)
    alone = net.unimodal(z, means(modalities))
    for modality in z:
        mixed = {m: z[m] if m == modality else other[m] for m in z}
        assert torch.equal(net.unimodal(mixed, means(modalities))[modality], alone[modality])
        mixed = {m: z[m] if m != modality else other[m] for m in z}
        changed = net.unimodal(mixed, means(modalities))[modality]
        assert bool((changed != alone[modality]).any(1).all())


@every
@pytest.mark.parametrize("modalities", [2, 3])
def test_gradients_of_uni_modal_logits_reach_their_own_features_only(name: str, modalities: int) -> None:
    net = fusion(name, modalities)
    z = {m: value.requires_grad_() for m, value in features(modalities).items()}
    rest = {m: value.requires_grad_() for m, value in means(modalities).items()}
    for modality in z:
        logits = net.unimodal(z, rest)[modality]
        found = torch.autograd.grad(logits.square().sum(), [*z.values(), *rest.values()], allow_unused=True)
        reached = [gradient is not None and bool(gradient.any()) for gradient in found]
        assert reached == [m == modality for m in z] + [False] * modalities


@every
@several
def test_own_weights_multiply_features_of_their_modality_only(name: str, modalities: int) -> None:
    """The gradient of a weight that multiplies z_m alone is a sum of products with z_m: 0 where z_m is 0."""
    net = fusion(name, modalities)
    own = net.own()
    assert list(own) == list(net.widths)
    named = 0
    for modality in own:
        z = features(modalities)
        z[modality] = torch.zeros_like(z[modality])
        net.zero_grad()
        net(z).square().sum().backward()
        for other, parts in own.items():
            for units in parts:
                assert isinstance(units, Units)
                gradient = units.view(units.parameter.grad)
                # FiLM's own layers belong to the first modality, but their gradient is a product with the others too.
                if other == modality or name != "film":
                    assert bool(gradient.any()) == (other != modality)
                named += 1
    # FiLM: a layer for every conditioned modality, or the head of the only one; the gated unit: W_m and gate columns.
    assert named == modalities * {"film": max(1, modalities - 1), "gated": 2 * modalities}.get(name, modalities)


@every
@pytest.mark.parametrize("modalities", [2, 3])
def test_masking_one_modality_leaves_everything_else_alone(name: str, modalities: int) -> None:
    net = fusion(name, modalities)
    generator = torch.Generator().manual_seed(4)
    sizes = {m: 2 + width for m, width in net.widths.items()}
    encoders = {m: mlp((sizes[m],), width, generator=generator, hidden=(8,)) for m, width in net.widths.items()}
    model = FusionNet(encoders, net)
    x = {m: torch.randn(ROWS, size, generator=generator) for m, size in sizes.items()}
    keep = {m: 0.5 if m == "audio" else 1.0 for m in sizes}
    amss = AMSS(model.parts(), keep=keep, generator=generator)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    amss.attach(optimizer)
    model(x).logits.square().sum().backward()
    before = {key: parameter.grad.clone() for key, parameter in model.named_parameters()}
    start = {key: parameter.detach().clone() for key, parameter in model.named_parameters()}
    optimizer.step()
    after = {key: parameter.grad.clone() for key, parameter in model.named_parameters()}
    for key, parameter in model.named_parameters():
        assert torch.equal(parameter.detach(), torch.add(start[key], after[key], alpha=-0.1)), key
    # Where the gradients of audio's own weights are put back, all is as before: nothing else was touched.
    changed = 0
    for part in model.parts()["audio"]:
        if isinstance(part, Units):
            key = next(key for key, value in model.named_parameters() if value is part.parameter)
            kept, whole = part.view(after[key]), part.view(before[key])
            assert bool(((kept == whole) | (kept == 0)).all())
            changed += int((kept != whole).sum())
            kept.copy_(whole)
    assert changed > 0
    for key in before:
        assert key.startswith("encoders.audio") or torch.equal(before[key], after[key]), key


@every
@several
def test_initial_weights_come_from_the_generator_alone(name: str, modalities: int) -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, third = fusion(name, modalities), fusion(name, modalities, 1)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(6)
    second = fusion(name, modalities)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    pairs = list(zip(first.parameters(), third.parameters(), strict=True))
    assert not any(torch.equal(a, b) for a, b in pairs if a.ndim > 1)


@every
@several
def test_bfloat16_forward_and_backward(name: str, modalities: int) -> None:
    net, z = fusion(name, modalities), features(modalities)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = net({m: value.to(torch.bfloat16) for m, value in z.items()})
        alone = net.unimodal(z, means(modalities))
    assert logits.shape == (ROWS, OUTPUTS) and bool(logits.isfinite().all())
    assert all(bool(value.isfinite().all()) for value in alone.values())
    logits.float().square().sum().backward()
    assert all(bool(parameter.grad.isfinite().all()) for parameter in net.parameters())


@every
@several
def test_copies_and_loaded_states_give_the_same_logits(name: str, modalities: int) -> None:
    net, other, z = fusion(name, modalities), fusion(name, modalities, 1), features(modalities)
    twin = copy.deepcopy(net)
    assert not torch.equal(other(z), net(z))
    other.load_state_dict(net.state_dict())
    assert torch.equal(twin(z), net(z)) and torch.equal(other(z), net(z))
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.zero_()
    assert not torch.equal(twin(z), net(z))
    assert all(units.parameter is not old.parameter for units, old in zip(units_of(twin), units_of(net), strict=True))


def units_of(net: Fusion) -> list[Units]:
    return [units for parts in net.own().values() for units in parts if isinstance(units, Units)]


def test_film_without_conditions_is_a_head_on_the_rest() -> None:
    net, z = fusion("film", 3), features(3)
    with torch.no_grad():
        for parameter in net.conditions.parameters():
            parameter.zero_()
    assert torch.equal(net(z), net.head(torch.cat([z["video"], z["touch"]], dim=1)))


def test_film_scales_and_shifts_by_the_first_modality() -> None:
    net, z = fusion("film", 2), features(2)
    with torch.no_grad():
        net.conditions[0].weight.zero_()
        net.conditions[0].bias.copy_(torch.tensor([1.0, 1.0, 1.0, 5.0, 6.0, 7.0]))
    assert torch.equal(net(z), net.head(2 * z["video"] + torch.tensor([5.0, 6.0, 7.0])))


@pytest.mark.parametrize("opened", [(True, False), (False, True), (True, True)])
def test_gates_open_and_shut_a_modality(opened: tuple[bool, bool]) -> None:
    net, z = fusion("gated", 2), features(2)
    hidden = net.head.in_features
    assert hidden == max(net.widths.values())
    with torch.no_grad():
        net.gates.weight.zero_()
        # The sigmoid of these is 1 and 0 to the last bit of float32.
        signs = torch.tensor([200.0 if open_ else -200.0 for open_ in opened])
        net.gates.bias.copy_(signs.repeat_interleave(hidden))
        values = [torch.tanh(value(z[m])) for m, value in zip(z, net.values, strict=True)]
        expected = net.head(sum(value for value, open_ in zip(values, opened, strict=True) if open_))
        assert torch.equal(net(z), expected)


def test_the_transformer_reads_a_token_for_every_modality_and_its_own() -> None:
    net = fusion("transformer", 3)
    seen: list[Tensor] = []
    net.blocks[0].register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    z = features(3)
    net(z)
    tokens = [net.first[0].expand(ROWS, -1)] + [p(z[m]) for m, p in zip(z, net.projections, strict=True)]
    assert torch.equal(seen[0], torch.stack(tokens, dim=1))
    assert torch.equal(net(z), net.head(net.norm(net.blocks(seen[0])[:, 0])))
    assert net.first.shape[-1] == 6


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("gated", {"widht": 3}, "no option 'widht' of the fusion 'gated'; did you mean 'width'?"),
        ("sum", {"width": 3}, "no option 'width' of the fusion 'sum'; it has none"),
        ("gated", {"width": -1}, "option width of the fusion 'gated': .* found -1"),
        ("transformer", {"width": 5, "heads": 2}, "heads must divide width, found width=5, heads=2"),
    ],
)
def test_options_that_are_refused_are_named(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fusion(name, **options)


def test_options_set_sizes() -> None:
    assert fusion("gated", width=7).head.in_features == 7
    net = fusion("transformer", width=8, heads=4, layers=2, inner=3)
    assert net.head.in_features == 8 and len(net.blocks) == 2
    assert net.blocks[0].self_attn.num_heads == 4 and net.blocks[0].linear1.out_features == 3


@every
def test_no_modality_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="at least one modality"):
        FUSIONS[name].build({}, 2, generator=torch.Generator())


def test_the_registry_is_complete() -> None:
    assert list(FUSIONS) == ["concatenation", "sum", "film", "gated", "transformer"]
    assert all(kind.name == name and kind.summary and kind.source for name, kind in FUSIONS.items())
