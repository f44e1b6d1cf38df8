"""What the draws on one gradient have added up to, and what they are evidence of."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from amss_min.testing import exclusion
from amss_min.testing.betting import (
    Array,
    log_bets,
    log_bets_of_variance,
    log_bets_within,
    log_e,
    lower_edge,
)
from amss_min.testing.functionals import Functionals
from amss_min.testing.reach import Reach

WIDEST_MATRIX = 256
"""Entries up to which directions are told apart; beyond, the trace stands for the widest one."""


Places = slice | NDArray[np.int64]


class Ledger:
    """Sums over fresh draws on one gradient g (K, d), within a reach that was fixed before them.

    reach: see there. direction: the mean square of (C - g) / |g| in its widest direction, from a burn-in; it sets the
    stakes of the exclusion only. horizon: draws to come, alpha: both for the same purpose. rounding: relative biases up
    to here are not looked for.

    A draw outside the reach ends the attempt: the sums start anew behind wider caps.
    """

    def __init__(
        self, gradient: Tensor, reach: Reach, *, direction: float, horizon: int, alpha: float, rounding: float
    ) -> None:
        self.gradient = gradient
        self.functionals = Functionals.of(gradient)
        self.reach = reach
        self.rounding = rounding
        self.beyond = 0
        self._stakes = exclusion.stakes(direction if reach.omega is None else reach.omega, horizon, alpha)
        self._clear()

    def _clear(self) -> None:
        entries, kinds = self.functionals.gradient.size, len(self.functionals.names)
        self.n = 0
        self.totals, self.squares = np.zeros(kinds), np.zeros(kinds)
        self._sum = np.zeros(entries)
        self._products = np.zeros((entries, entries)) if entries <= WIDEST_MATRIX else None
        self._noise = np.zeros(2)
        self._energy = np.zeros(2)
        self._sizes = 0

    def add(self, draws: Tensor) -> bool:
        """Count these draws (B, K, d); False where one lay outside the reach, and the sums start anew."""
        scaled, values, noises, energies = measured(self.functionals, draws)
        outside = self.reach.exceeded(values, noises, energies)
        if outside.any():
            self.beyond += int(outside.sum())
            self.reach = self.reach.widened(self.functionals, values, noises, energies)
            self._clear()
            return False
        self.n += len(draws)
        self.totals += values.sum(0)
        self.squares += np.square(values).sum(0)
        self._sum += scaled.sum(0)
        if self._products is not None:
            rows = torch.from_numpy(scaled)  # torch keeps to one thread where numpy's product would not
            self._products += (rows.T @ rows).numpy()
        self._noise += noises.sum(), np.square(noises).sum()
        self._energy += energies.sum(), np.square(energies).sum()
        self._sizes += int((draws != 0).any(2).sum())
        return True

    def log_bets(self, *, upward: bool) -> Array:
        """Log capital (41, T) against H: the mean of a functional is at most its rounding (upward; else at least)."""
        totals = self.totals if upward else -self.totals
        if self.reach.omega is not None:
            variances = np.square(self.functionals.norms()) * self.reach.omega
            return log_bets_of_variance(self.n, totals, self.squares, variances, self.rounding)
        below = self.reach.below if upward else self.reach.above
        return log_bets(self.n, totals, self.squares, below, self.rounding) - self.reach.handicap

    def largest_bias(self, alpha: float) -> float:
        """The least norm of a bias, over |g|, that is excluded at alpha; infinite while none is."""
        return exclusion.largest_bias(self._sums(), self._stakes, self.reach, alpha) if self.n else math.inf

    def excludes(self, delta: float, alpha: float) -> bool:
        """Whether a bias of norm delta |g| is excluded at alpha."""
        if not self.n:
            return False
        return exclusion.log_excluded(delta, self._sums(), self._stakes, self.reach) >= math.log(1 / alpha)

    def _sums(self) -> exclusion.Sums:
        widest = self._noise[0] if self._products is None else np.linalg.eigvalsh(self._products)[-1]
        return exclusion.Sums(draws=self.n, norm=float(np.linalg.norm(self._sum)), widest=float(widest))

    def log_capital(self, places: Places, mean: Array, *, upward: bool) -> Array:
        """Log capital (41, ...) against H: the mean of these functionals is at most `mean`; not upward, of -T."""
        totals, squares = self.totals[places] * (1 if upward else -1), self.squares[places]
        if self.reach.omega is not None:
            variances = np.square(self.functionals.norms()[places]) * self.reach.omega
            return log_bets_of_variance(self.n, totals, squares, variances, mean)
        reach = (self.reach.below + self.reach.above)[places]
        return log_bets_within(self.n, totals, squares, reach, mean) - self.reach.handicap

    def least(self, places: Places, *, upward: bool) -> Array:
        """Below this no mean of these functionals (or of -T) can be."""
        if self.reach.omega is not None:  # a mean is at most the root of the mean square
            return -math.sqrt(self.reach.omega) * self.functionals.norms()[places]
        certain: Array = -(self.reach.below if upward else self.reach.above)[places]
        return certain

    def interval(self, unit: int, alpha: float) -> tuple[float, float]:
        """Confidence bounds on the relative bias of a unit, at alpha."""
        low, high = interval([(self, np.array([self.functionals.unit_slice.start + unit]))], alpha)
        return float(low[0]), float(high[0])

    def second_moment(self, alpha: float) -> tuple[float, float, float]:
        """1 + omega = E|C|^2 / |g|^2: the mean of the draws, and confidence bounds at alpha."""
        total, squares = np.array(self._energy[0]), np.array(self._energy[1])
        sample, most = float(total) / max(self.n, 1), self.reach.energy
        # With omega declared, |C| has norm at most (1 + sqrt(omega)) |g| in mean square.
        reach = most if self.reach.omega is None else (1 + math.sqrt(self.reach.omega)) ** 2

        def edge(sign: int, low: float, high: float) -> float:
            def log_capital(mean: Array) -> Array:
                return log_bets_within(self.n, sign * total, squares, reach, mean) - self.reach.handicap

            return sign * float(lower_edge(log_capital, np.array(low), np.array(high), alpha / 2))

        declared_or_unseen = self.reach.omega is not None or not self.n
        return sample, edge(1, 0.0, min(sample, reach)), reach if declared_or_unseen else edge(-1, -most, -sample)

    def log_noise(self, omega: float) -> float:
        """Log e-value against H: E|C - g|^2 <= omega |g|^2, whatever the law of C."""
        total, squares = np.array(self._noise[0]), np.array(self._noise[1])
        return float(log_e(self.n, total, squares, np.zeros(()), omega * (1 + self.rounding) + self.rounding))

    @property
    def expected_size(self) -> float:
        """The mean number of units that are not zero."""
        return self._sizes / max(self.n, 1)


def interval(parts: Sequence[tuple[Ledger, Places]], alpha: float) -> tuple[Array, Array]:
    """Confidence bounds on means that all parts (a ledger, places of functionals) share, each pair at alpha.

    Different ledgers hold different draws, so the capital of a stake multiplies over them.
    """
    draws = sum(ledger.n for ledger, _ in parts)
    sample = sum((ledger.totals[places] for ledger, places in parts), np.zeros(())) / max(draws, 1)
    if not draws:
        return np.full_like(sample, -np.inf), np.full_like(sample, np.inf)

    def edge(upward: bool) -> Array:
        low = np.min([ledger.least(places, upward=upward) for ledger, places in parts], axis=0)
        high = sample if upward else -sample

        def log_capital(mean: Array) -> Array:
            logs = [ledger.log_capital(places, mean, upward=upward) for ledger, places in parts]
            total: Array = np.sum(logs, axis=0)
            return total

        return lower_edge(log_capital, low, np.maximum(high, low), alpha / 2)

    upper: Array = -edge(False)
    return edge(True), upper


def measured(functionals: Functionals, draws: Tensor) -> tuple[Array, Array, Array, Array]:
    """Of draws C (B, K, d): (C - g) / |g| (B, K d), its functionals (B, T), |C - g|^2 / |g|^2 and |C|^2 / |g|^2."""
    values, g, norm = draws.numpy(), functionals.gradient, functionals.norm
    deviations = values - g
    scaled = (deviations / norm).reshape(len(values), -1)
    energies = np.square(values / norm).sum((1, 2))
    return scaled, functionals.of_deviations(deviations), np.square(scaled).sum(1), energies
