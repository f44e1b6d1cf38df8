"""Estimators that break the contract, each in a way that people do; see `tests.faults` for what is stated beside them.

Most of these are unbiased where they are draws at all, which is what makes them dangerous. What the contract shows by
itself is found before the first draw. A wrong declaration takes draws: log(1/alpha) / p where an event of probability p
shows it, else what a bet must gain over the nats that it gains a draw.
"""

import math
import os
import random
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Generator, Tensor

from tests.faults import ALPHA, FAMILIES, Breach, nats
from tests.masks import bernoulli, times

Made = TypeVar("Made", bound=Callable[..., object])

BREACHES: list[Breach] = []


def breach(rule: str, *families: str, needed: float = 0.0, **declared: Any) -> Callable[[Made], Made]:
    """Enter an estimator into BREACHES; see Breach."""

    def entered(made: Made) -> Made:
        BREACHES.append(Breach(made=made, rule=rule, families=families, needed=needed, declared=declared))
        return made

    return entered


def one(gradient: Tensor, pi: float, generator: Generator) -> Tensor:
    """A mask (K,) for a gradient (K, d)."""
    return bernoulli(gradient.unsqueeze(0), pi, generator)[0]


# Randomness from elsewhere


@breach("global random states must be left alone")
def global_seed_reset(gradient: Tensor, *, generator: Generator) -> Tensor:
    """The global generator is seeded anew in every call, "for reproducibility"."""
    torch.manual_seed(0)
    return times(gradient, (torch.rand(len(gradient)) < 0.5) * 2)


@breach("the same generator state must give the same output")
def global_generator(gradient: Tensor, *, generator: Generator) -> Tensor:
    """generator= is not passed on."""
    return times(gradient, (torch.rand(len(gradient)) < 0.5) * 2)


@breach("the same generator state must give the same output")
def numpy_global_state(gradient: Tensor, *, generator: Generator) -> Tensor:
    """np.random decides."""
    return times(gradient, torch.from_numpy(np.random.random(len(gradient)) < 0.5) * 2)


@breach("the same generator state must give the same output")
def python_global_state(gradient: Tensor, *, generator: Generator) -> Tensor:
    """The random module decides."""
    return times(gradient, torch.tensor([random.random() < 0.5 for _ in gradient]) * 2)


@breach("the same generator state must give the same output")
def system_entropy(gradient: Tensor, *, generator: Generator) -> Tensor:
    """A fresh seed from the operating system in every call."""
    fresh = Generator().manual_seed(int.from_bytes(os.urandom(7), "big"))
    return times(gradient, one(gradient, 0.5, fresh) * 2)


@breach("a draw must advance the generator")
def copied_generator(gradient: Tensor, *, generator: Generator) -> Tensor:
    """A copy of the generator is drawn from, so that every step of a run gets the same mask."""
    return times(gradient, one(gradient, 0.5, generator.clone_state()) * 2)


# A past


