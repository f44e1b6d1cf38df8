r"""The mean of a quadratic form of the masked gradient, off the diagonal too.

Setting
-------
C = M .* g with Horvitz-Thompson weights M_j = B_j / pi_j, and a symmetric matrix H.

Claim
-----
E[C^T H C] = sum_ij H_ij g_i g_j pi_ij / (pi_i pi_j). So the second-order term of a step on a quadratic objective with
Hessian H depends on the joint inclusion probabilities, unless H is diagonal.

Assumptions
-----------
pi_j > 0 wherever g_j != 0.

How it is checked
-----------------
Proof: E[M_i M_j] = pi_ij / (pi_i pi_j), which on the diagonal is 1 / pi_j.

Summed outcome by outcome over the exact law with the multipliers of production, all orders, against the right side with
production's `joint_inclusion`. For the diagonal of H alone, designs with the same pi_j give the same number; with all
of H, systematic sampling in a fixed order and Poisson sampling differ.

Tolerance: every term errs by `theory.linear_forms.form_error` relative.

What would refute it
--------------------
Joint inclusion probabilities that are not those of the draws; weights that are not their inverse.

Source
------
One line from Horvitz and Thompson 1952.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

from amss_min.designs import Poisson, Systematic
from amss_min.testing import Evidence, Status
from theory.assumptions import POSITIVE_INCLUSION
from theory.comparison import Comparison, departure, equality
from theory.linear_forms import quadratic_form_mean, realised_quadratic_form
from theory.linear_trials import LinearTrial, linear_trials, scope
from theory.sources import HORVITZ_THOMPSON, Source
from theory.verdict import Claim, Kind

_SOURCE = "rounding of weights and of pi_ij, term by term (theory/linear_forms.py)"


def check() -> list[Evidence]:
    """The formula, and two designs with the same pi_j on the diagonal of H and on all of it."""
    found = linear_trials(9)
    pairs = _pairs()
    diagonals = [(_diagonal(one), _diagonal(other)) for one, other in pairs]
    reached = f"{len(pairs)} instances, n <= 4"
    return [
        equality(
            [_case(trial) for trial in found],
            what="E[C^T H C] less the sum with joint_inclusion, relative to E[|C|^T |H| |C|]",
            tolerance_source=_SOURCE,
            scope=scope(found),
        ),
        equality(_between(diagonals), what="E[C^T diag(H) C]: systematic less Poisson", scope=reached),
        departure(
            _between([pairs[0]]),
            what="E[C^T H C]: systematic less Poisson",
            scope="one instance",
        ),
    ]


def _pairs() -> list[tuple[LinearTrial, LinearTrial]]:
    """The same instances under systematic sampling in a fixed order and under Poisson sampling, nothing certain."""
    systematic = linear_trials(9, designs=[Systematic(random_order=False)])
    poisson = linear_trials(9, designs=[Poisson()])
    pairs = zip(systematic, poisson, strict=True)
    return [pair for pair in pairs if all(pair[0].joint[unit][unit] < 1 for unit in range(pair[0].instance.n))]


def _diagonal(trial: LinearTrial) -> LinearTrial:
    form = [[value if i == j else Fraction(0) for j, value in enumerate(row)] for i, row in enumerate(trial.form)]
    return replace(trial, form=form)


def _case(trial: LinearTrial) -> Comparison:
    stated = quadratic_form_mean(trial.joint, trial.form, trial.gradient)
    realised = realised_quadratic_form(trial.outcomes, trial.form, trial.gradient)
    return trial.case(trial.form, realised - stated, trial.error)


def _between(pairs: Sequence[tuple[LinearTrial, LinearTrial]]) -> Iterator[Comparison]:
    for one, other in pairs:
        first, second = (realised_quadratic_form(x.outcomes, x.form, x.gradient) for x in (one, other))
        yield Comparison(expected=Fraction(0), measured=first - second, witness=one.witness)


CLAIM = Claim(
    id="quadratic-form",
    statement=r"With Horvitz-Thompson weights, $E[C^\top H C] = \sum_{ij} H_{ij} g_i g_j \frac{\pi_{ij}}{\pi_i \pi_j}$"
    r": the curvature term of a step depends on the design through $\pi_{ij}$ unless $H$ is diagonal.",
    kind=Kind.IDENTITY,
    source=Source(kind="derived", reference=HORVITZ_THOMPSON),
    assumptions=(POSITIVE_INCLUSION,),
    expected_status=Status.HOLDS,
    check=check,
)
