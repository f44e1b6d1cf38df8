r"""R2: the released AMSS+ weight multiplies the gradient by about k/2.

Setting
-------
Multipliers M_j = B_j / (q_j + 1/n) for k units drawn of n by successive sampling, as in the released AMSS+.

Claim
-----
With equal sizes E[M_j] is exactly k/2 for every unit: 128 at n = 512, k = 256. With any sizes the average of the
M_j, weighted by (q_j + 1/n)/2, is exactly k/2 in every draw; these weights sum to 1. So a comparison of the released
AMSS+ with AMSS compares learning rates that differ by a factor that grows with the layer.

Assumptions
-----------
Every unit has positive size, and the draw holds exactly k units.

How it is checked
-----------------
Proof. Equal sizes: pi_j = k/n by exchange of units, and the weight is 1/(2/n) = n/2. Any sizes: sum over the units
drawn of (q_j + 1/n) M_j is their number, k; and sum_j (q_j + 1/n) = 2.

Production: equal sizes, n <= 7, exact law times multipliers; at n = 512, k = 256 every drawn unit has the float
256, and 256 of them are drawn, so that every average over units is 128 and, by exchange, every mean. Lognormal
sizes, n up to 512: the weighted average of each draw.

Tolerance: 1/n, sum and division in a weight round once each, 3 * 2^-53 < 2^-51 relative. In rationals the sizes of
production sum to 1 up to 2 (n + 8) 2^-53, which moves the weighted average by half of that.

The details give the plain mean of E[M_j] for lognormal sizes (n = 64, k = 32), with inclusion probabilities by
quadrature; they are context and carry no weight here.

What would refute it
--------------------
A weight of another scale, such as one divided by its mean.

Source
------
Released code of AMSS at commit 3161ecc, AMSS/train_test.py lines 270 and 303; the identities are derived here.
"""

from collections.abc import Iterator
from fractions import Fraction

import torch

from amss_min.designs import Successive
from amss_min.testing import Evidence, Status
from amss_min.weightings import ShiftedInverse
from theory import moments, rounding
from theory.comparison import Comparison, equality
from theory.readings import exact, fractions, readings
from theory.sources import AMSS_CODE, Source
from theory.verdict import Claim, Kind

_ERROR = 4 * rounding.ROUNDING
_ERROR_SOURCE = "1/n, sum and division in 1/(q_j + 1/n): 3 roundings of 2^-53, below 2^-51"
_SEEDS = 8


def check() -> list[Evidence]:
    """Equal sizes by enumeration and at n = 512, any sizes draw by draw."""
    return [
        equality(
            _equal_sizes(),
            what="E[M_j] with equal sizes, against k/2",
            tolerance_source=_ERROR_SOURCE,
            scope="all 1 <= k <= n <= 7; proof in the claim's file",
        ),
        equality(
            _large_layer(),
            what="sum of the M_j over units, against n k/2, and the weight of a unit, at n = 512, k = 256",
            scope=f"{_SEEDS} draws; every E[M_j] is then 128 by exchange of units",
        ),
        equality(
            _any_sizes(),
            what="average of the M_j weighted by (q_j + 1/n)/2, against k/2",
            tolerance_source=f"{_ERROR_SOURCE}; sum of the sizes (theory/rounding.py)",
            scope=f"lognormal sizes, n = 8 to 512, {_SEEDS} draws each; proof in the claim's file",
            details={"plain mean of E[M_j] by quadrature (lognormal, n = 64, k = 32)": _plain_mean()},
        ),
    ]


def _equal_sizes() -> Iterator[Comparison]:
    for n in range(1, 8):
        for k in range(1, n + 1):
            for reading in readings(Successive(), ShiftedInverse(), torch.ones(n, dtype=torch.float64), k):
                for unit, mean in enumerate(moments.mean_multipliers(reading.outcomes)):
                    expected = Fraction(k, 2)
                    witness = {**reading.inputs, "unit": unit}
                    yield Comparison(expected=expected, measured=mean, tolerance=_ERROR * expected, witness=witness)


def _large_layer() -> Iterator[Comparison]:
    n, k = 512, 256
    for seed in range(_SEEDS):
        draw = Successive().sample(torch.ones(n), k, generator=torch.Generator().manual_seed(seed))
        multipliers = exact(ShiftedInverse()(draw))
        witness = {"n": n, "k": k, "sizes": "equal", "seed": seed}
        yield Comparison(expected=Fraction(n * k, 2), measured=_total(multipliers), witness=witness)
        yield Comparison(expected=Fraction(n, 2), measured=max(multipliers), witness=witness)


def _any_sizes() -> Iterator[Comparison]:
    for n in (8, 64, 512):
        for seed in range(_SEEDS):
            generator = torch.Generator().manual_seed(seed)
            sizes, k = _lognormal(n, generator), n // 2
            draw = Successive().sample(sizes, k, generator=generator)
            pairs = zip(fractions(draw.q), exact(ShiftedInverse()(draw)), strict=True)
            expected = Fraction(k, 2)
            yield Comparison(
                expected=expected,
                measured=_total([(q + Fraction(1, n)) / 2 * multiplier for q, multiplier in pairs]),
                tolerance=expected * (_ERROR + rounding.sizes(n) / 2),
                witness={"n": n, "k": k, "sizes": "exp of standard normals", "seed": seed},
            )


def _plain_mean() -> float:
    sizes = _lognormal(64, torch.Generator().manual_seed(0))
    q = sizes / sizes.sum()
    return round(float((Successive().inclusion(q, 32) / (q + 1 / 64)).mean()), 2)


def _lognormal(n: int, generator: torch.Generator) -> torch.Tensor:
    return torch.randn(n, generator=generator, dtype=torch.float64).exp()


def _total(values: list[moments.Number]) -> moments.Number:
    total: moments.Number = Fraction(0)
    for value in values:
        total = total + value
    return total


CLAIM = Claim(
    id="released-weight-scale",
    statement=r"The released AMSS+ weight $1/(q_j + 1/n)$ scales the gradient by $k/2$: with equal sizes "
    r"$E[M_j] = k/2$ exactly (128 at $n = 512$, $k = 256$), and with any sizes $\sum_j \frac{q_j + 1/n}{2} M_j = k/2$ "
    r"in every draw, an average with weights that sum to 1.",
    kind=Kind.COUNTEREXAMPLE,
    source=Source(kind="released", reference=AMSS_CODE, place="AV:270, 303; NV:249"),
    assumptions=(),
    expected_status=Status.HOLDS,
    check=check,
)
