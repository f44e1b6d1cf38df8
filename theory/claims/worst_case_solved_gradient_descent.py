r"""A solver finds the worst cases of gradient descent where the closed forms put them.

Setting
-------
That of worst-case-gradient-descent with L = 1: eta = 1, N steps, three criteria.

Claim
-----
The largest min_{t<=N} |grad F(w_t)|^2 is 4 / (3 N) where F(w_0) - F(w_N) <= 1 and 4 / (3 N + 2) where
F(w_0) - F* <= 1; the largest average over t < T is 2 / T.

Assumptions
-----------
Smoothness and boundedness on the whole space.

How it is checked
-----------------
PEPit's problem for each criterion with N, T = 1 to 4, solved by CLARABEL.
A value agrees if it lies within 5e-5 max(1, value): the gap between primal and dual up to which CLARABEL accepts an
answer. A solver's number is no proof, so CONSISTENT is the most this claim can reach. Without the extra `worst-case` it
is INCONCLUSIVE, and says what to install.

What would refute it
--------------------
A worst case, computed by PEPit from interpolation conditions of its own, that lies above or below the closed
form.

Source
------
The closed forms are derived in worst_case_gradient_descent.py. PEPit: Goujaud et al., arXiv 2201.04040.
"""

from functools import partial

from amss_min.testing import Evidence, Status
from theory.assumptions import BOUNDED_BELOW, SMOOTH
from theory.sources import Source
from theory.verdict import Claim, Kind
from theory.worst_case import closed_forms, solver
from theory.worst_case.evidence import Row, solved

HORIZONS = (1, 2, 3, 4)


def check() -> list[Evidence]:
    """Every row of the table, solved and compared."""
    rows = []
    for n in HORIZONS:
        rows += [
            Row(
                f"smallest from F(w_0) - F(w_N), N = {n}",
                partial(solver.gradient_descent_smallest, n, drop=True),
                closed_forms.smallest_from_drop(n),
            ),
            Row(
                f"smallest from F(w_0) - F*, N = {n}",
                partial(solver.gradient_descent_smallest, n, drop=False),
                closed_forms.smallest_from_gap(n),
            ),
            Row(f"average, T = {n}", partial(solver.masked_average, n, 1, 1), closed_forms.masked_average(n, 1, 1)),
        ]
    return [solved(rows)]


CLAIM = Claim(
    id="worst-case-solved-gradient-descent",
    statement=r"For gradient descent with $\eta = 1/L$, $L = 1$ and a gap of 1, PEPit's worst cases are $4/(3N)$, "
    r"$4/(3N+2)$ and, for the average of the gradients used, $2/T$.",
    kind=Kind.IDENTITY,
    source=Source(kind="derived", reference="closest: Goujaud et al., PEPit (arXiv 2201.04040)"),
    assumptions=(SMOOTH, BOUNDED_BELOW),
    expected_status=Status.CONSISTENT,
    check=check,
    extra=solver.EXTRA,
)