@breach("the same generator state must")
class MaskForTwoSteps:
    """A mask is drawn in every other call and used twice."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, gradient: Tensor, *, generator: Generator) -> Tensor:
        if self.calls % 2 == 0:
            self.mask = one(gradient, 0.5, generator)
        self.calls += 1
        return times(gradient, self.mask * 2)


@breach("the same generator state must be advanced alike")
class MaskCached:
    """A mask for every seed, kept in a cache: what the generator has drawn since is not asked for."""

    def __init__(self) -> None:
        self.masks: dict[int, Tensor] = {}

    def __call__(self, gradient: Tensor, *, generator: Generator) -> Tensor:
        seed = generator.initial_seed()
        if seed not in self.masks:
            self.masks[seed] = one(gradient, 0.5, generator)
        return times(gradient, self.masks[seed] * 2)


@breach("the same generator state must give the same output")
class RunningImportance:
    """Probabilities from an average over the calls so far: unbiased, and another law in every call."""

    def __init__(self) -> None:
        self.average: Tensor | float = 0.0

    def __call__(self, gradient: Tensor, *, generator: Generator) -> Tensor:
        self.average = 0.9 * self.average + 0.1 * gradient.norm(dim=1)
        pi = 0.25 + 0.5 * self.average / self.average.max()
        return times(gradient, (torch.rand(len(gradient), generator=generator) < pi) / pi)


@breach("the same generator state must give the same output")
class ErrorFeedback:
    """What a step leaves out is added in the next one."""

    def __init__(self) -> None:
        self.left: Tensor | float = 0.0

    def __call__(self, gradient: Tensor, *, generator: Generator) -> Tensor:
        whole = gradient + self.left
        sent = times(whole, one(gradient, 0.5, generator))
        self.left = whole - sent
        return sent


# Input and output


@breach("the gradient must be left as it is")
def in_place(gradient: Tensor, *, generator: Generator) -> Tensor:
    """The gradient itself is masked."""
    return gradient.mul_(one(gradient, 0.5, generator).unsqueeze(1) * 2)


@breach("a finite gradient must give a finite result", "zeros")
def undefined_at_zero(gradient: Tensor, *, generator: Generator) -> Tensor:
    """Directions g_j / |g_j|, which are 0/0 for a unit of zero gradient."""
    size = gradient.norm(dim=1, keepdim=True)
    return times(gradient / size * size, one(gradient, 0.5, generator) * 2)


@breach("a finite gradient must give a finite result", "huge")
def half_precision(gradient: Tensor, *, generator: Generator) -> Tensor:
    """The gradient is sent in half precision, whose largest number is 65504."""
    return times(gradient.half(), one(gradient, 0.5, generator).half() * 2)


@breach("the result must be a floating-point tensor")
def whole_numbers(gradient: Tensor, *, generator: Generator) -> Tensor:
    """What is sent are levels, as integers."""
    return (gradient + torch.rand(gradient.shape, generator=generator)).floor().to(torch.int64)


# Rows of a batch


@breach("rows of a batch must be separate draws", batched=True)
def one_mask_for_a_batch(gradient: Tensor, *, generator: Generator) -> Tensor:
    """All rows get the mask of the first."""
    return times(gradient, bernoulli(gradient[:1], 0.5, generator) * 2)


@breach("the law of a row must depend on its own gradient only", batched=True)
def scaled_by_the_batch(gradient: Tensor, *, generator: Generator) -> Tensor:
    """A quantiser without bias, whose level is set by the largest entry of the whole batch."""
    level = gradient.abs().max() / 4
    noise = torch.rand(gradient.shape, dtype=torch.float64, generator=generator)
    return (gradient / level + noise).floor() * level


# Declarations

MORE_THAN_SIX = sum(math.comb(12, size) * 3 ** (12 - size) for size in range(7, 13)) / 4**12


@breach(
    "no draw may lie beyond the declared bound", needed=math.log(1 / ALPHA) / MORE_THAN_SIX, bound=3.0, batched=True
)
def bound_too_small(gradient: Tensor, *, generator: Generator) -> Tensor:
    """|C| <= 3 |g| is declared; where units are equally large it fails when 7 of 12 are kept: 4 sqrt(7 / 12) > 3."""
    return times(gradient, bernoulli(gradient, 0.25, generator) * 4)


def omega_gain() -> float:
    """Nats a draw on twelve equal units: E Z = 3 and Var Z = 1 for Z = |C - g|^2 / |g|^2, against E Z <= 2.5.

    A stake of half the range bets 0.5 Y - psi(0.5) Y^2 on Y = (Z - 2.5) / 2.5.
    """
    return 0.5 * 0.5 / 2.5 - (math.log(2) - 0.5) * (1 + 0.5**2) / 2.5**2


@breach(
    "E|C - g|^2 must be at most the declared omega |g|^2",
    needed=nats(2 * len(FAMILIES)) / omega_gain(),
    omega=2.5,
    batched=True,
)
def omega_too_small(gradient: Tensor, *, generator: Generator) -> Tensor:
    """omega = 2.5 is declared, and 1 / pi - 1 is 3."""
    return times(gradient, bernoulli(gradient, 0.25, generator) * 4)


def all_or_nothing(gradient: Tensor) -> Iterable[tuple[float, Tensor]]:
    """2 g or nothing, each with probability one half: the mean is g."""
    return [(0.5, 2 * gradient), (0.5, 0 * gradient)]


def whole(gradient: Tensor, pi: float, scale: float, generator: Generator) -> Tensor:
    """scale times the gradient with probability pi, else nothing."""
    kept = torch.rand(len(gradient), 1, 1, generator=generator) < pi
    return gradient * kept * scale


DIVERGENCE = 0.55 * math.log(0.55 / 0.5) + 0.45 * math.log(0.45 / 0.5)


@breach(
    "draws must come from the declared support",
    needed=nats(2 * len(FAMILIES)) / DIVERGENCE,
    support=all_or_nothing,
    batched=True,
)
def other_probabilities(gradient: Tensor, *, generator: Generator) -> Tensor:
    """The support says one half, and draws are kept with probability 0.55."""
    return whole(gradient, 0.55, 2.0, generator)


@breach(
    "draws must come from the declared support", needed=math.log(1 / ALPHA) / 0.5, support=all_or_nothing, batched=True
)
def other_outcomes(gradient: Tensor, *, generator: Generator) -> Tensor:
    """The support says 2 g, and draws are 2.02 g."""
    return whole(gradient, 0.5, 2.02, generator)
