r"""For designs of fixed size the variance of a linear form is a sum of squares over pairs of units.

Setting
-------
C = M .* g with Horvitz-Thompson weights M_j = B_j / pi_j, a direction a, y_j = a_j g_j / pi_j.

Claim
-----
If every draw holds the same number of units, Var(a^T C) = sum_{i<j} (pi_i pi_j - pi_ij) (y_i - y_j)^2. For a design
whose size varies it is another number: under Poisson sampling the right side is 0.

Assumptions
-----------
pi_j > 0 wherever g_j != 0; a fixed size (for the equation).

How it is checked
-----------------
Proof: a fixed size k gives sum_j pi_ij = k pi_i and sum_j pi_j = k, so sum_j (pi_i pi_j - pi_ij) = 0 for every i.
Expand (y_i - y_j)^2: the squares cancel, and -sum_ij (pi_i pi_j - pi_ij) y_i y_j is the Horvitz-Thompson form.

The variance is summed outcome by outcome over the exact law with production's multipliers, all orders, against the
right side with the `joint_inclusion` of production; designs of varying size must depart from it.

Tolerance: that of the variance, twice `form_error`, and the same relative error e of pi_i pi_j and pi_ij in every pair:
e (pi_i pi_j + pi_ij) (|y_i| + |y_j|)^2.

What would refute it
--------------------
A design that calls its size fixed where it is not; joint inclusion that is not that of the draws.

Source
------
Sen, Journal of the Indian Society of Agricultural Statistics 5, 1953; Yates and Grundy, Journal of the Royal
Statistical Society B 15, 1953.
"""

from fractions import Fraction

from amss_min.testing import Evidence, Status
from theory import moments
from theory.assumptions import POSITIVE_INCLUSION, Assumption
from theory.comparison import Comparison, departure, equality
from theory.linear_forms import outer
from theory.linear_trials import LinearTrial, linear_trials, scope
from theory.sources import Source
from theory.verdict import Claim, Kind

_FIXED_SIZE = Assumption("fixed size", "every draw holds the same number of units")
_SOURCE = "rounding of weights and of pi_ij, pair by pair (theory/linear_forms.py)"


def check() -> list[Evidence]:
    """Equality for fixed sizes, departure for the others."""
    found = linear_trials(1953)
    fixed = [trial for trial in found if trial.design.fixed_size]
    random = [trial for trial in found if not trial.design.fixed_size and _uncertain(trial)]
    return [
        equality(
            [_case(trial) for trial in fixed],
            what="Var(a^T C) of designs of fixed size, less the sum over pairs, relative to E[(sum_j |a_j C_j|)^2]",
            tolerance_source=_SOURCE,
            scope=scope(fixed),
        ),
        departure(
            [_case(trial) for trial in random],
            what="Var(a^T C) of Poisson sampling, less the same sum, relative",
            tolerance_source=_SOURCE,
            scope=scope(random),
        ),
    ]


def _uncertain(trial: LinearTrial) -> bool:
    """Whether some unit with a gradient may stay out: else nothing varies."""
    return any(0 < trial.joint[unit][unit] < 1 and a != 0 for unit, a in enumerate(trial.scaled))


def _case(trial: LinearTrial) -> Comparison:
    form = outer(trial.coefficients)
    over_pairs = moments.sen_yates_grundy_variance(trial.joint, trial.scaled)
    realised = moments.linear_form_variance(trial.outcomes, trial.scaled)
    return trial.case(form, realised - over_pairs, 2 * trial.error + _pairs_error(trial) / trial.scale(form))


def _pairs_error(trial: LinearTrial) -> Fraction:
    joint = trial.joint
    live = [unit for unit in range(trial.instance.n) if joint[unit][unit] > 0]
    y = {unit: abs(trial.scaled[unit]) / joint[unit][unit] for unit in live}
    pairs = [(i, j) for i in live for j in live if i < j]
    terms = ((joint[i][i] * joint[j][j] + joint[i][j]) * (y[i] + y[j]) ** 2 for i, j in pairs)
    return trial.error * sum(terms, Fraction(0))


CLAIM = Claim(
    id="sen-yates-grundy",
    statement=r"For designs of fixed size $\mathrm{Var}(a^\top C) = \sum_{i<j} (\pi_i \pi_j - \pi_{ij}) "
    r"\left(\frac{a_i g_i}{\pi_i} - \frac{a_j g_j}{\pi_j}\right)^2$; for Poisson sampling the right side is $0$ and "
    r"the variance is not.",
    kind=Kind.IDENTITY,
    source=Source(
        kind="published",
        reference="Sen, Journal of the Indian Society of Agricultural Statistics 5, 1953; Yates and Grundy, Journal of "
        "the Royal Statistical Society B 15, 1953",
    ),
    assumptions=(POSITIVE_INCLUSION, _FIXED_SIZE),
    expected_status=Status.HOLDS,
    check=check,
)
