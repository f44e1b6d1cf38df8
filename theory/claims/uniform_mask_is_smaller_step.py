r"""AMSS with a uniform mask is AMSS+ with a uniform mask at k/n times the stepsize, draw by draw.

Setting
-------
Simple random sampling of k of n units with a gradient; AMSS with stepsize eta, AMSSPlus with stepsize eta k/n, the same
draws.

Claim
-----
Both take the same step: eta B .* g = (eta k/n) (n/k) B .* g. So AMSS at 1/L is AMSS+ at 1/(L (1 + omega)), the largest
step of each that its bound allows, and reweighting changes nothing that the stepsize could not. With sizes by energy no
common factor of the stepsize does this: the ratio of the two gradients differs between units.

Assumptions
-----------
pi_j = k/n for all units.

How it is checked
-----------------
Proof: the Horvitz-Thompson weight of simple random sampling is n/k for every unit.

Production: both methods mask the same gradients with the same words written down, over all subsets; the gradient of
AMSSPlus times k/n against that of AMSS. For contrast `Systematic` with sizes by energy mixed half with uniform: the
weights of the units drawn, the largest less the smallest.

Tolerance: a weight errs by 2^-50 (`theory.rounding.WEIGHT`), which holds the rounding of its product too.

What would refute it
--------------------
Weights that are not n/k; two methods that draw differently from the same words.

Source
------
Derived here.
"""

import itertools
from collections.abc import Iterator
from fractions import Fraction

import torch
from torch import nn

from amss_min.amss import AMSS, AMSSPlus
from amss_min.designs import SimpleRandom, Systematic
from amss_min.importance import SquaredGradient
from amss_min.testing import Evidence, Status
from amss_min.weightings import HorvitzThompson
from theory import rounding
from theory.comparison import Comparison, departure, equality, relative
from theory.instances import Instance, random_instances
from theory.moments import Number
from theory.readings import exact, readings
from theory.scripted import Scripted
from theory.sources import AMSS_PAPER, Source
from theory.verdict import Claim, Kind


def check() -> list[Evidence]:
    """The two uniform masks, and weights by energy."""
    cases = [
        case for case in random_instances(77, 24, fewest_units=3, most_units=5) if case.positive == case.n > case.k
    ]
    skewed = [case for case in cases if case.k > 1]
    return [
        equality(
            _steps(cases),
            what="(k/n) times the gradient that AMSSPlus leaves, against that of AMSS, uniform masks",
            tolerance_source=rounding.WEIGHT_SOURCE,
            scope=f"{len(cases)} gradients, n <= 5, all subsets; proof in the claim's file",
        ),
        departure(
            _spreads(skewed),
            what="largest less smallest weight of the units drawn, sizes by energy, against 0",
            tolerance_source=rounding.WEIGHT_SOURCE,
            scope=f"{len(skewed)} gradients",
        ),
    ]


def _masked(method: type[AMSS], case: Instance, subset: tuple[int, ...]) -> list[Number]:
    parameter = nn.Parameter(torch.zeros(case.n, dtype=torch.float64))
    parameter.grad = torch.tensor([float(g) for g in case.gradient], dtype=torch.float64)
    design = Scripted(SimpleRandom(), {case.n: [[0 if unit in subset else 1 for unit in range(case.n)]]})
    method({"audio": parameter}, keep=case.k / case.n, design=design, generator=torch.Generator()).mask_gradients()
    return exact(parameter.grad)


def _steps(cases: list[Instance]) -> Iterator[Comparison]:
    for case in cases:
        share = Fraction(case.k, case.n)
        for subset in itertools.combinations(range(case.n), case.k):
            pairs = zip(_masked(AMSS, case, subset), _masked(AMSSPlus, case, subset), strict=True)
            for unit, (plain, plus) in enumerate(pairs):
                yield Comparison(
                    expected=plain,
                    measured=share * plus,
                    tolerance=rounding.WEIGHT * abs(case.gradient[unit]),
                    witness={**case.inputs, "drawn": list(subset), "unit": unit},
                )


def _spreads(cases: list[Instance]) -> Iterator[Comparison]:
    for case in cases:
        sizes = SquaredGradient(mix=0.5)(case.norms)
        (reading,) = readings(Systematic(random_order=False), HorvitzThompson(), sizes, case.k)
        weights = [value for _, row in reading.outcomes for value in row if value]
        yield Comparison(
            expected=Fraction(0),
            measured=max(weights) - min(weights),
            tolerance=relative(2 * rounding.WEIGHT, max(weights)),
            witness={**case.inputs, **reading.inputs},
        )


CLAIM = Claim(
    id="uniform-mask-is-smaller-step",
    statement=r"Under simple random sampling AMSS at stepsize $\eta$ and AMSS+ at $\eta k/n$ take the same step, draw "
    r"by draw: $1/L$ of the one is $1/(L(1+\omega))$ of the other. With sizes by energy no common factor does this.",
    kind=Kind.IDENTITY,
    source=Source(kind="derived", reference=AMSS_PAPER),
    assumptions=(),
    expected_status=Status.HOLDS,
    check=check,
)
