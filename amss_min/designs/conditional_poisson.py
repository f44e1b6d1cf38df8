"""Conditional Poisson sampling: the law of maximum entropy with given inclusion probabilities and fixed size."""

import torch
from torch import Tensor

from amss_min.designs.base import Design, Draw, prepared
from amss_min.designs.fixed_point import ONE, UNIT, rounded
from amss_min.designs.product_form import Odds, drawn, folded, joint, most_drawn, others, single_row

MOST_CORRECTIONS = 200
"""33 were the most that was seen, over 3000 random rows with sizes from 1e-300 to 1e300."""


class ConditionalPoisson(Design):
    """p(S) proportional to prod_{j in S} w_j over |S| = k: independent units given that k of them are drawn.

    The weights are solved for so that the inclusion probabilities are the target r / 2^40 of the designs in fixed
    point (water-filled sizes); among all laws of size k with these inclusion probabilities, this one has the largest
    entropy. Units with r = 2^40 are always drawn and have infinite weight, units of size 0 have weight 0.

    `inclusion`, and pi of a draw, are the probabilities that the solved weights realise, within 2^-50 (n + 1)
    relative: all terms are positive, so nothing cancels. Their odds differ from the target's by at most 2^-48 (n + 1),
    which is where the iteration stops. A draw decides n times, each with its conditional probability up to
    2^-50 (n + 1) relative and one word of 2^-62.

    Cost: O(n k) a row in memory, as much time an iteration (4 of them at n = 2000, up to 33 for a few units), and a
    Python loop over units; every iteration waits for the device. ValueError beyond 2^25 table entries
    (2 rows * (n + 1) * (k + 2)). Source: Hajek 1964; Chen, Dempster and Liu, Biometrika 81, 1994; Tille, Sampling
    Algorithms, 2006, chapter 5.

    >>> p = torch.tensor([0.1, 0.2, 0.3, 0.4, 0.4, 0.6], dtype=torch.float64)
    >>> ConditionalPoisson().inclusion(p, 2)
    tensor([0.1000, 0.2000, 0.3000, 0.4000, 0.4000, 0.6000], dtype=torch.float64)
    >>> round(float(ConditionalPoisson().joint_inclusion(p, 2).min()), 4)
    0.0088
    """

    fixed_size = True
    positive = True

    def slots(self, n: int) -> int:
        """One word a unit."""
        return n

    def weights(self, p: Tensor, k: int | Tensor) -> Tensor:
        """The odds w_j, up to a factor common to the row: float64 (..., n), inf where certain, 0 where never drawn.

        Let o_j be the target's odds, and a_j, b_j the probabilities that k - 1 and k of the other units are drawn.
        The odds of j in the sample are w_j a_j / b_j, and the wanted odds over these, e_j = o_j b_j / (a_j w_j),
        correct the weight: w_j <- w_j (1 + t (e_j - 1)). At the solution the logarithms have the Jacobian 1 - t (1 - Q)
        with Q_ij = -cov_ij / (pi_i (1 - pi_i)) off the diagonal and 0 on it. Q is stochastic (pairs of this law have
        negative covariance, and the size is fixed) and reversible, so 1 - Q has its eigenvalues in [0, 2], with 0 for
        the common factor only: every t < 1 converges near the solution, and no step enlarges the largest error. In
        37 810 random laws of 2 to 7 units the other eigenvalues were in [1, 1 + m], m = min(1, 1 / (2 sum_j pi_j
        (1 - pi_j))), whence t = 2 / (2 + m), and a factor m / (2 + m) a step, at most 1/3.

        The iteration of Chen, Dempster and Liu, w_j <- w_j pi_j / pi_j(w), has pi_j on the diagonal of its Jacobian
        and hardly moves a unit that is nearly certain: at pi = (.999, .5, .501) it took 12 662 steps to 10^-14.

        A row is done with the correction by e where |e_j - 1| <= 2^-50 (n + 1) for all j. Roundings move e by no more
        (3 a unit in a_j and b_j each, log2 n + 2 in their sums, 4 beside), so this can be reached.
        Raises ArithmeticError where it takes more than 200 corrections.
        """
        return self._rows(p, k)[0].reshape(p.shape)

    def inclusion(self, p: Tensor, k: int | Tensor) -> Tensor:
        """The inclusion probabilities that the solved weights realise; float64 (..., n)."""
        weights, count, most = self._rows(p, k)
        return _realised(_odds(weights), count, most).reshape(p.shape)

    def joint_inclusion(self, p: Tensor, k: int | Tensor) -> Tensor:
        """pi_ij by the dynamic program with unit i drawn for certain; float64 (..., n, n), pi on the diagonal.

        Relative error at most 2^-50 (n + 1); all terms are positive. Cost: O(n^2 k) a row, memory O(n k).
        """
        weights, count, most = self._rows(p, k)
        odds = _odds(weights)
        pairs = joint(odds, count, most, marked=False)
        pairs.diagonal(dim1=-2, dim2=-1).copy_(_realised(odds, count, most))
        return pairs.reshape(*p.shape, p.shape[-1])

    def select(self, p: Tensor, k: int | Tensor, bits: Tensor) -> Draw:
        """Unit after unit, j is drawn iff its word lies below 2^62 P(j drawn | the units before it)."""
        q, _, count = prepared(p, k)
        lone = single_row(p, k)
        weights, wanted, most = self._rows(lone, k)
        odds = _odds(weights)
        mask = drawn(odds, wanted, bits.reshape(-1, q.shape[-1]), most, marked=False).reshape(q.shape)
        pi = _realised(odds, wanted, most).reshape(lone.shape).expand(q.shape)
        return Draw(drawn=mask, q=q, k=count, design=self, pi=pi)

    def _rows(self, p: Tensor, k: int | Tensor) -> tuple[Tensor, Tensor, int]:
        """Solved weights (R, n) and counts (R) of the rows of p, and the largest count."""
        q, positive, count = prepared(p, k)
        n = q.shape[-1]
        r, count, most = rounded(q, positive, count).reshape(-1, n), count.reshape(-1), most_drawn(k, n)
        return _solved(r, count, most), count, most


