r"""Mixing the sizes with uniform bounds the weights and the second moment.

Setting
-------
Sizes p_j = (1 - a) q_j + a / n_plus with q_j = g_j^2 / |g|^2 and mixing share a (`mix`), water-filled to
pi_j = min(1, c p_j) with sum k; Horvitz-Thompson weights. n_plus counts the units with a gradient.

Claim
-----
Weights are at most n_plus / (a k), and E|C(g)|^2 <= min(n_plus / (a k), n_plus / ((1 - a) k)) |g|^2.
At a = 1/2 and with nothing capped, the weight is (2/k) / (q_j + 1/n_plus): the released weight without its factor k/2.

Assumptions
-----------
0 < a < 1.

How it is checked
-----------------
Proof. c >= k, since capping only hands shares on; so pi_j >= min(1, k p_j) >= k a / n_plus, which gives the first
bound and, summed with g_j^2, the first half of the second. For the other half let A be the m capped units, U the
rest, x the share of energy in A, P = sum_U p_j = (1 - a)(1 - x) + a (n_plus - m) / n_plus. On U,
p_j >= (1 - a) q_j, so E|C|^2 / |g|^2 <= x + (n_plus - m) P / ((k - m)(1 - a)). Since c >= k, P <= (k - m)/k. The
bound is linear in x. Where P = (k - m)/k it is x + (n_plus - m)/(k (1 - a)) with x (1 - a) = m/k - a m/n_plus <= m/k,
hence at most n_plus / (k (1 - a)). At x = 1, times (1 - a), it is (1 - a) + a (n_plus - m)^2 / (n_plus (k - m)),
linear in a with 0 <= a <= n_plus (k - m)/(k (n_plus - m)): at the ends it is 1 and, as 1 - a <= m/k there, at most
n_plus/k. With A empty, P = 1 and the bound is n_plus/(k (1 - a)) itself; with U empty, E|C|^2 = |g|^2.

Production: the sizes of `SquaredGradient(mix=a)` against exact ones; the multipliers that `HorvitzThompson` gives
to the units drawn by `Systematic` and `Poisson`; the second moment of the realised inclusion probabilities, an
exact rational.

Tolerance: sizes, 2 (n + 8) 2^-53 relative (`theory.rounding.sizes`). Inclusion probabilities lie within
e = 1.01 n 2^-40 of the exact ones (`theory.rounding.grid`), so a weight exceeds its bound b by at most b e / pi_j
relative e / pi_j <= e b / (1 - e b), and the second moment by the sum of g_j^2 e / (pi_j exact_j).

What would refute it
--------------------
Sizes that are not mixed, or mixed with another share; water-filling with a factor below k.

Source
------
Derived here; the mixture is the released weight turned into a design (released code of AMSS, AV:270).
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from amss_min.designs import Poisson, Systematic
from amss_min.importance import SquaredGradient
from amss_min.testing import Evidence, Status
from amss_min.weightings import HorvitzThompson
from theory import moments, rounding
from theory.comparison import Comparison, dominance, equality
from theory.instances import Instance, instances
from theory.readings import exact, grid_inclusion, readings
from theory.sources import Source
from theory.verdict import Claim, Kind
from theory.water_filling import mixed_sizes, square_sizes, water_filled

_MIXES = (Fraction(1, 4), Fraction(1, 2), Fraction(3, 4))


def check() -> list[Evidence]:
    """Sizes, weights, second moment, and the identity with the released weight."""
    found = [(case, mix) for case in instances(2020, 24, most_units=8) for mix in _MIXES]
    scope = f"{len(found) // len(_MIXES)} instances, n <= 8, mix 1/4, 1/2, 3/4; proof in the claim's file"
    halves = [case for case, mix in found if mix == Fraction(1, 2) and max(_pi(case, mix)) < 1]
    return [
        equality(
            _sizes(found),
            what="sizes, against (1 - a) q_j + a / n_plus",
            tolerance_source="2 (n + 8) roundings of 2^-53 (theory/rounding.py)",
            scope=scope,
        ),
        dominance(
            _weights(found),
            what="weights of the units drawn, at most n_plus / (a k)",
            tolerance_source=rounding.GRID_SOURCE,
            scope=scope,
        ),
        dominance(
            _second_moments(found),
            what="E|C(g)|^2 / |g|^2, at most n_plus / (k max(a, 1 - a))",
            tolerance_source=rounding.GRID_SOURCE,
            scope=scope,
        ),
        equality(
            _released(halves),
            what="1 / pi_j at a = 1/2 with nothing capped, against (2/k) / (q_j + 1/n_plus)",
            tolerance_source=rounding.GRID_SOURCE,
            scope=f"{len(halves)} instances, n <= 8",
        ),
    ]


def _sizes(found: Sequence[tuple[Instance, Fraction]]) -> Iterator[Comparison]:
    for case, mix in found:
        produced = exact(SquaredGradient(mix=float(mix))(case.norms))
        for unit, size in enumerate(mixed_sizes(square_sizes(case.gradient), mix)):
            yield Comparison(
                expected=size,
                measured=produced[unit],
                tolerance=rounding.sizes(case.n) * size,
                witness={**case.inputs, "mix": float(mix), "unit": unit},
            )


def _weights(found: Sequence[tuple[Instance, Fraction]]) -> Iterator[Comparison]:
    for case, mix in found:
        sizes = SquaredGradient(mix=float(mix))(case.norms)
        bound = case.positive / (mix * _count(case))
        error = rounding.grid(case.n) * bound
        orders = [list(range(case.n))]
        for design in (Systematic(), Poisson()):
            for reading in readings(design, HorvitzThompson(), sizes, case.k, orders):
                largest = max((value for _, row in reading.outcomes for value in row), default=Fraction(0))
                witness = {**case.inputs, **reading.inputs, "mix": float(mix)}
                tolerance = bound * (error / (1 - error) + rounding.WEIGHT)
                yield Comparison(expected=bound, measured=largest, tolerance=tolerance, witness=witness)


def _second_moments(found: Sequence[tuple[Instance, Fraction]]) -> Iterator[Comparison]:
    for case, mix in found:
        pi = grid_inclusion(Systematic(), SquaredGradient(mix=float(mix))(case.norms), case.k)
        energy = sum((g * g for g in case.gradient), Fraction(0))
        yield Comparison(
            expected=case.positive / (_count(case) * max(mix, 1 - mix)),
            measured=moments.horvitz_thompson_second_moment(pi, case.gradient) / energy,
            tolerance=rounding.inverse_moment(case.gradient, pi, _pi(case, mix)) / energy,
            witness={**case.inputs, "mix": float(mix), "inclusion": [str(value) for value in pi]},
        )


def _released(cases: Sequence[Instance]) -> Iterator[Comparison]:
    mix = Fraction(1, 2)
    for case in cases:
        pi = grid_inclusion(Systematic(), SquaredGradient(mix=float(mix))(case.norms), case.k)
        for unit, (q, realised) in enumerate(zip(square_sizes(case.gradient), pi, strict=True)):
            if q > 0:
                expected = Fraction(2, case.k) / (q + Fraction(1, case.positive))
                yield Comparison(
                    expected=expected,
                    measured=1 / realised,
                    tolerance=expected * rounding.grid(case.n) / realised,
                    witness={**case.inputs, "unit": unit, "inclusion": str(realised)},
                )


def _count(case: Instance) -> int:
    return min(case.k, case.positive)


def _pi(case: Instance, mix: Fraction) -> list[Fraction]:
    return water_filled(mixed_sizes(square_sizes(case.gradient), mix), case.k)


CLAIM = Claim(
    id="mixture-weight-bound",
    statement=r"With sizes $p_j = (1-\alpha) q_j + \alpha/n_+$, $q_j \propto g_j^2$, Horvitz-Thompson weights are at "
    r"most $n_+/(\alpha k)$ and $E\|M \odot g\|^2 \leq \min\{\frac{n_+}{\alpha k}, \frac{n_+}{(1-\alpha) k}\} "
    r"\|g\|^2$. At $\alpha = 1/2$, uncapped, the weight is $\frac{2}{k} \cdot \frac{1}{q_j + 1/n_+}$.",
    kind=Kind.INEQUALITY,
    source=Source(kind="derived", reference="the mixture behind the released weight of AMSS+, as a design"),
    assumptions=(),
    expected_status=Status.HOLDS,
    check=check,
)
