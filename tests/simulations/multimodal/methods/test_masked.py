"""Masked methods: what is drawn, with which weights, and the laws of the unbiased ones by enumeration."""

import math
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from amss_min import AMSSPlus, MutualInformationRate, SquaredGradient, Successive, Systematic, unimodal_logits
from amss_min.designs import Draw
from amss_min.testing.loading import BadInput
from simulations.multimodal.fusions.concatenation import Concatenation
from simulations.multimodal.methods import METHODS
from simulations.multimodal.methods.masked import Masked
from simulations.multimodal.methods.matched_weightings import HalfCount, UnitMeanShiftedInverse
from simulations.multimodal.model import FusionNet
from tests.simulations.multimodal.methods.small_networks import CLASSES, TASKS, batch, filled, gradients, made, network
from tests.simulations.multimodal.methods.small_networks import plain as plain_gradients
from theory.enumeration import random_order_systematic_law

EPS = torch.finfo(torch.float64).eps
FIRST = "encoders.{}.0.weight"


class Given(Systematic):
    """Systematic sampling whose draw is set from outside: unit j is drawn where bit j of `pattern` is 1."""

    def __init__(self) -> None:
        self.pattern = 0

    def sample(self, p: Tensor, k: Any, *, generator: torch.Generator) -> Draw:
        n = p.shape[-1]
        drawn = torch.tensor([bool(self.pattern >> unit & 1) for unit in range(n)]).expand(p.shape)
        return replace(
            Systematic().sample(p, k, generator=torch.Generator()), drawn=drawn, pi=Systematic().inclusion(p, k)
        )


def ready(name: str, modalities: int = 2, **options: Any) -> tuple[Masked, dict[str, Tensor]]:
    """A method before its first masking, and the gradients that it is going to mask."""
    net = network(modalities=modalities)
    with torch.no_grad():
        net.fusion.head.weight[:, 3:6] *= -8  # what video says alone is far off, so audio tells more
    method = made(name, net, **options)
    assert isinstance(method, Masked)
    inputs, target = batch(modalities=modalities)
    return method, filled(method, inputs, target)[1]


def masked(name: str, modalities: int = 2, **options: Any) -> tuple[Masked, dict[str, Tensor], dict[str, Tensor]]:
    """A method after one masking by hand, with the gradients before and after."""
    method, before = ready(name, modalities, **options)
    method.masks.mask_gradients()
    return method, before, gradients(method.net)


