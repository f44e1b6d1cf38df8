"""Sequential Poisson sampling: order sampling whose ranks are uniform."""

import torch
from torch import Tensor

from amss_min.designs.fixed_point import ONE, UNIT
from amss_min.designs.order_ranks import UniformRanks
from amss_min.designs.order_sampling import TargetedOrderSampling


class SequentialPoisson(TargetedOrderSampling):
    """The k smallest ranks R_j = U_j / l_j, l_j the target inclusion probability.

    Poisson sampling draws the units with R_j < 1, this one the k first whatever their ranks. Its inclusion
    probabilities are not the target: at l = (.1, .2, .3, .4, .4, .6) and k = 2 some differ by 14.1 %, so
    Horvitz-Thompson weights 1 / l are biased by that much. `inclusion` gives the realised ones.

    Cost of a draw: a sort for l and one for the ranks. `inclusion` integrates piecewise polynomials: O(n) at each of
    some hundred nodes, and six more for every l_j so close to 1 that 1 / l_j lies within the reach of the k-th rank.
    Source: Ohlsson, Journal of Official Statistics 14, 1998.

    >>> p = torch.tensor([0.1, 0.2, 0.3, 0.4, 0.4, 0.6], dtype=torch.float64)
    >>> SequentialPoisson().inclusion(p, 2)
    tensor([0.0859, 0.1793, 0.2824, 0.4013, 0.4013, 0.6499], dtype=torch.float64)
    >>> int(SequentialPoisson().sample(p, 2, generator=torch.Generator().manual_seed(0)).drawn.sum())
    2
    """

    family = UniformRanks

    @staticmethod
    def rates(r: Tensor) -> Tensor:
        """l, infinite where it is 1: such a unit is not left to its rank."""
        return (r.to(torch.float64) * UNIT).masked_fill(r == ONE, torch.inf)

    @staticmethod
    def ranks(bits: Tensor, r: Tensor) -> Tensor:
        """2^22 u / l, and 0 where l is 1."""
        return ((bits.to(torch.float64) + 0.5) / r).masked_fill(r == ONE, 0.0)
