"""Pareto sampling: order sampling whose ranks are odds ratios."""

import torch
from torch import Tensor

from amss_min.designs.base import WORD
from amss_min.designs.fixed_point import ONE
from amss_min.designs.order_ranks import ParetoRanks
from amss_min.designs.order_sampling import TargetedOrderSampling


class Pareto(TargetedOrderSampling):
    """The k smallest ranks R_j = [U_j / (1 - U_j)] / [l_j / (1 - l_j)], l_j the target inclusion probability.

    Of all order sampling, the one whose inclusion probabilities are closest to the target for large samples. They
    are not equal to it: at l = (.1, .2, .3, .4, .4, .6) and k = 2 some differ by 2.2 %, so Horvitz-Thompson weights
    1 / l are biased by that much. `inclusion` gives the realised ones.

    Cost of a draw: a sort for l and one for the ranks; of `inclusion`, O(n) at each of some 80 nodes.
    Source: Rosen, Journal of Statistical Planning and Inference 62, 1997.

    >>> p = torch.tensor([0.1, 0.2, 0.3, 0.4, 0.4, 0.6], dtype=torch.float64)
    >>> Pareto().inclusion(p, 2)
    tensor([0.0978, 0.1959, 0.2964, 0.4003, 0.4003, 0.6093], dtype=torch.float64)
    >>> int(Pareto().sample(p, 2, generator=torch.Generator().manual_seed(0)).drawn.sum())
    2
    """

    family = ParetoRanks

    @staticmethod
    def rates(r: Tensor) -> Tensor:
        """The odds l / (1 - l), from integers: nothing cancels."""
        odds: Tensor = r.to(torch.float64) / (ONE - r)
        return odds

    @staticmethod
    def ranks(bits: Tensor, r: Tensor) -> Tensor:
        """The odds of u over the odds of l; 1 - u is taken from the word, so that nothing cancels."""
        early, late = bits.to(torch.float64) + 0.5, (WORD - 1 - bits).to(torch.float64) + 0.5
        odds: Tensor = early / late * (ONE - r) / r
        return odds
