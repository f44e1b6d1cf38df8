"""Poisson sampling: every unit decides for itself."""

import torch
from torch import Tensor

from amss_min.designs.base import Draw, prepared
from amss_min.designs.fixed_point import BITS, UNIT, FixedPointDesign, rounded

_SHIFT = 62 - BITS


class Poisson(FixedPointDesign):
    """Independent draws with probabilities pi_j = r_j / 2^40; k is the expected size.

    The size of a draw varies with variance sum pi_j (1 - pi_j), and a draw may be empty. The integers r are
    those of systematic sampling, so the two designs share their inclusion probabilities exactly.

    Cost: one sort for pi. Source: Hajek 1964; for gradients Wangni et al., NeurIPS 2018.

    >>> Poisson().inclusion(torch.tensor([6.0, 1.0, 1.0]), 2)
    tensor([1.0000, 0.5000, 0.5000], dtype=torch.float64)
    """

    fixed_size = False

    def slots(self, n: int) -> int:
        """One word a unit."""
        return n

    def joint_inclusion(self, p: Tensor, k: int | Tensor) -> Tensor:
        """pi_i pi_j, rounded once; pi_i where i = j."""
        pi = self.inclusion(p, k)
        joint = pi.unsqueeze(-1) * pi.unsqueeze(-2)
        joint.diagonal(dim1=-2, dim2=-1).copy_(pi)
        return joint

    def select(self, p: Tensor, k: int | Tensor, bits: Tensor) -> Draw:
        """Unit j is drawn iff the upper 40 bits of its word lie below r_j."""
        q, positive, count = prepared(p, k)
        r = rounded(q, positive, count)
        return Draw(drawn=(bits >> _SHIFT) < r, q=q, k=count, design=self, pi=r.to(torch.float64) * UNIT)
