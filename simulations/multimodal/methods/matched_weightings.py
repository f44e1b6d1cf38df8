"""Biased weights brought to a matched scale, for comparisons in which only the law of the mask differs."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from amss_min import ShiftedInverse, Weighting
from amss_min.designs import Draw


@dataclass(frozen=True)
class HalfCount(Weighting):
    """M_j = B_j k / 2: the 0/1 mask with the stepsize of the layer times k/2.

    The weight of the released AMSS+ has a mean of about k/2; with uniform sizes of exactly that.

    >>> from amss_min import TopK
    >>> HalfCount()(TopK().select(torch.tensor([0.2, 0.5, 0.3]), 2, torch.zeros(3, dtype=torch.int64)))
    tensor([0., 1., 1.], dtype=torch.float64)
    """

    unbiased: ClassVar[bool] = False
    ignores_padding: ClassVar[bool] = True

    def __call__(self, draw: Draw) -> Tensor:
        """k/2 on the units drawn; k is the count cut to the units with a gradient."""
        return draw.drawn * (draw.k.to(torch.float64) / 2).unsqueeze(-1)

    def second_moment(self, draw: Draw) -> Tensor:
        """pi_j k^2 / 4."""
        return draw.inclusion * (draw.k.to(torch.float64) / 2).square().unsqueeze(-1)


@dataclass(frozen=True)
class UnitMeanShiftedInverse(Weighting):
    """The released weight divided by its mean over the units of the draw, so that every draw has mean multiplier 1.

    M_j = n w_j / (w_1 + ... + w_n), w_j = B_j / (q_j + 1/n); n counts the units with a gradient. With uniform sizes
    it is n/k on the units drawn. Still biased: E[M_j] depends on j.
    """

    unbiased: ClassVar[bool] = False

    def __call__(self, draw: Draw) -> Tensor:
        """Multipliers with mean 1 over the units with a gradient; zeros where there are none."""
        w = ShiftedInverse()(draw)
        units = (draw.q > 0).sum(-1, keepdim=True)
        return w * (units / w.sum(-1, keepdim=True).clamp_min(torch.finfo(torch.float64).tiny))

    def second_moment(self, draw: Draw) -> None:
        """No closed form: the mean is random too."""
        return None
