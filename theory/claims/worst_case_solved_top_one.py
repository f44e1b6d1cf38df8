r"""A solver finds the worst case of top-1 selection of two blocks: the closed form for T <= 2, less beyond.

Setting
-------
That of worst-case-top-one with L = 1, two blocks, eta = 1.

Claim
-----
The largest average of |grad F(w_t)|^2 over t < T is (4 / T) (1 - 2^-T) for T = 1 and 2. For T = 3 and 4 it is 1.03588
and 0.78684, where the formula gives 7/6 and 15/16.

Assumptions
-----------
Smoothness and boundedness on the whole space; exact gradients.

How it is checked
-----------------
PEPit's problem for every course of the two blocks (up to their names), T = 1 to 4, solved by CLARABEL; the largest
value over the courses of a T is compared, for T = 3 and 4 with the bound that worst-case-top-one certifies.
A value agrees if it lies within 5e-5 max(1, value): the gap between primal and dual up to which CLARABEL accepts an
answer. A solver's number is no proof, so CONSISTENT is the most this claim can reach. Without the extra `worst-case` it
is INCONCLUSIVE, and says what to install.

What would refute it
--------------------
A worst case, computed by PEPit from interpolation conditions of its own, that lies above or below the value.

Source
------
The closed form and the certified bounds: worst_case_top_one.py. PEPit: Goujaud et al., arXiv 2201.04040.
"""

from fractions import Fraction
from functools import partial

from amss_min.testing import Evidence, Status
from theory.assumptions import BOUNDED_BELOW, SMOOTH
from theory.sources import Source
from theory.verdict import Claim, Kind
from theory.worst_case import closed_forms, problems, solver
from theory.worst_case.evidence import Row, solved

HORIZONS = (1, 2)
"""T at which the closed form is attained."""

BEYOND = {3: Fraction("1.035877"), 4: Fraction("0.786842")}
"""The value by T where it is below the closed form, rounded up."""


def check() -> list[Evidence]:
    """Every row of the table, solved and compared."""
    rows = [Row(f"T = {t}", partial(_largest, t), closed_forms.top_one_average(t, 2)) for t in HORIZONS]
    for t, value in BEYOND.items():
        rows.append(Row(f"T = {t}", partial(_largest, t), min(value, closed_forms.top_one_average(t, 2))))
    return [solved(rows)]


def _largest(steps: int) -> solver.Solved:
    """The largest value over all courses; a course that the solver gives up on speaks for all."""
    found = [solver.top_one_average(steps, 2, course) for course in problems.courses(steps, 2)]
    return next((one for one in found if not one.accepted), max(found, key=lambda one: one.value))


CLAIM = Claim(
    id="worst-case-solved-top-one",
    statement=r"For top-1 selection of two blocks with exact gradients, $\eta = 1/L$, $L = 1$ and a gap of 1, PEPit's "
    r"worst case is $\frac4T (1 - 2^{-T})$ for $T \leq 2$, and $1.03588$ and $0.78684$ for $T = 3$ and $T = 4$.",
    kind=Kind.IDENTITY,
    source=Source(kind="derived", reference="closest: Goujaud et al., PEPit (arXiv 2201.04040)"),
    assumptions=(SMOOTH, BOUNDED_BELOW),
    expected_status=Status.CONSISTENT,
    check=check,
    extra=solver.EXTRA,
)
