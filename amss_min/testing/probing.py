"""One call of an estimator with everything around it observed: its input, its generator, the global random states."""

import hashlib
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

Function = Callable[..., Any]

_NAMES = ("torch", "numpy", "random")


def derived(seed: int, *purpose: int | str) -> int:
    """A seed below 2^62 for one purpose, from a seed."""
    digest = hashlib.blake2b(repr((seed, *purpose)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 2


@dataclass(frozen=True, eq=False)
class Observed:
    """What one call did.

    given, left: the gradient before and after. result: what came back. state, advanced: the generator's state before
    and after. touched: the global random states that the call changed, among torch, numpy and random.
    """

    given: Tensor
    left: Tensor
    result: Any
    state: Tensor
    advanced: Tensor
    touched: tuple[str, ...]

    @property
    def moved(self) -> bool:
        """Whether the call advanced its generator."""
        return not torch.equal(self.state, self.advanced)


def observe(function: Function, gradient: Tensor, seed: int, world: int) -> Observed:
    """Call on a copy of the gradient, with a fresh generator of this seed, in a world of global random states.

    The world is set before the call and undone after it, also when the call raises.
    """
    generator = torch.Generator(gradient.device).manual_seed(seed)
    state, left = generator.get_state(), gradient.clone()
    with _world(world) as states:
        result = function(left, generator=generator)
        after = _states()
    touched = tuple(name for name in _NAMES if not _equal(states[name], after[name]))
    return Observed(gradient, left, result, state, generator.get_state(), touched)


@contextmanager
def _world(seed: int) -> Iterator[dict[str, Any]]:
    """Global random states that nobody else is likely to set, then again what they were."""
    before = _states()
    numbers = {name: derived(seed, name) for name in _NAMES}
    try:
        torch.set_rng_state(torch.Generator().manual_seed(numbers["torch"]).get_state())
        np.random.set_state(np.random.RandomState(numbers["numpy"] % 2**32).get_state())
        random.setstate(random.Random(numbers["random"]).getstate())
        yield _states()
    finally:
        torch.set_rng_state(before["torch"])
        np.random.set_state(before["numpy"])
        random.setstate(before["random"])


def _states() -> dict[str, Any]:
    return {"torch": torch.get_rng_state(), "numpy": np.random.get_state(), "random": random.getstate()}


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, Tensor):
        return torch.equal(a, b)
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def same_bits(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors have the same type, shape and bits; then 0.0 is not -0.0, and nan is nan.

    >>> same_bits(torch.tensor([0.0]), torch.tensor([-0.0]))
    False
    """
    return a.dtype == b.dtype and a.shape == b.shape and not bool(_differs(a, b).any())


def difference(a: Tensor, b: Tensor) -> str:
    """Where two tensors first differ, in words.

    >>> difference(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.5]))
    'entry (1,) was 2 and then 2.5'
    """
    if a.shape != b.shape:
        return f"the shape was {tuple(a.shape)} and then {tuple(b.shape)}"
    if a.dtype != b.dtype:
        return f"the type was {a.dtype} and then {b.dtype}"
    first = tuple(np.unravel_index(int(_differs(a, b).int().argmax()), a.shape))
    index = tuple(int(i) for i in first)
    return f"entry {index} was {a[first].item():.6g} and then {b[first].item():.6g}"


def _differs(a: Tensor, b: Tensor) -> Tensor:
    """Which entries differ in any bit, flat."""
    words = [x.detach().cpu().contiguous().view(-1).view(torch.uint8).view(x.numel(), -1) for x in (a, b)]
    return (words[0] != words[1]).any(1)
