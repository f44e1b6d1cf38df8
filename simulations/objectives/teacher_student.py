"""Two small networks, one a modality, whose outputs are added: a student learns the weights of its teacher."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from simulations.objectives.base import FiniteSum, ordered_sum
from simulations.objectives.linear_data import SPECTRAL, Array
from simulations.objectives.tiles import Constant, product, repeated, summed


@dataclass(frozen=True)
class TeacherStudent(FiniteSum):
    r"""F(W) = (1 / 2N) sum_i e_i^2, e_i = sum_m v_m^T tanh(W_m^T x_i^m) - y_i, with y_i from teacher weights.

    Modality m has the weights W_m, p_m x h, stored by hidden unit; x^m_i in R^{p_m} standard normal times scales[m].
    samples N. features: (p_1, p_2). hidden: h. scales: dial of the imbalance. seed: of data and teacher.
    The output weights v_m are fixed: signs alternate, entries 1 / h. V = sum_m |v_m|_1 = 2.

    Gradient. With z = x^T w_k: (1 / N) sum_i e_i v_k sech^2(z_ik) x_i for hidden unit k of a modality.
    L. The Hessian is (1 / N) sum_i (J_i J_i^T + e_i H_i), J_i and H_i the derivatives of e_i.
    - For u = (u_mk), (J_i^T u)^2 <= (sum_mk |v_mk| |x_i^m . u_mk|)^2 since 0 < sech^2 <= 1, and by Cauchy-Schwarz with
      weights |X_m|^2 it is at most (sum_mk v_mk^2 |X_m|^2) sum_mk (x_i^m . u_mk)^2 / |X_m|^2. Summing over i, the
      second factor becomes at most |u|^2: 0 <= (1 / N) sum J_i J_i^T <= sum_m |v_m|^2 |X_m|^2 / N.
    - H_i has a block v_mk tanh''(z) x_i^m x_i^mT for every hidden unit. With t = tanh z, |tanh''| = 2 |t| (1 - t^2) is
      largest at t^2 = 1/3: c = 4 / (3 sqrt 3). And |e_i| <= V + |y_i|. So the second part lies between plus and minus
      c max_m |v_m|_inf lambda_max((1 / N) sum_i (V + |y_i|) x_i^m x_i^mT).
    L is the sum of the two. It is not attained: both parts would have to be worst at one point.
    f_star = 0, attained at the teacher (and at its symmetric copies).
    Components: the same with one row, L_i = sum_m |v_m|^2 |x_i^m|^2 + (V + |y_i|) c max_m |v_m|_inf |x_i^m|^2; all
    vanish at the teacher, so component_gap = 0.

    Raises ValueError for sizes below 1 or scales that are not positive.

    >>> F = TeacherStudent()
    >>> F.d, float(F.value(torch.tensor(F.minimiser, dtype=torch.float64)))
    (16, 0.0)
    """

    samples: int = 32
    features: tuple[int, int] = (4, 4)
    hidden: int = 2
    scales: tuple[float, float] = (1.0, 0.5)
    seed: int = 7

    def __post_init__(self) -> None:
        if min(self.samples, *self.features, self.hidden) < 1 or not 0 < min(self.scales) < math.inf:
            raise ValueError(f"sizes must be at least 1 and scales positive, found {self}")

    @property
    def name(self) -> str:
        """Teacher and student, with the imbalance."""
        first, second = self.scales
        return f"tanh teacher-student, scales=({first:g}, {second:g}), L={self.L:.4g}, d={self.d}"

    @property
    def L(self) -> float:
        """The certificate of the class docstring."""
        return _constants(self)[0]

    @property
    def f_star(self) -> float:
        """0, at the teacher."""
        return 0.0

    @property
    def minimiser(self) -> tuple[float, ...]:
        """The teacher."""
        return tuple(_data(self)[2].array.tolist())

    @property
    def blocks(self) -> tuple[slice, ...]:
        """The weights of each modality."""
        first = self.features[0] * self.hidden
        return (slice(0, first), slice(first, first + self.features[1] * self.hidden))

    @property
    def component_L(self) -> float:
        """max_i L_i."""
        return _constants(self)[1]

    @property
    def component_gap(self) -> float:
        """0: the components share a minimiser."""
        return 0.0

    def value(self, w: Tensor) -> Tensor:
        """F(W)."""
        return 0.5 * ordered_sum(self._errors(w, self._activations(w)).square()) / self.samples

    def gradient(self, w: Tensor) -> Tensor:
        """The gradient, by the chain rule."""
        activations = self._activations(w)
        errors = self._errors(w, activations) / self.samples
        parts = []
        for a, X in zip(activations, self._features(w), strict=True):
            slopes = errors.unsqueeze(-2) * self._output(w) * (1 - a.square())
            parts.append(product(slopes, X).flatten(-2))
        return torch.cat(parts, -1)

    def component_gradient(self, w: Tensor, index: Tensor) -> Tensor:
        """Row r: the gradient of component index[r]."""
        rows = [X[index].unsqueeze(-2) for X in self._features(w)]
        activations = [
            ordered_sum(w[:, block].unflatten(-1, (self.hidden, -1)) * x).tanh()
            for block, x in zip(self.blocks, rows, strict=True)
        ]
        error = _outputs([a.unsqueeze(-1) for a in activations], self._output(w))[:, 0] - self._targets(w)[index]
        parts = [
            ((error.unsqueeze(-1) * self._output(w)[:, 0] * (1 - a.square())).unsqueeze(-1) * x).flatten(-2)
            for a, x in zip(activations, rows, strict=True)
        ]
        return torch.cat(parts, -1)

    def output_weights(self) -> Array:
        """v_m, the same for both modalities, (h,)."""
        signs: Array = np.where(np.arange(self.hidden) % 2 == 0, 1.0, -1.0)
        return signs / self.hidden

    def _features(self, w: Tensor) -> list[Tensor]:
        return [constant.like(w) for constant in _data(self)[0]]

    def _output(self, w: Tensor) -> Tensor:
        return repeated(tuple(self.output_weights().tolist())).like(w).unsqueeze(-1)

    def _activations(self, w: Tensor) -> list[Tensor]:
        """tanh(W_m^T x_i), (..., h, N) for each modality."""
        return [
            product(w[..., block].unflatten(-1, (self.hidden, -1)), X.like(w)).tanh()
            for block, X in zip(self.blocks, _data(self)[1], strict=True)
        ]

    def _targets(self, w: Tensor) -> Tensor:
        return _targets(self).like(w)

    def _errors(self, w: Tensor, activations: list[Tensor]) -> Tensor:
        return _outputs(activations, self._output(w)) - self._targets(w)


def _outputs(activations: list[Tensor], v: Tensor) -> Tensor:
    """sum_m v^T tanh(.), from activations (..., h, N) and v (h, 1)."""
    return summed(activations[0] * v) + summed(activations[1] * v)


_Pair = tuple[Constant, Constant]


@lru_cache(maxsize=64)
def _data(objective: TeacherStudent) -> tuple[_Pair, _Pair, Constant]:
    """Features of each modality, their transposes, and the teacher."""
    generator = np.random.Generator(np.random.Philox(objective.seed))
    first, second = (
        scale * generator.standard_normal((objective.samples, p))
        for scale, p in zip(objective.scales, objective.features, strict=True)
    )
    transposed = Constant(np.ascontiguousarray(first.T)), Constant(np.ascontiguousarray(second.T))
    return (Constant(first), Constant(second)), transposed, Constant(generator.standard_normal(objective.d))


@lru_cache(maxsize=64)
def _targets(objective: TeacherStudent) -> Constant:
    """y_i, in float64 as the objective computes outputs: errors at the teacher are then exactly 0."""
    teacher = torch.from_numpy(_data(objective)[2].array)
    return Constant(_outputs(objective._activations(teacher), objective._output(teacher)).numpy())


@lru_cache(maxsize=64)
def _constants(objective: TeacherStudent) -> tuple[float, float]:
    """L and max_i L_i."""
    features = [constant.array for constant in _data(objective)[0]]
    v = objective.output_weights()
    squared, largest, total = float((v * v).sum()), float(np.abs(v).max()), 2 * float(np.abs(v).sum())
    errors = total + np.abs(_targets(objective).array)
    bend = 4 / (3 * math.sqrt(3)) * largest
    whole = squared * sum(float(np.linalg.norm(X, 2)) ** 2 for X in features)
    bent = max(float(np.linalg.norm(X * np.sqrt(errors)[:, None], 2)) ** 2 for X in features)
    rows = np.stack([np.square(X).sum(1) for X in features])
    each = squared * rows.sum(0) + errors * bend * rows.max(0)
    return (whole + bend * bent) / objective.samples * SPECTRAL, float(each.max()) * SPECTRAL
