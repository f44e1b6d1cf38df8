"""Instances that the identities are checked on: gradients that float64 represents exactly, and counts.

Every list starts with the edge cases, named, and goes on with random instances from a seed.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Instance:
    """A gradient of n scalar units, exact in float64, and the count k to draw."""

    name: str
    gradient: tuple[Fraction, ...]
    k: int

    @property
    def n(self) -> int:
        """The number of units."""
        return len(self.gradient)

    @property
    def positive(self) -> int:
        """The number of units with a gradient that is not zero."""
        return sum(value != 0 for value in self.gradient)

    @property
    def norms(self) -> Tensor:
        """|g_j| as production takes them: float64 (n,)."""
        return torch.tensor([abs(float(value)) for value in self.gradient], dtype=torch.float64)

    @cached_property
    def inputs(self) -> dict[str, Any]:
        """The instance in JSON types, for a witness."""
        return {"instance": self.name, "gradient": [float(value) for value in self.gradient], "k": self.k}


def edge_instances() -> list[Instance]:
    """One unit, everything drawn, ties, zeros, fewer gradients than k, one dominant unit, a tiny one."""
    return [
        _instance("one unit", [3], 1),
        _instance("everything drawn", [1, -2, 3], 3),
        _instance("ties", [2, 2, -2, 2], 2),
        _instance("ties at k = 1", [1, 1, 1], 1),
        _instance("zeros", [0, 3, 0, -1, 2], 2),
        _instance("fewer gradients than k", [0, 5, 0, 1], 3),
        _instance("one dominant unit", [2**10, 1, -1, 1], 2),
        _instance("two dominant units", [2**10, -(2**9), 3, 1, 2, 1], 3),
        _instance("a tiny unit", [1, Fraction(1e-9), -2, 1], 2),
    ]


def random_instances(seed: int, count: int, *, most_units: int, fewest_units: int = 2) -> list[Instance]:
    """Random gradients, flat and skewed by turns, each unit zero with probability 1/10."""
    rng = random.Random(seed)
    found = []
    for number in range(count):
        n = rng.randint(fewest_units, most_units)
        spread = (0, 3, 8)[number % 3]
        units = [Fraction(0) if rng.random() < 0.1 else _unit(rng, spread) for _ in range(n)]
        if not any(units):
            units[rng.randrange(n)] = Fraction(1)
        found.append(_instance(f"random {number} of seed {seed}", units, rng.randint(1, n)))
    return found


def instances(seed: int, count: int, *, most_units: int) -> list[Instance]:
    """The edge cases of at most `most_units` units, and `count` random instances."""
    edges = [case for case in edge_instances() if case.n <= most_units]
    return edges + random_instances(seed, count, most_units=most_units)


def _unit(rng: random.Random, spread: int) -> Fraction:
    return rng.choice((-1, 1)) * Fraction(rng.randint(1, 2**12)) * Fraction(2) ** rng.randint(-spread, spread)


def _instance(name: str, gradient: Sequence[int | Fraction], k: int) -> Instance:
    return Instance(name, tuple(Fraction(float(value)) for value in gradient), k)
