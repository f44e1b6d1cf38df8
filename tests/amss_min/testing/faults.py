"""Estimators that break the contract with the generator, each with the rules that they break."""

import random
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from tests.amss_min.testing.estimators import Estimate

SAME = "the same generator state must give the same output"
ALIKE = "the same generator state must be advanced alike"
ADVANCE = "a draw must advance the generator"
WORLD = "global random states must be left alone"


def mask(gradient: Tensor, generator: torch.Generator | None) -> Tensor:
    return (torch.rand(len(gradient), 1, generator=generator) < 0.5) * 2.0


def resets_the_seed(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
    torch.manual_seed(0)
    return gradient * mask(gradient, None)


def resets_numpy(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
    np.random.seed(0)
    return gradient * mask(gradient, generator)


def draws_from_numpy(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
    return gradient * torch.from_numpy(np.random.rand(len(gradient), 1))


def draws_from_random(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
    return gradient * random.random()


def shuffles_globally(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
    random.shuffle([1, 2, 3])
    return gradient * mask(gradient, generator)


def draws_afresh(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
    return gradient * torch.from_numpy(np.random.default_rng().random((len(gradient), 1)))


def draws_behind_the_back(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
    with torch.random.fork_rng(devices=[]):
        return gradient * mask(gradient, None)


def copies_the_generator(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
    return gradient * mask(gradient, generator.clone_state())


def starts_from_the_seed(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
    return gradient * mask(gradient, torch.Generator().manual_seed(generator.initial_seed()))


class EveryFifth:
    """A mask that is kept for five calls."""

    calls = 0
    every = 5

    def __call__(self, gradient: Tensor, *, generator: torch.Generator) -> Tensor:
        if self.calls % self.every == 0:
            self.mask = mask(gradient, generator)
        self.calls += 1
        return gradient * self.mask


class Once(EveryFifth):
    """A mask that is kept for good."""

    every = 10**9


class ByGradient:
    """A mask that is kept for every gradient."""

    def __init__(self) -> None:
        self.masks: dict[tuple[float, ...], Tensor] = {}

    def __call__(self, gradient: Tensor, *, generator: torch.Generator) -> Tensor:
        name = tuple(gradient.flatten().tolist())
        if name not in self.masks:
            self.masks[name] = mask(gradient, generator)
        return gradient * self.masks[name]


class Counting:
    """The sign changes with every third call."""

    calls = 0

    def __call__(self, gradient: Tensor, *, generator: torch.Generator) -> Tensor:
        self.calls += 1
        return gradient * mask(gradient, generator) * (1.0 if self.calls // 3 % 2 else -1.0)


class Averaging:
    """The average of this mask and the last one."""

    last: Tensor | float = 1.0

    def __call__(self, gradient: Tensor, *, generator: torch.Generator) -> Tensor:
        both: Tensor = mask(gradient, generator) + self.last
        self.last = both - self.last
        return gradient * (0.5 * both)


GENERATOR_FAULTS: dict[str, tuple[Callable[[], Estimate], set[str]]] = {
    "resets the seed": (lambda: resets_the_seed, {WORLD}),
    "resets NumPy's seed": (lambda: resets_numpy, {WORLD}),
    "draws from NumPy's global generator": (lambda: draws_from_numpy, {SAME, WORLD}),
    "draws from random": (lambda: draws_from_random, {SAME, WORLD}),
    "shuffles globally": (lambda: shuffles_globally, {WORLD}),
    "draws afresh": (lambda: draws_afresh, {SAME}),
    "draws from the global generator and puts it back": (lambda: draws_behind_the_back, {SAME}),
    "copies the generator": (lambda: copies_the_generator, {ADVANCE}),
    "starts from the seed": (lambda: starts_from_the_seed, {ADVANCE}),
    "a mask for five calls": (EveryFifth, {SAME}),
    "a mask for good": (Once, {ALIKE}),
    "a mask for every gradient": (ByGradient, {ALIKE}),
    "every third call": (Counting, {SAME}),
    "averages over calls": (Averaging, {SAME}),
}
