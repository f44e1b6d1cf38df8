"""Robust regression with the Geman-McClure loss: bounded, with polynomially flat tails."""

from dataclasses import dataclass

from torch import Tensor

from simulations.objectives.residuals import Residuals


@dataclass(frozen=True)
class GemanMcClure(Residuals):
    r"""F(w) = (1 / N) sum_i rho(r_i), rho(r) = (1/2) r^2 / (1 + r^2), r = X (w - w_planted).

    The parameters, L = |X|^2 / N, f_star = 0 and the components: see Residuals.

    Hypotheses of Residuals. rho >= 0 = rho(0); rho'(r) = r / (1 + r^2)^2; with s = r^2,
    rho'' = (1 - 3 s) / (1 + s)^3, whose derivative in s is 6 (s - 1) / (1 + s)^4: rho'' falls from rho''(0) = 1 to -1/4
    at s = 1 and rises to 0. Hence |rho''| <= 1.
    Not Polyak-Lojasiewicz: rho' vanishes as |r| grows and rho does not.

    Raises ValueError for data that LinearData refuses.

    >>> GemanMcClure().f_star
    0.0
    """

    @property
    def name(self) -> str:
        """Geman-McClure regression, with its parameters."""
        return f"Geman-McClure regression, L={self.L:.4g}, d={self.d}"

    def rho(self, r: Tensor) -> Tensor:
        """(1/2) r^2 / (1 + r^2)."""
        square = r.square()
        return 0.5 * square / (1 + square)

    def slope(self, r: Tensor) -> Tensor:
        """r / (1 + r^2)^2."""
        return r / (1 + r.square()).square()
