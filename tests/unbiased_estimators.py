"""Unbiased estimators: what must pass the check that finds the broken ones.

All are batched. Designs sample by the norms of units mixed half with uniform: no inclusion probability of 6 units among
12 is below 1/4.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Generator, Tensor

from amss_min import (
    GradientNorm,
    HorvitzThompson,
    Poisson,
    RankConditioned,
    SimpleRandom,
    Successive,
    Systematic,
    Weighting,
)
from amss_min.designs import Design
from amss_min.designs.conditional_poisson import ConditionalPoisson
from amss_min.designs.fixed_point import ONE, UNIT
from amss_min.designs.pareto import Pareto
from amss_min.designs.pivotal import Pivotal
from amss_min.designs.sampford import Sampford
from amss_min.designs.sequential_poisson import SequentialPoisson
from amss_min.testing.status import Status
from tests.masks import bernoulli, largest_entry, norms, row_norm, times, uniform

Estimate = Callable[..., Tensor]


@dataclass(frozen=True, kw_only=True, eq=False)
class Sound:
    """An unbiased estimator, what is declared of it, and how its check must end."""

    name: str
    estimate: Estimate
    status: Status = Status.CONSISTENT
    declared: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


def sizes(gradient: Tensor) -> Tensor:
    """Norms mixed half with uniform."""
    return GradientNorm(mix=0.5)(norms(gradient))


def designed(design: Design, weighting: Weighting, k: int = 6) -> Estimate:
    """k units drawn by this design, weighted; inclusion probabilities are computed once for equal rows."""

    def estimate(gradient: Tensor, *, generator: Generator) -> Tensor:
        p = sizes(gradient)
        draw = design.sample(p, k, generator=generator)
        if draw.pi is None and isinstance(weighting, HorvitzThompson):
            distinct, row = p.unique(dim=0, return_inverse=True)
            draw = replace(draw, pi=design.inclusion(distinct, k)[row])
        return times(gradient, weighting(draw))

    return estimate


def rank_conditioned_pairs(gradient: Tensor, *, generator: Generator) -> Tensor:
    """Two units of equal size in the order of their clocks; k = 2 is the least count of finite variance.

    1 - exp(-q tau') is the second smallest of 11 uniform numbers, whose inverse has mean 11 / (2 - 1): omega is 10.
    """
    draw = Successive().sample(torch.ones_like(norms(gradient)), 2, generator=generator)
    return times(gradient, RankConditioned()(draw))


def bernoulli_mask(gradient: Tensor, *, generator: Generator) -> Tensor:
    """Every unit on its own, with its own probability."""
    pi = 0.25 + 0.7 * sizes(gradient)
    return times(gradient, bernoulli(gradient, pi, generator) / pi)


def bernoulli_entries(gradient: Tensor, *, generator: Generator) -> Tensor:
    """Every entry on its own."""
    return gradient * (torch.rand(gradient.shape, dtype=torch.float64, generator=generator) < 0.3) / 0.3


def random_k(gradient: Tensor, *, generator: Generator) -> Tensor:
    """Five of twelve units, times 12 / 5."""
    return times(gradient, uniform(gradient, 5, generator) * 12 / 5)


def stochastic_rounding(gradient: Tensor, *, generator: Generator) -> Tensor:
    """To a multiple of a quarter of the largest entry: up with the probability that is left over."""
    level = largest_entry(gradient) / 4
    noise = torch.rand(gradient.shape, dtype=torch.float64, generator=generator)
    return (gradient / level + noise).floor() * level


def quantiser(gradient: Tensor, *, generator: Generator) -> Tensor:
    """Sign, norm and one of eight levels of |g_i| / |g|. Source: Alistarh et al., NeurIPS 2017 (QSGD)."""
    size = row_norm(gradient)
    noise = torch.rand(gradient.shape, dtype=torch.float64, generator=generator)
    return (gradient.abs() / size * 8 + noise).floor() / 8 * size * gradient.sign()


def identity(gradient: Tensor, *, generator: Generator) -> Tensor:
    """The gradient."""
    return gradient


def single_precision(gradient: Tensor, *, generator: Generator) -> Tensor:
    """A mask in float32: off by roundings of 2^-24, which are no bias."""
    return times(gradient.float(), bernoulli(gradient, 1 / 3, generator).float() / torch.tensor(1 / 3))


def one_of_the_units(gradient: Tensor, *, generator: Generator) -> Tensor:
    """A unit chosen uniformly, times their number."""
    k = gradient.shape[1]
    chosen = torch.randint(k, (len(gradient),), generator=generator)
    return times(gradient, torch.nn.functional.one_hot(chosen, k) * float(k))


def each_unit(gradient: Tensor) -> Iterable[tuple[float, Tensor]]:
    """The outcomes of `one_of_the_units`."""
    eye = torch.eye(len(gradient), dtype=torch.float64)
    return [(1 / len(gradient), times(gradient, row * len(gradient))) for row in eye]


def at(gradient: Tensor, *, uniform: Tensor | float) -> Tensor:
    """Systematic sampling in the order of the units, from its start: u in [0, 1), of the batch (R,) or one."""
    rows = gradient.reshape(-1, *gradient.shape[-2:])
    bits = torch.zeros(len(rows), rows.shape[1] + 1, dtype=torch.int64)
    bits[:, -1] = (torch.as_tensor(uniform, dtype=torch.float64) * ONE).long() << 22
    draw = Systematic(random_order=False).select(sizes(rows), 6, bits)
    return times(rows, HorvitzThompson()(draw)).reshape(gradient.shape)


def cuts(gradient: Tensor) -> list[float]:
    """Where the draw of `at` changes: the starts that put the end of a unit on a whole number."""
    ends = Systematic(random_order=False).fixed_point(sizes(gradient), 6).cumsum(-1)
    return [float(cut) for cut in (-ends % ONE).double() * UNIT]


def from_one_uniform(gradient: Tensor, *, generator: Generator) -> Tensor:
    """`at` for a uniform u."""
    return at(gradient, uniform=torch.rand(len(gradient), dtype=torch.float64, generator=generator))


WEIGHTED = HorvitzThompson()
DESIGNS: tuple[Design, ...] = (
    SimpleRandom(),
    Poisson(),
    Systematic(),
    Systematic(random_order=False),
    Pivotal(),
    Pivotal("ordered"),
    Pivotal("tree"),
    Sampford(),
    ConditionalPoisson(),
    Successive(),
    Pareto(),
    SequentialPoisson(),
)
PLAIN = (
    bernoulli_mask,
    bernoulli_entries,
    random_k,
    stochastic_rounding,
    quantiser,
    identity,
    single_precision,
)

UNBIASED = (
    *(Sound(name=repr(design), estimate=designed(design, WEIGHTED)) for design in DESIGNS),
    Sound(name="RankConditioned, k = 2", estimate=rank_conditioned_pairs, declared={"omega": 10.0}),
    Sound(name="RankConditioned, k = 6", estimate=designed(Successive(), RankConditioned())),
    *(Sound(name=estimate.__name__, estimate=estimate) for estimate in PLAIN),
    Sound(name="a declared bound", estimate=random_k, declared={"bound": 2.4}),
    Sound(name="a declared omega", estimate=random_k, declared={"omega": 1.4}),
    Sound(name="support", estimate=one_of_the_units, status=Status.HOLDS, declared={"support": each_unit}),
    Sound(name="injected uniform", estimate=from_one_uniform, status=Status.HOLDS, declared={"cuts": cuts, "at": at}),
)
