"""Simple random sampling without replacement: every subset of size k is equally likely."""

import torch
from torch import Tensor

from amss_min.designs.base import WORD, Design, Draw, prepared, smallest


class SimpleRandom(Design):
    """k of the n_plus units of positive size, uniformly; sizes matter only through being zero or not.

    Exact up to ties between 62-bit keys, of probability below n^2 / 2^63. Cost: one sort.

    >>> SimpleRandom().inclusion(torch.tensor([5.0, 1.0, 0.0, 1.0]), 2)
    tensor([0.6667, 0.6667, 0.0000, 0.6667], dtype=torch.float64)
    """

    fixed_size = True
    positive = True

    def slots(self, n: int) -> int:
        """One key a unit."""
        return n

    def inclusion(self, p: Tensor, k: int | Tensor) -> Tensor:
        """k / n_plus where the size is positive."""
        _, positive, count = prepared(p, k)
        return _inclusion(positive, count)

    def joint_inclusion(self, p: Tensor, k: int | Tensor) -> Tensor:
        """k (k - 1) / (n_plus (n_plus - 1)) for two units of positive size, rounded once; pi_i where i = j."""
        _, positive, count = prepared(p, k)
        n_plus = positive.sum(-1)
        pairs = (n_plus * (n_plus - 1)).clamp_min(1).to(torch.float64)
        share = (count * (count - 1) / pairs)[..., None, None]
        joint = share * (positive.unsqueeze(-1) & positive.unsqueeze(-2))
        joint.diagonal(dim1=-2, dim2=-1).copy_(_inclusion(positive, count))
        return joint

    def select(self, p: Tensor, k: int | Tensor, bits: Tensor) -> Draw:
        """The k units of positive size with the smallest keys."""
        q, positive, count = prepared(p, k)
        drawn = smallest(torch.where(positive, bits, WORD), count)
        return Draw(drawn=drawn, q=q, k=count, design=self, pi=_inclusion(positive, count))


def _inclusion(positive: Tensor, count: Tensor) -> Tensor:
    return torch.where(positive, (count / positive.sum(-1).clamp_min(1).to(torch.float64)).unsqueeze(-1), 0.0)
