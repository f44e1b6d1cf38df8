"""Robust regression with the Welsch loss: bounded, with exponentially flat tails."""

from dataclasses import dataclass

import torch
from torch import Tensor

from simulations.objectives.residuals import Residuals


@dataclass(frozen=True)
class Welsch(Residuals):
    r"""F(w) = (1 / N) sum_i rho(r_i), rho(r) = (c^2 / 2) (1 - exp(-r^2 / c^2)), r = X (w - w_planted).

    cutoff: c > 0. The other parameters, L = |X|^2 / N, f_star = 0 and the components: see Residuals.

    Hypotheses of Residuals. rho >= 0 = rho(0); rho'(r) = r exp(-r^2 / c^2); with s = r^2 / c^2,
    rho'' = (1 - 2 s) exp(-s), whose derivative in s, (2 s - 3) exp(-s), changes sign at s = 3/2 alone: rho'' falls from
    rho''(0) = 1 to -2 exp(-3/2) = -0.446... and rises to 0. Hence |rho''| <= 1.
    Not Polyak-Lojasiewicz: as |r| grows the slope vanishes and F does not. Non-convex; stationary points other than
    global minima are possible.

    Raises ValueError for c <= 0 or data that LinearData refuses.

    >>> Welsch().f_star
    0.0
    """

    cutoff: float = 2.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.cutoff > 0:
            raise ValueError(f"the cutoff must be positive, found {self.cutoff}")

    @property
    def name(self) -> str:
        """Welsch regression, with its parameters."""
        return f"Welsch regression, c={self.cutoff:g}, L={self.L:.4g}, d={self.d}"

    def rho(self, r: Tensor) -> Tensor:
        """(c^2 / 2) (1 - exp(-r^2 / c^2)), without cancellation."""
        return -0.5 * self.cutoff**2 * torch.expm1(-(r / self.cutoff).square())

    def slope(self, r: Tensor) -> Tensor:
        """r exp(-r^2 / c^2)."""
        return r * torch.exp(-(r / self.cutoff).square())
