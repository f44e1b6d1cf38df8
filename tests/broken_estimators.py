"""Biased estimators, each with a fault that people make; see `tests.faults` for what is stated beside them.

All are batched: a gradient (R, K, d) to one draw a row.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Generator, Tensor

from amss_min import (
    GradientNorm,
    HorvitzThompson,
    Indicator,
    ShiftedInverse,
    SimpleRandom,
    Successive,
    Systematic,
    Weighting,
)
from amss_min.designs import Design, Draw
from tests.faults import Fault
from tests.masks import bernoulli, largest_entry, norms, row_norm, times, uniform

RISING = torch.arange(1.0, 13.0, dtype=torch.float64).unsqueeze(1)
"""Twelve units, sizes 1 to 12 and one coordinate: of k drawn in proportion to size, pi_j = k (j + 1) / 78."""

Made = TypeVar("Made", bound=Callable[..., object])

FAULTS: list[Fault] = []


def fault(**expected: Any) -> Callable[[Made], Made]:
    """Enter an estimator into FAULTS; see Fault."""

    def entered(made: Made) -> Made:
        FAULTS.append(Fault(made=made, **expected))
        return made

    return entered


def drawn(gradient: Tensor, design: Design, k: int, generator: Generator) -> Draw:
    """A draw of k units by norm."""
    return design.sample(GradientNorm()(norms(gradient)), k, generator=generator)


def masked(gradient: Tensor, design: Design, weighting: Weighting, k: int, generator: Generator) -> Tensor:
    """A draw of k units by norm, weighted."""
    return times(gradient, weighting(drawn(gradient, design, k, generator)))


# Counts and constants


@fault(pi=7 / 12, delta=1 / 6)
def off_by_one_k(gradient: Tensor, *, generator: Generator) -> Tensor:
    """Seven units are drawn and weighted as if six were."""
    return times(gradient, uniform(gradient, 7, generator) * 12 / 6)


@fault(pi=1 / 3, delta=1 / 9)
def fraction_for_count(gradient: Tensor, *, generator: Generator) -> Tensor:
    """The count is rounded up, 0.3 of 12 units to 4, and the weight is 1 / 0.3."""
    return times(gradient, uniform(gradient, 4, generator) / 0.3)


@fault(pi=0.25, delta=-2 / 3)
def drop_for_keep(gradient: Tensor, *, generator: Generator) -> Tensor:
    """The probability of keeping is taken for that of dropping: 1 / (1 - pi)."""
    return times(gradient, bernoulli(gradient, 0.25, generator) / 0.75)


@fault(pi=0.5, delta=0.23)
def with_replacement_weights(gradient: Tensor, *, generator: Generator) -> Tensor:
    """Six of twelve without replacement, weighted with 1 / (1 - (1 - 1/n)^k), which is for draws with replacement."""
    return times(gradient, uniform(gradient, 6, generator) / (1 - (1 - 1 / 12) ** 6))


@fault(pi=0.5, delta=1.0)
def weighted_twice(gradient: Tensor, *, generator: Generator) -> Tensor:
    """The multipliers are applied twice."""
    multipliers = bernoulli(gradient, 0.5, generator) * 2
    return times(times(gradient, multipliers), multipliers)


@fault(pi=0.5, delta=-0.5, gradient=torch.ones(12, 3, dtype=torch.float64))
def unweighted_mask(gradient: Tensor, *, generator: Generator) -> Tensor:
    """The 0/1 mask of AMSS."""
    return masked(gradient, Systematic(), Indicator(), 6, generator)


# Wrong probabilities


@fault(pi=0.664, delta=2.34, gradient=RISING)
def released_weight(gradient: Tensor, *, generator: Generator) -> Tensor:
    """1 / (q + 1/n), as released."""
    return masked(gradient, Successive(), ShiftedInverse(), 6, generator)


@fault(pi=0.765, delta=-0.172, gradient=RISING)
def successive_as_kq(gradient: Tensor, *, generator: Generator) -> Tensor:
    """torch.multinomial without replacement, taken to include units with probability k q."""
    draw = drawn(gradient, Successive(), 6, generator)
    return times(gradient, draw.drawn / (6 * draw.q))


@fault(pi=0.646, delta=0.15, gradient=RISING)
def threshold_off_by_one(gradient: Tensor, *, generator: Generator) -> Tensor:
    """Rank-conditioned weights with the k-th clock in place of the next one."""
    p = norms(gradient) / norms(gradient).sum(-1, keepdim=True)
    clocks = -torch.rand(p.shape, dtype=torch.float64, generator=generator).log() / p
    threshold = clocks.sort(-1).values[:, 5:6]
    return times(gradient, (clocks <= threshold) / -torch.expm1(-p * threshold))


@fault(pi=2 / 3, delta=0.0165, gradient=torch.tensor([[2.0], [1.0], [1.0], [1.0], [1.0]]), where="unit 0")
def pareto_as_target(gradient: Tensor, *, generator: Generator) -> Tensor:
    """Pareto sampling, whose inclusion probabilities are near its target, weighted with the target's: off by 2 %."""
    pi = 2 * norms(gradient) / norms(gradient).sum(-1, keepdim=True)
    u = torch.rand(pi.shape, dtype=torch.float64, generator=generator)
    ranks = u / (1 - u) * (1 - pi) / pi
    return times(gradient, (ranks <= ranks.sort(-1).values[:, 1:2]) / pi)


