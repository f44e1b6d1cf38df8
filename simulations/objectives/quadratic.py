"""A convex quadratic with a given spectrum, for the convex and the strongly convex rates."""

import itertools
import math
from dataclasses import dataclass

from torch import Tensor

from simulations.objectives.base import Objective, ordered_sum
from simulations.objectives.tiles import repeated


@dataclass(frozen=True)
class Quadratic(Objective):
    """F(w) = (1/2) sum_j s_j (w_j - center)^2, s_j >= 0.

    spectrum: s_j, in the order of the coordinates, not all 0. sizes: coordinates of each modality, adding up to as
    many; empty for one modality. The mean curvatures of the blocks dial the imbalance.

    Gradient s_j (w_j - center). The Hessian is diag(s), so L = max s and convexity = min s, both least possible.
    f_star = 0, attained at the center. mu is the smallest positive s_j: sum s_j^2 u_j^2 >= mu sum s_j u_j^2, term by
    term, also where some s_j = 0.

    Raises ValueError for a negative or infinite s_j, all s_j = 0, or sizes that do not add up.

    >>> F = Quadratic((4.0, 1.0, 0.0))
    >>> F.L, F.mu, F.convexity
    (4.0, 1.0, 0.0)
    """

    spectrum: tuple[float, ...]
    sizes: tuple[int, ...] = ()
    center: float = 0.0

    def __post_init__(self) -> None:
        if not self.spectrum or not all(0 <= s < math.inf for s in self.spectrum) or not max(self.spectrum) > 0:
            raise ValueError(f"the spectrum must be finite, >= 0 and not all 0, found {self.spectrum}")
        if self.sizes and (min(self.sizes) < 1 or sum(self.sizes) != len(self.spectrum)):
            raise ValueError(f"sizes must be positive and add up to {len(self.spectrum)}, found {self.sizes}")

    @property
    def name(self) -> str:
        """Quadratic, with L and its smallest eigenvalue."""
        return f"quadratic, spectrum in [{min(self.spectrum):.3g}, {self.L:.3g}], d={self.d}"

    @property
    def L(self) -> float:
        """The largest eigenvalue."""
        return max(self.spectrum)

    @property
    def f_star(self) -> float:
        """0, at the center."""
        return 0.0

    @property
    def mu(self) -> float:
        """The smallest positive eigenvalue."""
        return min(s for s in self.spectrum if s > 0)

    @property
    def convexity(self) -> float:
        """The smallest eigenvalue."""
        return min(self.spectrum)

    @property
    def minimiser(self) -> tuple[float, ...]:
        """The center."""
        return (self.center,) * self.d

    @property
    def blocks(self) -> tuple[slice, ...]:
        """One slice for each modality."""
        ends = [0]
        for size in self.sizes or (len(self.spectrum),):
            ends.append(ends[-1] + size)
        return tuple(slice(a, b) for a, b in itertools.pairwise(ends))

    def value(self, w: Tensor) -> Tensor:
        """F(w)."""
        return 0.5 * ordered_sum(repeated(self.spectrum).like(w) * (w - self.center).square())

    def gradient(self, w: Tensor) -> Tensor:
        """s_j (w_j - center)."""
        return repeated(self.spectrum).like(w) * (w - self.center)
