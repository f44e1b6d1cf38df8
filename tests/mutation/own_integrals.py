"""Order sampling by another road: the integral over a unit's own uniform number.

With u = F(a_j t), unit j is drawn iff at most k - 1 of the others come before its own time, so pi_j is the integral
over u in [0, 1] of P(at most k - 1 of the others), and P(i and j drawn, i first) that of F_i P(at most k - 2 of the
rest). The distribution of the number of others is summed unit by unit.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from amss_min.designs.order_ranks import ParetoRanks, Ranks

Array = NDArray[np.float64]
# F of another unit has a pole at u = own / (own - other), near 0 or 1 where the rates are far apart.
GRADED = [0.0, *(2.0**-power for power in (8, 6, 4, 2, 1)), *(1 - 2.0**-power for power in (2, 4, 6, 8)), 1.0]


def law(family: type[Ranks], rates: Sequence[float], k: int) -> Tensor:
    """Joint inclusion probabilities (n, n), with inclusion on the diagonal, for Pareto and uniform ranks."""
    first = np.array([row(family, rates, j, k) for j in range(len(rates))])
    return torch.from_numpy(first + first.T - np.diag(np.diag(first)))


def row(family: type[Ranks], rates: Sequence[float], j: int, k: int) -> Array:
    """Entry i: P(i and j drawn, i before j); entry j: P(j drawn)."""
    own = rates[j]
    # min(1, a_i u / a_j) has its kink at a_j / a_i: between kinks the integrand is a polynomial of degree below n.
    ends = GRADED if family is ParetoRanks else sorted({0.0, 1.0, *(own / a for a in rates if a > own)})
    u, weights = _nodes(ends, 48 if family is ParetoRanks else len(rates) // 2 + 1)
    before = [a * u / (own * (1 - u) + a * u) if family is ParetoRanks else np.minimum(1.0, a * u / own) for a in rates]
    found = []
    for i in range(len(rates)):
        rest = [chance for unit, chance in enumerate(before) if unit not in (i, j)]
        integrand = _at_most(rest, k - 1) if i == j else before[i] * _at_most(rest, k - 2)
        found.append(float((weights * integrand).sum()))
    return np.array(found)


def _nodes(ends: Sequence[float], count: int) -> tuple[Array, Array]:
    """Gauss-Legendre between these ends, exact for polynomials of degree below 2 count."""
    x, w = np.polynomial.legendre.leggauss(count)
    left, right = np.array(ends[:-1])[:, None], np.array(ends[1:])[:, None]
    return ((left + right) / 2 + (right - left) / 2 * x).ravel(), ((right - left) / 2 * w).ravel()


def _at_most(chances: Sequence[Array], most: int) -> Array:
    """P(at most this many of independent events), at every node."""
    if most < 0:
        return np.zeros_like(chances[0])
    mass = np.zeros((most + 1, *chances[0].shape)) if chances else np.zeros(1)
    mass[0] = 1
    for p in chances:
        mass[1:] = mass[1:] * (1 - p) + mass[:-1] * p
        mass[0] = mass[0] * (1 - p)
    total: Array = mass.sum(0)
    return total
