"""Stochastic gradients with finitely many values, and the masked gradient averaged over them exactly.

A law gives each value g of the gradient its probability, both rational; every value is a float64. Where a mask is
drawn given g, the outcomes of a production design and weighting (`theory.readings`) are the inner average.
"""

import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from amss_min.designs import Design
from amss_min.importance import Importance
from amss_min.weightings import Weighting
from theory.moments import Number, Outcome
from theory.readings import readings

Vector = tuple[Fraction, ...]


@dataclass(frozen=True)
class GradientLaw:
    """P(g = value) = probability for the (probability, value) pairs in `values`.

    name: as shown in a witness. Probabilities sum to 1, values have one entry a unit.

    >>> half = Fraction(1, 2)
    >>> law = GradientLaw("coin", ((half, (Fraction(3), Fraction(1))), (half, (Fraction(1), Fraction(1)))))
    >>> law.mean, law.sigma2
    ((Fraction(2, 1), Fraction(1, 1)), Fraction(1, 1))
    """

    name: str
    values: tuple[tuple[Fraction, Vector], ...]

    def __post_init__(self) -> None:
        total = sum(probability for probability, _ in self.values)
        if total != 1:
            raise ValueError(f"the probabilities of a law must sum to 1, found {total} for {self.name!r}")

    @property
    def n(self) -> int:
        """The number of units."""
        return len(self.values[0][1])

    @cached_property
    def mean(self) -> Vector:
        """E g."""
        return tuple(sum((p * g[unit] for p, g in self.values), Fraction(0)) for unit in range(self.n))

    @cached_property
    def variances(self) -> Vector:
        """Var(g_j)."""
        spread = [[p * (x - at) ** 2 for x, at in zip(g, self.mean, strict=True)] for p, g in self.values]
        return tuple(sum(column, Fraction(0)) for column in zip(*spread, strict=True))

    @property
    def mean_absolute(self) -> Vector:
        """E|g_j|."""
        return tuple(sum((p * abs(g[unit]) for p, g in self.values), Fraction(0)) for unit in range(self.n))

    @property
    def sigma2(self) -> Fraction:
        """E |g - E g|^2."""
        return sum(self.variances, Fraction(0))

    @property
    def inputs(self) -> dict[str, Any]:
        """The law in JSON types, for a witness."""
        return {"law": self.name, "values": [[str(p), [float(x) for x in value]] for p, value in self.values]}


def _unit(rng: random.Random, spread: int) -> Fraction:
    return rng.choice((-1, 1)) * Fraction(rng.randint(1, 2**6)) * Fraction(2) ** rng.randint(-spread, spread)


def random_laws(seed: int, count: int, *, most_units: int, points: int) -> list[GradientLaw]:
    """Skewed laws on `points` values each, of 2 to `most_units` units, flat and spread by turns, none of them zero."""
    rng = random.Random(seed)
    found = []
    for number in range(count):
        n, spread = rng.randint(2, most_units), (1, 4)[number % 2]
        shares = [rng.randint(1, 9) for _ in range(points)]
        values = [tuple(_unit(rng, spread) for _ in range(n)) for _ in range(points)]
        law = tuple((Fraction(share, sum(shares)), value) for share, value in zip(shares, values, strict=True))
        found.append(GradientLaw(f"random {number} of seed {seed}", law))
    return found


def symmetric_law(name: str, point: Sequence[Fraction], sizes: Sequence[Sequence[Fraction]]) -> GradientLaw:
    """g = point + s .* m: the m of `sizes` equally likely, the signs s independent and fair.

    Given the other coordinates, each xi_j = s_j m_j is symmetric, however the m_j depend on each other.
    """
    signs = list(itertools.product((-1, 1), repeat=len(point)))
    share = Fraction(1, len(sizes) * len(signs))
    noisy = [
        tuple(at + sign * size for at, sign, size in zip(point, row, m, strict=True)) for m in sizes for row in signs
    ]
    return GradientLaw(name, tuple((share, value) for value in noisy))


def sizes_of(importance: Importance, gradient: Sequence[Fraction]) -> Tensor:
    """The sizes that production takes for this gradient of scalar units, float64 (n,)."""
    return importance(torch.tensor([abs(float(value)) for value in gradient], dtype=torch.float64))


@dataclass(frozen=True)
class Masked:
    """One value of the gradient with its probability, and the outcomes of its mask (in one order of the units)."""

    probability: Fraction
    gradient: Vector
    outcomes: Sequence[Outcome]


def masked(law: GradientLaw, design: Design, weighting: Weighting, importance: Importance, k: int) -> list[Masked]:
    """The mask of every value, drawn with sizes from that same value.

    A design in random order counts each of the n! orders as equally likely (n <= 5).
    """
    found = []
    for probability, gradient in law.values:
        read = readings(design, weighting, sizes_of(importance, gradient), k)
        found += [Masked(probability / len(read), gradient, reading.outcomes) for reading in read]
    return found


def mean_field(found: Sequence[Masked]) -> list[Number]:
    """h_j = E[M_j g_j], over gradients and masks, outcome by outcome."""
    h: list[Number] = [Fraction(0)] * len(found[0].gradient)
    for case in found:
        for probability, multipliers in case.outcomes:
            share = case.probability * probability
            for unit, (m, g) in enumerate(zip(multipliers, case.gradient, strict=True)):
                if m:
                    h[unit] = h[unit] + share * g * m
    return h


def mean_square(found: Sequence[Masked]) -> Number:
    """E |M .* g|^2, over gradients and masks, outcome by outcome."""
    total: Number = Fraction(0)
    for case in found:
        for probability, multipliers in case.outcomes:
            for m, g in zip(multipliers, case.gradient, strict=True):
                if m:
                    total = total + case.probability * probability * g * g * m * m
    return total
