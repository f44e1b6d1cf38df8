"""Random linear data in two modalities: X = [X_1, X_2] and a planted point, from a seed."""

import itertools
import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.objectives.tiles import Constant, product

Array = NDArray[np.float64]

SPECTRAL = 1 + 2.0**-40
"""Factor on a computed largest eigenvalue or singular value of a matrix with at most 1,000 rows and columns: LAPACK's
error is a small multiple of the size times 2^-53, and forming X^T D X adds at most N roundings: 2^-40 covers both."""


@dataclass(frozen=True)
class LinearData:
    """N rows of standard normal features, the block of modality m times scales[m], and a standard normal point.

    samples: N. units: coordinates of each modality. scales: dial of the imbalance, > 0. seed: of the Philox stream.
    planted * X^T is the noiseless response. Raises ValueError for sizes below 1 or a scale that is not positive.

    >>> data = LinearData(samples=4, units=(2, 1), scales=(1.0, 0.5), seed=0)
    >>> data.X.shape, data.planted.shape
    ((4, 3), (3,))
    """

    samples: int
    units: tuple[int, ...]
    scales: tuple[float, ...]
    seed: int

    def __post_init__(self) -> None:
        if self.samples < 1 or min(self.units) < 1 or len(self.scales) != len(self.units):
            raise ValueError(f"data need rows, units and a scale for each modality, found {self}")
        if not all(0 < scale < math.inf for scale in self.scales):
            raise ValueError(f"scales must be positive, found {self.scales}")

    @property
    def X(self) -> Array:
        """The features, (N, d)."""
        return _arrays(self)[0]

    @property
    def planted(self) -> Array:
        """The planted point, (d,)."""
        return _arrays(self)[1]

    @property
    def row_squares(self) -> Array:
        """|x_i|^2, (N,)."""
        squares: Array = np.square(self.X).sum(1)
        return squares

    def blocks(self) -> tuple[slice, ...]:
        """The coordinates of each modality."""
        ends = np.cumsum((0, *self.units)).tolist()
        return tuple(slice(a, b) for a, b in itertools.pairwise(ends))

    def largest(self, weights: Array | None = None) -> float:
        """An upper bound of the largest eigenvalue of (1 / N) sum_i weights_i x_i x_i^T, weights >= 0 (None: 1)."""
        X = self.X if weights is None else self.X * np.sqrt(weights)[:, None]
        return float(np.linalg.norm(X, 2)) ** 2 / self.samples * SPECTRAL

    def scores(self, w: Tensor) -> Tensor:
        """X w: (..., d) to (..., N)."""
        return product(w, _constants(self)[1].like(w))

    def pulled_back(self, slopes: Tensor) -> Tensor:
        """(1 / N) X^T slopes: (..., N) to (..., d)."""
        return product(slopes, _constants(self)[0].like(slopes)) / self.samples

    def row(self, w: Tensor, index: Tensor) -> Tensor:
        """Rows x_index of the features, (R, d), in the dtype and on the device of w."""
        return _constants(self)[0].like(w)[index]

    def response(self, w: Tensor) -> Tensor:
        """X planted, (N,), in float64 as `scores` computes it: residuals at the planted point are then exactly 0."""
        return _response(self).like(w)


@lru_cache(maxsize=64)
def _arrays(data: LinearData) -> tuple[Array, Array]:
    generator = np.random.Generator(np.random.Philox(data.seed))
    X = generator.standard_normal((data.samples, sum(data.units))) * np.repeat(data.scales, data.units)
    return X, generator.standard_normal(sum(data.units))


@lru_cache(maxsize=64)
def _constants(data: LinearData) -> tuple[Constant, Constant]:
    X, _ = _arrays(data)
    return Constant(X), Constant(np.ascontiguousarray(X.T))


@lru_cache(maxsize=64)
def _response(data: LinearData) -> Constant:
    return Constant(data.scores(torch.from_numpy(data.planted)).numpy())
