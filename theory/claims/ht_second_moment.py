r"""The second moment of a Horvitz-Thompson masked gradient is sum |g_j|^2 / pi_j.

Setting
-------
C(g) = M .* g with M_j = B_j / pi_j, for a design with inclusion probabilities pi_j > 0 wherever g_j != 0.

Claim
-----
E|C(g)|^2 = sum_j |g_j|^2 / pi_j, and E|C(g) - g|^2 = sum_j |g_j|^2 (1 / pi_j - 1).

Assumptions
-----------
pi_j > 0 wherever g_j != 0.

How it is checked
-----------------
Proof: M_j^2 = B_j / pi_j^2 and E[B_j] = pi_j; no joint inclusion enters, since the norm has no cross terms.
Both moments are summed over the exact law with the production multipliers, set by set, in rationals, and
compared with the closed form at the exact inclusion probabilities; so is `HorvitzThompson.second_moment`, which
the report of a step is made from. Designs that leave out units with a gradient (top-k) are not in the claim.

Tolerance: a weight errs by e = 2^-50 relative (`theory.rounding.WEIGHT`), its square by 2 e + e^2. Where the words
of a design with rounded thresholds realise pi_j up to an absolute error d (`theory.readings.inclusion_error`), the
weight is 1 / pi_j up to d / (pi_j - d) more, which is added to e; these designs are reported apart. The deviation
moment sums p |M_j - 1|^2 g_j^2, which moves by at most that times (M_j^2 + M_j): twice the second moment.

What would refute it
--------------------
Weights with the right mean and another spread, or a closed form that is not that of the weights.

Source
------
Horvitz and Thompson 1952.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from amss_min.designs import TopK
from amss_min.testing import Evidence, Status
from amss_min.weightings import HorvitzThompson
from theory import moments, rounding
from theory.assumptions import POSITIVE_INCLUSION
from theory.comparison import Comparison, equality
from theory.moments import Outcome
from theory.readings import Reading, exact
from theory.sources import HORVITZ_THOMPSON, Source
from theory.trials import DESIGNS, Trial, by_exactness, scope, trials
from theory.verdict import Claim, Kind


def check() -> list[Evidence]:
    """The second moment, the variance, and what production reports for it."""
    designs = [design for design in DESIGNS if not isinstance(design, TopK)]
    found = list(trials(HorvitzThompson(), seed=47, designs=designs))
    exactly, nearly = by_exactness(found)
    source = f"squares of {rounding.WEIGHT_SOURCE}"
    return [
        *_judged(exactly, "", source),
        *_judged(nearly, ", of designs with rounded thresholds", f"{source}, and of d / (pi_j - d)"),
    ]


def _judged(found: Sequence[Trial], whose: str, source: str) -> list[Evidence]:
    reported = "HorvitzThompson.second_moment, unit by unit"
    return [
        equality(_second_moments(found), what=f"E|C(g)|^2{whose}", tolerance_source=source, scope=scope(found)),
        equality(_deviations(found), what=f"E|C(g) - g|^2{whose}", tolerance_source=source, scope=scope(found)),
        equality(_reported(found), what=f"{reported}{whose}", tolerance_source=source, scope=scope(found)),
    ]


def _second_moments(found: Sequence[Trial]) -> Iterator[Comparison]:
    for trial in found:
        for reading in trial.readings:
            yield Comparison(
                expected=moments.horvitz_thompson_second_moment(reading.pi, trial.instance.gradient),
                measured=moments.second_moment(reading.outcomes, trial.instance.gradient),
                tolerance=_error(trial, reading),
                witness=trial.witness(reading),
            )


def _deviations(found: Sequence[Trial]) -> Iterator[Comparison]:
    for trial in found:
        gradient = trial.instance.gradient
        energy = sum((g * g for g in gradient), Fraction(0))
        second_moment = moments.horvitz_thompson_second_moment(trial.pi, gradient)
        reading = trial.readings[0]
        yield Comparison(
            expected=second_moment - energy,
            measured=moments.second_moment(_less_one(reading.outcomes), gradient),
            tolerance=2 * _error(trial, reading),
            witness=trial.witness(reading),
        )


def _reported(found: Sequence[Trial]) -> Iterator[Comparison]:
    for trial in found:
        draw = trial.draw
        reported = exact(HorvitzThompson().second_moment(draw))
        for unit, pi in enumerate(trial.pi):
            expected = 1 / pi if pi > 0 else Fraction(0)
            yield Comparison(
                expected=expected,
                measured=reported[unit],
                tolerance=_square(trial, pi) * expected,
                witness=trial.witness(trial.readings[0], unit=unit),
            )


def _square(trial: Trial, pi: Fraction) -> Fraction:
    """The relative error of M_j^2."""
    return rounding.squared(rounding.WEIGHT + trial.relative_error(pi))


def _error(trial: Trial, reading: Reading) -> Fraction:
    """The error of sum g_j^2 / pi_j, over the units with a gradient (and pi_j > 0: beyond that it is infinite)."""
    units = zip(reading.pi, trial.instance.gradient, strict=True)
    return sum((_square(trial, pi) * g * g / pi for pi, g in units if g != 0 and pi > 0), Fraction(0))


def _less_one(outcomes: Sequence[Outcome]) -> list[Outcome]:
    return [(probability, [m - 1 for m in multipliers]) for probability, multipliers in outcomes]


CLAIM = Claim(
    id="ht-second-moment",
    statement=r"With Horvitz-Thompson weights, $E\|M \odot g\|^2 = \sum_j \|g_j\|^2 / \pi_j$ and "
    r"$E\|M \odot g - g\|^2 = \sum_j \|g_j\|^2 (1/\pi_j - 1)$, whatever the joint inclusion probabilities.",
    kind=Kind.IDENTITY,
    source=Source(kind="published", reference=HORVITZ_THOMPSON),
    assumptions=(POSITIVE_INCLUSION,),
    expected_status=Status.HOLDS,
    check=check,
)