@fault(pi=12 / 26, delta=11.0, gradient=RISING)
def pi_of_another_tensor(gradient: Tensor, *, generator: Generator) -> Tensor:
    """The mask is of this tensor and the weights are of another, whose units are as large in reverse order."""
    draw = drawn(gradient, Systematic(), 3, generator)
    return times(gradient, draw.drawn / draw.inclusion.flip(-1))


@fault(pi=12 / 26, delta=3.0, gradient=RISING)
def weights_by_slot(gradient: Tensor, *, generator: Generator) -> Tensor:
    """The i-th unit drawn gets the weight of unit i, not its own."""
    draw = drawn(gradient, Systematic(), 3, generator)
    slot = (draw.drawn.cumsum(-1) - 1).clamp_min(0)
    return times(gradient, draw.drawn / draw.inclusion.gather(-1, slot))


@fault(pi=6 / 13, delta=0.258, gradient=RISING)
def normalised_weights(gradient: Tensor, *, generator: Generator) -> Tensor:
    """Weights that are divided by their sum, as Hajek's, so that they add up to the number of units."""
    multipliers = HorvitzThompson()(drawn(gradient, Systematic(), 3, generator))
    return times(gradient, 12 * multipliers / multipliers.sum(-1, keepdim=True))


@fault(pi=0.1, delta=-(0.9**12))
def divided_by_realised_size(gradient: Tensor, *, generator: Generator) -> Tensor:
    """A mask of random size, divided by the size it happened to have: an empty one is not made up for."""
    mask = bernoulli(gradient, 0.1, generator)
    return times(gradient, 12 * mask / mask.sum(-1, keepdim=True).clamp_min(1))


@fault(pi=0.1, delta=1 / (1 - 0.9**12) - 1)
def redrawn_when_empty(gradient: Tensor, *, generator: Generator) -> Tensor:
    """An empty mask is drawn again, and the weights do not know."""
    mask = bernoulli(gradient, 0.1, generator)
    while bool((empty := ~mask.any(-1)).any()):
        mask[empty] = bernoulli(gradient[empty], 0.1, generator)
    return times(gradient, mask / 0.1)


@fault(pi=0.1, delta=10 * 0.9**12, where="the largest unit")
def largest_when_empty(gradient: Tensor, *, generator: Generator) -> Tensor:
    """Where a mask is empty the largest unit is kept, and the weights do not know."""
    mask = bernoulli(gradient, 0.1, generator)
    largest = torch.zeros_like(mask).scatter(-1, norms(gradient).argmax(-1, keepdim=True), 1.0)
    return times(gradient, torch.where(mask.any(-1, keepdim=True), mask, largest) / 0.1)


# Some units, entries or gradients only


@fault(pi=0.5, delta=0.02, gradient=RISING.reshape(6, 2), where="unit 2, coordinate 1")
def one_coordinate(gradient: Tensor, *, generator: Generator) -> Tensor:
    """One coordinate is 2 % too large."""
    wrong = torch.ones_like(gradient)
    wrong[:, 2, 1] = 1.02
    return times(gradient * wrong, bernoulli(gradient, 0.5, generator) * 2)


@fault(pi=0.5, delta=0.02, where="unit 5")
def one_unit(gradient: Tensor, *, generator: Generator) -> Tensor:
    """One unit of twelve is 2 % too large."""
    multipliers = bernoulli(gradient, 0.5, generator) * 2
    multipliers[:, 5] *= 1.02
    return times(gradient, multipliers)


@fault(pi=0.25, delta=0.1, where="positive entries")
def by_sign(gradient: Tensor, *, generator: Generator) -> Tensor:
    """Positive entries are 10 % too large."""
    return times(torch.where(gradient > 0, 1.1, 1.0) * gradient, bernoulli(gradient, 0.25, generator) / 0.25)


