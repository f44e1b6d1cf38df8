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
from amss_min.designs.conditional_poisson import ConditionalPoisson
from amss_min.designs.pivotal import Pivotal
from amss_min.designs.sampford import Sampford
from amss_min.importance import GradientNorm, SquaredGradient
from amss_min.weightings import Weighting
from theory import enumeration
from theory.instances import Instance, edge_instances, random_instances
from theory.readings import (
    Reading,
    grid_inclusion,
    has_rounded_thresholds,
    inclusion_error,
    is_in_random_order,
    readings,
)

DESIGNS: tuple[Design, ...] = (
    Systematic(),
    Systematic(random_order=False),
    Pivotal(),
    Pivotal(order="ordered"),
    Pivotal(order="tree"),
    Poisson(),
    ConditionalPoisson(),
    Sampford(),
    Successive(),
    SimpleRandom(),
    TopK(),
)
"""Every design of amss_min whose law is exact and finite."""

_SIZES = (SquaredGradient(), SquaredGradient(mix=0.5), GradientNorm(mix=0.1))
_REACHABLE = 2.0**30  # clocks of 53 bits cannot order sizes that lie much further apart
_ORDERS_BEYOND = 8
_MOST_ORDERED_DUELS = 4  # 2^(n-1) courses of the duels in each of n! orders


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One design on one instance, with all its readings: one, or one for every order tried."""

    instance: Instance
    sizes: Tensor
    design: Design
    readings: tuple[Reading, ...]

    @property
    def pi(self) -> list[Fraction]:
        """Exact inclusion probabilities under the law of the first reading; in other orders, equal within `error`."""
        return self.readings[0].pi

    def error(self, pi: Fraction) -> Fraction:
        """How far an exact inclusion probability pi may lie from the one that the weights divide by."""
        return inclusion_error(self.design, self.instance.n, pi)

    def relative_error(self, pi: Fraction) -> Fraction:
        """Bound of |pi / pi' - 1| where |pi - pi'| is at most the error d: d / (pi - d).

        0 where that bounds nothing, so that such a unit must agree without it.
        """
        error = self.error(pi)
        return error / (pi - error) if pi > error else Fraction(0)

    @property
    def draw(self) -> Draw:
        """A production draw of this trial (all words zero), for what depends on sizes and count only."""
        words = torch.zeros(self.design.slots(self.instance.n), dtype=torch.int64)
        return self.design.select(self.sizes, self.instance.k, words)

    def witness(self, reading: Reading, **more: Any) -> dict[str, Any]:
        """The inputs in JSON types."""
        return {**self.instance.inputs, **reading.inputs, **more}


def trials(weighting: Weighting, *, seed: int, designs: Sequence[Design] = DESIGNS) -> Iterator[Trial]:
    """Edge cases and random instances up to n = 8, the small ones in all orders, the others in some orders each."""
    rng = random.Random(seed)
    small = [*edge_instances(), *random_instances(seed, 9, most_units=5)]
    large = random_instances(seed + 1, 9, fewest_units=6, most_units=8)
    cases = zip([*small, *large], itertools.cycle(_SIZES))
    tried = [(instance, importance(instance.norms)) for instance, importance in cases]
    for instance, sizes in [*tried, *_raw_sizes()]:
        beyond = [rng.sample(range(instance.n), instance.n) for _ in range(_ORDERS_BEYOND)]
        for design in designs:
            orders = None if instance.n <= _most_ordered(design) else beyond
            if not _can_be_read(design, sizes, instance.k):
                continue
            read = tuple(readings(design, weighting, sizes, instance.k, orders))
            yield Trial(instance=instance, sizes=sizes, design=design, readings=read)


def by_exactness(found: Sequence[Trial]) -> tuple[list[Trial], list[Trial]]:
    """The trials of designs that realise their pi_j exactly, and of those with rounded thresholds, judged apart."""
    exactly = [trial for trial in found if not has_rounded_thresholds(trial.design)]
    return exactly, [trial for trial in found if has_rounded_thresholds(trial.design)]


def scope(found: Sequence[Trial]) -> str:
    """How far a sequence of trials reaches, in words."""
    instances = len({trial.instance.name for trial in found})
    designs = len({repr(trial.design) for trial in found})
    most = sorted({_most_ordered(trial.design) for trial in found if is_in_random_order(trial.design)})
    all_of = f"all orders up to n = {' or '.join(map(str, most))}"
    orders = f"; {all_of}, {_ORDERS_BEYOND} orders each beyond" if most else ""
    return f"{instances} instances, n <= 8, {designs} designs{orders}; proof in the claim's file"


def _can_be_read(design: Design, sizes: Tensor, k: int) -> bool:
    """Successive sampling: its clocks can order the sizes. Laws of product form: they exist for the integers r.

    They do for every r in [0, 2^40] with sum k 2^40. Where production has others, all designs in fixed point are wrong,
    and those that can be read show it.
    """
    if isinstance(design, Successive):
        return float(sizes.max()) <= _REACHABLE * float(sizes[sizes > 0].min())
    if isinstance(design, ConditionalPoisson | Sampford):
        pi = grid_inclusion(Sampford(), sizes, k)
        return sum(pi) == min(k, int((sizes > 0).sum())) and all(0 <= value <= 1 for value in pi)
    return True


def _most_ordered(design: Design) -> int:
    """Up to how many units a design in random order is tried in all orders."""
    return _MOST_ORDERED_DUELS if isinstance(design, Pivotal) else enumeration.MOST_ORDERED_UNITS


def _raw_sizes() -> list[tuple[Instance, Tensor]]:
    """Sizes given directly, as an importance from elsewhere would give them: next to nothing beside one."""
    ones = (Fraction(1),) * 3
    tiny = torch.tensor([1.0, 1e-300, 0.5], dtype=torch.float64)
    return [(Instance("a size of 1e-300", ones, 2), tiny), (Instance("a size of 1e-300 at k = 1", ones, 1), tiny)]
