r"""Horvitz-Thompson weights make every design unbiased.

Setting
-------
n units with gradient blocks g_j; a design draws a set, B_j = 1 if unit j is in it, pi_j = P(B_j = 1). The
masked gradient has blocks M_j g_j with M_j = B_j / pi_j.

Claim
-----
E[M_j] = 1 wherever pi_j > 0, hence E[M .* g] = g if pi_j > 0 wherever g_j != 0. It holds for every design of
amss_min with exact probabilities as it is coded (successive sampling up to n = 8: beyond, its pi comes from a
quadrature): the realised inclusion probabilities are those that the weights divide by, positive wherever the size
is (top-k excepted), and a design of fixed size draws exactly min(k, n_plus) units. Systematic and Poisson sampling
realise pi_j to the last bit; pivotal sampling rounds the probability of every duel to a multiple of 2^-62, and
conditional Poisson and Sampford sampling that of every decision in float64.

Assumptions
-----------
pi_j > 0 wherever g_j != 0. Random words are uniform. Successive sampling: clocks are continuous; it is tried
for sizes within a factor 2^30, which 53-bit clocks can order.

How it is checked
-----------------
Proof: E[B_j] = pi_j. What needs checking is that production divides by its own pi_j. The law over subsets
comes from `theory.enumeration`, `theory.pivotal_laws` and `theory.product_laws` in rationals; `select` is called with
words at both ends of every piece on which the mask is constant (systematic: the cut points of the start, in every
order; pivotal: both sides of the threshold of every duel, on every course of the duels; Poisson: the threshold of
every unit; conditional Poisson and Sampford: the threshold of every decision, as near as its derived error allows;
the others: words in every relevant rank). Fraction law times Fraction of the weight is summed.
Successive sampling by clocks has the law of the subset recursion by the exponential race: the first of several
exponential clocks to ring is unit j with probability q_j / q(left), and the rest start afresh.

Sizes of successive sampling are those that the design normalised. Systematic sampling has at most n + 1 pieces, so it
is also summed exactly at n = 60 to 90.

The error of 1 / pi_j is at most 2^-50 (`theory.rounding.WEIGHT`), n 2^-50 for the sum over units. Designs with
rounded thresholds realise pi_j up to an absolute error d (`theory.readings.inclusion_error`: at most n 2^-62, and in
float64 some 8 n^2 roundings of pi_j), so E[M_j] moves by d / (pi_j - d) more. They are reported apart, and the error
printed is that of the smallest pi_j, 2^-40.
The realised pi_j of the designs that aim at fixed point lie within 1.01 n 2^-40 of exact water-filling
(`theory.rounding.grid`), and d; conditional Poisson sampling solves for them to 2^-48 (n + 1) relative.

What would refute it
--------------------
A weight that is not the reciprocal of the realised inclusion probability, such as 1 / (k q_j); a start that is
compared the wrong way round; integers that do not sum to k 2^40.

Source
------
Horvitz and Thompson 1952; systematic sampling, Madow 1949; the exponential race, Efraimidis and Spirakis 2006.
"""

import random
from collections.abc import Iterator, Sequence
from fractions import Fraction

from amss_min.designs import Systematic
from amss_min.designs.conditional_poisson import ConditionalPoisson
from amss_min.designs.fixed_point import FixedPointDesign
from amss_min.importance import SquaredGradient
from amss_min.testing import Evidence, Status
from amss_min.weightings import HorvitzThompson
from theory import moments, rounding
from theory.assumptions import POSITIVE_INCLUSION, UNIFORM_WORDS
from theory.comparison import Comparison, dominance, equality
from theory.instances import random_instances
from theory.readings import exact, fractions, readings
from theory.sources import HORVITZ_THOMPSON, Source
from theory.trials import Trial, by_exactness, scope, trials
from theory.verdict import Claim, Kind
from theory.water_filling import water_filled


def check() -> list[Evidence]:
    """Masks, means, inclusion probabilities, sizes, and distance from the water-filled target."""
    found = list(trials(HorvitzThompson(), seed=1952))
    where = scope(found)
    exactly, nearly = by_exactness(found)
    up_to = ", of designs with rounded thresholds"
    grid = [trial for trial in found if isinstance(trial.design, FixedPointDesign | ConditionalPoisson)]
    words = sum(reading.probes for trial in found for reading in trial.readings)
    return [
        equality(
            _means(exactly),
            what="E[M_j] g_j, unit by unit (relative to g_j)",
            tolerance_source=f"{rounding.WEIGHT_SOURCE}; n 2^-50 for the sum over units",
            scope=scope(exactly),
        ),
        equality(
            _means(nearly),
            what=f"E[M_j] g_j, unit by unit (relative to g_j){up_to}",
            tolerance_source="d / (pi_j - d), d from theory.readings.inclusion_error; n 2^-50 for the sum over units",
            scope=scope(nearly),
        ),
        equality(
            _large(1949),
            what="E[M_j] g_j of systematic sampling with many units (relative to g_j)",
            tolerance_source=f"{rounding.WEIGHT_SOURCE}; n 2^-50 for the sum over units",
            scope="n = 60 to 90, 3 instances, fixed order and a random one",
        ),
        equality(
            _masks(found),
            what="draws of production select that differ from the definition of the design",
            scope=f"{words} words at the ends of all pieces",
        ),
        equality(
            _inclusions(exactly),
            what="inclusion(), against the exact law (relative; exact in fixed point)",
            tolerance_source=rounding.WEIGHT_SOURCE,
            scope=scope(exactly),
        ),
        equality(
            _inclusions(nearly),
            what=f"inclusion(), against the exact law{up_to}",
            tolerance_source="d from theory.readings.inclusion_error",
            scope=scope(nearly),
        ),
        equality(_counts(found), what="units in every draw of a fixed-size design, and units never drawn", scope=where),
        dominance(
            _distances(grid),
            what="distance of the realised pi_j from the water-filled sizes",
            tolerance_source="d from theory.readings.inclusion_error; 2^-48 (n + 1) pi_j of conditional Poisson",
            scope=scope(grid),
        ),
    ]


