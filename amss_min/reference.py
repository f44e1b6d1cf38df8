"""The masked step in plain loops, straight from the equations: the readable specification, and the oracle.

It takes the random words that the fast step would take and does everything else its own way, one unit at a
time in Python numbers; `information` and `keep_fractions` do the same for the keep fractions. The tests hold the fast
step equal to it.
"""

import itertools
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
from amss_min.plan import Block
from amss_min.significance import MutualInformationRate
from amss_min.weightings import HorvitzThompson, Indicator, RankConditioned, ShiftedInverse, Weighting

ONE = 2**40


def mask_gradients(amss: AMSS) -> None:
    """Mask the gradients of this AMSS in place, as amss.mask_gradients() does, but slowly.

    Horvitz-Thompson weights of successive sampling take rational inclusion probabilities at any n.
    """
    keep = amss.keep_fractions().tolist()
    for bundle in amss.plans(amss.plans.active(range(len(amss.blocks)))):
        words = iter(_words(amss, bundle.draws, bundle.n))
        for block in itertools.chain.from_iterable(batch.blocks for batch in bundle.batches):
            n = block.units.n
            k = min(max(math.ceil(keep[block.index] * n - 1e-6), 1), n)
            for units in _draws(block):
                multipliers = _multipliers(amss, block, units, k, next(words))
                for unit, multiplier in zip(units, multipliers, strict=True):
                    unit.mul_(multiplier)


def _words(amss: AMSS, draws: int, n: int) -> list[list[int]]:
    """The random words of every draw. Systematic sampling has one order for all, and a start for each."""
    shared = isinstance(amss.design, Systematic)
    shape = (n + draws,) if shared else (draws, amss.design.slots(n))
    words = torch.randint(WORD, shape, generator=amss.generator, device=amss.generator.device).tolist()
    return [[*words[:n], start] for start in words[n:]] if shared else words


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
        seen = 2 ** (63 - (len(words) - 2).bit_length())  # of a word, beside the bits that hold an index
        order = sorted(order, key=lambda unit: words[unit] % seen)
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


def information(logits: Tensor, target: Tensor) -> float:
    """I_m in nats of one modality's logits (B, outputs) about the target, by its kind; see amss_min.observation."""
    rows, size = logits.tolist(), len(target)
    if target.is_floating_point():
        quantities = target.reshape(size, -1).T.tolist()
        return math.fsum(_quantity(y, [row[k] for row in rows]) for k, y in enumerate(quantities))
    if target.ndim == 2:
        columns = target.T.tolist()
        return math.fsum(_label(column, [row[label] for row in rows]) for label, column in enumerate(columns))
    classes = target.tolist()
    losses = [math.log(math.fsum(math.exp(f - row[y]) for f in row)) for row, y in zip(rows, classes, strict=True)]
    return _entropy([classes.count(y) / size for y in set(classes)]) - math.fsum(losses) / size


def keep_fractions(
    rate: MutualInformationRate, logits: Sequence[Tensor], features: Sequence[Tensor], target: Tensor
) -> list[float]:
    """rho_m of one batch as rate.fractions gives them, without the released departures."""
    if len(logits) == 1:
        return [1.0]
    rates = []
    for f, z in zip(logits, features, strict=True):
        entropies = [_entropy([math.exp(a) / math.fsum(map(math.exp, row)) for a in row]) for row in z.tolist()]
        rates.append(information(f, target) / (math.fsum(entropies) / len(target)))
    shares = [math.exp((u - max(rates)) / rate.temperature) for u in rates]
    rho = [1 - share / math.fsum(shares) for share in shares]
    if rate.mean is not None:
        rho = [value * rate.mean * len(rho) / math.fsum(rho) for value in rho]
    return [min(max(value, rate.floor), rate.ceiling) for value in rho]


def _entropy(shares: Sequence[float]) -> float:
    return -math.fsum(p * math.log(p) for p in shares if p > 0)


def _label(set_in: Sequence[bool], logits: Sequence[float]) -> float:
    losses = [math.log1p(math.exp(-f if positive else f)) for positive, f in zip(set_in, logits, strict=True)]
    share = sum(set_in) / len(set_in)
    return _entropy([share, 1 - share]) - math.fsum(losses) / len(losses)


def _quantity(y: Sequence[float], predicted: Sequence[float]) -> float:
    mean = sum(map(Fraction, y)) / len(y)
    variance = sum((value - mean) ** 2 for value in map(Fraction, y))
    error = sum((Fraction(value) - Fraction(f)) ** 2 for value, f in zip(y, predicted, strict=True))
    if variance == 0:
        return 0.0
    return max(0.0, -math.log(max(error / variance, Fraction(1, 2**46))) / 2)
