"""Top-k: the k largest units, always."""

import torch
from torch import Tensor

from amss_min.designs.base import Design, Draw, prepared, smallest


class TopK(Design):
    """The k largest units, ties to the lower index; nothing is random.

    Inclusion probabilities are 0 or 1, so no weighting makes it unbiased: it contracts instead,
    |g - C(g)|^2 <= (1 - k/n) |g|^2 for sizes that increase with |g_j|. Cost: one sort.

    >>> TopK().inclusion(torch.tensor([5.0, 1.0, 7.0]), 2)
    tensor([1., 0., 1.], dtype=torch.float64)
    """

    fixed_size = True
    positive = False

    def slots(self, n: int) -> int:
        """None: the draw is determined by the sizes."""
        return 0

    def inclusion(self, p: Tensor, k: int | Tensor) -> Tensor:
        """1 for the k largest, else 0."""
        _, _, count = prepared(p, k)
        return smallest(-p, count).to(torch.float64)

    def joint_inclusion(self, p: Tensor, k: int | Tensor) -> Tensor:
        """1 where both units are among the k largest, else 0."""
        pi = self.inclusion(p, k)
        return pi.unsqueeze(-1) * pi.unsqueeze(-2)

    def select(self, p: Tensor, k: int | Tensor, bits: Tensor) -> Draw:
        """The k largest units, whatever the words."""
        q, _, count = prepared(p, k)
        drawn = smallest(-p, count)
        return Draw(drawn=drawn, q=q, k=count, design=self, pi=drawn.to(torch.float64))
