r"""Successive sampling does not include unit j with probability k q_j.

Setting
-------
k of n units drawn one after the other without replacement, with probabilities proportional to sizes q
(`torch.multinomial(q, k, replacement=False)`), as the released code does.

Claim
-----
The inclusion probabilities are those of the subset recursion, and differ from k q_j for 1 < k < n and unequal
sizes: at q = (1, 2, 3, 4, 4, 6)/20 and k = 2 they are 4747/42840 (not 1/10) for the smallest and 10699/19380 (not
3/5) for the largest. Weights 1 / (k q_j) are therefore biased, by the factor pi_j / (k q_j).

Assumptions
-----------
Clocks are continuous (the exponential race has the law of the recursion).

How it is checked
-----------------
Proof that pi_j / q_j strictly decreases in q_j for 1 < k < n, so that it is not constant: fix the clocks of all but
units i and j, let s < t be the (k-1)-th and k-th smallest of them. Then pi_i = 1 - exp(-q_i s) + q_i R, where
R = (exp(-(q_i + q_j) s) - exp(-(q_i + q_j) t)) / (q_i + q_j) is the same for i and j (unit i is drawn when it rings
before s, or between s and t and before j); (1 - exp(-q s)) / q strictly decreases in q, as s > 0 for k > 1.

Exact rationals: the two fractions; `subset_inclusion` of production against a subset recursion written apart
(`theory.enumeration`), equal without tolerance; on every instance with 1 < k < n and unequal sizes at least one
unit has another probability than k q_j. `Successive.inclusion` in float64 is compared within 2^-50 relative
(`theory.rounding.WEIGHT`, less the division).

What would refute it
--------------------
An `inclusion` that returns k q_j, or any probability other than that of the recursion.

Source
------
Rosen, Annals of Mathematical Statistics 43, 1972; the released code draws so and weights as if pi were affine in q.
"""

import random
from collections.abc import Iterator, Sequence
from fractions import Fraction

import torch

from amss_min.designs import Successive
from amss_min.designs.successive import subset_inclusion
from amss_min.testing import Evidence, Status
from theory import enumeration, moments, rounding
from theory.comparison import Comparison, departure, equality
from theory.readings import exact, fractions
from theory.sources import Source
from theory.verdict import Claim, Kind

_SIZES = tuple(Fraction(size, 20) for size in (1, 2, 3, 4, 4, 6))
_KNOWN = {0: Fraction(4747, 42840), 5: Fraction(10699, 19380)}


def check() -> list[Evidence]:
    """The known fractions, the recursion written twice, the gap to k q_j, and the float64 version."""
    found = [(_SIZES, 2), *_random_sizes(1972, 40)]
    unequal = [(sizes, k) for sizes, k in found if 1 < k < len(sizes) and len(set(sizes)) > 1]
    scope = f"{len(found)} instances, n <= 7"
    produced = subset_inclusion(_SIZES, 2)
    return [
        equality(
            [_comparison(_SIZES, 2, unit, value, produced[unit]) for unit, value in _KNOWN.items()],
            what="inclusion probability of the smallest and the largest unit",
            scope="q = (1, 2, 3, 4, 4, 6)/20, k = 2",
        ),
        equality(_recursions(found), what="subset_inclusion, against the recursion written apart", scope=scope),
        departure(
            _gaps(unequal),
            what="sum_j |pi_j - k q_j| over units, against 0",
            scope=f"{len(unequal)} instances with 1 < k < n <= 7 and unequal sizes; proof in the claim's file",
            details={"largest relative gap of k q_j": [_relative_gap(sizes, k) for sizes, k in unequal[:8]]},
        ),
        equality(
            _floats(found),
            what="Successive.inclusion in float64",
            tolerance_source=rounding.WEIGHT_SOURCE,
            scope=scope,
        ),
    ]


def _recursions(found: Sequence[tuple[Sequence[Fraction], int]]) -> Iterator[Comparison]:
    for sizes, k in found:
        produced = subset_inclusion(sizes, k)
        for unit, pi in enumerate(_inclusion(sizes, k)):
            yield _comparison(sizes, k, unit, pi, produced[unit])


def _gaps(found: Sequence[tuple[Sequence[Fraction], int]]) -> Iterator[Comparison]:
    for sizes, k in found:
        gap = sum((abs(pi - k * q) for pi, q in zip(subset_inclusion(sizes, k), sizes, strict=True)), Fraction(0))
        yield _comparison(sizes, k, None, Fraction(0), gap)


def _floats(found: Sequence[tuple[Sequence[Fraction], int]]) -> Iterator[Comparison]:
    for sizes, k in found:
        p = torch.tensor([float(size) for size in sizes], dtype=torch.float64)
        produced = exact(Successive().inclusion(p, k))
        for unit, pi in enumerate(_inclusion(fractions(p), k)):
            case = _comparison(sizes, k, unit, pi, produced[unit])
            yield Comparison(
                expected=case.expected, measured=case.measured, tolerance=rounding.WEIGHT * pi, witness=case.witness
            )


def _comparison(
    sizes: Sequence[Fraction], k: int, unit: int | None, expected: Fraction, measured: moments.Number
) -> Comparison:
    witness = {"sizes": [str(size) for size in sizes], "k": k, "unit": unit}
    return Comparison(expected=expected, measured=measured, witness=witness)


def _inclusion(sizes: Sequence[Fraction], k: int) -> list[Fraction]:
    return moments.inclusion(enumeration.successive_law(sizes, k))


def _relative_gap(sizes: Sequence[Fraction], k: int) -> float:
    return float(max(abs(k * q / pi - 1) for pi, q in zip(_inclusion(sizes, k), sizes, strict=True)))


def _random_sizes(seed: int, count: int) -> list[tuple[tuple[Fraction, ...], int]]:
    rng = random.Random(seed)
    found = []
    for _ in range(count):
        raw = [rng.randint(1, 2 ** rng.randint(1, 8)) for _ in range(rng.randint(2, 7))]
        found.append((tuple(Fraction(size, sum(raw)) for size in raw), rng.randint(1, len(raw))))
    return found


CLAIM = Claim(
    id="successive-inclusion-not-kq",
    statement=r"Successive sampling includes unit $j$ with a probability other than $k q_j$ when $1 < k < n$ and sizes "
    r"differ: at $q = (1,2,3,4,4,6)/20$, $k = 2$, $\pi_1 = 4747/42840 \neq 1/10$ and $\pi_6 = 10699/19380 \neq 3/5$.",
    kind=Kind.COUNTEREXAMPLE,
    source=Source(kind="published", reference="Rosen, Annals of Mathematical Statistics 43, 1972"),
    assumptions=(),
    expected_status=Status.HOLDS,
    check=check,
)
