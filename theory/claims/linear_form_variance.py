r"""The variance of a linear form of the masked gradient, from the joint inclusion probabilities of the design.

Setting
-------
C = M .* g with Horvitz-Thompson weights M_j = B_j / pi_j, and a fixed direction a.

Claim
-----
Var(a^T C) = sum_ij a_i a_j g_i g_j (pi_ij / (pi_i pi_j) - 1), with the pi_ij that `joint_inclusion` states.

Assumptions
-----------
pi_j > 0 wherever g_j != 0.

How it is checked
-----------------
Proof: E[M_i M_j] = pi_ij / (pi_i pi_j) and E[M_j] = 1; expand the square.

The variance is summed outcome by outcome over the exact law, with the multipliers of production, for every design that
can draw every unit, designs in random order averaged over all orders; the right side takes `joint_inclusion` of
production. So it ties what a design states to what it draws.

Tolerance: every term of E[(a^T C)^2] errs by `theory.linear_forms.form_error` relative, the square of the mean by no
more.

What would refute it
--------------------
Joint inclusion probabilities that are not those of the draws; weights that are not their inverse.

Source
------
Horvitz and Thompson 1952.
"""

from amss_min.testing import Evidence, Status
from theory import moments
from theory.assumptions import POSITIVE_INCLUSION
from theory.comparison import Comparison, equality
from theory.linear_forms import outer
from theory.linear_trials import LinearTrial, linear_trials, scope
from theory.sources import HORVITZ_THOMPSON, Source
from theory.verdict import Claim, Kind


def check() -> list[Evidence]:
    """The variance against the formula."""
    found = linear_trials(1952)
    return [
        equality(
            [_case(trial) for trial in found],
            what="Var(a^T C) less the sum over pairs with joint_inclusion, relative to E[(sum_j |a_j C_j|)^2]",
            tolerance_source="rounding of weights and of pi_ij, term by term (theory/linear_forms.py)",
            scope=scope(found),
        )
    ]


def _case(trial: LinearTrial) -> Comparison:
    stated = moments.horvitz_thompson_variance(trial.joint, trial.scaled)
    realised = moments.linear_form_variance(trial.outcomes, trial.scaled)
    return trial.case(outer(trial.coefficients), realised - stated, 2 * trial.error)


CLAIM = Claim(
    id="linear-form-variance",
    statement=r"With Horvitz-Thompson weights, $\mathrm{Var}(a^\top C) = \sum_{ij} a_i a_j g_i g_j "
    r"\left(\frac{\pi_{ij}}{\pi_i \pi_j} - 1\right)$: directions, unlike the norm, depend on joint inclusion.",
    kind=Kind.IDENTITY,
    source=Source(kind="published", reference=HORVITZ_THOMPSON),
    assumptions=(POSITIVE_INCLUSION,),
    expected_status=Status.HOLDS,
    check=check,
)
