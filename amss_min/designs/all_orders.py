"""Joint inclusion probabilities of designs in random order: the mean over all orders of few units."""

import itertools
from collections.abc import Callable

import torch
from torch import Tensor

MOST_UNITS = 6


def mean_over_orders(joint: Callable[[Tensor], Tensor], r: Tensor, design: object) -> Tensor:
    """The mean over the n! orders of joint(r in that order), each put back in the order of the units.

    joint: maps integers (..., n) to joint inclusion probabilities (..., n, n). Cost: n! n^2 numbers a row.
    Raises NotImplementedError for more than 6 units: no closed form is known, and there are too many orders.
    """
    n = r.shape[-1]
    if n > MOST_UNITS:
        raise NotImplementedError(
            f"joint inclusion of {design!r} must go through all n! orders, at most {MOST_UNITS} units, found n={n}"
        )
    orders = torch.tensor(list(itertools.permutations(range(n))), device=r.device)
    place = orders.argsort(-1)
    which = torch.arange(len(orders), device=r.device)[:, None, None]
    mean = joint(r[..., orders])[..., which, place[:, :, None], place[:, None, :]].mean(-3)
    return (mean + mean.mT) / 2  # sums in another order are not symmetric to the last bit
