"""Factorising a matrix, one factor a modality: smooth on bounded sets only, with strict saddles."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from simulations.objectives.base import Objective, ordered_sum
from simulations.objectives.linear_data import SPECTRAL
from simulations.objectives.tiles import Constant


@dataclass(frozen=True)
class MatrixFactorisation(Objective):
    r"""F(U, V) = |U V^T - Y|_F^2 / 2, U in R^{p x r}, V in R^{q x r}, Y = sum_k s_k p_k q_k^T of rank r.

    rows p, columns q, singular: s_1 >= ... >= s_r > 0, r of them; p_k and q_k are orthonormal, from `seed`.
    imbalance b > 0: the known minimiser is U* = b P sqrt(S), V* = Q sqrt(S) / b, with |w*|^2 = (b^2 + b^-2) sum s_k.
    reach > 1: the constants hold on the ball |w| <= R = reach |w*|, w = (U, V).

    Gradient. (E V, E^T U), E = U V^T - Y.
    L on the ball. The second derivative in a direction (A, B) with |A|^2 + |B|^2 = 1 is
    |A V^T + U B^T|^2 + 2 <E, A B^T>. The first term lies between 0 and (|A| |V| + |U| |B|)^2 <= |U|^2 + |V|^2 <= R^2,
    the second is at most 2 |E| |A| |B| <= |E| in absolute value (spectral norm of E, since the nuclear norm of A B^T is
    at most |A|_F |B|_F), and |E| <= |U| |V| + |Y| <= R^2 / 2 + s_1. So L = 3 R^2 / 2 + s_1. There is no L on the whole
    space.
    f_star = 0, attained at (U*, V*) and, as F depends on U V^T alone, on its orbit.
    The origin is a stationary point with F = |Y|^2 / 2 > 0: not Polyak-Lojasiewicz, not convex.
    Descent on the ball: |grad F|^2 = |E V|^2 + |E^T U|^2 <= |E|_F^2 (|U|^2 + |V|^2) <= 2 R^2 F <= 2 L (F - f_star).

    Raises ValueError for a rank above p or q, singular values that are not positive and falling, b <= 0, or reach <= 1.

    >>> F = MatrixFactorisation()
    >>> F.d, F.units
    (14, (8, 6))
    """

    rows: int = 4
    columns: int = 3
    singular: tuple[float, ...] = (2.0, 1.0)
    imbalance: float = 1.0
    reach: float = 2.0
    seed: int = 9

    def __post_init__(self) -> None:
        ordered = all(a >= b > 0 for a, b in zip(self.singular, (*self.singular[1:], self.singular[-1]), strict=True))
        if not 1 <= len(self.singular) <= min(self.rows, self.columns) or not ordered:
            raise ValueError(f"singular values must be positive, falling and no more than rows, found {self}")
        if not self.imbalance > 0 or not self.reach > 1:
            raise ValueError(f"imbalance must be positive and reach above 1, found {self}")

    @property
    def name(self) -> str:
        """Matrix factorisation, with its sizes."""
        return (
            f"matrix factorisation, {self.rows} x {self.columns}, rank {len(self.singular)}, |w| <= {self.radius:.3g}"
        )

    @property
    def radius(self) -> float:
        """reach |w*|."""
        b = self.imbalance
        return self.reach * math.sqrt((b * b + 1 / (b * b)) * math.fsum(self.singular))

    @property
    def L(self) -> float:
        """3 R^2 / 2 + s_1."""
        return (1.5 * self.radius**2 + self.singular[0]) * SPECTRAL

    @property
    def f_star(self) -> float:
        """0, at the planted factors."""
        return 0.0

    @property
    def minimiser(self) -> tuple[float, ...]:
        """The planted factors, to rounding."""
        return tuple(_planted(self)[0].tolist())

    @property
    def blocks(self) -> tuple[slice, ...]:
        """U, then V, row by row."""
        first = self.rows * len(self.singular)
        return (slice(0, first), slice(first, first + self.columns * len(self.singular)))

    def value(self, w: Tensor) -> Tensor:
        """F(U, V)."""
        return 0.5 * ordered_sum(self._error(*self._factors(w)).flatten(-2).square())

    def gradient(self, w: Tensor) -> Tensor:
        """(E V, E^T U)."""
        U, V = self._factors(w)
        E = self._error(U, V).unsqueeze(-1)  # (..., p, q, 1)
        left = ordered_sum((E * V.unsqueeze(-3)).transpose(-1, -2))
        right = ordered_sum((E * U.unsqueeze(-2)).movedim(-3, -1))
        return torch.cat([left.flatten(-2), right.flatten(-2)], -1)

    def _factors(self, w: Tensor) -> tuple[Tensor, Tensor]:
        rank = len(self.singular)
        first, second = self.blocks
        return w[..., first].unflatten(-1, (-1, rank)), w[..., second].unflatten(-1, (-1, rank))

    def _error(self, U: Tensor, V: Tensor) -> Tensor:
        return ordered_sum(U.unsqueeze(-2) * V.unsqueeze(-3)) - _planted(self)[1].like(U)


@lru_cache(maxsize=64)
def _planted(objective: MatrixFactorisation) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.float64]], Constant]:
    """The planted point and Y = U* V*^T."""
    generator = np.random.Generator(np.random.Philox(objective.seed))
    rank = len(objective.singular)
    P, Q = (np.linalg.qr(generator.standard_normal((n, rank)))[0] for n in (objective.rows, objective.columns))
    U = objective.imbalance * P * np.sqrt(objective.singular)
    V = Q * np.sqrt(objective.singular) / objective.imbalance
    return np.concatenate([U.ravel(), V.ravel()]), Constant(U @ V.T)
