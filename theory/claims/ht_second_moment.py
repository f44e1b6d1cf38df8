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

Tolerance: a weight errs by 2^-50 relative (`theory.rounding.WEIGHT`), its square by 2 * 2^-50 + 2^-100. The
deviation moment sums p |M_j - 1|^2 g_j^2, which moves by at most that times (M_j^2 + M_j): twice the second moment.

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
from theory.comparison import Comparison, equality, relative
from theory.moments import Outcome
from theory.readings import exact
from theory.sources import HORVITZ_THOMPSON, Source
from theory.trials import DESIGNS, Trial, scope, trials
from theory.verdict import Claim, Kind

_SQUARE = rounding.squared(rounding.WEIGHT)


def check() -> list[Evidence]:
    """The second moment, the variance, and what production reports for it."""
    designs = [design for design in DESIGNS if not isinstance(design, TopK)]
    found = list(trials(HorvitzThompson(), seed=47, designs=designs))
    source = f"squares of {rounding.WEIGHT_SOURCE}"
    return [
        equality(_second_moments(found), what="E|C(g)|^2", tolerance_source=source, scope=scope(found)),
        equality(_deviations(found), what="E|C(g) - g|^2", tolerance_source=source, scope=scope(found)),
        equality(
            _reported(found),
            what="HorvitzThompson.second_moment, unit by unit",
            tolerance_source=source,
            scope=scope(found),
        ),
    ]


def _second_moments(found: Sequence[Trial]) -> Iterator[Comparison]:
    for trial in found:
        expected = moments.horvitz_thompson_second_moment(trial.pi, trial.instance.gradient)
        for reading in trial.readings:
            yield Comparison(
                expected=expected,
                measured=moments.second_moment(reading.outcomes, trial.instance.gradient),
                tolerance=relative(_SQUARE, expected),
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
            tolerance=relative(2 * _SQUARE, second_moment),
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
                tolerance=_SQUARE * expected,
                witness=trial.witness(trial.readings[0], unit=unit),
            )


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
