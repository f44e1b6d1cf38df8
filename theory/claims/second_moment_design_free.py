r"""The second moment depends on the design through its first-order inclusion probabilities only.

Setting
-------
Several designs with the same inclusion probabilities pi and Horvitz-Thompson weights: systematic sampling in a
fixed order, in other orders, and Poisson sampling; with equal sizes also simple random and successive sampling.

Claim
-----
E|C(g)|^2 is the same number for all of them. The variance of a linear form, Var(sum_j C_j), is not: it
depends on the joint inclusion probabilities.

Assumptions
-----------
pi_j > 0 wherever g_j != 0.

How it is checked
-----------------
Exact rational arithmetic, no tolerance: the designs share the integers r = 2^40 pi, so the weights are the same
floats, and the second moments summed over the exact laws must be the same rationals. Equal sizes with k / n a
power of two make simple random and successive sampling share them too. The variances of the sum are equal to
sum_ij g_i g_j (pi_ij / (pi_i pi_j) - 1) within the error of the weights, and differ between systematic sampling
in a fixed order and Poisson sampling. The first instance is pi = (.1, .2, .3, .4, .4, .6), k = 2,
g = (.3, -.5, .9, 1.2, -1, 2): total variance 10.0267 for all, variance of the sum 20.71 (systematic), 10.03
(Poisson).

Tolerance of the variances: weights that err by e relative move a linear form by at most e Y, Y = sum |g_j| M_j, and
so its variance by at most (2 e + e^2) E[Y^2].

What would refute it
--------------------
A design whose weights depend on the other units drawn, or two designs that realise different probabilities
from the same sizes.

Source
------
Horvitz and Thompson 1952, whose variance formula has pi_ij in its cross terms only.
"""

import random
from collections.abc import Iterator, Sequence
from fractions import Fraction

import torch

from amss_min.designs import Design, Poisson, SimpleRandom, Successive, Systematic
from amss_min.importance import SquaredGradient
from amss_min.testing import Evidence, Status
from amss_min.weightings import HorvitzThompson
from theory import moments, rounding
from theory.assumptions import POSITIVE_INCLUSION
from theory.comparison import Comparison, departure, equality
from theory.instances import Instance, random_instances
from theory.readings import Reading, readings
from theory.sources import HORVITZ_THOMPSON, Source
from theory.verdict import Claim, Kind

_TARGET = torch.tensor([1.0, 2.0, 3.0, 4.0, 4.0, 6.0], dtype=torch.float64)
_GRADIENT = tuple(Fraction(value) for value in (0.3, -0.5, 0.9, 1.2, -1.0, 2.0))
_FIRST = Instance("pi = (.1, .2, .3, .4, .4, .6)", _GRADIENT, 2)
_GRID_DESIGNS: tuple[Design, ...] = (Systematic(random_order=False), Poisson(), Systematic())
_ORDERS = 12


def check() -> list[Evidence]:
    """One second moment, several variances."""
    groups = [(_FIRST, _group(_FIRST, _TARGET, _GRID_DESIGNS))]
    for instance in random_instances(40, 12, most_units=7):
        groups.append((instance, _group(instance, SquaredGradient(mix=0.5)(instance.norms), _GRID_DESIGNS)))
    for n, k in ((2, 1), (4, 2), (6, 3)):
        instance = Instance(f"equal sizes, n = {n}", _GRADIENT[:n], k)
        designs = (*_GRID_DESIGNS, SimpleRandom(), Successive())
        groups.append((instance, _group(instance, torch.ones(n, dtype=torch.float64), designs)))
    reached = f"{len(groups)} instances, n <= 7, up to 5 designs, {_ORDERS} orders; proof in the claim's file"
    fixed, poisson = groups[0][1][0], groups[0][1][1]
    return [
        equality(_second_moments(groups), what="E|C(g)|^2 less that of the first design", scope=reached),
        equality(
            _variances(groups),
            what="Var(sum_j C_j), against the formula with joint inclusion",
            tolerance_source=f"(2 e + e^2) E[Y^2], e from {rounding.WEIGHT_SOURCE}",
            scope=reached,
        ),
        departure(
            [
                Comparison(
                    expected=moments.horvitz_thompson_variance(moments.joint_inclusion(poisson.law), _GRADIENT),
                    measured=moments.linear_form_variance(fixed.outcomes, _GRADIENT),
                    tolerance=rounding.squared(rounding.WEIGHT) * _absolute_square(fixed, _GRADIENT),
                    witness={**_FIRST.inputs, **fixed.inputs},
                )
            ],
            what="Var(sum_j C_j): systematic in a fixed order, against Poisson",
            tolerance_source=f"(2 e + e^2) E[Y^2], e from {rounding.WEIGHT_SOURCE}",
            scope="one instance, n = 6",
            details={"total variance, all designs": float(_total_variance(fixed))},
        ),
    ]


def _group(instance: Instance, sizes: torch.Tensor, designs: Sequence[Design]) -> list[Reading]:
    rng = random.Random(instance.name)
    orders = [rng.sample(range(instance.n), instance.n) for _ in range(_ORDERS)]
    return [reading for d in designs for reading in readings(d, HorvitzThompson(), sizes, instance.k, orders)]


def _second_moments(groups: Sequence[tuple[Instance, list[Reading]]]) -> Iterator[Comparison]:
    for instance, group in groups:
        first, *values = (moments.second_moment(reading.outcomes, instance.gradient) for reading in group)
        for reading, value in zip(group[1:], values, strict=True):
            # A difference, so that a first value that is not finite contradicts as well.
            yield Comparison(
                expected=Fraction(0), measured=value - first, witness={**instance.inputs, **reading.inputs}
            )


def _variances(groups: Sequence[tuple[Instance, list[Reading]]]) -> Iterator[Comparison]:
    error = rounding.squared(rounding.WEIGHT)
    for instance, group in groups:
        for reading in group[:3]:
            joint = moments.joint_inclusion(reading.law)
            yield Comparison(
                expected=moments.horvitz_thompson_variance(joint, instance.gradient),
                measured=moments.linear_form_variance(reading.outcomes, instance.gradient),
                tolerance=error * _absolute_square(reading, instance.gradient),
                witness={**instance.inputs, **reading.inputs},
            )


def _absolute_square(reading: Reading, gradient: Sequence[Fraction]) -> Fraction:
    """E[(sum_j |g_j| B_j / pi_j)^2], from the exact law."""
    joint = moments.joint_inclusion(reading.law)
    live = [unit for unit in range(len(gradient)) if joint[unit][unit] > 0]
    terms = (abs(gradient[i] * gradient[j]) * joint[i][j] / (joint[i][i] * joint[j][j]) for i in live for j in live)
    return sum(terms, Fraction(0))


def _total_variance(reading: Reading) -> moments.Number:
    energy = sum((g * g for g in _GRADIENT), Fraction(0))
    return moments.second_moment(reading.outcomes, _GRADIENT) - energy


CLAIM = Claim(
    id="second-moment-design-free",
    statement=r"Designs with the same inclusion probabilities $\pi$ have the same $E\|M \odot g\|^2$ under "
    r"Horvitz-Thompson weights; the variance of a linear form $\sum_j M_j g_j$ does depend on the design.",
    kind=Kind.IDENTITY,
    source=Source(kind="published", reference=HORVITZ_THOMPSON),
    assumptions=(POSITIVE_INCLUSION,),
    expected_status=Status.HOLDS,
    check=check,
)
