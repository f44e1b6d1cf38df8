"""The isotropic quadratic, the one objective whose masked stochastic gradient descent is solved exactly."""

from dataclasses import dataclass

from torch import Tensor

from simulations.objectives.base import Objective, ordered_sum


@dataclass(frozen=True)
class IsotropicQuadratic(Objective):
    """F(w) = (curvature / 2) |w|^2 on `modalities` blocks of `n` coordinates.

    Gradient curvature w. The Hessian is curvature times the identity, so L = curvature, and that is the least
    Lipschitz constant. F >= 0 = F(0), so f_star = 0.

    Raises ValueError for a curvature that is not positive, or for no coordinates.

    >>> import torch
    >>> F = IsotropicQuadratic(curvature=3.0, n=2)
    >>> float(F.value(torch.tensor([1.0, 2.0]))), F.L, F.f_star, F.d
    (7.5, 3.0, 0.0, 2)
    """

    curvature: float = 1.0
    n: int = 8
    modalities: int = 1

    def __post_init__(self) -> None:
        if not self.curvature > 0:
            raise ValueError(f"the curvature must be positive, found curvature={self.curvature}")
        if self.n < 1 or self.modalities < 1:
            raise ValueError(f"there must be a coordinate, found n={self.n}, modalities={self.modalities}")

    @property
    def name(self) -> str:
        """Isotropic quadratic, with L and d."""
        return f"isotropic quadratic, L={self.L:g}, d={self.d}"

    @property
    def L(self) -> float:
        """The curvature."""
        return self.curvature

    @property
    def f_star(self) -> float:
        """0, at the origin."""
        return 0.0

    @property
    def blocks(self) -> tuple[slice, ...]:
        """`modalities` blocks of n coordinates."""
        return tuple(slice(m * self.n, (m + 1) * self.n) for m in range(self.modalities))

    @property
    def convexity(self) -> float:
        """The curvature: every eigenvalue of the Hessian."""
        return self.curvature

    @property
    def minimiser(self) -> tuple[float, ...]:
        """The origin."""
        return (0.0,) * self.d

    def value(self, w: Tensor) -> Tensor:
        """(L / 2) |w|^2."""
        return 0.5 * self.curvature * ordered_sum(w.square())

    def gradient(self, w: Tensor) -> Tensor:
        """L w; w itself where L = 1."""
        return w if self.curvature == 1 else self.curvature * w
