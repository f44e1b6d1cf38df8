"""The masked step as a loop over parameters, from the equations of the released code: what the fast path replaces.

Source: equations of the released code of AMSS at commit 3161ecc (AMSS/train_test.py, lines 270 and 303).
"""

import math
from collections.abc import Iterable

import torch
from torch import Tensor

from amss_min.plan import Block


def mask_each(blocks: Iterable[Block], keep: float, generator: torch.Generator, *, plus: bool = True) -> None:
    """Mask the gradients in place, one parameter after the other: g_j <- M_j g_j over its n units.

    s_j = |g_j|^2, q_j = s_j / sum s, k = ceil(keep n), k units drawn one after the other with probability proportional
    to q. M_j is 1 / (q_j + 1/n) on the drawn units where `plus`, else 1, and 0 on the others.
    Units must be slices along one dimension (rows, filters, heads), and k of them must have a gradient.
    """
    for block in blocks:
        gradient = block.units.view(block.gradient)
        inner = [dim for dim in range(gradient.ndim) if dim != block.units.axis]
        energy = gradient.square().sum(inner) if inner else gradient.square()
        q = energy / energy.sum()
        n = len(q)
        drawn = torch.multinomial(q, math.ceil(keep * n - 1e-6), generator=generator)
        mask = torch.zeros_like(q)
        mask[drawn] = 1.0 / (q[drawn] + 1.0 / n) if plus else torch.ones_like(q[drawn])
        gradient.mul_(_along(mask, block.units.axis, gradient.ndim))


def _along(values: Tensor, axis: int, ndim: int) -> Tensor:
    return values.reshape([-1 if dim == axis else 1 for dim in range(ndim)])
