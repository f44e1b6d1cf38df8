"""Two coupled modalities, each a quadratic plus a cosine: smooth, non-convex, with every constant known."""

from dataclasses import dataclass

import torch
from torch import Tensor

from simulations.objectives.base import Objective, ordered_sum


@dataclass(frozen=True)
class BlockCosine(Objective):
    r"""F(w) = sum_m (kappa_m / 2) |u_m|^2 + A sum_j (1 - cos(omega u_j)) + (gamma / 2) |B u|^2, u = w - c.

    u_1, u_2 in R^n are the blocks of u; B = [I, -I] / sqrt(2) has norm 1 and B^T B u = (u_1 - u_2, u_2 - u_1) / 2,
    so the coupling term is (gamma / 4) |u_1 - u_2|^2 and needs no matrix product.

    kappa: curvature of each modality, >= 0; their quotient dials the imbalance.
    amplitude A >= 0, frequency omega > 0: the cosine. coupling gamma >= 0.
    center c: the minimiser, the same in every coordinate.

    Gradient. kappa_m u_j + A omega sin(omega u_j) + gamma (B^T B u)_j.

    L. The Hessian is D + gamma B^T B with D diagonal, D_jj = kappa_m + A omega^2 cos(omega u_j) in
    [kappa_m - A omega^2, kappa_m + A omega^2], and 0 <= B^T B <= I (B B^T = I, so B^T B is a projection). Hence
    -A omega^2 <= kappa_min - A omega^2 <= spectrum <= kappa_max + A omega^2 + gamma = L, and A omega^2 <= L. For
    kappa_1 = kappa_2 the upper end is attained at w = c in the directions (v, -v), so L cannot be lowered.

    f_star = 0, attained at w = c: every term is >= 0 there and elsewhere, and 0 at c.

    Convexity. The lower end of the spectrum is at least kappa_min - A omega^2; where that is >= 0, it is `convexity`.

    Non-convexity (gamma = 0). The second derivative of coordinate j is negative somewhere iff kappa_m < A omega^2;
    further stationary points need sin(v) / v = -kappa_m / (A omega^2), v = omega u_j, and min sin(v) / v = -0.2172...,
    so there are none for kappa_m > 0.2173 A omega^2. The defaults put modality 1 above the first threshold (convex)
    and modality 2 between the two (non-convex, one stationary point).

    Raises ValueError for a negative parameter, omega = 0, or no coordinates.

    >>> F = BlockCosine(n=1)
    >>> F.L, F.f_star, F.d
    (2.75, 0.0, 2)
    >>> F.gradient(torch.zeros(2, dtype=torch.float64))
    tensor([0., 0.], dtype=torch.float64)
    """

    n: int = 8
    kappa: tuple[float, float] = (1.5, 0.5)
    amplitude: float = 1.0
    frequency: float = 1.0
    coupling: float = 0.25
    center: float = 0.0

    def __post_init__(self) -> None:
        if self.n < 1:
            raise ValueError(f"each modality must have a coordinate, found n={self.n}")
        if min(*self.kappa, self.amplitude, self.coupling) < 0 or not self.frequency > 0:
            raise ValueError(f"kappa, amplitude and coupling must be >= 0 and frequency > 0, found {self}")

    @property
    def name(self) -> str:
        """Two-block quadratic plus cosine, with its parameters."""
        first, second = self.kappa
        return f"two-block cosine, kappa=({first:g}, {second:g}), coupling={self.coupling:g}, L={self.L:g}, d={self.d}"

    @property
    def L(self) -> float:
        """kappa_max + A omega^2 + gamma."""
        return max(self.kappa) + self.amplitude * self.frequency**2 + self.coupling

    @property
    def f_star(self) -> float:
        """0, at the center."""
        return 0.0

    @property
    def blocks(self) -> tuple[slice, ...]:
        """Two blocks of n coordinates."""
        return (slice(0, self.n), slice(self.n, 2 * self.n))

    @property
    def convexity(self) -> float | None:
        """kappa_min - A omega^2 where that is not negative."""
        lowest = min(self.kappa) - self.amplitude * self.frequency**2
        return lowest if lowest >= 0 else None

    @property
    def minimiser(self) -> tuple[float, ...]:
        """The center."""
        return (self.center,) * self.d

    def value(self, w: Tensor) -> Tensor:
        """F(w); 1 - cos(v) is computed as 2 sin^2(v / 2), which does not cancel near the center."""
        u = w - self.center
        first, second = u[..., : self.n], u[..., self.n :]
        quadratic = sum(
            0.5 * k * ordered_sum(part.square()) for k, part in zip(self.kappa, (first, second), strict=True)
        )
        cosine = 2 * self.amplitude * ordered_sum((0.5 * self.frequency * u).sin().square())
        return quadratic + cosine + 0.25 * self.coupling * ordered_sum((first - second).square())

    def gradient(self, w: Tensor) -> Tensor:
        """The gradient, coordinate by coordinate."""
        u = w - self.center
        first, second = u[..., : self.n], u[..., self.n :]
        pull = 0.5 * self.coupling * (first - second)
        bent = (self.amplitude * self.frequency) * (self.frequency * u).sin()
        return bent + torch.cat([self.kappa[0] * first + pull, self.kappa[1] * second - pull], -1)
