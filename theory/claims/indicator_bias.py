r"""The 0/1 mask is biased: unit j keeps the fraction pi_j of its gradient.

Setting
-------
n units with gradient blocks g_j, a design with inclusion probabilities pi_j, and the indicator mask M_j = B_j,
as in AMSS.

Claim
-----
E[M_j] = pi_j exactly, so the expected masked gradient is pi_j g_j and its bias is -(1 - pi_j) g_j, which is not
zero wherever pi_j < 1 and g_j != 0.

Assumptions
-----------
Random words are uniform, given the gradient.

How it is checked
-----------------
Exact rational arithmetic, no tolerance: the law of every design over subsets (`theory.readings`) times the
production multipliers, equal to the inclusion probabilities of the law; and different from 1 wherever pi_j < 1.
`AMSS` itself, with its defaults, is then run over seeds: every unit comes out as g_j or as 0, bit for bit, and
as many as k = ceil(rho n) of them are kept.

What would refute it
--------------------
An indicator that is rescaled, or that leaks gradient into units that were not drawn.

Source
------
The mask of AMSS, as described in arXiv 2404.08347; the expectation is one line.
"""

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction

import torch
from torch import nn

from amss_min.amss import AMSS
from amss_min.testing import Evidence, Status
from amss_min.weightings import Indicator
from theory import moments
from theory.assumptions import FRESH_RANDOMNESS
from theory.comparison import Comparison, departure, equality
from theory.instances import random_instances
from theory.sources import AMSS_PAPER, Source
from theory.trials import Trial, scope, trials
from theory.verdict import Claim, Kind

_KEEPS = (0.25, 0.5, 0.7)


def check() -> list[Evidence]:
    """The mean of the indicator, its distance from 1, and what AMSS leaves of a gradient."""
    found = list(trials(Indicator(), seed=2404))
    steps = list(_steps())
    return [
        equality(_means(found), what="E[M_j] of the indicator, against pi_j", scope=scope(found)),
        departure(_biased(found), what="E[M_j] wherever pi_j < 1, against 1", scope=scope(found)),
        equality(
            steps,
            what="units that AMSS leaves as g_j (k of them, the others 0), with its defaults",
            scope=f"{len(steps)} masked steps of AMSS",
        ),
    ]


def _means(found: Sequence[Trial]) -> Iterator[Comparison]:
    for trial in found:
        for reading in trial.readings:
            for unit, mean in enumerate(moments.mean_multipliers(reading.outcomes)):
                yield Comparison(expected=reading.pi[unit], measured=mean, witness=trial.witness(reading, unit=unit))


def _biased(found: Sequence[Trial]) -> Iterator[Comparison]:
    for trial in found:
        for reading in trial.readings:
            for unit, mean in enumerate(moments.mean_multipliers(reading.outcomes)):
                if trial.pi[unit] < 1 and trial.instance.gradient[unit] != 0:
                    yield Comparison(expected=Fraction(1), measured=mean, witness=trial.witness(reading, unit=unit))


def _steps() -> Iterator[Comparison]:
    for seed, instance in enumerate(random_instances(270, 12, fewest_units=4, most_units=8)):
        gradient = torch.tensor([float(value) for value in instance.gradient], dtype=torch.float64)
        keep = _KEEPS[seed % len(_KEEPS)]
        parameter = nn.Parameter(torch.zeros_like(gradient))
        parameter.grad = gradient.clone()
        AMSS({"audio": parameter}, keep=keep, generator=torch.Generator().manual_seed(seed)).mask_gradients()
        kept = int(((parameter.grad == gradient) & (gradient != 0)).sum())
        zero = int(((parameter.grad == 0) & (gradient != 0)).sum())
        count = min(math.ceil(Fraction(keep) * instance.n - Fraction(1, 10**6)), instance.positive)
        witness = {**instance.inputs, "keep": keep, "seed": seed, "masked": parameter.grad.tolist()}
        yield Comparison(expected=Fraction(count), measured=Fraction(kept), witness=witness)
        yield Comparison(expected=Fraction(instance.positive - count), measured=Fraction(zero), witness=witness)


CLAIM = Claim(
    id="indicator-bias",
    statement=r"The $0/1$ mask of AMSS has $E[M_j] = \pi_j$ exactly: the expected masked gradient is $\pi_j g_j$, and "
    r"its bias $-(1 - \pi_j)\, g_j$ vanishes only where $\pi_j = 1$ or $g_j = 0$.",
    kind=Kind.IDENTITY,
    source=Source(kind="derived", reference=AMSS_PAPER),
    assumptions=(FRESH_RANDOMNESS,),
    expected_status=Status.HOLDS,
    check=check,
)
