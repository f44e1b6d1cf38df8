"""A diagnosis leaves everything as it was, works with every configuration, and says what it cannot tell."""

import copy
import io
import json
from typing import Any

import pytest
import torch
from rich.console import Console
from torch import nn

from amss_min import (
    AMSS,
    AMSSPlus,
    GradientNorm,
    MutualInformationRate,
    Poisson,
    RankConditioned,
    Released,
    SimpleRandom,
    SquaredGradient,
    Successive,
    Systematic,
    TopK,
)
from amss_min.designs import ConditionalPoisson, Pareto, Pivotal, Sampford, SequentialPoisson
from simulations.multimodal.diagnosis import diagnose, over_training, table
from tests.simulations.multimodal.diagnosed import CrossEntropy, HalfSquares, labelled, linear_part, network


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noisy_encoder(size: int) -> nn.Module:
    return nn.Sequential(nn.Linear(size, 6), nn.BatchNorm1d(6), nn.Dropout(0.5), nn.ReLU(), nn.Linear(6, 4))


def training_step(net: Any, masks: AMSS, optimizer: torch.optim.Optimizer, part: Any) -> None:
    output = net(part.features)
    masks.observe(logits=net.unimodal(output.features), features=output.features, target=part.target)
    optimizer.zero_grad()
    CrossEntropy().loss(output.logits, part.target).backward()
    optimizer.step()


def everything(net: Any, masks: AMSS, optimizer: torch.optim.Optimizer) -> list[Any]:
    return [
        net.state_dict(),
        [None if p.grad is None else p.grad for p in net.parameters()],
        [module.training for module in net.modules()],
        optimizer.state_dict(),
        masks.state_dict(),
        torch.get_rng_state(),
    ]


def equal(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(equal, one, other))
    return bool(one == other)


@pytest.mark.parametrize("frozen_norm", [False, True])
def test_everything_is_left_as_it_was_found(frozen_norm: bool) -> None:
    net, part = network(noisy_encoder), labelled(linear_part(24))
    masks = AMSSPlus(net.parts(), keep=MutualInformationRate(smoothing=0.5), generator=generator(3))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    masks.attach(optimizer)
    torch.manual_seed(0)
    net.train()
    for _ in range(2):
        training_step(net, masks, optimizer, part)
    if frozen_norm:
        net.encoders["audio"][1].eval()
    gradients = [p.grad for p in net.parameters()]
    before = copy.deepcopy(everything(net, masks, optimizer))
    record = diagnose(net, masks, part, CrossEntropy(), 4, lr=0.1, generator=generator())
    assert equal(before, everything(net, masks, optimizer))
    assert all(p.grad is g for p, g in zip(net.parameters(), gradients, strict=True))
    with torch.no_grad():
        again = diagnose(net, masks, part, CrossEntropy(), 4, lr=0.1, generator=generator())
    assert again == record  # no dropout and no batch statistics; and gradients are taken even here


def test_the_next_step_of_training_is_the_same_with_and_without() -> None:
    ends = []
    for looked in (False, True):
        net, part = network(noisy_encoder), labelled(linear_part(24))
        masks = AMSS(net.parts(), keep=MutualInformationRate(), generator=generator(3))
        optimizer = torch.optim.Adam(net.parameters(), lr=0.1)
        masks.attach(optimizer)
        torch.manual_seed(0)
        for _ in range(3):
            training_step(net, masks, optimizer, part)
            if looked:
                diagnose(net, masks, part, CrossEntropy(), 8, lr=0.1, generator=generator())
        ends.append(copy.deepcopy(everything(net, masks, optimizer)))
    assert equal(*ends)


