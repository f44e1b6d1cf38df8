"""Three strongly convex components with one minimiser, on which masks that follow the gradient do harm."""

from dataclasses import dataclass

from torch import Tensor

from simulations.objectives.base import FiniteSum, ordered_sum
from simulations.objectives.tiles import repeated


@dataclass(frozen=True)
class InterpolatingLeastSquares(FiniteSum):
    r"""F(w) = (1 / 3) sum_i f_i(w), f_i(w) = <a_i, w>^2 + (ridge / 2) |w|^2 on R^3.

    a_1 = first and a_2, a_3 are its cyclic shifts to the right. One block: the three coordinates share one mask.

    Gradient. (2 / 3) A^T A w + ridge w, with rows a_i. A^T A is a symmetric circulant 3 x 3 matrix: diagonal
    p = |a|^2, off-diagonal q = a_1 a_2 + a_2 a_3 + a_3 a_1; eigenvalues p + 2 q = (a_1 + a_2 + a_3)^2 on the diagonal
    direction (1, 1, 1) and p - q twice. With the default (-8, 5, 5): 114 - 110 = 4 and 114 + 55 = 169.
    L = (2 / 3) max(p + 2 q, p - q) + ridge and convexity = mu = (2 / 3) min(p + 2 q, p - q) + ridge, both attained:
    341/3 and 11/3 by default.
    f_star = 0, at the origin only (for ridge > 0).
    Components: Hessian 2 a_i a_i^T + ridge I, L_i = 2 |a|^2 + ridge (229 by default); all are 0 at the origin, so
    component_gap = 0: the noise of drawing i vanishes at the minimiser.

    Raises ValueError for ridge <= 0 or a_1 = 0.
    Source: the construction follows Beznosikov et al. 2020 (arXiv 2002.12410), with other numbers.

    >>> import torch
    >>> F = InterpolatingLeastSquares()
    >>> F.gradient(torch.ones(3, dtype=torch.float64)) * 3
    tensor([11., 11., 11.], dtype=torch.float64)
    """

    first: tuple[float, float, float] = (-8.0, 5.0, 5.0)
    ridge: float = 1.0

    def __post_init__(self) -> None:
        if not self.ridge > 0 or not any(self.first):
            raise ValueError(f"ridge must be positive and a_1 not 0, found {self}")

    @property
    def name(self) -> str:
        """Interpolating least squares, with a_1."""
        return f"interpolating least squares, a=({', '.join(f'{a:g}' for a in self.first)}), L={self.L:.5g}"

    @property
    def L(self) -> float:
        """The largest eigenvalue."""
        return 2 / 3 * max(self._eigenvalues) + self.ridge

    @property
    def f_star(self) -> float:
        """0, at the origin."""
        return 0.0

    @property
    def convexity(self) -> float:
        """The smallest eigenvalue."""
        return 2 / 3 * min(self._eigenvalues) + self.ridge

    @property
    def minimiser(self) -> tuple[float, ...]:
        """The origin."""
        return (0.0, 0.0, 0.0)

    @property
    def blocks(self) -> tuple[slice, ...]:
        """One block of three."""
        return (slice(0, 3),)

    @property
    def samples(self) -> int:
        """Three."""
        return 3

    @property
    def component_L(self) -> float:
        """2 |a|^2 + ridge."""
        return 2 * sum(a * a for a in self.first) + self.ridge

    @property
    def component_gap(self) -> float:
        """0: the components share a minimiser."""
        return 0.0

    @property
    def _eigenvalues(self) -> tuple[float, float]:
        """p + 2 q and p - q."""
        a, b, c = self.first
        p, q = a * a + b * b + c * c, a * b + b * c + c * a
        return p + 2 * q, p - q

    def value(self, w: Tensor) -> Tensor:
        """F(w)."""
        squares = ordered_sum(w.unsqueeze(-2) * self._rows(w)).square()
        return ordered_sum(squares) / 3 + 0.5 * self.ridge * ordered_sum(w.square())

    def gradient(self, w: Tensor) -> Tensor:
        """The gradient."""
        rows = self._rows(w)
        slopes = ordered_sum(w.unsqueeze(-2) * rows)
        return 2 / 3 * ordered_sum(slopes.unsqueeze(-2) * rows.T) + self.ridge * w

    def component_gradient(self, w: Tensor, index: Tensor) -> Tensor:
        """Row r: the gradient of component index[r]."""
        a = self._rows(w)[index]
        return 2 * ordered_sum(a * w).unsqueeze(-1) * a + self.ridge * w

    def _rows(self, w: Tensor) -> Tensor:
        a, b, c = self.first
        return repeated((a, b, c, c, a, b, b, c, a)).like(w).reshape(3, 3)
