r"""A solver finds the worst case under relative bias where the closed form puts it.

Setting
-------
That of worst-case-biased-descent with L = 1, zeta = 0: |b|^2 <= m |grad F|^2, eta = 1.

Claim
-----
The largest average of |grad F(w_t)|^2 over t < T is (2 / (T (1 - m))) (1 - m^T).

Assumptions
-----------
Smoothness and boundedness on the whole space.

How it is checked
-----------------
PEPit's problem with m = 1/4 and T = 1, 2 and 4, solved by CLARABEL.
A value agrees if it lies within 5e-5 max(1, value): the gap between primal and dual up to which CLARABEL accepts an
answer. A solver's number is no proof, so CONSISTENT is the most this claim can reach. Without the extra `worst-case` it
is INCONCLUSIVE, and says what to install.

What would refute it
--------------------
A worst case, computed by PEPit from interpolation conditions of its own, that lies above or below the closed
form.

Source
------
The closed forms are derived in worst_case_biased_descent.py. PEPit: Goujaud et al., arXiv 2201.04040.
"""

from fractions import Fraction
from functools import partial

from amss_min.testing import Evidence, Status
from theory.assumptions import BOUNDED_BELOW, SMOOTH
from theory.sources import Source
from theory.verdict import Claim, Kind
from theory.worst_case import closed_forms, solver
from theory.worst_case.evidence import Row, solved

RELATIVE = Fraction(1, 4)
HORIZONS = (1, 2, 4)


def check() -> list[Evidence]:
    """Every row of the table, solved and compared."""
    return [
        solved(
            [
                Row(
                    f"m = {RELATIVE}, T = {t}",
                    partial(solver.biased_average, t, float(RELATIVE), 0.0),
                    closed_forms.biased_average(t, RELATIVE, Fraction(0)),
                )
                for t in HORIZONS
            ]
        )
    ]


CLAIM = Claim(
    id="worst-case-solved-relative-bias",
    statement=r"With $\|b\|^2 \leq m \|\nabla F\|^2$, $\eta = 1/L$, $L = 1$ and a gap of 1, PEPit's worst case of the "
    r"average of $\|\nabla F\|^2$ is $\frac{2}{T(1-m)} (1 - m^T)$.",
    kind=Kind.IDENTITY,
    source=Source(kind="derived", reference="closest: Goujaud et al., PEPit (arXiv 2201.04040)"),
    assumptions=(SMOOTH, BOUNDED_BELOW),
    expected_status=Status.CONSISTENT,
    check=check,
    extra=solver.EXTRA,
)
