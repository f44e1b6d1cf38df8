"""Calibration of successive sampling: sizes that give it the inclusion probabilities asked for."""

import torch
from torch import Tensor

from amss_min.designs.order_quadrature import inclusion_and_rest
from amss_min.designs.order_ranks import ExponentialRanks

RELATIVE_ERROR = 1e-12
"""Of the inclusion probabilities that calibrated sizes give, measured by quadrature."""

_CERTAIN = 2.0**50
_MOST_STEPS = 400


def calibrated(target: Tensor, k: int | Tensor) -> Tensor:
    """Sizes q with which successive sampling has the inclusion probabilities pi*: float64 (..., n), summing to 1.

    q_j <- q_j log(1 - pi*_j) / log(1 - pi_j(q)), from q = pi*, until |pi_j(q) - pi*_j| <= 1e-12 pi*_j for all j. The
    steps converge geometrically: 12 of them for inclusion probabilities up to .6, 20 up to .99, more the closer they
    come to 1.

    target (..., n): pi*, in (0, 1], with sum k. k: an int, or an int64 tensor (...).
    A unit with pi* = 1 would need an infinite size. It gets 2^50 times the sizes of all uncertain units together, and
    is left out with a probability below 2^-50; the others are calibrated for the draws that it leaves.

    Raises ValueError for a target outside (0, 1] or with another sum than k, ArithmeticError where the steps do not
    reach 1e-12. Cost: one quadrature a step and row, O(n) at each of some 80 nodes.
    Source: the fixed point of Rosen's approximation pi_j = 1 - exp(-q_j t), corrected by the true pi_j.

    >>> from amss_min.designs.successive import Successive
    >>> q = calibrated(torch.tensor([0.9, 0.5, 0.6], dtype=torch.float64), 2)
    >>> Successive().inclusion(q, 2)
    tensor([0.9000, 0.5000, 0.6000], dtype=torch.float64)
    """
    target = target.detach().to(torch.float64)
    inside = (target > 0) & (target <= 1)
    if not bool(inside.all()):
        raise ValueError(f"inclusion probabilities must be in (0, 1], found {float(target[~inside][0])}")
    count = torch.as_tensor(k, device=target.device).expand(target.shape[:-1])
    # What is realised sums to k: a target whose sum is further off is out of reach.
    missed = (target.sum(-1) - count).abs() > RELATIVE_ERROR / 2 * count
    if bool(missed.any()):
        found, wanted = float(target.sum(-1)[missed][0]), int(count[missed][0])
        raise ValueError(f"inclusion probabilities must sum to the count k={wanted}, found the sum {found}")
    rows = target.reshape(-1, target.shape[-1])
    sizes = [_row(row, size) for row, size in zip(rows, count.reshape(-1).tolist(), strict=True)]
    return torch.stack(sizes).reshape(target.shape)


def _row(target: Tensor, k: int) -> Tensor:
    open_ = target < 1
    q = torch.ones_like(target)
    if bool(open_.any()):
        q[open_] = _fixed_point(target[open_], k - int((~open_).sum()))
        q[~open_] = _CERTAIN
    return q / q.sum()


def _fixed_point(target: Tensor, k: int) -> Tensor:
    q, wanted = target / k, torch.log1p(-target)
    for _ in range(_MOST_STEPS):
        pi, rest = inclusion_and_rest(ExponentialRanks, q, k)
        error = float((pi / target - 1).abs().max())
        if error <= RELATIVE_ERROR / 2:  # the rest is left to the error of the quadrature
            return q
        q = q * wanted / torch.where(pi < 0.5, torch.log1p(-pi), rest.log())
        q = q / q.sum()
    raise ArithmeticError(f"calibration of {len(q)} units at k={k} is at a relative error of {error:.1e}, above 1e-12")
