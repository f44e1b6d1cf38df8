"""Order sampling that aims at inclusion probabilities: the k smallest of n independent ranks."""

from abc import abstractmethod
from typing import ClassVar

import torch
from torch import Tensor

from amss_min.designs.base import Design, Draw, prepared, smallest
from amss_min.designs.fixed_point import UNIT, rounded
from amss_min.designs.order_quadrature import inclusion_by_rows, joint_inclusion_by_rows
from amss_min.designs.order_ranks import Ranks


class TargetedOrderSampling(Design):
    """A design whose ranks aim at the inclusion probabilities l_j = r_j / 2^40, with the integers r of `rounded`.

    l is what the fixed-point designs realise; this one realises it approximately. `inclusion` is the realised one,
    by quadrature, and HorvitzThompson divides by it; dividing by l is biased. Units with l_j = 1 are always drawn.
    A draw's q is l / k, from which the same integers come again.
    """

    fixed_size = True
    positive = True
    approximate = True

    family: ClassVar[type[Ranks]]
    """The distribution of the ranks."""

    def slots(self, n: int) -> int:
        """One word a unit, for its rank."""
        return n

    def target(self, p: Tensor, k: int | Tensor) -> Tensor:
        """The integers r = 2^40 l, int64 (..., n), with sum k 2^40; ValueError for n > 2^20."""
        return rounded(*prepared(p, k))

    def inclusion(self, p: Tensor, k: int | Tensor) -> Tensor:
        """Realised inclusion probabilities by quadrature, row by row; float64 (..., n)."""
        q, positive, count = prepared(p, k)
        return inclusion_by_rows(self.family, self.rates(rounded(q, positive, count)), count)

    def joint_inclusion(self, p: Tensor, k: int | Tensor) -> Tensor:
        """Realised joint inclusion probabilities by quadrature; ValueError for n > 4096. Cost: O(n^2) a node."""
        q, positive, count = prepared(p, k)
        return joint_inclusion_by_rows(self.family, self.rates(rounded(q, positive, count)), count)

    def select(self, p: Tensor, k: int | Tensor, bits: Tensor) -> Draw:
        """The k smallest ranks at u_j = (bits_j + 1/2) 2^-62."""
        q, positive, count = prepared(p, k)
        r = rounded(q, positive, count)
        drawn = smallest(self.ranks(bits, r), count)
        # A whole multiple of 2^-40 / k survives the rounding of `prepared`, p itself may not.
        q = r.to(torch.float64) * (UNIT / count.clamp_min(1).to(torch.float64)).unsqueeze(-1)
        return Draw(drawn=drawn, q=q, k=count, design=self)

    @staticmethod
    @abstractmethod
    def rates(r: Tensor) -> Tensor:
        """Rates of the ranks, float64: 0 where r = 0, infinite where r = 2^40."""

    @staticmethod
    @abstractmethod
    def ranks(bits: Tensor, r: Tensor) -> Tensor:
        """Ranks from words, float64: the least where r = 2^40, infinite where r = 0."""