def _solved(r: Tensor, count: Tensor, most: int) -> Tensor:
    target: Tensor = r.to(torch.float64) / (ONE - r).to(torch.float64)  # inf where certain
    moving = (r > 0) & (r < ONE)
    pi = r.to(torch.float64) * UNIT
    spread = folded(pi * (1 - pi)).unsqueeze(-1)
    step: Tensor = 2 / (2 + (0.5 / spread).clamp_max_(1))
    enough = (r.shape[-1] + 1) * 2.0**-50
    weights = target
    active = moving.any(-1, keepdim=True)
    corrections = 0
    while bool(active.any()):
        if corrections == MOST_CORRECTIONS:
            raise ArithmeticError(
                f"the weights of conditional Poisson sampling must be found in {MOST_CORRECTIONS} corrections, found "
                f"{int(active.sum())} rows of {r.shape[-1]} units that need more"
            )
        corrections += 1
        fewer, same = others(_odds(weights), count, most)
        excess = torch.where(moving, target * same / (fewer * weights) - 1, 0.0)
        weights = torch.where(moving & active, weights * (1 + step * excess), weights)
        active = active & ~((excess.abs() <= enough).all(-1, keepdim=True))
    return weights


def _odds(weights: Tensor) -> Odds:
    left = 1 / (1 + weights)
    return Odds(torch.where(weights.isinf(), 1.0, weights / (1 + weights)), left)


def _realised(odds: Odds, count: Tensor, most: int) -> Tensor:
    fewer, same = others(odds, count, most)
    inside = odds.taken * fewer
    realised: Tensor = inside / (inside + odds.left * same)
    return realised
