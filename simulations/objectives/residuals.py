"""Regression with a loss rho of the residuals whose slope is 1-Lipschitz: what such objectives share."""

from abc import abstractmethod
from dataclasses import dataclass

from torch import Tensor

from simulations.objectives.base import FiniteSum, ordered_sum
from simulations.objectives.linear_data import LinearData


@dataclass(frozen=True)
class Residuals(FiniteSum):
    """F(w) = (1 / N) sum_i rho(r_i), r = X w - y, y = X w_planted.

    samples N, units, scales (dial of the imbalance of the features), seed: see LinearData.

    Hypotheses on rho, proved by each subclass: rho >= 0 = rho(0), rho'(0) = 0, rho''(0) = 1, |rho''| <= 1.

    Gradient. (1 / N) X^T rho'(r).
    L. The Hessian is (1 / N) X^T diag(rho''(r)) X, so L = |X|^2 / N, attained at the planted point.
    f_star = 0, attained at the planted point.
    Components F_i = rho(r_i): Hessian rho''(r_i) x_i x_i^T, L_i = |x_i|^2; all are 0 at the planted point, so
    component_gap = 0.
    """

    samples: int = 32
    units: tuple[int, int] = (8, 8)
    scales: tuple[float, float] = (1.0, 0.5)
    seed: int = 5

    def __post_init__(self) -> None:
        _ = self._data

    @abstractmethod
    def rho(self, r: Tensor) -> Tensor:
        """The loss, entry by entry."""

    @abstractmethod
    def slope(self, r: Tensor) -> Tensor:
        """Its derivative, entry by entry."""

    @property
    def _data(self) -> LinearData:
        return LinearData(self.samples, self.units, self.scales, self.seed)

    @property
    def L(self) -> float:
        """|X|^2 / N."""
        return self._data.largest()

    @property
    def f_star(self) -> float:
        """0, at the planted point."""
        return 0.0

    @property
    def minimiser(self) -> tuple[float, ...]:
        """The planted point."""
        return tuple(self._data.planted.tolist())

    @property
    def blocks(self) -> tuple[slice, ...]:
        """The features of each modality."""
        return self._data.blocks()

    @property
    def component_L(self) -> float:
        """max_i |x_i|^2."""
        return float(self._data.row_squares.max()) * (1 + 2.0**-40)

    @property
    def component_gap(self) -> float:
        """0: the components share a minimiser."""
        return 0.0

    def value(self, w: Tensor) -> Tensor:
        """F(w)."""
        return ordered_sum(self.rho(self._residuals(w))) / self.samples

    def gradient(self, w: Tensor) -> Tensor:
        """The gradient, with two products by X."""
        return self._data.pulled_back(self.slope(self._residuals(w)))

    def component_gradient(self, w: Tensor, index: Tensor) -> Tensor:
        """Row r: the gradient of component index[r]."""
        x = self._data.row(w, index)
        residual = ordered_sum(x * w) - self._data.response(w)[index]
        return self.slope(residual).unsqueeze(-1) * x

    def _residuals(self, w: Tensor) -> Tensor:
        return self._data.scores(w) - self._data.response(w)