def expected(method: Masked, before: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The mean of the masked gradient over the exact law of random-order systematic sampling, by parameter."""
    net, design = method.net, Given()
    method.masks.design = design
    keep = dict(zip(net.modalities, method.masks.keep_fractions().tolist(), strict=True))
    state = method.masks.state_dict()
    seen: dict[int, dict[str, Tensor]] = {}
    for pattern in range(2**4):
        design.pattern = pattern
        for name, value in net.named_parameters():
            value.grad = before[name].clone()
        method.masks.load_state_dict(state)
        method.masks.mask_gradients()
        seen[pattern] = gradients(net)
    means = {}
    for name, gradient in before.items():
        if name.startswith("encoders") and name.endswith("weight"):
            pieces: list[tuple[Tensor, Any, float]] = [(gradient, slice(None), keep[name.split(".")[1]])]
        elif name == "fusion.head.weight":
            pieces = [
                (gradient[row, first : first + 3, None], (row, slice(first, first + 3), None), keep[modality])
                for row in range(3)
                for first, modality in ((0, "audio"), (3, "video"))
            ]
        else:
            assert all(torch.equal(found[name], gradient) for found in seen.values())
            continue
        mean = torch.zeros_like(gradient)
        for piece, place, rho in pieces:
            n = len(piece)
            count = torch.tensor(math.ceil(rho * n - 1e-6))
            sizes = SquaredGradient(mix=0.5)(torch.linalg.vector_norm(piece, dim=1))
            law = random_order_systematic_law([Fraction(pi) for pi in Systematic().inclusion(sizes, count).tolist()])
            for index, values in enumerate(torch.stack([seen[pattern][name][place] for pattern in range(2**n)], -1)):
                for column, value in enumerate(values.reshape(-1, 2**n).tolist()):
                    total = sum(
                        (chance * Fraction(value[sum(bit << unit for unit, bit in enumerate(mask))]))
                        for mask, chance in law.items()
                    )
                    mean[place][index].reshape(-1)[column] = float(total)
        means[name] = mean
    return means


def assert_equal_to_rounding(found: Tensor, wanted: Tensor, roundings: int) -> None:
    """Each entry was rounded so many times, by at most eps / 2 of itself."""
    assert bool(((found - wanted).abs() <= roundings * EPS / 2 * (1 + EPS) ** roundings * wanted.abs()).all())


def test_amss_plus_has_the_gradient_as_its_mean_by_enumeration() -> None:
    method, before = ready("amss+")
    means = expected(method, before)
    assert set(means) == {name for name in before if name.endswith("weight")}
    for name, mean in means.items():
        # 1/pi, its product with the gradient, and the mean itself are rounded once each.
        assert_equal_to_rounding(mean, before[name], 3)


def test_the_rebalanced_method_has_c_times_the_gradient_as_its_mean_by_enumeration() -> None:
    method, before = ready("amss+rebalanced")
    inputs, target = batch()
    whole = plain_gradients(method.net, CLASSES, inputs, target)
    with torch.no_grad():
        output = method.net(inputs)
    single = unimodal_logits(method.net.fusion.head, output.features)
    rate = MutualInformationRate()
    rho = rate.fractions(rate.observation(list(single.values()), list(output.features.values()), target))
    c = dict(zip(method.net.modalities, (rho / rho.mean()).tolist(), strict=True))
    assert c["audio"] < 1 < c["video"]
    wanted = {name: value * c[name.split(".")[1]] for name, value in whole.items() if name.startswith("encoders")}
    wanted["fusion.head.weight"] = whole["fusion.head.weight"] * torch.tensor(
        [c["audio"]] * 3 + [c["video"]] * 3, dtype=torch.float64
    )
    wanted["fusion.head.bias"] = whole["fusion.head.bias"]
    for name, value in before.items():  # what is masked without bias is exactly c g, biases included
        assert torch.equal(value, wanted[name]), name
    for name, mean in expected(method, before).items():
        assert_equal_to_rounding(mean, wanted[name], 3)


def test_with_fixed_equal_fractions_rebalanced_is_amss_plus() -> None:
    _, _, one = masked("amss+rebalanced", keep=0.5)
    _, _, other = masked("amss+", keep=0.5)
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("name", ["uniform", "amss"])
def test_masks_are_zero_or_one_on_weights_and_leave_biases(name: str) -> None:
    _, before, after = masked(name, keep=0.5)
    for key, gradient in before.items():
        assert bool(((after[key] == 0) | (after[key] == gradient)).all())
        assert torch.equal(gradient, after[key]) == key.endswith("bias")


@pytest.mark.parametrize(("keep", "rows", "single"), [(0.5, 2, 2), (0.3, 2, 1), (0.25, 1, 1), (1.0, 4, 3)])
def test_uniform_keeps_exactly_k_units(keep: float, rows: int, single: int) -> None:
    method, _, after = masked("uniform", keep=keep)
    for modality in method.net.modalities:
        assert int(after[FIRST.format(modality)].abs().sum(1).count_nonzero()) == rows == math.ceil(keep * 4)
    kept = after["fusion.head.weight"].reshape(3, 2, 3).count_nonzero(dim=2)
    assert kept.unique().tolist() == [single] == [math.ceil(keep * 3)]
    assert method.keep == {"audio": keep, "video": keep}


def test_uniform_plus_weighs_by_n_over_k() -> None:
    _, before, after = masked("uniform+", keep=0.5)
    for modality in ("audio", "video"):
        gradient, found = before[FIRST.format(modality)], after[FIRST.format(modality)]
        assert bool(((found == 0) | (found == 2 * gradient)).all())


def test_the_modality_that_tells_more_keeps_less() -> None:
    for name in ("amss", "amss+", "released-scaled", "amss-scaled"):
        keep = masked(name)[0].keep
        assert keep is not None and 0.1 <= keep["audio"] < keep["video"] <= 0.9
    released = masked("released")[0].keep
    assert released is not None and released["audio"] > released["video"]  # the pair is swapped


def test_half_count_is_the_mask_of_amss_times_half_k() -> None:
    amss, _, once = masked("amss")
    _, _, scaled = masked("amss-scaled")
    assert amss.masks.report is not None
    drawn = {entry.name: entry.drawn for entry in amss.masks.report.tensors}
    for name, value in once.items():
        if name.endswith("bias"):
            assert torch.equal(scaled[name], value)
        elif name.startswith("encoders"):
            _, modality, place, _ = name.split(".")
            assert torch.equal(scaled[name], value * (drawn[f"{modality}: {place}.weight"] / 2))
    head = [entry for entry in amss.masks.report.tensors if "columns" in entry.name]
    for entry, columns in zip(head, (slice(0, 3), slice(3, 6)), strict=True):
        assert torch.equal(
            scaled["fusion.head.weight"][:, columns], once["fusion.head.weight"][:, columns] * (entry.drawn / 2)
        )


def test_the_scaled_released_weight_is_the_released_one_over_its_mean() -> None:
    draw = Successive().sample(
        torch.tensor([[0.5, 0.3, 0.2, 0.0], [0.0, 0.0, 0.0, 0.0]], dtype=torch.float64),
        torch.tensor([2, 2]),
        generator=torch.Generator().manual_seed(0),
    )
    weights = UnitMeanShiftedInverse()(draw)
    q, drawn = draw.q[0].tolist(), draw.drawn[0].tolist()
    raw = [1 / (size + 1 / 4) if bit else 0.0 for size, bit in zip(q, drawn, strict=True)]
    mean = sum(raw[:3]) / 3  # the fourth unit has no gradient and takes no part
    torch.testing.assert_close(weights[0], torch.tensor([value / mean for value in raw], dtype=torch.float64))
    assert sum(drawn) == 2 and weights[1].tolist() == [0.0] * 4
    assert HalfCount()(draw).tolist() == [[float(bit) for bit in drawn], [0.0] * 4]
    assert not (HalfCount.unbiased or UnitMeanShiftedInverse.unbiased)
    three = replace(draw, k=torch.tensor([3, 3]), pi=draw.inclusion)
    assert torch.equal(HalfCount()(three), 1.5 * draw.drawn)
    assert torch.equal(HalfCount().second_moment(three), 2.25 * draw.inclusion)


def test_scaled_and_released_weights_differ_by_one_factor_a_draw() -> None:
    options = {"keep": 0.5}
    _, before, scaled = masked("released-scaled", **options)
    _, _, released = masked("released", **options)
    for modality in ("audio", "video"):
        name = FIRST.format(modality)
        kept = scaled[name] != 0
        assert torch.equal(kept, released[name] != 0)
        ratio = released[name][kept] / scaled[name][kept]
        torch.testing.assert_close(ratio, ratio[0].expand_as(ratio))
        multipliers = scaled[name].sum(1) / before[name].sum(1)
        torch.testing.assert_close(multipliers.mean(), torch.ones((), dtype=torch.float64))


@pytest.mark.parametrize("modalities", [2, 3])
@pytest.mark.parametrize("task", TASKS.values(), ids=list(TASKS))
def test_released_is_what_amss_min_calls_released(task: Any, modalities: int) -> None:
    net, (inputs, target) = network(task, modalities), batch(task, modalities)
    method = made("released", net, task)
    assert isinstance(method, Masked)
    output, before = filled(method, inputs, target)
    method.masks.mask_gradients()
    found = gradients(net)
    assert method.masks.released is not None
    assert method.masks.released.swapped_ratio == (modalities == 2)
    assert method.masks.released.released_entropy == (task.name == "classification")
    twin = AMSSPlus(
        net.parts(),
        keep=MutualInformationRate(),
        released=method.masks.released,
        generator=torch.Generator().manual_seed(7),
    )
    for name, value in net.named_parameters():
        value.grad = before[name].clone()
    single = net.unimodal({name: z.detach() for name, z in output.features.items()})
    twin.observe(logits=single, features=output.features, target=target)
    twin.mask_gradients()
    assert all(torch.equal(value, found[name]) for name, value in gradients(net).items())
    assert torch.equal(found["fusion.head.weight"], before["fusion.head.weight"])


def test_single_weights_are_drawn_row_by_row() -> None:
    _, _, after = masked("uniform", granularity="weights", keep=0.4)
    assert after[FIRST.format("audio")].count_nonzero(dim=1).tolist() == [2] * 4  # of 5 inputs
    assert after[FIRST.format("video")].count_nonzero(dim=1).tolist() == [2] * 4  # of 4
    assert set(after["fusion.head.weight"].reshape(3, 2, 3).count_nonzero(dim=2).flatten().tolist()) == {2}


def test_single_kernels_of_a_convolution() -> None:
    chance = torch.Generator().manual_seed(0)
    encoder = nn.Sequential(nn.Conv1d(4, 3, 3), nn.AdaptiveAvgPool1d(1), nn.Flatten())
    net = FusionNet({"signal": encoder}, Concatenation({"signal": 3}, 3, generator=chance))
    method = made("uniform", net, granularity="weights", keep=0.5)
    assert isinstance(method, Masked)
    _, target = batch()
    filled(method, {"signal": torch.randn(len(target), 4, 8, generator=chance)}, target)
    method.masks.mask_gradients()
    kernels = gradients(net)["encoders.signal.0.weight"].abs().amax(2)
    assert kernels.count_nonzero(dim=1).tolist() == [2, 2, 2]


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("amss+", {"weighting": "indicator"}, "AMSSPlus must be unbiased"),
        ("amss+", {"weighting": "half-count"}, "AMSSPlus must be unbiased"),
        ("amss+", {"design": "top-k"}, "positive inclusion probability"),
        ("amss+", {"weighting": "rank-conditioned"}, "needs the clocks"),
        ("amss", {"design": "sistematic"}, "no design 'sistematic'; did you mean 'systematic'"),
        ("amss", {"importance": "gradient"}, "no importance 'gradient'; did you mean 'gradient-norm'"),
        ("amss", {"floor": 0.95}, "floor <= ceiling"),
        ("amss", {"mean": 0.95}, "between floor and ceiling"),
        ("amss", {"keep": 1.5}, "less than or equal to 1"),
        ("amss", {"granularity": "layers"}, "granularity"),
        ("amss", {"tau": 0.2}, "Extra inputs are not permitted"),
    ],
)
def test_options_that_cannot_be_are_refused_by_name(name: str, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        METHODS[name].Options(**options)


def test_what_does_not_fit_the_network_is_bad_input() -> None:
    with pytest.raises(BadInput, match="found 'adio'; did you mean 'audio'"):
        made("amss", network(), keep={"adio": 0.5, "video": 0.5})
    bare = FusionNet({"audio": nn.Flatten()}, Concatenation({"audio": 3}, 3, generator=torch.Generator()))
    bare.fusion.own = lambda: {"audio": []}  # type: ignore[method-assign]
    with pytest.raises(BadInput, match="must have at least one unit"):
        made("amss+", bare)


@pytest.mark.parametrize("design", ["systematic", "poisson", "conditional-poisson", "pivotal", "sampford", "pareto"])
def test_amss_plus_takes_every_design_with_positive_probabilities(design: str) -> None:
    method, before, after = masked("amss+", design=design, importance="gradient-norm", mix=0.1, mean=0.5, smoothing=0.5)
    assert type(method.masks.design).__name__.lower() == design.replace("-", "")
    assert any(not torch.equal(before[name], after[name]) for name in before)
    assert method.masks.importance.mix == 0.1
