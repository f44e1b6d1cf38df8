"""The linear functionals of the deviation C(g) - g that a bias is sought in.

Each is relative: 0.05 says that the mean of what it looks at is 5 % too large. Coordinates find any bias; units, and
sums of units, find with fewer draws one that a whole unit, a sign or everything shares.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from amss_min.testing.betting import Array


def exponent(gradient: Tensor) -> int:
    """The e with 2^(e-1) <= largest |entry| < 2^e: g 2^-e has squares that neither overflow nor vanish."""
    return int(np.frexp(gradient.detach().abs().amax().double().item())[1])


def rescaled(values: Tensor, e: int) -> Tensor:
    """Values times 2^e, float64, without rounding (but for results below 2^-1022)."""
    return torch.from_numpy(np.ldexp(values.detach().to("cpu", torch.float64).numpy(), e))


@dataclass(frozen=True, eq=False)
class Functionals:
    """The functionals of a gradient g (K, d), as one vector of length T for every draw.

    coordinates: D_c / g_c, over the root mean square of g where g_c = 0; K d of them.
    units: <g_j, D_j> / |g_j|^2, K of them; a unit of zero gradient has none (always 0). For d = 1 a unit is its
    coordinate, and has no functional of its own.
    sums: <g, D> / |g|^2 over everything, over the positive entries of g, over the negative ones; 3 of them.
    """

    gradient: Array

    @classmethod
    def of(cls, gradient: Tensor) -> "Functionals":
        """The functionals of a gradient (K, d); raises ValueError if it is zero or not finite."""
        values = gradient.detach().to("cpu").double().numpy()
        if not np.isfinite(values).all() or not values.any():
            raise ValueError("a gradient must be finite and not all zero: a relative bias has no meaning otherwise")
        return cls(values)

    @property
    def units(self) -> int:
        """K."""
        return len(self.gradient)

    @cached_property
    def norm(self) -> float:
        """|g|."""
        return float(np.sqrt(np.square(self.gradient).sum()))

    @property
    def names(self) -> list[str]:
        """What each functional looks at."""
        k, d = self.gradient.shape
        unit = [f"unit {j}" for j in range(k)]
        inner = [] if d == 1 else [f"unit {j}, coordinate {i}" for j in range(k) for i in range(d)]
        return [*inner, *unit, "all units", "positive entries", "negative entries"]

    @property
    def shared_names(self) -> list[str]:
        """What each functional that families share looks at."""
        ranks = ["the largest unit", *(f"the unit of rank {rank} by norm" for rank in range(2, self.units + 1))]
        return [*(f"unit {j}" for j in range(self.units)), *ranks, "all units", "positive entries", "negative entries"]

    def unit_of(self, place: int) -> int | None:
        """The unit that functional number `place` looks at; None for a sum over units."""
        k, d = map(int, self.gradient.shape)
        if place < k * d:
            return place // d
        return place - k * d if place < k * d + (k if d > 1 else 0) else None

    @property
    def unit_slice(self) -> slice:
        """Where the units are among the functionals."""
        k, d = self.gradient.shape
        return slice(0, k) if d == 1 else slice(k * d, k * d + k)

    @property
    def shared(self) -> Array:
        """Indices (2K + 3) of the functionals that families share: units by place, units by rank of norm, sums.

        A unit of zero gradient has index -1, and so has a sum over no entries.
        """
        k, g = self.units, self.gradient
        norms = np.linalg.norm(self.gradient, axis=1)
        place = np.where(norms > 0, np.arange(k) + self.unit_slice.start, -1)
        ranked = place[np.argsort(-norms, kind="stable")]
        some = np.array([g.any(), (g > 0).any(), (g < 0).any()])
        sums = np.where(some, np.arange(3) + self.unit_slice.stop, -1)
        return np.concatenate([place, ranked, sums])

    def of_deviations(self, deviations: Array) -> Array:
        """Deviations D (B, K, d), in the units of g, to functionals (B, T)."""
        g = self.gradient
        products = deviations * g
        parts = [(deviations / np.where(g != 0, g, self._typical)).reshape(len(deviations), g.size)]
        if g.shape[1] > 1:
            energy = np.square(g).sum(1)
            parts.append(products.sum(2) / np.where(energy > 0, energy, 1.0))
        for chosen in (np.ones_like(g), g > 0, g < 0):
            total = float((np.square(g) * chosen).sum())
            parts.append(((products * chosen).sum((1, 2)) / (total or 1.0))[:, None])
        return np.concatenate(parts, axis=1)

    def norms(self) -> Array:
        """|a| |g| of each functional <a, D>, shape (T,): its size is at most this times |D| / |g|."""
        g = self.gradient
        parts = [1 / np.where(g != 0, np.abs(g), self._typical).ravel()]
        if g.shape[1] > 1:
            parts.append(_inverse(np.linalg.norm(g, axis=1)))
        parts += [_inverse(np.linalg.norm(g * chosen)) for chosen in (np.ones_like(g), g > 0, g < 0)]
        result: Array = np.concatenate(parts) * self.norm
        return result

    @property
    def _typical(self) -> float:
        return self.norm / float(np.sqrt(self.gradient.size))


def _inverse(norms: ArrayLike) -> Array:
    values = np.atleast_1d(np.asarray(norms, dtype=np.float64))
    return np.divide(1.0, values, out=np.zeros_like(values), where=values > 0)
