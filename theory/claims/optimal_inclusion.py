r"""Inclusion proportional to |g_j|, capped at 1, minimises the second moment.

Setting
-------
Minimise V(pi) = sum_j g_j^2 / pi_j over 0 < pi_j <= 1 with sum pi_j = k, for k <= n_plus.

Claim
-----
The minimum is at pi_j = min(1, c |g_j|), with c such that the sum is k; production finds it within the error of
its grid.

Assumptions
-----------
None beyond k <= n_plus.

How it is checked
-----------------
A rational certificate of duality for every instance. For lambda = 1 / c^2 and every pi with sum k,
V(pi) >= D = sum_j min_{0 < x <= 1} (g_j^2 / x + lambda x) - lambda k, and the inner minimum is at x = min(1, c |g_j|):
2 |g_j| / c where x < 1, else g_j^2 + lambda. At the claimed minimum V = D, an equality of rationals. So D bounds
every feasible pi from below: the realised inclusion probabilities of production (integers that sum to k 2^40) for
`GradientNorm`, `SquaredGradient`, mixtures and uniform sizes are compared with it, without tolerance. That of
`GradientNorm` must reach it.

Tolerance of the last: pi_j within 1.01 n 2^-40 of exact water-filling (`theory.rounding.grid`), on instances with
all pi_j at least 2^-30, which the grid resolves.

What would refute it
--------------------
Sizes with a lower second moment, or a `GradientNorm` or water-filling that misses the minimum.

Source
------
Wangni et al., NeurIPS 2018 (arXiv 1710.09854); in survey sampling Neyman's allocation and Hajek 1964.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction

import torch
from torch import Tensor

from amss_min.designs import Systematic
from amss_min.importance import GradientNorm, Importance, SquaredGradient
from amss_min.testing import Evidence, Status
from theory import moments, rounding
from theory.comparison import Comparison, dominance, equality
from theory.instances import Instance, instances
from theory.readings import grid_inclusion
from theory.sources import Source
from theory.verdict import Claim, Kind
from theory.water_filling import norm_sizes, water_filled

_SIZES: dict[str, Importance] = {
    "gradient norm": GradientNorm(),
    "gradient norm, mixed": GradientNorm(mix=0.1),
    "squared gradient": SquaredGradient(),
    "squared gradient, mixed": SquaredGradient(mix=0.5),
}


def check() -> list[Evidence]:
    """The certificate, the lower bound for every choice of sizes, and the value that production reaches."""
    found = [case for case in instances(1964, 90, most_units=8) if case.k <= case.positive]
    scope = f"{len(found)} instances, n <= 8, each with its certificate"
    return [
        equality(_certificates(found), what="V at min(1, c |g_j|), against the dual bound", scope=scope),
        dominance(
            _bounds(found),
            what="dual bound, never above V of the realised inclusion probabilities",
            scope=f"{scope}; {len(_SIZES) + 1} choices of sizes",
        ),
        equality(
            _reached([case for case in found if min(pi for pi in _optimum(case) if pi > 0) >= Fraction(1, 2**30)]),
            what="V of production with sizes by gradient norm, against the minimum",
            tolerance_source=rounding.GRID_SOURCE,
            scope=f"{scope}; pi_j at least 2^-30",
        ),
    ]


def _certificates(found: Sequence[Instance]) -> Iterator[Comparison]:
    for case in found:
        value = moments.horvitz_thompson_second_moment(_optimum(case), case.gradient)
        yield Comparison(expected=_dual(case), measured=value, witness=case.inputs)


def _bounds(found: Sequence[Instance]) -> Iterator[Comparison]:
    for case in found:
        for name, importance in [*_SIZES.items(), ("uniform", None)]:
            sizes: Tensor = (case.norms > 0).to(torch.float64) if importance is None else importance(case.norms)
            pi = grid_inclusion(Systematic(), sizes, case.k)
            value = moments.horvitz_thompson_second_moment(pi, case.gradient)
            inputs = {**case.inputs, "sizes by": name, "inclusion": [str(value) for value in pi]}
            yield Comparison(expected=value, measured=_dual(case), witness=inputs)


def _reached(found: Sequence[Instance]) -> Iterator[Comparison]:
    for case in found:
        pi = grid_inclusion(Systematic(), GradientNorm()(case.norms), case.k)
        yield Comparison(
            expected=_dual(case),
            measured=moments.horvitz_thompson_second_moment(pi, case.gradient),
            tolerance=rounding.inverse_moment(case.gradient, pi, _optimum(case)),
            witness={**case.inputs, "inclusion": [str(value) for value in pi]},
        )


def _optimum(case: Instance) -> list[Fraction]:
    return water_filled(norm_sizes(case.gradient), case.k)


def _dual(case: Instance) -> Fraction:
    """The dual bound at lambda = 1 / c^2, with c read off an uncapped unit (lambda = 0 if all are capped)."""
    norms = [abs(g) for g in case.gradient if g != 0]
    pairs = zip(_optimum(case), case.gradient, strict=True)
    root = next((abs(g) / pi for pi, g in pairs if 0 < pi < 1), Fraction(0))
    inner = (2 * norm * root if norm < root else norm * norm + root * root for norm in norms)
    return sum(inner, Fraction(0)) - root * root * case.k


CLAIM = Claim(
    id="optimal-inclusion",
    statement=r"$\pi_j = \min(1, c\,|g_j|)$ with $\sum_j \pi_j = k$ minimises $\sum_j g_j^2/\pi_j$ over all inclusion "
    r"probabilities of sum $k$; the production sizes by gradient norm reach the minimum on their grid.",
    kind=Kind.INEQUALITY,
    source=Source(kind="published", reference="Wangni et al., NeurIPS 2018 (arXiv 1710.09854)"),
    assumptions=(),
    expected_status=Status.HOLDS,
    check=check,
)
