"""The fast step equals the plain loops, for every design, weighting and kind of unit."""

import pytest
import torch
from torch import nn

from amss_min import (
    AMSS,
    AMSSPlus,
    GradientNorm,
    HorvitzThompson,
    Indicator,
    Poisson,
    RankConditioned,
    Released,
    ShiftedInverse,
    SimpleRandom,
    SquaredGradient,
    Successive,
    Systematic,
    TopK,
    columns,
    heads,
    reference,
    weights,
)
from amss_min.designs import Design
from amss_min.importance import Importance
from amss_min.weightings import Weighting

COMBINATIONS: list[tuple[Design, Weighting]] = [
    (TopK(), Indicator()),
    (SimpleRandom(), Indicator()),
    (SimpleRandom(), HorvitzThompson()),
    (Poisson(), HorvitzThompson()),
    (Systematic(), HorvitzThompson()),
    (Systematic(random_order=False), HorvitzThompson()),
    (Successive(), Indicator()),
    (Successive(), HorvitzThompson()),
    (Successive(), RankConditioned()),
    (Successive(), ShiftedInverse()),
]


class Model(nn.Module):
    """One of everything that has units."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 9, 3)
        self.up = nn.ConvTranspose2d(3, 7, 2)
        self.linear = nn.Linear(4, 6)
        self.attention = nn.MultiheadAttention(8, 4)
        self.single = nn.Linear(8, 3)
        self.query = nn.Linear(6, 12)
        self.head = nn.Linear(10, 3)

    def modalities(self) -> dict[str, list[object]]:
        own = [
            self.attention,
            weights(self.single.weight),
            heads(self.query.weight, 3),
            columns(self.head.weight, 0, 6),
        ]
        return {"a": [self.conv, self.up, self.linear], "b": own, "c": [columns(self.head.weight, 6, 10)]}


def model(seed: int) -> Model:
    torch.manual_seed(seed)
    made = Model().double()
    for index, p in enumerate(made.parameters()):
        p.grad = torch.randn_like(p) * torch.rand(len(p), *[1] * (p.ndim - 1), dtype=p.dtype) ** 3
        if index % 3 == 0:
            p.grad[::3] = 0  # units without a gradient
    made.linear.weight.grad = torch.zeros_like(made.linear.weight)
    return made


@pytest.mark.parametrize("importance", [SquaredGradient(), GradientNorm(mix=0.1)], ids=repr)
@pytest.mark.parametrize(("design", "weighting"), COMBINATIONS, ids=lambda value: type(value).__name__)
def test_fast_equals_reference(design: Design, weighting: Weighting, importance: Importance) -> None:
    released = Released(head_unmasked=False) if isinstance(weighting, ShiftedInverse) else None
    kind = AMSSPlus if weighting.unbiased or released else AMSS
    rational = isinstance(design, Successive) and isinstance(weighting, HorvitzThompson)  # some seconds a step
    for seed in range(1 if rational else 3):
        masked = []
        for mask in (AMSS.mask_gradients, reference.mask_gradients):
            made = model(seed)
            amss = kind(
                made.modalities(),  # type: ignore[arg-type]
                keep={"a": 0.4, "b": 0.7, "c": 0.8},
                importance=importance,
                design=design,
                weighting=weighting,
                generator=torch.Generator().manual_seed(seed),
                released=released,
            )
            mask(amss)
            masked.append([p.grad for p in made.parameters()])
        for fast, slow in zip(*masked, strict=True):
            assert torch.equal(fast == 0, slow == 0)
            # Norms of at most 54 squares and sums over at most 12 units, in another order: relative errors
            # below 100 * 2^-53, which a weight 1/(1 - exp(-q tau)) or 1/pi passes on; rounding to 2^-40
            # moves pi by 2^-40, relative to pi >= 1e-3 by less than 1e-9.
            torch.testing.assert_close(fast, slow, rtol=1e-9, atol=0)


@pytest.mark.parametrize("kind", [AMSS, AMSSPlus])
@pytest.mark.parametrize(
    "released", [Released(), Released(head_unmasked=False), Released(False, None, False)], ids=repr
)
@pytest.mark.parametrize("bad", [0.0, float("nan")])
def test_fast_equals_reference_as_released(kind: type[AMSS], released: Released, bad: float) -> None:
    masked = []
    for mask in (AMSS.mask_gradients, reference.mask_gradients):
        made = model(4)
        assert made.head.weight.grad is not None
        made.head.weight.grad[1, 2] = bad
        amss = kind(
            made.modalities(),  # type: ignore[arg-type]
            keep={"a": 0.4, "b": 0.7, "c": 0.8},
            generator=torch.Generator().manual_seed(4),
            released=released,
        )
        mask(amss)
        masked.append([p.grad for p in made.parameters()])
    for fast, slow in zip(*masked, strict=True):
        assert torch.equal(fast == 0, slow == 0)
        torch.testing.assert_close(fast, slow, rtol=1e-9, atol=0, equal_nan=True)  # as above


def test_the_generator_ends_in_the_same_state() -> None:
    states = []
    for mask in (AMSS.mask_gradients, reference.mask_gradients):
        made = model(0)
        amss = AMSSPlus(made.modalities(), keep=0.5, generator=torch.Generator().manual_seed(1))  # type: ignore[arg-type]
        mask(amss)
        states.append(amss.generator.get_state())
    assert torch.equal(*states)
