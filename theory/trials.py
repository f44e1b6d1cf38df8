"""The trials that a claim about every finite-law design goes through: designs, sizes and exact readings."""

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor

from amss_min.designs import Design, Draw, Poisson, SimpleRandom, Successive, Systematic, TopK
from amss_min.importance import GradientNorm, SquaredGradient
from amss_min.weightings import Weighting
from theory import enumeration, moments
from theory.instances import Instance, edge_instances, random_instances
from theory.readings import Reading, readings

DESIGNS: tuple[Design, ...] = (
    Systematic(),
    Systematic(random_order=False),
    Poisson(),
    Successive(),
    SimpleRandom(),
    TopK(),
)
"""Every design of amss_min: all have a finite law."""

_SIZES = (SquaredGradient(), SquaredGradient(mix=0.5), GradientNorm(mix=0.1))
_REACHABLE = 2.0**30  # clocks of 53 bits cannot order sizes that lie much further apart
_ORDERS_BEYOND = 8


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One design on one instance, with all its readings: one, or one for every order tried.

    pi: exact inclusion probabilities under the law of `enumeration` (they are the same in every order).
    """

    instance: Instance
    sizes: Tensor
    design: Design
    readings: tuple[Reading, ...]
    pi: list[Fraction]

    @property
    def draw(self) -> Draw:
        """A production draw of this trial (all words zero), for what depends on sizes and count only."""
        words = torch.zeros(self.design.slots(self.instance.n), dtype=torch.int64)
        return self.design.select(self.sizes, self.instance.k, words)

    def witness(self, reading: Reading, **more: Any) -> dict[str, Any]:
        """The inputs in JSON types."""
        return {**self.instance.inputs, **reading.inputs, **more}


def trials(weighting: Weighting, *, seed: int, designs: Sequence[Design] = DESIGNS) -> Iterator[Trial]:
    """Edge cases, random instances up to n = 5 in all orders, and up to n = 8 in some orders each."""
    rng = random.Random(seed)
    small = [*edge_instances(), *random_instances(seed, 9, most_units=5)]
    large = random_instances(seed + 1, 9, fewest_units=6, most_units=8)
    cases = zip([*small, *large], itertools.cycle(_SIZES))
    tried = [(instance, importance(instance.norms)) for instance, importance in cases]
    for instance, sizes in [*tried, *_raw_sizes()]:
        beyond = [rng.sample(range(instance.n), instance.n) for _ in range(_ORDERS_BEYOND)]
        orders = None if instance.n <= enumeration.MOST_ORDERED_UNITS else beyond
        for design in designs:
            if isinstance(design, Successive) and float(sizes.max()) > _REACHABLE * float(sizes[sizes > 0].min()):
                continue
            read = tuple(readings(design, weighting, sizes, instance.k, orders))
            yield Trial(instance=instance, sizes=sizes, design=design, readings=read, pi=moments.inclusion(read[0].law))


def scope(found: Sequence[Trial]) -> str:
    """How far a sequence of trials reaches, in words."""
    instances = len({trial.instance.name for trial in found})
    designs = len({repr(trial.design) for trial in found})
    orders = f"; all orders up to n = {enumeration.MOST_ORDERED_UNITS}, {_ORDERS_BEYOND} orders each beyond"
    return f"{instances} instances, n <= 8, {designs} designs{orders}; proof in the claim's file"


def _raw_sizes() -> list[tuple[Instance, Tensor]]:
    """Sizes given directly, as an importance from elsewhere would give them: next to nothing beside one."""
    ones = (Fraction(1),) * 3
    tiny = torch.tensor([1.0, 1e-300, 0.5], dtype=torch.float64)
    return [(Instance("a size of 1e-300", ones, 2), tiny), (Instance("a size of 1e-300 at k = 1", ones, 1), tiny)]
