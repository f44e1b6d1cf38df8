"""The masked step in plain loops, straight from the equations: the readable specification, and the oracle.

It takes the random words that the fast step would take and does everything else its own way, one unit at a
time in Python numbers. The tests hold the fast step equal to it.
"""

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

import torch
from torch import Tensor

from amss_min.amss import AMSS, AMSSPlus
from amss_min.designs import Design, Poisson, SimpleRandom, Successive, Systematic, TopK
from amss_min.designs.base import WORD
from amss_min.designs.successive import subset_inclusion
from amss_min.importance import GradientNorm, Importance
from amss_min.plan import Block, batches
from amss_min.weightings import HorvitzThompson, Indicator, RankConditioned, ShiftedInverse, Weighting

ONE = 2**40


def mask_gradients(amss: AMSS) -> None:
    """Mask the gradients of this AMSS in place, as amss.mask_gradients() does, but slowly.

    Horvitz-Thompson weights of successive sampling take rational inclusion probabilities at any n.
    """
    keep = amss.keep_fractions().tolist()
    active = [block for block in amss.blocks if block.active]
    for batch in batches(active):
        shape = (sum(batch.draws), amss.design.slots(batch.n))
        words = iter(torch.randint(WORD, shape, generator=amss.generator, device=amss.generator.device).tolist())
        for block in batch.blocks:
            k = min(max(math.ceil(keep[block.index] * batch.n - 1e-6), 1), batch.n)
            for units in _draws(block):
                multipliers = _multipliers(amss, block, units, k, next(words))
                for unit, multiplier in zip(units, multipliers, strict=True):
                    unit.mul_(multiplier)


def _draws(block: Block) -> list[list[Tensor]]:
    """For every draw of the block, the gradients of its units."""
    units = block.units
    view = units.view(block.gradient)
    rows = [view] if units.row_axis is None else list(view.unbind(units.row_axis))
    axis = units.axis if units.row_axis is None else units.axis - 1
    return [list(row.unbind(axis)) for row in rows]


def _multipliers(amss: AMSS, block: Block, units: list[Tensor], k: int, words: list[int]) -> list[float]:
    norms = [math.sqrt(sum(value * value for value in unit.flatten().tolist())) for unit in units]
    positive = [unit for unit, norm in enumerate(norms) if norm > 0]
    unchanged = [1.0] * len(units)
    if not all(math.isfinite(norm) for norm in norms) or not positive:
        return unchanged
    sizes = _sizes(amss.importance, norms, positive)
    k = min(k, len(positive))
    drawn, inclusion, threshold = _DRAW[type(amss.design)](amss.design, sizes, positive, k, words)
    released = amss.released
    if released is not None and block.is_head and released.head_unmasked:
        return unchanged
    result = unchanged
    for unit in positive:
        if unit not in drawn:
            result[unit] = 0.0
        elif released is not None and block.is_head and released.index_weight and isinstance(amss, AMSSPlus):
            result[unit] = 1 / (unit + 1 / len(units))
        else:
            result[unit] = _weight(amss.weighting, sizes, unit, inclusion, threshold)
    return result


def _sizes(importance: Importance, norms: list[float], positive: list[int]) -> list[float]:
    raw = [norm if isinstance(importance, GradientNorm) else norm * norm for norm in norms]
    total = sum(raw)
    mix = importance.mix
    return [(1 - mix) * s / total + mix / len(positive) if s > 0 else 0.0 for s in raw]


def _weight(
    weighting: Weighting, sizes: list[float], unit: int, inclusion: Callable[[int], float], threshold: float
) -> float:
    if isinstance(weighting, Indicator):
        return 1.0
    if isinstance(weighting, HorvitzThompson):
        return 1 / inclusion(unit)
    if isinstance(weighting, RankConditioned):
        return 1 / (1 - math.exp(-sizes[unit] * threshold))
    if isinstance(weighting, ShiftedInverse):
        return 1 / (sizes[unit] + (1 / len(sizes) if weighting.shift is None else weighting.shift))
    raise TypeError(f"the reference knows the weightings of amss_min.weightings, found {weighting!r}")


Drawn = tuple[set[int], Callable[[int], float], float]


def _top_k(_: Design, sizes: list[float], positive: list[int], k: int, words: list[int]) -> Drawn:
    drawn = set(sorted(positive, key=lambda unit: (-sizes[unit], unit))[:k])
    return drawn, lambda unit: float(unit in drawn), math.inf


def _simple_random(_: Design, sizes: list[float], positive: list[int], k: int, words: list[int]) -> Drawn:
    drawn = set(sorted(positive, key=lambda unit: words[unit])[:k])
    return drawn, lambda unit: k / len(positive), math.inf


def _poisson(_: Design, sizes: list[float], positive: list[int], k: int, words: list[int]) -> Drawn:
    r = _fixed_point(sizes, positive, k)
    return {unit for unit in positive if words[unit] >> 22 < r[unit]}, lambda unit: r[unit] / ONE, math.inf


def _systematic(design: Design, sizes: list[float], positive: list[int], k: int, words: list[int]) -> Drawn:
    assert isinstance(design, Systematic)
    r = _fixed_point(sizes, positive, k)
    order: Sequence[int] = range(len(sizes))
    if design.random_order:
        order = sorted(order, key=lambda unit: words[unit])
    drawn, position = set(), words[-1] >> 22
    for unit in order:
        if (position + r[unit]) // ONE > position // ONE:
            drawn.add(unit)
        position += r[unit]
    return drawn, lambda unit: r[unit] / ONE, math.inf


def _successive(_: Design, sizes: list[float], positive: list[int], k: int, words: list[int]) -> Drawn:
    clock = {unit: -math.log(((words[unit] >> 9) + 0.5) / 2**53) / sizes[unit] for unit in positive}
    rung = sorted(positive, key=lambda unit: clock[unit])
    threshold = clock[rung[k]] if k < len(positive) else math.inf
    return set(rung[:k]), lambda unit: float(subset_inclusion([Fraction(s) for s in sizes], k)[unit]), threshold


_DRAW: dict[type[Design], Callable[[Design, list[float], list[int], int, list[int]], Drawn]] = {
    TopK: _top_k,
    SimpleRandom: _simple_random,
    Poisson: _poisson,
    Systematic: _systematic,
    Successive: _successive,
}


def _fixed_point(sizes: list[float], positive: list[int], k: int) -> list[int]:
    """Water-filled inclusion probabilities as integers over 2^40 with sum k 2^40."""
    capped: set[int] = set()
    while True:  # cap whatever exceeds 1, and share what is left among the rest
        rest = [unit for unit in positive if unit not in capped]
        total = math.fsum(sizes[unit] for unit in rest)
        above = {unit for unit in rest if (k - len(capped)) * sizes[unit] > total}
        if not above:
            break
        capped |= above
    r = [0] * len(sizes)
    for unit in positive:
        exact = 1.0 if unit in capped else (k - len(capped)) * sizes[unit] / total
        r[unit] = min(max(round(exact * ONE), 1), ONE)
    missing = k * ONE - sum(r)
    uncertain = [unit for unit in positive if r[unit] < ONE]
    if missing > 0:
        r[min(uncertain, key=lambda unit: r[unit])] += missing
    elif missing < 0:
        likeliest = max(uncertain, key=lambda unit: r[unit], default=positive[0])
        r[likeliest if r[likeliest] > len(sizes) else next(u for u in positive if r[u] == ONE)] += missing
    return r