def _means(found: Sequence[Trial]) -> Iterator[Comparison]:
    for trial in found:
        for reading in trial.readings:
            for unit, mean in enumerate(moments.mean_multipliers(reading.outcomes)):
                g = trial.instance.gradient[unit]
                yield Comparison(
                    expected=Fraction(reading.pi[unit] > 0) * (g != 0),
                    measured=mean * (g != 0),
                    tolerance=trial.instance.n * rounding.WEIGHT + trial.relative_error(reading.pi[unit]),
                    witness=trial.witness(reading, unit=unit),
                )


def _large(seed: int) -> Iterator[Comparison]:
    for case in random_instances(seed, 3, fewest_units=60, most_units=90):
        order = random.Random(case.n).sample(range(case.n), case.n)
        for design in (Systematic(), Systematic(random_order=False)):
            sizes = SquaredGradient(mix=0.5)(case.norms)
            (reading,) = readings(design, HorvitzThompson(), sizes, case.k, [order])
            yield Comparison(
                expected=Fraction(0), measured=Fraction(len(reading.wrong)), witness={**case.inputs, **reading.inputs}
            )
            for unit, mean in enumerate(moments.mean_multipliers(reading.outcomes)):
                yield Comparison(
                    expected=Fraction(case.gradient[unit] != 0),
                    measured=mean,
                    tolerance=case.n * rounding.WEIGHT,
                    witness={**case.inputs, **reading.inputs, "unit": unit},
                )


def _masks(found: Sequence[Trial]) -> Iterator[Comparison]:
    for trial in found:
        for reading in trial.readings:
            first = {"draw": reading.wrong[0]} if reading.wrong else {}
            measured = Fraction(len(reading.wrong))
            yield Comparison(expected=Fraction(0), measured=measured, witness=trial.witness(reading, **first))


def _inclusions(found: Sequence[Trial]) -> Iterator[Comparison]:
    for trial in found:
        reported = exact(trial.design.inclusion(trial.sizes, trial.instance.k))
        for reading in trial.readings:
            for unit, pi in enumerate(reading.pi):
                exactly_given = isinstance(trial.design, FixedPointDesign | ConditionalPoisson)
                yield Comparison(
                    expected=pi,
                    measured=reported[unit],
                    tolerance=trial.error(pi) if exactly_given else rounding.WEIGHT * pi,
                    witness=trial.witness(reading, unit=unit),
                )


def _counts(found: Sequence[Trial]) -> Iterator[Comparison]:
    for trial in found:
        sizes = trial.sizes.tolist()
        count = min(trial.instance.k, sum(size > 0 for size in sizes))
        for reading in trial.readings:
            witness = trial.witness(reading)
            if trial.design.fixed_size:
                for mask in reading.law:
                    yield Comparison(expected=Fraction(count), measured=Fraction(sum(mask)), witness=witness)
            if trial.design.positive:
                never = sum((pi > 0) != (size > 0) for pi, size in zip(trial.pi, sizes, strict=True))
                yield Comparison(expected=Fraction(0), measured=Fraction(never), witness=witness)


def _distances(found: Sequence[Trial]) -> Iterator[Comparison]:
    for trial in found:
        n = trial.instance.n
        solved = Fraction(n + 1, 2**48) if isinstance(trial.design, ConditionalPoisson) else Fraction(0)
        target = water_filled(fractions(trial.sizes), trial.instance.k)
        for unit, (pi, wanted) in enumerate(zip(trial.pi, target, strict=True)):
            yield Comparison(
                expected=rounding.grid(n),
                measured=abs(pi - wanted),
                tolerance=trial.error(pi) + solved * pi,
                witness=trial.witness(trial.readings[0], unit=unit),
            )


CLAIM = Claim(
    id="ht-unbiased",
    statement=r"Horvitz-Thompson weights $M_j = B_j / \pi_j$ satisfy $E[M_j] = 1$ wherever $\pi_j > 0$, so that "
    r"$E[M \odot g \mid g] = g$, for every design with exact probabilities: systematic (fixed and "
    r"random order), pivotal (random and fixed order, tree), conditional Poisson, Sampford, Poisson, simple random, "
    r"successive (up to $n = 8$, where its $\pi$ is rational); and for top-$k$ on the units it draws. Designs of fixed "
    r"size draw exactly $\min(k, n_+)$ units.",
    kind=Kind.IDENTITY,
    source=Source(kind="published", reference=HORVITZ_THOMPSON),
    assumptions=(POSITIVE_INCLUSION, UNIFORM_WORDS),
    expected_status=Status.HOLDS,
    check=check,
)
