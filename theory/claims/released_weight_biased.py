r"""R1: the released AMSS+ weight 1/(q_j + 1/n) is biased.

Setting
-------
The released code draws k of n filters by successive sampling with sizes q and multiplies those drawn by
1/(q_j + 1/n).

Claim
-----
E[M_j] = pi_j / (q_j + 1/n), with pi_j the inclusion probability of successive sampling, which is not 1. At
q = (.50, .20, .12, .09, .06, .03) and k = 3 the means are (1.397, 1.939, 1.805, 1.591, 1.255, .751); with everything
drawn, k = 6, they still run from 1.50 to 5.08.

Assumptions
-----------
Clocks are continuous (the exponential race has the law of the subset recursion).

How it is checked
-----------------
The exact law by the subset recursion (`theory.enumeration`) times the multipliers of `ShiftedInverse` on draws by
`Successive`, summed in rationals; against the formula on random instances, and away from 1 on the example.
`AMSSPlus(released=True)` is run over seeds: what it multiplies the drawn rows by is 1/(q_j + 1/n) of their sizes.

Tolerance of a weight: 1/n, the sum and the division round once each, 3 * 2^-53 < 2^-51 relative. In AMSSPlus the
sizes come from production as well and are normalised twice: twice 2 (n + 8) 2^-53 in addition.

What would refute it
--------------------
A ShiftedInverse that is not the released weight, for one that is unbiased.

Source
------
Released code of AMSS at commit 3161ecc, AMSS/train_test.py lines 270 and 303, AMSS_rod/train_nv.py line 249.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction

import torch
from torch import nn

from amss_min.amss import AMSSPlus
from amss_min.designs import Successive
from amss_min.importance import SquaredGradient
from amss_min.testing import Evidence, Status
from amss_min.weightings import ShiftedInverse
from theory import moments, rounding
from theory.comparison import Comparison, departure, equality
from theory.instances import random_instances
from theory.readings import Reading, exact, fractions, readings
from theory.sources import AMSS_CODE, Source
from theory.verdict import Claim, Kind
from theory.water_filling import square_sizes

_Q = torch.tensor([0.50, 0.20, 0.12, 0.09, 0.06, 0.03], dtype=torch.float64)
_ERROR = 4 * rounding.ROUNDING
_ERROR_SOURCE = "1/n, sum and division in 1/(q_j + 1/n): 3 roundings of 2^-53, below 2^-51"


def check() -> list[Evidence]:
    """The formula, the distance from 1 on the example, and the weights that AMSSPlus applies."""
    example = [reading for k in (3, 6) for reading in readings(Successive(), ShiftedInverse(), _Q, k)]
    random = [
        reading
        for case in random_instances(270, 24, most_units=7)
        for reading in readings(Successive(), ShiftedInverse(), SquaredGradient(mix=0.1)(case.norms), case.k)
    ]
    steps = list(_steps())
    return [
        equality(
            _means([*example, *random]),
            what="E[M_j] of the released weight, against pi_j / (q_j + 1/n)",
            tolerance_source=_ERROR_SOURCE,
            scope=f"the example and {len(random)} instances, n <= 7",
        ),
        departure(
            [case for reading in example for case in _against_one(reading)],
            what="E[M_j] of the released weight, against 1",
            tolerance_source=_ERROR_SOURCE,
            scope="q = (.50, .20, .12, .09, .06, .03), k = 3 and k = 6",
            details={f"E[M] at k = {reading.inputs['k']}": _shown(reading) for reading in example},
        ),
        equality(
            steps,
            what="multipliers that AMSSPlus(released=True) applies to the rows drawn",
            tolerance_source=f"{_ERROR_SOURCE}; sizes 4 (n + 8) 2^-53, product 2^-53 (theory/rounding.py)",
            scope=f"{len(steps)} rows drawn in 12 steps of AMSSPlus(released=True)",
        ),
    ]


def _means(found: Sequence[Reading]) -> Iterator[Comparison]:
    for reading in found:
        q = _sizes(reading)
        pi = moments.inclusion(reading.law)
        for unit, mean in enumerate(moments.mean_multipliers(reading.outcomes)):
            expected = pi[unit] / (q[unit] + Fraction(1, len(q)))
            witness = {**reading.inputs, "unit": unit}
            yield Comparison(expected=expected, measured=mean, tolerance=_ERROR * expected, witness=witness)


def _against_one(reading: Reading) -> Iterator[Comparison]:
    for unit, mean in enumerate(moments.mean_multipliers(reading.outcomes)):
        yield Comparison(
            expected=Fraction(1), measured=mean, tolerance=8 * _ERROR, witness={**reading.inputs, "unit": unit}
        )


def _sizes(reading: Reading) -> list[Fraction]:
    """The sizes as the design normalised them."""
    sizes = torch.tensor(reading.inputs["sizes"], dtype=torch.float64)
    words = torch.zeros(len(sizes), dtype=torch.int64)
    return fractions(Successive().select(sizes, reading.inputs["k"], words).q)


def _steps() -> Iterator[Comparison]:
    for seed, case in enumerate(random_instances(303, 12, fewest_units=3, most_units=8)):
        n, gradient = case.n, torch.tensor([float(value) for value in case.gradient], dtype=torch.float64)
        parameter = nn.Parameter(torch.zeros_like(gradient))
        parameter.grad = gradient.clone()
        generator = torch.Generator().manual_seed(seed)
        AMSSPlus({"audio": parameter}, keep=0.5, released=True, generator=generator).mask_gradients()
        sizes = square_sizes(case.gradient)
        for unit, masked in enumerate(exact(parameter.grad)):
            if case.gradient[unit] != 0 and masked != 0:
                expected = 1 / (sizes[unit] + Fraction(1, n))
                yield Comparison(
                    expected=expected,
                    measured=masked / case.gradient[unit],
                    tolerance=expected * (_ERROR + rounding.ROUNDING + 2 * rounding.sizes(n)),
                    witness={**case.inputs, "seed": seed, "unit": unit},
                )


def _shown(reading: Reading) -> list[float]:
    return [round(float(mean), 4) for mean in moments.mean_multipliers(reading.outcomes)]


CLAIM = Claim(
    id="released-weight-biased",
    statement=r"The released AMSS+ weight $1/(q_j + 1/n)$ under successive sampling has "
    r"$E[M_j] = \pi_j / (q_j + 1/n) \neq 1$: at $q = (.50, .20, .12, .09, .06, .03)$, $k = 3$ it is "
    r"$(1.397, 1.939, 1.805, 1.591, 1.255, .751)$, and with everything drawn it runs from $1.50$ to $5.08$.",
    kind=Kind.COUNTEREXAMPLE,
    source=Source(kind="released", reference=AMSS_CODE, place="AV:270, 303; NV:249"),
    assumptions=(),
    expected_status=Status.HOLDS,
    check=check,
)
