"""Constant matrices on any device, and products with them that do not depend on the size of the batch."""

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_NUMBERS = 2**17  # held at a time: 1 MiB of float64


class Constant:
    """An array of numbers, kept as one tensor for every dtype and device that asked for it.

    >>> Constant(np.eye(2)).like(torch.zeros(3, dtype=torch.float32)).dtype
    torch.float32
    """

    def __init__(self, array: NDArray[np.float64]) -> None:
        self.array = array
        self._copies: dict[tuple[torch.dtype, torch.device], Tensor] = {}

    def like(self, w: Tensor) -> Tensor:
        """The numbers in the dtype and on the device of w."""
        key = (w.dtype, w.device)
        if key not in self._copies:
            with torch.inference_mode(False):
                self._copies[key] = torch.tensor(self.array, dtype=w.dtype, device=w.device)
        return self._copies[key]


@lru_cache(maxsize=256)
def repeated(values: tuple[float, ...], times: int = 1) -> Constant:
    """These numbers as a vector, each `times` times in a row; made once.

    >>> repeated((1.0, 2.0), 2).array
    array([1., 1., 2., 2.])
    """
    return Constant(np.repeat(np.array(values, dtype=np.float64), times))


def product(w: Tensor, matrix: Tensor) -> Tensor:
    """w @ matrix, (..., d) and (d, N) to (..., N), where on a CPU no row depends on the rows beside it.

    A matrix product may change its kernel, and with it the order of its sums, by the number of rows and by the place
    of a row among them. On a CPU every number here comes from single multiplications and additions, each correctly
    rounded, in an order that d alone decides: halves of the d terms are added entry by entry until one is left. Tiles
    of rows bound the memory and change nothing. On another device it is one plain product.

    Cost: O(d N) a row, about as fast as memory in cache; a plain product is faster for large d and N.

    >>> product(torch.tensor([[1.0, 2.0]]), torch.tensor([[1.0, 0.0, 3.0], [0.0, 1.0, 4.0]]))
    tensor([[ 1.,  2., 11.]])
    """
    if w.device.type != "cpu":
        return w @ matrix
    rows = w.reshape(-1, w.shape[-1]).unsqueeze(-1)
    tiles = rows.split(max(1, _NUMBERS // max(1, matrix.numel())))
    return torch.cat([summed(tile * matrix) for tile in tiles]).reshape(*w.shape[:-1], matrix.shape[-1])


def summed(x: Tensor) -> Tensor:
    """The sum over the last axis but one, in the order in which `ordered_sum` adds over the last; as independent of the
    batch, and faster, since the last axis stays contiguous."""
    while x.shape[-2] > 1:
        half = x.shape[-2] // 2
        folded = x[..., :half, :] + x[..., half : 2 * half, :]
        if x.shape[-2] % 2:
            folded[..., 0, :] += x[..., -1, :]
        x = folded
    return x[..., 0, :]
