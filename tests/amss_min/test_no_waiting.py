"""The masked step asks no tensor for its values: it runs on tensors that have none, and no line of it could ask.

Meta tensors have shapes and no data. `.item()`, bool(), `.cpu()`, nonzero, masked_select, indexing with bool and
whatever else makes a host wait for a device fails on them; so a step that runs on them waits for nothing on a GPU.
"""

import ast
import inspect
from collections.abc import Callable, Iterator
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

import amss_min
from amss_min import (
    AMSS,
    AMSSPlus,
    HorvitzThompson,
    Indicator,
    MutualInformationRate,
    RankConditioned,
    ShiftedInverse,
    bundles,
    distributed,
    fractions,
    importance,
    modalities,
    plan,
    schedule,
    updates,
    weightings,
)
from amss_min import amss as amss_module
from amss_min.designs import ConditionalPoisson, Design, TopK, fixed_point, systematic
from amss_min.designs import base as designs_base
from amss_min.designs import successive as successive_module
from tests.unbiased_estimators import DESIGNS

WAITS: tuple[type[Design], ...] = (ConditionalPoisson,)
"""Designs that iterate until they have converged, and say so."""
KEEPS = (0.5, MutualInformationRate(smoothing=0.5))


def net() -> nn.ModuleDict:
    with torch.device("meta"):
        parts = {
            name: nn.ModuleList(
                [nn.Linear(5, 8), nn.Conv1d(3, 9, 2), nn.MultiheadAttention(8, 4), nn.ConvTranspose1d(2, 5, 3)]
            )
            for name in ("audio", "video")
        }
        return nn.ModuleDict(parts)


def steps(amss: AMSS, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Three whole steps on meta tensors, each with two observed batches."""
    amss.attach(optimizer)
    for _ in range(3):
        for parameter in model.parameters():
            parameter.grad = torch.empty_like(parameter)
        for _ in range(2):
            found = {name: torch.empty(4, 3, device="meta") for name in ("audio", "video")}
            target = torch.empty(4, dtype=torch.int64, device="meta")
            amss.observe(logits=found, features=found, target=target)
        optimizer.step()


@pytest.mark.parametrize("keep", KEEPS, ids=["fixed", "rate"])
@pytest.mark.parametrize("masks", ["gradient", "update"])
@pytest.mark.parametrize("kind", [AMSS, AMSSPlus])
def test_a_step_runs_on_tensors_without_values(kind: type[AMSS], masks: str, keep: object) -> None:
    model = net()
    amss = kind(dict(model.items()), keep=keep, masks=masks, generator=torch.Generator())
    steps(amss, model, torch.optim.AdamW(model.parameters(), foreach=True))


@pytest.mark.parametrize("design", [d for d in (*DESIGNS, TopK()) if not isinstance(d, WAITS)], ids=repr)
def test_a_draw_of_every_design_runs_on_tensors_without_values(design: Design) -> None:
    model = net()
    steps(
        AMSS(dict(model.items()), keep=0.5, design=design, weighting=Indicator(), generator=torch.Generator()),
        model,
        torch.optim.SGD(model.parameters(), foreach=True),
    )


def test_other_options_run_on_tensors_without_values() -> None:
    options = [
        (AMSS, {"masks": "freeze"}),
        (AMSS, {"schedule": amss_min.Schedule(every=2, start=1)}),
        (AMSSPlus, {"released": True}),
        (AMSSPlus, {"released": True, "weighting": ShiftedInverse(0.2)}),
    ]
    for kind, given in options:
        model = net()
        amss = kind(dict(model.items()), keep=0.5, generator=torch.Generator(), **given)
        steps(amss, model, torch.optim.SGD(model.parameters(), foreach=True))


def test_weights_by_rank_run_on_tensors_without_values() -> None:
    model = net()
    amss = AMSS(dict(model.items()), keep=0.5, generator=torch.Generator())
    amss.weighting = RankConditioned()  # given to the constructor, it looks at the counts, once
    steps(amss, model, torch.optim.SGD(model.parameters(), foreach=True))


def test_a_design_that_iterates_until_convergence_waits() -> None:
    for kind in WAITS:
        model = net()
        amss = AMSS(dict(model.items()), keep=0.5, design=kind(), generator=torch.Generator())
        with pytest.raises(RuntimeError, match="meta tensors"):
            steps(amss, model, torch.optim.SGD(model.parameters(), foreach=True))


class Asking(HorvitzThompson):
    """Weights that are wrong in nothing but how they are computed."""

    how: Callable[[Tensor], object]

    def __init__(self, how: Callable[[Tensor], object]) -> None:
        object.__setattr__(self, "how", how)  # a frozen dataclass

    def __call__(self, draw: object) -> Tensor:
        weights = super().__call__(draw)
        self.how(weights)
        return weights


ASKING = {
    "item": lambda w: w.sum().item(),
    "cpu": lambda w: w.cpu(),
    "numpy": lambda w: w.numpy(),
    "tolist": lambda w: w.tolist(),
    "branch": lambda w: 1 if w.sum() > 0 else 0,
    "nonzero": lambda w: w.nonzero(),
    "index with bool": lambda w: w[w > 0],
    "masked_select": lambda w: w.masked_select(w > 0),
    "repeat_interleave": lambda w: w.flatten().repeat_interleave(w.flatten().long()),
    "unique": lambda w: w.unique(),
}


@pytest.mark.parametrize("how", ASKING)
def test_a_step_that_asks_for_a_value_is_caught(how: str) -> None:
    model = net()
    amss = AMSSPlus(dict(model.items()), keep=0.5, weighting=Asking(ASKING[how]), generator=torch.Generator())
    with pytest.raises((RuntimeError, NotImplementedError, TypeError)):
        steps(amss, model, torch.optim.SGD(model.parameters()))


FAST_PATH = (
    *(bundles, plan, fractions, importance, modalities, schedule, updates, weightings, distributed, amss_module),
    *(designs_base, fixed_point, systematic, successive_module),
)
FORBIDDEN = {"item", "cpu", "tolist", "numpy", "nonzero", "argwhere", "masked_select", "unique", "synchronize"}
AWAY_FROM_THE_STEP = {
    "state_dict", "load_state_dict", "load", "agree", "_fractions", "_once_rounded", "joint_inclusion", "inclusion",
}  # fmt: skip
"""Functions for checkpoints, the first step of several ranks, and exact probabilities on demand."""


def asking(module: ModuleType) -> Iterator[str]:
    """Calls of forbidden methods in a module, as function:method."""
    for function in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(function, ast.FunctionDef) and function.name not in AWAY_FROM_THE_STEP:
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in FORBIDDEN:
                    yield f"{function.name}:{node.func.attr}"


@pytest.mark.parametrize("module", FAST_PATH, ids=lambda module: module.__name__)
def test_no_line_of_the_fast_path_asks_for_a_value(module: ModuleType) -> None:
    assert list(asking(module)) == []


def test_the_search_of_lines_finds_them() -> None:
    assert list(asking(amss_min.sorting)) == ["ascending:numpy"]  # on the CPU only
    assert any(found.endswith(":unique") for found in asking(amss_min.designs.order_quadrature))
