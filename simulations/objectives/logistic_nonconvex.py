"""Logistic regression with a bounded, non-convex penalty."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from simulations.objectives.base import FiniteSum, ordered_sum
from simulations.objectives.linear_data import LinearData
from simulations.objectives.tiles import Constant


@dataclass(frozen=True)
class LogisticNonconvex(FiniteSum):
    r"""F(w) = (1 / N) sum_i log(1 + exp(-y_i x_i^T w)) + lambda sum_j w_j^2 / (1 + w_j^2), y_i = +-1.

    samples N, units, scales (dial of the imbalance of the features), seed: see LinearData. penalty: lambda >= 0.
    y_i is the sign of x_i^T w_planted + standard logistic noise, so the classes overlap.

    Gradient. -(1 / N) X^T (y * s(-y X w)) + 2 lambda w / (1 + w^2)^2, with s the logistic function.
    L. The Hessian of the first term is (1 / N) X^T D X with 0 < D_ii = s (1 - s) <= 1/4. The penalty r(t) = t^2 / (1 +
    t^2) has r'' = (2 - 6 t^2) / (1 + t^2)^3; with u = t^2 its derivative in u is 12 (u - 1) / (1 + u)^4, so r'' falls
    from 2 at 0 to -1/2 at |t| = 1 and then rises to 0: r'' in [-1/2, 2]. Hence L = |X|^2 / (4 N) + 2 lambda, attained
    at w = 0.
    f_star = 0: both terms are >= 0. It is a bound that is not attained; the minimum has no closed form.
    Components F_i = log(1 + exp(-y_i x_i^T w)) + penalty: L_i = |x_i|^2 / 4 + 2 lambda by the same argument, and
    inf F_i >= 0 = f_star, so component_gap = 0: |grad F_i|^2 <= 2 L_i F_i needs no common minimiser.

    Raises ValueError for data that LinearData refuses, or lambda < 0.

    >>> F = LogisticNonconvex(penalty=0.0)
    >>> round(float(F.value(torch.zeros(F.d, dtype=torch.float64))), 6), F.convexity
    (0.693147, 0.0)
    """

    samples: int = 32
    units: tuple[int, int] = (8, 8)
    scales: tuple[float, float] = (1.0, 0.5)
    penalty: float = 0.1
    seed: int = 4

    def __post_init__(self) -> None:
        if not self.penalty >= 0:
            raise ValueError(f"the penalty must be >= 0, found {self.penalty}")
        _ = self._data

    @property
    def _data(self) -> LinearData:
        return LinearData(self.samples, self.units, self.scales, self.seed)

    @property
    def name(self) -> str:
        """Logistic loss with its penalty."""
        return f"logistic, penalty={self.penalty:g}, L={self.L:.4g}, d={self.d}"

    @property
    def L(self) -> float:
        """|X|^2 / (4 N) + 2 lambda."""
        return self._data.largest() / 4 + 2 * self.penalty

    @property
    def f_star(self) -> float:
        """0, a bound."""
        return 0.0

    @property
    def convexity(self) -> float | None:
        """0 without a penalty."""
        return 0.0 if self.penalty == 0 else None

    @property
    def blocks(self) -> tuple[slice, ...]:
        """The features of each modality."""
        return self._data.blocks()

    @property
    def component_L(self) -> float:
        """max_i |x_i|^2 / 4 + 2 lambda."""
        return float(self._data.row_squares.max()) * (1 + 2.0**-40) / 4 + 2 * self.penalty

    @property
    def component_gap(self) -> float:
        """0: no component is below f_star."""
        return 0.0

    def value(self, w: Tensor) -> Tensor:
        """F(w)."""
        margin = self._labels(w) * self._data.scores(w)
        square = w.square()
        return ordered_sum(_softplus(-margin)) / self.samples + self.penalty * ordered_sum(square / (1 + square))

    def gradient(self, w: Tensor) -> Tensor:
        """The gradient, with two products by X."""
        y = self._labels(w)
        return self._data.pulled_back(-y * _logistic(-y * self._data.scores(w))) + self._pull(w)

    def component_gradient(self, w: Tensor, index: Tensor) -> Tensor:
        """Row r: the gradient of component index[r]."""
        x, y = self._data.row(w, index), self._labels(w)[index]
        slope = -y * _logistic(-y * ordered_sum(x * w))
        return slope.unsqueeze(-1) * x + self._pull(w)

    def _pull(self, w: Tensor) -> Tensor:
        return 2 * self.penalty * w / (1 + w.square()).square()

    def _labels(self, w: Tensor) -> Tensor:
        return _labels(self._data).like(w)


def _softplus(z: Tensor) -> Tensor:
    """log(1 + exp(z)), to rounding for every z; differentiated automatically it is right at 0 too."""
    return 0.5 * (z + z.abs()) + torch.log1p(torch.exp(-z.abs()))


def _logistic(z: Tensor) -> Tensor:
    """1 / (1 + exp(-z)). torch.sigmoid rounds differently at the end of a batch than inside it; tanh does not."""
    return 0.5 + 0.5 * torch.tanh(0.5 * z)


@lru_cache(maxsize=64)
def _labels(data: LinearData) -> Constant:
    noise = np.random.Generator(np.random.Philox([data.seed, 1])).logistic(size=data.samples)
    return Constant(np.where(data.X @ data.planted + noise >= 0, 1.0, -1.0))
