"""The masked step as a loop over parameters, from the equations of the released code: what the fast path replaces.

For every parameter, one after the other, the released loop squares the gradient out of place and sums it over each
unit, |g_j|^2; does the same with the parameter, |w_j|^2, recorded for a backward pass that never comes; takes sizes
from one or both; draws; fills a mask of zeros at the drawn units; and multiplies the gradient by it in place. Its
default sizes are |g_j|^2, so that |w_j|^2 is computed and not used. That takes a pass over all parameters and memory
for one squared copy of each, and is a cost of the code, not of the method: so it can be left out.

Source: equations of the released code of AMSS at commit 3161ecc (AMSS/train_test.py, lines 235 to 307).
"""

import math
from collections.abc import Iterable
from typing import Literal

import torch
from torch import Tensor

from amss_min.plan import Block

Sizes = Literal["gn", "sqrt_gn", "gn_wn"]
"""The released code's names of its sizes: |g_j|^2 (its default), |g_j|, and |g_j|^2 / |w_j|^2."""


def mask_each(
    blocks: Iterable[Block],
    keep: float,
    generator: torch.Generator,
    *,
    plus: bool = True,
    sizes: Sizes = "gn",
    unused_squares: bool = False,
) -> None:
    """Mask the gradients in place, one parameter after the other: g_j <- M_j g_j over its n units.

    s_j by `sizes`, q_j = s_j / sum s, k = ceil(keep n), k units drawn one after the other with probability proportional
    to q. M_j is 1 / (q_j + 1/n) on the drawn units where `plus`, else 1, and 0 on the others.
    unused_squares: compute |w_j|^2 where `sizes` has no use for it, as the released loop does; it changes no result.
    Units must be slices along one dimension (rows, filters, heads), and k of them must have a gradient.
    """
    for block in blocks:
        gradient = block.units.view(block.gradient)
        inner = [dim for dim in range(gradient.ndim) if dim != block.units.axis]
        energy = _sums(gradient.square(), inner)
        weight = None
        if unused_squares or sizes == "gn_wn":
            with torch.enable_grad():  # a training loop is not in no_grad, and squares the parameter itself
                weight = _sums(block.units.view(block.units.parameter).square(), inner)
        if sizes == "gn_wn" and weight is not None:
            energy = energy / weight.detach()
        elif sizes == "sqrt_gn":
            energy = energy.sqrt()
        q = energy / energy.sum()
        n = len(q)
        drawn = torch.multinomial(q, math.ceil(keep * n - 1e-6), generator=generator)
        mask = torch.zeros_like(q)
        mask[drawn] = 1.0 / (q[drawn] + 1.0 / n) if plus else torch.ones_like(q[drawn])
        gradient.mul_(_along(mask, block.units.axis, gradient.ndim))


def _sums(squares: Tensor, inner: list[int]) -> Tensor:
    return squares.sum(inner) if inner else squares


def _along(values: Tensor, axis: int, ndim: int) -> Tensor:
    return values.reshape([-1 if dim == axis else 1 for dim in range(ndim)])
