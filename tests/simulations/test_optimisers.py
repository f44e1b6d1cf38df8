"""The optimisers are those of torch where torch has them, and the mask stands where they say."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from simulations.optimisers import Adam, Descent, Momentum, Optimiser
from simulations.stepsizes import Constant, InverseSquareRoot, InverseTime

ETA, STEPS = 0.125, 12
TORCH: list[tuple[Optimiser, Callable[[list[Tensor]], torch.optim.Optimizer]]] = [
    (Descent(), lambda p: torch.optim.SGD(p, lr=ETA)),
    (Momentum(0.75, averaged=False), lambda p: torch.optim.SGD(p, lr=ETA, momentum=0.75)),
    (Adam(0.75, 0.875, 1e-8), lambda p: torch.optim.Adam(p, lr=ETA, betas=(0.75, 0.875), eps=1e-8)),
]


def gradients() -> Tensor:
    return torch.randn(STEPS, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def path(optimiser: Optimiser, masks: Tensor | None = None) -> list[Tensor]:
    """Iterates from 0 under the fixed gradients; mask t multiplies by masks[t]."""
    w = torch.zeros(3, dtype=torch.float64)
    state, factors, found = optimiser.begin(w), optimiser.factors(STEPS), []
    for t, g in enumerate(gradients()):
        factor = torch.ones(3, dtype=torch.float64) if masks is None else masks[t]
        update, state = optimiser.update(g, factor.mul, state, [f[t] for f in factors])
        w = w - ETA * update
        found.append(w)
    return found


@pytest.mark.parametrize(("optimiser", "make"), TORCH, ids=lambda value: getattr(value, "name", ""))
def test_without_a_mask_it_is_torch(
    optimiser: Optimiser, make: Callable[[list[Tensor]], torch.optim.Optimizer]
) -> None:
    w = torch.nn.Parameter(torch.zeros(3, dtype=torch.float64))
    other = make([w])
    for t, g in enumerate(gradients()):
        w.grad = g.clone()
        other.step()
        # Fewer than 16 roundings a step on numbers below 4; Adam's quotients are of order 1.
        assert torch.allclose(path(optimiser)[t], w.detach(), rtol=0.0, atol=(t + 1) * 2.0**-46)


def test_an_average_is_a_heavy_ball_with_a_smaller_step() -> None:
    slow, fast = path(Momentum(0.75)), path(Momentum(0.75, averaged=False))
    for one, other in zip(slow, fast, strict=True):
        assert torch.allclose(one, 0.25 * other, rtol=0.0, atol=2.0**-46)


def test_a_mask_before_enters_the_average_and_a_mask_after_does_not() -> None:
    masks = torch.zeros(STEPS, 3, dtype=torch.float64)
    masks[1] = 2.0
    g, half = gradients(), 0.5
    before, after = path(Momentum(half), masks), path(Momentum(half, mask_after=True), masks)
    assert torch.equal(before[0], torch.zeros(3, dtype=torch.float64)) and torch.equal(after[0], before[0])
    assert torch.allclose(before[1], -ETA * half * 2 * g[1], rtol=2.0**-50, atol=0.0)
    assert torch.allclose(after[1], -ETA * 2 * (half * half * g[0] + half * g[1]), rtol=2.0**-48, atol=2.0**-52)
    assert torch.equal(after[2], after[1]) and not torch.equal(before[2], before[1])


def test_adam_after_moves_only_what_the_mask_keeps() -> None:
    masks = torch.ones(STEPS, 3, dtype=torch.float64)
    masks[:, 1] = 0.0
    whole, masked = path(Adam()), path(Adam(mask_after=True), masks)
    for one, other in zip(whole, masked, strict=True):
        assert torch.equal(one[[0, 2]], other[[0, 2]]) and float(other[1]) == 0.0


def test_adam_without_epsilon_leaves_what_has_no_gradient() -> None:
    adam = Adam(epsilon=0.0)
    w = torch.zeros(2, dtype=torch.float64)
    g = torch.tensor([0.0, 3.0], dtype=torch.float64)
    update, _ = adam.update(g, lambda x: x, adam.begin(w), [f[0] for f in adam.factors(1)])
    # 3 (1 - b1) / (1 - b1) over the root of 9 (1 - b2) / (1 - b2): a few roundings from 1.
    assert float(update[0]) == 0.0 and float(update[1]) == pytest.approx(1.0, rel=2.0**-48)


@pytest.mark.parametrize(
    "make", [lambda: Momentum(1.0), lambda: Momentum(-0.1), lambda: Adam(beta2=1.0), lambda: Adam(epsilon=-1.0)]
)
def test_parameters_without_sense_are_refused(make: Callable[[], Optimiser]) -> None:
    with pytest.raises(ValueError, match="found"):
        make()


@pytest.mark.parametrize(
    "make", [lambda: Constant(-0.1), lambda: InverseSquareRoot(float("nan")), lambda: InverseTime(1.0, 0.0)]
)
def test_stepsizes_without_sense_are_refused(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match="numbers >= 0"):
        make()
