"""Inclusion and joint inclusion probabilities of order sampling, by quadrature.

Order sampling draws the k units of the smallest ranks R_j = Y_j / a_j, where the Y_j are independent with a common
distribution function F and a_j > 0 is the rate of unit j. Unit j is drawn iff R_j < tau, the k-th smallest rank of
the others, and i and j both are iff both ranks are below the (k-1)-th smallest of the others. So, with x = log t,
F_j(x) = F(a_j t), f_j = dF_j / dx and the generating function G(z) = prod_j g_j, g_j = 1 - F_j + F_j z,

    pi_j  = int F_j     [z^(k-1)] G / g_j       (H - f_j / g_j)             dx,    H = sum_j f_j / g_j,
    pi_ij = int F_i F_j [z^(k-2)] G / (g_i g_j) (H - f_i / g_i - f_j / g_j) dx,

the means of F_j(tau) and of F_i(tau) F_j(tau): what follows F is the density of log tau. Everything is a product over
units, so all n integrals share their nodes, and all n^2 together are one matrix product.

The mesh over x is refined until no change exceeds 1e-9. Halving the step of the trapezoid rule, or doubling the nodes
of a Gauss-Legendre panel, squares the error. Against laws worked out in rationals, with sizes from 1e-300 to 1e300, it
was below 1e-13 pi_j and 1e-12 pi_i pi_j. The argument for it is not a proof, so claims that rest on these values are
at most CONSISTENT.

Source: order sampling, Rosen, Journal of Statistical Planning and Inference 62, 1997. The integrals are derived above.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from amss_min.designs.order_contour import Race, Terms
from amss_min.designs.order_ranks import Ranks

MOST_JOINT_UNITS = 4096
"""Joint inclusion probabilities are refused beyond this many units: they are n^2 numbers."""

_AGREE = 1e-9
_MOST_REFINEMENTS = 8


def inclusion_by_rows(family: type[Ranks], rates: Tensor, k: Tensor) -> Tensor:
    """Inclusion probabilities (..., n), float64, for rates (..., n) and counts k (...), once for equal rows.

    A unit of rate 0 is never drawn, one of infinite rate always; k is at least the number of these, and at most that
    of the positive rates. The error is below 1e-12 pi_j. Raises ArithmeticError where the mesh does not converge.
    Cost: O(n) a node, of some 80 nodes, where F is smooth; see `order_ranks`.
    """
    return by_distinct_rows(rates, k, 1, lambda row, count: inclusion_and_rest(family, row, count)[0])


def joint_inclusion_by_rows(family: type[Ranks], rates: Tensor, k: Tensor) -> Tensor:
    """Joint inclusion probabilities (..., n, n), float64, with pi_i on the diagonal; see `inclusion_by_rows`.

    The error is below 1e-12 pi_i pi_j. Raises ValueError for more than 4096 units. Cost: O(n^2) a node.
    """
    n = rates.shape[-1]
    if n > MOST_JOINT_UNITS:
        raise ValueError(f"joint inclusion takes at most {MOST_JOINT_UNITS} units, found {n}: it is n^2 numbers")
    return by_distinct_rows(rates, k, 2, lambda row, count: _joint_inclusion(family, row, count))


def by_distinct_rows(sizes: Tensor, k: Tensor, axes: int, of_row: Callable[[Tensor, int], Tensor]) -> Tensor:
    """A function of one row (n,) and its count, float64 (n,) or for two axes (n, n), on every row; once on equal rows.

    sizes (..., n), k (...); returns (..., n) or (..., n, n).
    """
    rows = sizes.to(torch.float64).reshape(-1, sizes.shape[-1])
    counts = k.expand(sizes.shape[:-1]).reshape(-1, 1).to(rows)
    distinct, place = torch.cat([counts, rows], -1).unique(dim=0, return_inverse=True)
    found = rows.new_empty(len(distinct), *rows.shape[1:] * axes)
    for values, row in zip(found, distinct, strict=True):
        values.copy_(of_row(row[1:], int(row[0])))
    return found[place].reshape(*sizes.shape[:-1], *found.shape[1:])


def _undecided(rates: Tensor, k: int) -> tuple[Tensor, int]:
    """The units that are neither never drawn nor always, and how many of them are; none where all are drawn."""
    units = ((rates > 0) & rates.isfinite()).nonzero().squeeze(-1)
    left = k - int(rates.isinf().sum())
    return (units, left) if left < len(units) else (units[:0], 0)


def inclusion_and_rest(family: type[Ranks], rates: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """pi_j and 1 - pi_j of one row, rates (n,): the smaller of the two is integrated, the other is its complement."""
    pi = (rates > 0).to(torch.float64)
    rest = 1 - pi
    units, left = _undecided(rates, k)
    if left:
        race = Race(family(rates[units]), left, 1)
        found = _refined(race, _single).clamp_(0.0, 1.0)
        pi[units], rest[units] = torch.where(race.likely, 1 - found, found), torch.where(race.likely, found, 1 - found)
    elif len(units):
        pi[units], rest[units] = 0.0, 1.0
    return pi, rest


def _joint_inclusion(family: type[Ranks], rates: Tensor, k: int) -> Tensor:
    pi = inclusion_and_rest(family, rates, k)[0]
    joint = pi * pi.unsqueeze(-1)  # right where one of the two is certain, or never drawn
    units, left = _undecided(rates, k)
    if left > 1:
        pairs = _refined(Race(family(rates[units]), left, 2), _pairs).clamp_(0.0, 1.0)
        joint[units.unsqueeze(-1), units] = pairs
    elif left:
        joint[units.unsqueeze(-1), units] = 0.0
    joint.diagonal().copy_(pi)
    return joint


def _refined(race: Race, contract: Callable[[Terms], Tensor]) -> Tensor:
    value = race.middle.new_zeros(())
    for level in range(_MOST_REFINEMENTS):
        nodes, weights, kept = race.mesh(level)
        finer = kept * value
        for points in race.terms(nodes, weights):
            finer = finer + contract(points)
        if level and bool(((finer - value).abs() <= _AGREE * finer.clamp_min(1)).all()):
            return race.restored(finer)
        value = finer
    raise ArithmeticError(f"the quadrature for {race!r} did not converge in {_MOST_REFINEMENTS} refinements")


def _single(points: Terms) -> Tensor:
    return (points.lifted * (points.factor * (points.whole - points.late))).sum(0).real


def _pairs(points: Terms) -> Tensor:
    right = points.lifted * (points.factor * (points.whole / 2 - points.late))
    half = points.lifted.real.T @ right.real - points.lifted.imag.T @ right.imag
    return (half + half.T).fill_diagonal_(0.0)
