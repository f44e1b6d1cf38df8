"""Symmetries of an estimator: which units come first, and in which units the gradient is measured, should not matter.

Permutation, in law. What is random need not permute draw by draw, but the law of unit j must move with it: with P a
permutation of the units, C(P g) and P C(g) give every unit the same law. First both are drawn from the same generator;
where they agree bit for bit in 256 draws, that is all. Otherwise X from C(g) and Y from P^-1 C(P g) are drawn
independently. If they have the same law in unit j, then f(X_j) - f(Y_j) is symmetric around 0 for every statistic f.
Two are tested, the projection on g_j and the square |C_j|^2, those of the first and second moments; their differences
are clipped at a cap from a burn-in, which keeps them symmetric: nothing is assumed about tails, and no moment need
exist. The evidence is the average of bets on all differences in both directions (`betting.log_bets`), and it ever
reaches 1/alpha with probability at most alpha if laws move with their units. Joint laws are not compared: systematic
sampling in the given order passes.

Scale, draw by draw. A power of two changes the exponents of floating-point numbers and nothing else, so C(s g) = s C(g)
bit for bit from the same generator. What breaks it is an absolute constant (an epsilon in a denominator, a clipping
level, a threshold), or a square that under- or overflows.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from amss_min.testing.betting import Array, log_bets, log_mean
from amss_min.testing.budget import TestBudget
from amss_min.testing.contract import PROBE
from amss_min.testing.probing import derived, difference, same_bits

SCALES = tuple(2.0**e for e in (-560, -40, -1, 1, 40, 520))
"""Scales tried by default. At the first and the last, squares of ordinary numbers are 0 and infinite."""

_PATHS, _BURN_IN, _BLOCK = 256, 64, 256
_CHUNK = 2**20  # most entries in one batched call
_ROOM = 2.0**40  # between the numbers of a scaled gradient and the ends of the normal range


@dataclass(frozen=True, kw_only=True)
class Equivariance:
    """How far an estimator was found to be equivariant.

    pathwise: bit for bit from the same generator, in every one of `draws` draws. Otherwise in law: log_e is the
    evidence against it after `draws` pairs of draws.
    """

    pathwise: bool
    draws: int
    log_e: float = 0.0


def assert_permutation_equivariant(
    estimate: Callable[..., Tensor],
    gradient: Tensor | None = None,
    *,
    permutation: Sequence[int] | None = None,
    alpha: float = 1e-9,
    draws: int = 10_000,
    seed: int = 0,
    budget: TestBudget | None = None,
    batched: bool | None = None,
) -> Equivariance:
    """Assert that the law of every unit moves with it when the units are permuted.

    estimate: estimate(gradient, *, generator) -> Tensor. gradient: (K, d), K >= 2; by default contract.PROBE, which has
    a tie and a zero unit. permutation: of 0 to K - 1; by default a new random one for every block of 256 draws. alpha:
    the probability of a false alarm. draws: most pairs of draws; fewer if the evidence is in earlier. seed: of
    everything. budget: a test's share, which gives alpha and seed instead. batched: None for the attribute so named.

    Returns how far it was found equivariant. Raises AssertionError for an estimator that is not, ValueError for a
    gradient or a permutation that makes no sense; an exception of the estimator passes through.

    >>> def first_two(gradient, *, generator):
    ...     return gradient * (torch.arange(len(gradient)) < 2).unsqueeze(1)
    >>> assert_permutation_equivariant(first_two)
    Traceback (most recent call last):
    ...
    AssertionError: first_two: the law of every unit must move with it under permutations; found ...
    """
    if budget is not None:
        alpha, seed = budget.spend(), budget.seed()
    gradient = PROBE if gradient is None else gradient
    if gradient.ndim != 2 or len(gradient) < 2:
        raise ValueError(f"a gradient must be (K, d) with K >= 2 to permute, found shape {tuple(gradient.shape)}")
    call = _drawn(estimate, batched)
    orders = _orders(len(gradient), permutation, seed)
    if _pathwise(call, gradient, orders, seed):
        return Equivariance(pathwise=True, draws=_PATHS)
    if draws <= _BURN_IN:
        raise ValueError(f"draws must be above {_BURN_IN}, which set the caps, found draws={draws}")
    tested = _Differences(gradient)
    own, moved = (torch.Generator(gradient.device).manual_seed(derived(seed, "law", side)) for side in range(2))
    done = 0
    while done < draws:
        size = min(_BLOCK if done else _BURN_IN, draws - done)
        order = next(orders)
        x = call(gradient, size, own)
        y = call(gradient[order], size, moved)[:, order.argsort()]
        tested.add(x, y)
        done += size
        log_e, where = tested.log_e()
        if log_e >= math.log(1 / alpha):
            raise AssertionError(
                f"{_name(estimate)}: the law of every unit must move with it under permutations; found {where} "
                f"after {done} pairs of draws, log e-value {log_e:.4g} for alpha = {alpha:.3g}, seed {seed}; something "
                "depends on the place of a unit: an index, a tie-break, the wrong unit's weight"
            )
    return Equivariance(pathwise=False, draws=done, log_e=tested.log_e()[0])


def assert_scale_equivariant(
    estimate: Callable[..., Tensor],
    gradient: Tensor | None = None,
    *,
    scales: Sequence[float] | None = None,
    roundings: float = 0.0,
    draws: int = 16,
    seed: int = 0,
    budget: TestBudget | None = None,
    batched: bool | None = None,
) -> Equivariance:
    """Assert that C(s g) = s C(g) from the same generator, bit for bit for powers of two s.

    estimate, gradient, seed, batched: as for permutations. scales: positive; by default those of `SCALES` at which the
    entries of s g, and 2^40 times as much or as little, are normal numbers. roundings: by how many roundings (2^-53 of
    itself each) an entry may be off, for scales that are no powers of two and for estimators that take logarithms; 0
    asks for equality. With roundings a draw may also come out differently, where a random number falls between two
    roundings of its threshold; for the designs of this package that happens with a probability of about 2^-40 a unit.
    draws: seeds tried at every scale. budget: a test's share, which gives the seed; nothing is spent, because nothing
    is left to chance.

    Needs an estimator that keeps to its generator (assert_generator_only). Returns how it was tested; raises
    AssertionError with the first entry that differs, ValueError for scales or a gradient that make no sense.

    >>> def safe(gradient, *, generator):
    ...     return gradient / (gradient.norm() + 1e-8) * gradient.norm()
    >>> assert_scale_equivariant(safe)
    Traceback (most recent call last):
    ...
    AssertionError: safe: C(s g) must be s C(g); found entry (0, 0) was ...
    """
    if budget is not None:
        seed = budget.seed()
    gradient = PROBE if gradient is None else gradient
    call = _drawn(estimate, batched)
    tried = _scales(gradient, scales, roundings)
    for scale in tried:
        for draw in range(draws):
            number = derived(seed, "scale", draw)
            plain = call(gradient, 1, torch.Generator(gradient.device).manual_seed(number))[0] * scale
            scaled = call(gradient * scale, 1, torch.Generator(gradient.device).manual_seed(number))[0]
            off = (scaled - plain).abs() > roundings * 2.0**-53 * plain.abs()
            if same_bits(plain, scaled) or (roundings > 0 and not off.any()):
                continue
            raise AssertionError(
                f"{_name(estimate)}: C(s g) must be s C(g); found {difference(plain, scaled)} at s = {scale:g}, "
                f"generator seed {number}; an absolute constant (an epsilon, a threshold), or a square that under- or "
                "overflows"
            )
    return Equivariance(pathwise=True, draws=draws * len(tried))


class _Differences:
    """Sums of clipped differences f(X_j) - f(Y_j), for two statistics of every unit: 2K of them."""

    def __init__(self, gradient: Tensor) -> None:
        values = gradient.detach().cpu().double()
        self.unit = float(values.abs().amax()) or 1.0
        direction = values / self.unit
        direction[direction.abs().amax(1) == 0] = 1.0  # a zero unit has no direction of its own
        self.direction = direction / direction.norm(dim=1, keepdim=True)
        self.caps: Array | None = None
        self.n = 0
        self.total, self.squares = np.zeros(2 * len(values)), np.zeros(2 * len(values))
        self.sums = np.zeros((2, 2 * len(values)))

    def add(self, x: Tensor, y: Tensor) -> None:
        """Draws (B, K, d) of both sides, one for one; the first ones only fix the caps."""
        f, g = self._statistics(x), self._statistics(y)
        if self.caps is None:
            largest = np.maximum(np.abs(f).max(0), np.abs(g).max(0))
            self.caps = np.where(largest > 0, largest, 1.0)
            return
        clipped = np.nan_to_num(np.clip((f - g) / self.caps, -1.0, 1.0))
        self.n += len(clipped)
        self.total += clipped.sum(0)
        self.squares += np.square(clipped).sum(0)
        self.sums += np.stack([f.sum(0), g.sum(0)])

    def log_e(self) -> tuple[float, str]:
        """Log e-value against equal laws in every unit, and where it is strongest."""
        one = np.ones_like(self.total)
        bets = np.concatenate([log_bets(self.n, side, self.squares, one) for side in (self.total, -self.total)])
        strongest = int(log_mean(bets).argmax())
        unit, squared = strongest % len(self.direction), strongest >= len(self.direction)
        own, moved = self.sums[:, strongest] / max(self.n, 1) * self.unit ** (1 + squared)
        what = f"|C_{unit}|^2" if squared else f"C_{unit} along g_{unit}"
        return float(log_mean(bets.ravel())), f"{what} of mean {own:.4g}, and {moved:.4g} where the unit is moved,"

    def _statistics(self, draws: Tensor) -> Array:
        relative = draws / self.unit
        along = (relative * self.direction).sum(2)
        both: Array = torch.cat([along, relative.square().sum(2)], dim=1).numpy()
        return both


def _drawn(estimate: Callable[..., Tensor], batched: bool | None) -> Callable[[Tensor, int, torch.Generator], Tensor]:
    """count draws at a gradient (K, d), float64 (count, K, d) on the CPU."""
    whole = getattr(estimate, "batched", False) if batched is None else batched

    def checked(given: Tensor, generator: torch.Generator) -> Tensor:
        result = estimate(given, generator=generator)
        if not isinstance(result, Tensor) or result.shape != given.shape:
            found = tuple(result.shape) if isinstance(result, Tensor) else type(result).__name__
            raise ValueError(f"{_name(estimate)} must return a tensor of shape {tuple(given.shape)}, found {found}")
        return result.detach().cpu().double()

    def call(gradient: Tensor, count: int, generator: torch.Generator) -> Tensor:
        if not whole:
            return torch.stack([checked(gradient.clone(), generator) for _ in range(count)])
        rows = max(1, _CHUNK // max(gradient.numel(), 1))
        sizes = [min(rows, count - start) for start in range(0, count, rows)]
        return torch.cat([checked(gradient.repeat(size, 1, 1), generator) for size in sizes])

    return call


def _orders(units: int, permutation: Sequence[int] | None, seed: int) -> Iterator[Tensor]:
    if permutation is not None:
        if sorted(permutation) != list(range(units)):
            raise ValueError(f"a permutation must hold 0 to {units - 1} once each, found {list(permutation)}")
        return itertools.repeat(torch.tensor(permutation))
    generator = torch.Generator().manual_seed(derived(seed, "permutation"))
    return (torch.randperm(units, generator=generator) for _ in itertools.count())


def _pathwise(
    call: Callable[[Tensor, int, torch.Generator], Tensor], gradient: Tensor, orders: Iterator[Tensor], seed: int
) -> bool:
    for draw in range(_PATHS):
        order = next(orders)
        own, moved = (torch.Generator(gradient.device).manual_seed(derived(seed, "path", draw)) for _ in range(2))
        if not same_bits(call(gradient, 1, own)[0][order], call(gradient[order], 1, moved)[0]):
            return False
    return True


def _scales(gradient: Tensor, scales: Sequence[float] | None, roundings: float) -> list[float]:
    sizes = gradient.detach().abs().double()
    sizes = sizes[sizes > 0]
    least, most = (float(sizes.min()), float(sizes.max())) if len(sizes) else (1.0, 1.0)
    limits = torch.finfo(gradient.dtype)
    if scales is None:
        fits = [s for s in SCALES if s * least >= limits.tiny * _ROOM and s * most <= limits.max / _ROOM]
        if not fits:
            raise ValueError("a gradient must leave room to be scaled within the normal range, found none")
        return fits
    for scale in scales:
        if not (scale > 0 and limits.tiny <= scale * least and scale * most <= limits.max):
            raise ValueError(f"a scale must be positive and keep the gradient in the normal range, found {scale}")
        if roundings == 0 and math.frexp(scale)[0] != 0.5:
            raise ValueError(f"a scale must be a power of two unless roundings are allowed, found {scale}")
    return list(scales)


def _name(estimate: Callable[..., Tensor]) -> str:
    return str(getattr(estimate, "__name__", type(estimate).__name__))
