r"""R1 repaired: the released weight is k/2 times the inverse inclusion probability of another design.

Setting
-------
n units with q_j = g_j^2 / |g|^2, none of them zero. The released weight is 1/(q_j + 1/n). The half-half mixture design
draws k units with pi_j = (k/2)(q_j + 1/n), which are probabilities where (k/2)(max q + 1/n) <= 1.

Claim
-----
1/(q_j + 1/n) = (k/2) / pi_j. So drawn by the mixture design, the released weight has E[M_j] = k/2 for every unit, and
2/k times it is unbiased. Where (k/2)(max q + 1/n) > 1 there is no such design: with the water-filled mixture instead,
2/k times the released weight has a mean other than 1 for some unit, and only the inverse of the realised pi_j is right.

Assumptions
-----------
No g_j is zero (the released code counts zero units in its 1/n, and the mixture only units that can be drawn).

How it is checked
-----------------
Proof: sum_j (k/2)(q_j + 1/n) = k, so these pi_j are the water-filled mixture where none exceeds 1, and the first
equation is their definition. Where unit i has (k/2)(q_i + 1/n) > 1, it is capped at pi_i = 1, and 2/k times its
released weight is below 1.

Production: `ShiftedInverse` and `HorvitzThompson` on the exact law of `Systematic` with sizes
`SquaredGradient(mix=1/2)`; the released weight takes its q from sizes without mixing. `AMSSPlus` with its defaults is
run over seeds: what it multiplies the units drawn by is 2/k times the released weight of their energies.

Tolerance: realised pi_j lie within e = 1.01 n 2^-40 of the exact ones (`theory.rounding.grid`), a weight errs by
e / pi_j relative; beside it, the sizes of production and their weight, 8 + 4 (n + 8) roundings of 2^-53.

What would refute it
--------------------
A released weight with another shift; a mixture with another share; a repair that divides by anything but pi_j.

Source
------
Derived here; the weight is that of the released code of AMSS, AMSS/train_test.py lines 270 and 303.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from amss_min.amss import AMSSPlus
from amss_min.designs import Draw, Systematic
from amss_min.importance import SquaredGradient
from amss_min.testing import Evidence, Status
from amss_min.weightings import HorvitzThompson, ShiftedInverse, Weighting
from theory import moments, rounding
from theory.comparison import Comparison, departure, equality
from theory.instances import Instance, random_instances
from theory.readings import Reading, exact, readings
from theory.sources import AMSS_CODE, Source
from theory.verdict import Claim, Kind
from theory.water_filling import square_sizes

_SOURCE = f"{rounding.GRID_SOURCE}; sizes and weights: 8 + 4 (n + 8) roundings of 2^-53"


@dataclass(frozen=True)
class _ReleasedOn(Weighting):
    """The released weight of units with these energies q, whatever sizes they were drawn by."""

    q: Tensor
    unbiased: ClassVar[bool] = False

    def __call__(self, draw: Draw) -> Tensor:
        return ShiftedInverse()(replace(draw, q=self.q.expand_as(draw.q)))

    def second_moment(self, draw: Draw) -> None:
        return None


def check() -> list[Evidence]:
    """The ratio of the weights, the mean under the mixture, where it fails, and the default step of AMSSPlus."""
    found = [case for case in random_instances(32, 60, fewest_units=3, most_units=8) if case.positive == case.n]
    free = [case for case in found if _largest(case) <= 1]
    capped = [case for case in found if _largest(case) > 1]
    steps = list(_steps(free))
    return [
        equality(
            _ratios(free),
            what="released weight of a unit drawn by the mixture, less k/2 times its Horvitz-Thompson weight, relative",
            tolerance_source=_SOURCE,
            scope=f"{len(free)} instances with nothing capped, n <= 8; proof in the claim's file",
        ),
        equality(
            _means(free),
            what="(2/k) E[M_j] of the released weight drawn by the mixture, against 1",
            tolerance_source=_SOURCE,
            scope=f"{len(free)} instances with nothing capped, n <= 8",
        ),
        departure(
            _capped_means(capped),
            what="(2/k) E[M_j] of the released weight where unit j is capped, against 1",
            tolerance_source=_SOURCE,
            scope=f"{len(capped)} instances with a capped unit, n <= 8",
        ),
        equality(
            steps,
            what="multipliers of AMSSPlus with its defaults, against (2/k) / (q_j + 1/n)",
            tolerance_source=_SOURCE,
            scope=f"{len(steps)} units drawn in {len(free)} steps of AMSSPlus",
        ),
    ]


def _largest(case: Instance) -> Fraction:
    """The largest of the (k/2)(q_j + 1/n)."""
    return max(_mixture(case))


def _mixture(case: Instance) -> list[Fraction]:
    """(k/2)(q_j + 1/n), exactly."""
    return [Fraction(case.k, 2) * (q + Fraction(1, case.n)) for q in square_sizes(case.gradient)]


def _error(case: Instance, pi: Fraction) -> Fraction:
    e = rounding.grid(case.n)
    return e / (pi - e) + rounding.WEIGHT + 2 * rounding.sizes(case.n)


def _read(case: Instance, weighting: Weighting) -> Reading:
    (read,) = readings(Systematic(random_order=False), weighting, SquaredGradient(mix=0.5)(case.norms), case.k)
    return read


def _released(case: Instance) -> Weighting:
    return _ReleasedOn(SquaredGradient()(case.norms))


def _ratios(found: Sequence[Instance]) -> Iterator[Comparison]:
    for case in found:
        released, inverse = _read(case, _released(case)), _read(case, HorvitzThompson())
        for (_, one), (_, other) in zip(released.outcomes, inverse.outcomes, strict=True):
            for unit, (weight, expected) in enumerate(zip(one, other, strict=True)):
                if weight:
                    yield _relative(case, unit, weight / (Fraction(case.k, 2) * expected))


def _means(found: Sequence[Instance]) -> Iterator[Comparison]:
    for case in found:
        for unit, mean in enumerate(moments.mean_multipliers(_read(case, _released(case)).outcomes)):
            yield _relative(case, unit, Fraction(2, case.k) * mean)


def _capped_means(found: Sequence[Instance]) -> Iterator[Comparison]:
    for case in found:
        means = moments.mean_multipliers(_read(case, _released(case)).outcomes)
        unit = max(range(case.n), key=lambda j: _mixture(case)[j])
        yield _relative(case, unit, Fraction(2, case.k) * means[unit])


def _steps(found: Sequence[Instance]) -> Iterator[Comparison]:
    for seed, case in enumerate(found):
        keep = (case.k - 0.5) / case.n
        parameter = nn.Parameter(torch.zeros(case.n, dtype=torch.float64))
        parameter.grad = torch.tensor([float(value) for value in case.gradient], dtype=torch.float64)
        AMSSPlus({"audio": parameter}, keep=keep, generator=torch.Generator().manual_seed(seed)).mask_gradients()
        for unit, value in enumerate(exact(parameter.grad)):
            if value:
                q = square_sizes(case.gradient)[unit]
                weight = Fraction(2, case.k) / (q + Fraction(1, case.n))
                yield _relative(case, unit, value / (case.gradient[unit] * weight), seed=seed)


def _relative(case: Instance, unit: int, ratio: moments.Number, **more: Any) -> Comparison:
    return Comparison(
        expected=Fraction(1),
        measured=ratio,
        tolerance=_error(case, min(Fraction(1), _mixture(case)[unit])),
        witness={**case.inputs, "unit": unit, **more},
    )


CLAIM = Claim(
    id="released-weight-is-mixture",
    statement=r"The released weight $1/(q_j + 1/n)$ is $k/2$ times the Horvitz-Thompson weight of the half-half "
    r"mixture design $\pi_j = \frac{k}{2}(q_j + \frac{1}{n})$, where that is at most 1: drawn by it and "
    r"multiplied by $2/k$ it is unbiased. Where a unit is capped, it is not.",
    kind=Kind.IDENTITY,
    source=Source(kind="derived", reference=AMSS_CODE, place="the weight of AV:270, 303"),
    assumptions=(),
    expected_status=Status.HOLDS,
    check=check,
)
