"""Sampford sampling: fixed size, exactly the inclusion probabilities given, every pair possible."""

import torch
from torch import Tensor

from amss_min.designs.base import Draw, prepared
from amss_min.designs.fixed_point import ONE, UNIT, FixedPointDesign, rounded
from amss_min.designs.product_form import Odds, drawn, joint, most_drawn, single_row


class Sampford(FixedPointDesign):
    """p(S) proportional to sum_{i in S} (1 - pi_i) prod_{j in S} w_j, with w_j = pi_j / (1 - pi_j), over |S| = k.

    pi_j = r_j / 2^40 (`FixedPointDesign`); units with pi_j = 1 belong to every S and to neither sum nor product.
    Since w_i (1 - pi_i) = pi_i, also p(S) = C sum_{i in S} pi_i prod_{j in S, j != i} w_j: one member is marked and
    weighs pi_i, the others weigh w_j. So the dynamic program of `product_form` keeps, beside the number drawn,
    whether the mark is placed.

    Inclusion probabilities are exactly pi. Proof, with W(T) the product of w over T, |T| = k - 1 and j not in T, and
    s(T) = sum_{i in T} (1 - pi_i). The samples T + j with j in: P(j in) = C w_j sum_T W(T) (s(T) + 1 - pi_j). A sample
    without j with its marked member i taken out is such a T, and the i that T can come from are all the units
    outside T + j; they have sum_i pi_i = k - (k - 1 - s(T)) - pi_j, so P(j out) = C sum_T W(T) (s(T) + 1 - pi_j).
    Hence the odds of j are w_j, and P(j in) = w_j / (1 + w_j) = pi_j.

    A draw decides n times, each with its conditional probability up to 2^-50 (n + 1) relative and one word of 2^-62.

    Cost of a draw: O(n k) a row in memory and time, a Python loop over units; ValueError beyond 2^25 table entries
    (rows * (n + 1) * 2 (k + 2)). Source: Sampford, Biometrika 54, 1967.

    >>> p = torch.tensor([0.1, 0.2, 0.3, 0.4, 0.4, 0.6], dtype=torch.float64)
    >>> Sampford().inclusion(p, 2)
    tensor([0.1000, 0.2000, 0.3000, 0.4000, 0.4000, 0.6000], dtype=torch.float64)
    >>> round(float(Sampford().joint_inclusion(p, 2).min()), 4)
    0.0084
    """

    fixed_size = True

    def slots(self, n: int) -> int:
        """One word a unit."""
        return n

    def joint_inclusion(self, p: Tensor, k: int | Tensor) -> Tensor:
        """pi_ij by the dynamic program with unit i drawn for certain; float64 (..., n, n), pi on the diagonal.

        Relative error at most 2^-50 (n + 1); all terms are positive. Cost: O(n^2 k) a row, memory O(n k).
        """
        q, positive, count = prepared(p, k)
        n = q.shape[-1]
        r = rounded(q, positive, count).reshape(-1, n)
        pairs = joint(_odds(r), count.reshape(-1), most_drawn(k, n), marked=True)
        pi = r.to(torch.float64) * UNIT
        # Without uncertain units there is one sample only, and nothing to mark.
        settled = ((r == 0) | (r == ONE)).all(-1).unsqueeze(-1).unsqueeze(-1)
        pairs = torch.where(settled, pi.unsqueeze(-1) * pi.unsqueeze(-2), pairs)
        pairs.diagonal(dim1=-2, dim2=-1).copy_(pi)
        return pairs.reshape(*q.shape, n)

    def select(self, p: Tensor, k: int | Tensor, bits: Tensor) -> Draw:
        """Unit after unit, j is drawn iff its word lies below 2^62 P(j drawn | the units before it)."""
        q, _, count = prepared(p, k)
        n = q.shape[-1]
        lone, positive, wanted = prepared(single_row(p, k), k)
        r = rounded(lone, positive, wanted)
        mask = drawn(
            _odds(r.reshape(-1, n)), wanted.reshape(-1), bits.reshape(-1, n), most_drawn(k, n), marked=True
        ).reshape(q.shape)
        return Draw(drawn=mask, q=q, k=count, design=self, pi=(r.to(torch.float64) * UNIT).expand(q.shape))


def _odds(r: Tensor) -> Odds:
    """pi and 1 - pi, both without rounding."""
    return Odds(r.to(torch.float64) * UNIT, (ONE - r).to(torch.float64) * UNIT)
