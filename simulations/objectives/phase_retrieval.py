"""Recovering a vector from squared measurements: smooth on bounded sets only."""

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from simulations.objectives.base import FiniteSum, ordered_sum
from simulations.objectives.linear_data import SPECTRAL, Array, LinearData


@dataclass(frozen=True)
class PhaseRetrieval(FiniteSum):
    r"""F(w) = (1 / 4N) sum_i (t_i^2 - y_i)^2, t_i = a_i^T w, y_i = (a_i^T w*)^2.

    samples N, units, scales (dial of the imbalance of the measurements), seed: see LinearData; w* is its planted point.
    reach > 1: the constants hold on the ball |w| <= R = reach |w*|.

    Gradient. (1 / N) sum_i (t_i^2 - y_i) t_i a_i.
    L on the ball. The Hessian is (1 / N) sum_i (3 t_i^2 - y_i) a_i a_i^T. There t_i^2 <= R^2 |a_i|^2, and
    y_i <= |w*|^2 |a_i|^2 <= R^2 |a_i|^2, so |3 t_i^2 - y_i| <= 3 R^2 |a_i|^2 - y_i:
    L = lambda_max((1 / N) sum_i (3 R^2 |a_i|^2 - y_i) a_i a_i^T). There is no L on the whole space: the Hessian grows
    like |w|^2. This is the objective on which "L is known" fails.
    f_star = 0, attained at w* and -w*. The origin is a stationary point with F > 0: not Polyak-Lojasiewicz.
    Components F_i = (t_i^2 - y_i)^2 / 4: |grad F_i|^2 = 4 F_i t_i^2 |a_i|^2 <= 2 (2 R^2 |a_i|^4) F_i on the ball, and
    2 R^2 |a_i|^4 <= L_i = (3 R^2 |a_i|^2 - y_i) |a_i|^2, a Lipschitz constant of grad F_i there. So the inequality of
    FiniteSum holds on the ball with component_gap = 0.

    Raises ValueError for data that LinearData refuses, or reach <= 1.

    >>> F = PhaseRetrieval()
    >>> F.f_star, F.radius > 1
    (0.0, True)
    """

    samples: int = 64
    units: tuple[int, int] = (4, 4)
    scales: tuple[float, float] = (1.0, 0.5)
    reach: float = 1.5
    seed: int = 10

    def __post_init__(self) -> None:
        if not self.reach > 1:
            raise ValueError(f"reach must be above 1, found {self.reach}")
        _ = self._data

    @property
    def _data(self) -> LinearData:
        return LinearData(self.samples, self.units, self.scales, self.seed)

    @property
    def name(self) -> str:
        """Phase retrieval, with its ball."""
        return f"phase retrieval, |w| <= {self.radius:.3g}, d={self.d}"

    @property
    def radius(self) -> float:
        """reach |w*|."""
        return self.reach * float(np.linalg.norm(self._data.planted))

    @property
    def L(self) -> float:
        """The certificate of the class docstring."""
        return self._data.largest(self._bends)

    @property
    def f_star(self) -> float:
        """0, at w* and -w*."""
        return 0.0

    @property
    def minimiser(self) -> tuple[float, ...]:
        """w*."""
        return tuple(self._data.planted.tolist())

    @property
    def blocks(self) -> tuple[slice, ...]:
        """The measurements of each modality."""
        return self._data.blocks()

    @property
    def component_L(self) -> float:
        """max_i (3 R^2 |a_i|^2 - y_i) |a_i|^2."""
        return float((self._bends * self._data.row_squares).max()) * SPECTRAL

    @property
    def component_gap(self) -> float:
        """0: the components share a minimiser."""
        return 0.0

    @property
    def _bends(self) -> Array:
        """3 R^2 |a_i|^2 - y_i, above 0."""
        data = self._data
        bends: Array = 3 * self.radius**2 * data.row_squares - np.square(data.X @ data.planted)
        return bends

    def value(self, w: Tensor) -> Tensor:
        """F(w)."""
        return 0.25 * ordered_sum(self._excess(self._data.scores(w), self._data.response(w)).square()) / self.samples

    def gradient(self, w: Tensor) -> Tensor:
        """The gradient, with two products by the measurements."""
        t = self._data.scores(w)
        return self._data.pulled_back(self._excess(t, self._data.response(w)) * t)

    def component_gradient(self, w: Tensor, index: Tensor) -> Tensor:
        """Row r: the gradient of component index[r]."""
        a = self._data.row(w, index)
        t = ordered_sum(a * w)
        return (self._excess(t, self._data.response(w)[index]) * t).unsqueeze(-1) * a

    @staticmethod
    def _excess(t: Tensor, planted: Tensor) -> Tensor:
        """t^2 - y as a product, which does not cancel near the minimisers."""
        return (t - planted) * (t + planted)
