"""Sorting along the last axis: numpy's vectorised sorts on the CPU, torch's elsewhere.

On short rows of random numbers numpy sorts two to five times faster than torch, which keeps indices even
where values suffice; sorting is the largest part of a draw.
"""

import numpy
import torch
from torch import Tensor

_LARGEST = 2**63 - 1


def ascending(values: Tensor) -> Tensor:
    """The values in ascending order."""
    if values.device.type == "cpu":
        return torch.from_numpy(numpy.sort(values.numpy(), axis=-1))
    return values.sort(-1).values


def order(words: Tensor) -> Tensor:
    """The permutation that sorts the lowest 63 - b bits of these words, b = ceil(log2 n); ties keep their order.

    words int64 (..., n) >= 0. With the index in b bits below them, one sort of values does it, in two thirds of the
    time of one that carries indices. Of random words at least 43 bits are left for n up to 2^20.
    """
    n = words.shape[-1]
    bits = (n - 1).bit_length()
    keys = (words << bits).bitwise_and_(_LARGEST).bitwise_or_(torch.arange(n, device=words.device))
    return ascending(keys).bitwise_and_((1 << bits) - 1)