RATE = MutualInformationRate(floor=0.4)  # k >= 2 of 4 units, as RankConditioned needs
CONFIGURATIONS: dict[str, Any] = {
    "amss": lambda parts: AMSS(parts, keep=RATE),
    "amss+": lambda parts: AMSSPlus(parts, keep=RATE),
    "norm": lambda parts: AMSSPlus(parts, keep=0.5, importance=GradientNorm(mix=0.1)),
    "rank": lambda parts: AMSSPlus(parts, keep=RATE, design=Successive(), weighting=RankConditioned()),
    "released": lambda parts: AMSS(parts, keep=RATE, released=True),
    "released+": lambda parts: AMSSPlus(parts, keep=RATE, released=True),
    "index": lambda parts: AMSSPlus(parts, keep=RATE, released=Released(head_unmasked=False)),
    **{
        f"0/1 {design!r}": lambda parts, design=design: AMSS(
            parts, keep=0.5, design=design, importance=SquaredGradient(mix=0.1)
        )
        for design in (SimpleRandom(), TopK(), Poisson(), Systematic(False), Pivotal(), Sampford())
    },
    **{
        f"unbiased {design!r}": lambda parts, design=design: AMSSPlus(parts, keep=0.5, design=design)
        for design in (SimpleRandom(), Poisson(), ConditionalPoisson(), Pareto(), SequentialPoisson())
    },
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_every_configuration_gives_a_record_of_numbers_and_a_table(name: str) -> None:
    net, part = network(), labelled(linear_part(18))
    masks = CONFIGURATIONS[name](net.parts())
    record = diagnose(net, masks, part, CrossEntropy(), 4, lr=0.1, generator=generator())
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert record["minibatches"] == 4 and not record["exact"] and list(record["keep"]) == ["audio", "video"]
    assert list(record["tensors"]) == [block.name for block in masks.blocks]
    for entry in [*record["tensors"].values(), record["network"]]:
        assert entry["gradient_squared"] > 0 and entry["noise_variance"]["standard_error"] > 0
        if not name.startswith(("released+", "index")):  # else mu may exceed 1
            assert entry["bias"]["sample_squared"] <= entry["noise_variance"]["value"]
            assert 0 <= entry["kept"]["least"]["value"] <= entry["kept"]["mean"] <= 1
        if entry["omega"]["mean"] is None:
            assert name == "rank" and "no closed form" in entry["omega"]["reason"]
        elif entry["floor"]["case"] == "unbiased":
            assert entry["omega"]["mean"]["value"] >= 0 and 0 < entry["step"]["value"] <= 0.1
    text = io.StringIO()
    Console(file=text, width=200).print(table(record))
    assert all(word in text.getvalue() for word in ("audio: weight", "skewness", "all"))


def test_the_keep_fractions_of_each_minibatch_enter_the_law() -> None:
    """With fractions that follow the minibatch even a uniform mask depends on the gradient: it is no longer (ii)."""
    net, part = network(), labelled(linear_part(24))
    rate = MutualInformationRate(temperature=0.5)
    record = diagnose(
        net, AMSS(net.parts(), keep=rate, design=SimpleRandom()), part, CrossEntropy(), 4, lr=0.1, generator=generator()
    )
    assert record["keep"]["audio"]["least"] < record["keep"]["audio"]["largest"]
    assert record["network"]["floor"]["case"] == "self-importance"


def test_what_cannot_be_told_is_said_with_its_reason() -> None:
    net, part = network(), linear_part(12)
    unused = nn.Linear(3, 3, dtype=torch.float64)
    parts = net.parts()
    parts["audio"].append(unused)
    net.encoders["video"].weight.requires_grad_(False)
    record = diagnose(net, AMSS(parts, keep=0.5), part, HalfSquares(), 4, lr=0.1, generator=generator())
    reasons = {entry["reason"] for entry in record["tensors"].values() if "reason" in entry}
    assert reasons == {"the loss does not depend on the parameter", "the parameter is frozen"}
    assert record["tensors"]["audio: weight (2)"]["reason"] == "the loss does not depend on the parameter"
    assert record["tensors"]["audio: weight"]["units"] == 4  # the encoder, of the same name
    assert record["network"]["units"] == 4 + 8 + 8  # one encoder, and the head
    part.target[3, 0] = torch.inf
    spoiled = diagnose(net, AMSS(parts, keep=0.5), part, HalfSquares(), 4, lr=0.1, generator=generator())
    assert spoiled["network"] == {"reason": "nothing can be told of any tensor"}
    text = io.StringIO()
    Console(file=text, width=300).print(table(spoiled))
    assert "the gradient over all rows is not finite" in text.getvalue()


def test_inclusion_probabilities_out_of_reach_are_a_reason() -> None:
    class Blind(SimpleRandom):
        def inclusion(self, p: torch.Tensor, k: int | torch.Tensor) -> torch.Tensor:
            raise ArithmeticError("too many units")

    net, part = network(), linear_part(12)
    masks = AMSS(net.parts(), keep=0.5, design=Blind())
    record = diagnose(net, masks, part, HalfSquares(), 4, lr=0.1, generator=generator())
    assert all("no inclusion probabilities within reach: too many" in e["reason"] for e in record["tensors"].values())


@pytest.mark.parametrize(
    ("rows", "batch", "most", "found"),
    [(8, 4, None, "found 2 from 8 rows, batch=4"), (7, 4, None, "found 1"), (12, 2, 2, "found 2 .* minibatches=2")],
)
def test_too_few_minibatches_for_a_standard_error_are_refused(rows: int, batch: int, most: Any, found: str) -> None:
    net = network()
    masks = AMSS(net.parts(), keep=0.5)
    with pytest.raises(ValueError, match=f"3 complete minibatches, or one of all rows, {found}"):
        diagnose(net, masks, linear_part(rows), HalfSquares(), batch, lr=0.1, generator=generator(), minibatches=most)
    with pytest.raises(ValueError, match="found 8 rows and batch=0"):
        diagnose(net, masks, linear_part(8), HalfSquares(), 0, lr=0.1, generator=generator())


def test_a_part_of_the_minibatches_still_takes_the_full_gradient_over_all_rows() -> None:
    net, part = network(), linear_part(10)
    masks = AMSS(net.parts(), keep=0.5)
    whole = diagnose(net, masks, part, HalfSquares(), 1, lr=0.1, generator=generator())
    some = diagnose(net, masks, part, HalfSquares(), 1, lr=0.1, generator=generator(), minibatches=4)
    assert whole["exact"] and not some["exact"] and some["minibatches"] == 4
    for name, entry in some["tensors"].items():
        assert entry["gradient_squared"] == pytest.approx(whole["tensors"][name]["gradient_squared"], rel=1e-12)
        assert entry["bias"]["squared"]["standard_error"] > 0


def test_records_over_training_are_arrays_with_gaps() -> None:
    net, part = network(), linear_part(12)
    masks = AMSS(net.parts(), keep=0.5)
    first = diagnose(net, masks, part, HalfSquares(), 4, lr=0.1, generator=generator())
    net.encoders["video"].weight.requires_grad_(False)
    second = diagnose(net, masks, part, HalfSquares(), 4, lr=0.1, generator=generator())
    series = over_training([(0, first), (10, second)])
    assert series["steps"] == [0, 10]
    name = "video: weight"
    bias = first["tensors"][name]["bias"]["squared"]
    assert series["tensors"][name]["bias.squared"] == [bias["value"], None]
    assert series["tensors"][name]["bias.squared.standard_error"] == [bias["standard_error"], None]
    assert series["tensors"][name]["gradient_squared"] == [first["tensors"][name]["gradient_squared"], None]
    assert len(series["network"]["step.value"]) == 2 and None not in series["network"]["step.value"]
    assert json.loads(json.dumps(series, allow_nan=False)) == series
