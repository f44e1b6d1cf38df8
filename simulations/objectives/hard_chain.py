"""The chain on which every method must discover one coordinate after the other."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from simulations.objectives.base import Objective, ordered_sum

SMOOTHNESS = 152.0
"""L of the unscaled chain; GAP (times T): F(0) - inf F; STEEPEST: a bound of every |partial derivative|."""
GAP = 12.0
STEEPEST = 23.0

_TOP = math.sqrt(2 * math.pi * math.e)  # sup Phi
_FLAT = 0.03  # Psi is exp(-1110) = 0 in floating point where 0 < 2 x - 1 < 0.03


@dataclass(frozen=True)
class HardChain(Objective):
    r"""F(w) = (L lambda^2 / 152) F_T(w / lambda) with the chain of T coordinates

        F_T(x) = -Psi(1) Phi(x_1) + sum_{i=2..T} [Psi(-x_{i-1}) Phi(-x_i) - Psi(x_{i-1}) Phi(x_i)],
        Psi(x) = exp(1 - 1 / (2x - 1)^2) for x > 1/2, else 0;    Phi(x) = sqrt(e) int_{-inf}^x exp(-t^2 / 2) dt.

    length: T >= 2, even where both halves should be equal modalities. smoothness: L. scale: lambda.

    Bounds of the pieces. Write y = 2x - 1 > 0, s = 1 / y^2.
    - 0 <= Psi < e, Psi(1) = 1, Psi increasing. Psi' = 4 y^-3 exp(1 - s) is largest at y^2 = 2/3: 0 <= Psi' <= sqrt(54 /
      e).
    - Psi'' = 8 (2 s^3 - 3 s^2) exp(1 - s); its derivative in s vanishes where 2 s^2 - 9 s + 6 = 0, s = (9 +- sqrt 33) /
      4, where it is 32.386... and -8.759...: |Psi''| <= 32.4.
    - 0 < Phi < sqrt(2 pi e) = 4.1327..., 0 < Phi' = exp((1 - x^2) / 2) <= sqrt e, |Phi''| = |x| exp((1 - x^2) / 2) <=
      1.
    L. At most one of Psi(x), Psi(-x) and their derivatives is not 0. The Hessian of F_T is tridiagonal; its diagonal is
    at most sup|Psi| sup|Phi''| + sup|Psi''| sup|Phi| <= e + 32.4 * 4.1328 < 136.63, its off-diagonal entries at most
    sqrt(54 / e) sqrt e = sqrt 54 < 7.35. The largest row sum, which bounds every eigenvalue (Gershgorin), is
    below 136.63 + 2 * 7.35 = 151.33 < 152. Scaling by lambda multiplies Hessians of F_T by L / 152: F is L-smooth.
    f_star. The terms are at least -Phi(x_1) > -sqrt(2 pi e) and -Psi(x_{i-1}) Phi(x_i) > -e sqrt(2 pi e), and as all
    x_i grow they tend to that: inf F_T = -sqrt(2 pi e) (1 + e (T - 1)), not attained.
    Gap. F_T(0) < 0, so F_T(0) - inf F_T < e sqrt(2 pi e) T < 12 T.
    Steepness. |d_i F_T| <= sup Psi' sup Phi + sup Psi sup Phi' = sqrt(108 pi) + e^(3/2) = 22.90... < 23.
    Progress. If |x_T| < 1 then |grad F_T(x)| > 1: take the first j with |x_j| < 1. Both contributions to d_j F_T have
    the same sign (Psi', Phi' >= 0 and all enter with a minus), and the one of x_{j-1}, with |x_{j-1}| >= 1 (or the
    constant Psi(1) for j = 1), is at least Psi(1) Phi'(x_j) > exp((1 - 1) / 2) = 1. So |grad F(w)| > L lambda / 152
    until the last coordinate of w has reached lambda; and where x_i = 0 for i > p, only the first p + 1 partial
    derivatives are not 0.

    Raises ValueError for T < 2, or L or lambda that are not positive.
    Source: the chain of Carmon, Duchi, Hinder and Sidford 2017 (arXiv 1710.11606), used by Arjevani et al. 2019
    (arXiv 1912.02365); every constant is derived above.

    >>> F = HardChain(length=4)
    >>> F.L, F.progress(torch.tensor([0.0, 0.5, 0.1, 0.0])).item()
    (1.0, 2)
    """

    length: int = 10
    smoothness: float = 1.0
    scale: float = 1.0

    def __post_init__(self) -> None:
        if self.length < 2 or not min(self.smoothness, self.scale) > 0:
            raise ValueError(f"the chain needs length >= 2, smoothness > 0 and scale > 0, found {self}")

    @property
    def name(self) -> str:
        """Hard chain, with T and L."""
        return f"hard chain, T={self.length}, L={self.L:g}"

    @property
    def L(self) -> float:
        """The smoothness it is scaled to."""
        return self.smoothness

    @property
    def f_star(self) -> float:
        """The infimum, which is not attained."""
        return -self._height * _TOP * (1 + math.e * (self.length - 1)) * (1 + 2.0**-50)

    @property
    def steepest(self) -> float:
        """A bound of every |partial derivative|: 23 L lambda / 152."""
        return STEEPEST * self.smoothness * self.scale / SMOOTHNESS

    @property
    def blocks(self) -> tuple[slice, ...]:
        """The two halves of the chain."""
        half = self.length // 2
        return (slice(0, half), slice(half, self.length))

    @property
    def _height(self) -> float:
        return self.smoothness * self.scale**2 / SMOOTHNESS

    def progress(self, w: Tensor, threshold: float = 0.25) -> Tensor:
        """The largest i in 1..T with |w_i| > threshold lambda, 0 where there is none: (..., T) to (...), int64."""
        numbers = torch.arange(1, self.length + 1, device=w.device)
        return (numbers * (w.abs() > threshold * self.scale)).amax(-1)

    def value(self, w: Tensor) -> Tensor:
        """F(w)."""
        x = w / self.scale
        before, last = x[..., :-1], x[..., 1:]
        links = _psi(-before)[0] * _phi(-last)[0] - _psi(before)[0] * _phi(last)[0]
        return self._height * (ordered_sum(links) - _phi(x[..., 0])[0])

    def gradient(self, w: Tensor) -> Tensor:
        """The gradient: each coordinate closes one link and opens the next."""
        x = w / self.scale
        (up, up_slope), (down, down_slope) = _psi(x), _psi(-x)
        (high, slope), (low, _) = _phi(x), _phi(-x)  # Phi' is even
        reached = torch.cat([torch.ones_like(x[..., :1]), (up + down)[..., :-1]], -1)
        opened = (down_slope[..., :-1] * low[..., 1:]) + (up_slope[..., :-1] * high[..., 1:])
        return -self._height / self.scale * (reached * slope + torch.nn.functional.pad(opened, (0, 1)))


def _psi(x: Tensor) -> tuple[Tensor, Tensor]:
    """Psi and Psi'."""
    y = 2 * x.contiguous() - 1
    inside = y > _FLAT
    y = torch.where(inside, y, 1.0)
    value = torch.where(inside, torch.exp(1 - y.square().reciprocal()), 0.0)
    return value, 4 * value / (y * y * y)


def _phi(x: Tensor) -> tuple[Tensor, Tensor]:
    """Phi and Phi'."""
    x = x.contiguous()
    return 0.5 * _TOP * torch.erfc(-math.sqrt(0.5) * x), torch.exp(0.5 * (1 - x.square()))