@fault(pi=0.0, delta=-1.0, where="unit 11")
def tail_forgotten(gradient: Tensor, *, generator: Generator) -> Tensor:
    """Units are taken in blocks of eleven, and the last block is not full."""
    mask = bernoulli(gradient, 0.5, generator)
    mask[:, gradient.shape[1] // 11 * 11 :] = 0
    return times(gradient, mask * 2)


@fault(pi=0.8, delta=2.2, family="ties")
def only_with_ties(gradient: Tensor, *, generator: Generator) -> Tensor:
    """The mask goes by the place in sorted order, the weight by the number of smaller units."""
    pi = torch.linspace(0.25, 0.8, 12, dtype=torch.float64)
    size = norms(gradient)
    smaller = (size.unsqueeze(-1) > size.unsqueeze(-2)).sum(-1)
    return times(gradient, bernoulli(gradient, pi[size.argsort(-1).argsort(-1)], generator) / pi[smaller])


@fault(pi=0.75, delta=0.5, family="zeros")
def only_with_zeros(gradient: Tensor, *, generator: Generator) -> Tensor:
    """Six units that are not zero, weighted with n / 6, where n counts the zero ones."""
    draw = SimpleRandom().sample((norms(gradient) > 0).double(), 6, generator=generator)
    return times(gradient, draw.drawn * 12 / 6)


@fault(pi=1.0, delta=-0.6, family="dominant")
def only_for_the_dominant_unit(gradient: Tensor, *, generator: Generator) -> Tensor:
    """A probability k q above 1 is cut in the draw and not in the weight."""
    kq = 3 * GradientNorm()(norms(gradient))
    return times(gradient, bernoulli(gradient, kq, generator) / kq.clamp_min(1e-300))


@fault(pi=0.5, delta=-1.0, family="tiny")
def epsilon_in_the_denominator(gradient: Tensor, *, generator: Generator) -> Tensor:
    """The gradient is divided by |g| + 1e-8 and multiplied by |g|."""
    scale = row_norm(gradient)
    return times(gradient / (scale + 1e-8) * scale, bernoulli(gradient, 0.5, generator) * 2)


# No chance, or not the chance that was meant


@fault(pi=0.0, delta=-1.0)
def largest_units(gradient: Tensor, *, generator: Generator) -> Tensor:
    """Top-k: the small units are never kept."""
    return times(gradient, norms(gradient).argsort(-1).argsort(-1) >= 6)


@fault(pi=1.0, delta=-1.0)
def rounded_towards_zero(gradient: Tensor, *, generator: Generator) -> Tensor:
    """A quantiser of four levels that cuts."""
    level = largest_entry(gradient) / 4
    return (gradient / level).trunc() * level


@fault(pi=1.0, delta=-1.0)
def rounded_to_nearest(gradient: Tensor, *, generator: Generator) -> Tensor:
    """A quantiser of four levels that rounds."""
    level = largest_entry(gradient) / 4
    return (gradient / level).round() * level


@fault(pi=1.0, delta=1.0)
def signs_only(gradient: Tensor, *, generator: Generator) -> Tensor:
    """The signs, at the mean size."""
    return gradient.sign() * gradient.abs().mean((1, 2), keepdim=True)


@fault(pi=0.25, delta=-0.5)
def clipped_after_weighting(gradient: Tensor, *, generator: Generator) -> Tensor:
    """The masked gradient is cut to the norm of the gradient."""
    result = times(gradient, bernoulli(gradient, 0.25, generator) / 0.25)
    return result * (row_norm(gradient) / row_norm(result).clamp_min(1e-300)).clamp_max(1)


@fault(pi=0.5, delta=1.0)
class MaskKeptFromTheStart:
    """One mask, drawn when the estimator was made, in every step."""

    def __init__(self) -> None:
        self.mask = bernoulli(RISING.unsqueeze(0), 0.5, Generator().manual_seed(0))

    def __call__(self, gradient: Tensor, *, generator: Generator) -> Tensor:
        return times(gradient, self.mask.expand(gradient.shape[:-1]) * 2)


@fault(pi=3 / 78, delta=-0.274, gradient=RISING, where="unit 0")
def one_word_twice(gradient: Tensor, *, generator: Generator) -> Tensor:
    """Systematic sampling whose start is also the first key of its random order, the 59 bits that the order sees."""
    p = GradientNorm()(norms(gradient))
    bits = torch.randint(2**62, (len(p), 13), generator=generator)
    bits[:, 12] = (bits[:, 0] << 3) & (2**62 - 1)
    return times(gradient, HorvitzThompson()(Systematic().select(p, 3, bits)))


@fault(pi=1.0, delta=0.25, gradient=torch.ones(100_000, 1), where="all units")
def cumulative_sum_in_float32(gradient: Tensor, *, generator: Generator) -> Tensor:
    """Systematic sampling along a running sum in single precision, which beyond 2^14 adds 2^-9 for 0.0012.

    60,000 units have pi = 0.3. The others have 0.0012 and are drawn 78 times in place of 48, with weights 1 / 0.0012.
    """
    pi = torch.full(gradient.shape[1:2], 0.3, dtype=torch.float64)
    pi[60_000:] = 0.0012
    ends = torch.from_numpy(np.cumsum(pi.numpy().astype(np.float32)))
    points = torch.arange(int(ends[-1])) + torch.rand(len(gradient), 1, generator=generator)
    places = torch.searchsorted(ends, points.float()).clamp_max(len(pi) - 1)
    return times(gradient, torch.zeros(gradient.shape[:-1], dtype=torch.float64).scatter(-1, places, 1.0) / pi)
