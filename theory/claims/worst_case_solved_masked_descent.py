r"""A solver finds the worst case of uniformly masked descent where the closed form puts it.

Setting
-------
That of worst-case-masked-descent with L = 1: uniform masks of k of n blocks, weights n / k, eta = k / n.

Claim
-----
The largest average of E |grad F(w_t)|^2 over t < T is (2 n / (k T)) (1 - (1 - k/n)^T).

Assumptions
-----------
Smoothness and boundedness on the whole space; fresh masks.

How it is checked
-----------------
PEPit's problem on the tree of all courses of the subsets: (n, k) = (2, 1) with T = 1 to 3, (3, 1) and (3, 2) with
T = 1 and 2, solved by CLARABEL.
A value agrees if it lies within 5e-5 max(1, value): the gap between primal and dual up to which CLARABEL accepts an
answer. A solver's number is no proof, so CONSISTENT is the most this claim can reach. Without the extra `worst-case` it
is INCONCLUSIVE, and says what to install.

What would refute it
--------------------
A worst case, computed by PEPit from interpolation conditions of its own, that lies above or below the closed
form.

Source
------
The closed forms are derived in worst_case_masked_descent.py. PEPit: Goujaud et al., arXiv 2201.04040.
"""

from functools import partial

from amss_min.testing import Evidence, Status
from theory.assumptions import BOUNDED_BELOW, FRESH_RANDOMNESS, SMOOTH
from theory.sources import Source
from theory.verdict import Claim, Kind
from theory.worst_case import closed_forms, solver
from theory.worst_case.evidence import Row, solved

SIZES = ((2, 1, 3), (3, 1, 2), (3, 2, 2))
"""n, k and the longest T."""


def check() -> list[Evidence]:
    """Every row of the table, solved and compared."""
    cells = [(steps, n, k) for n, k, longest in SIZES for steps in range(1, longest + 1)]
    return [
        solved(
            [
                Row(
                    f"n = {n}, k = {k}, T = {t}",
                    partial(solver.masked_average, t, n, k),
                    closed_forms.masked_average(t, n, k),
                )
                for t, n, k in cells
            ]
        )
    ]


CLAIM = Claim(
    id="worst-case-solved-masked-descent",
    statement=r"For uniform Horvitz-Thompson masks of $k$ of $n$ blocks, $\eta = k/(nL)$, $L = 1$ and a gap of 1, "
    r"PEPit's worst case of the average of $E\|\nabla F\|^2$ is $\frac{2n}{kT} (1 - (1 - k/n)^T)$.",
    kind=Kind.IDENTITY,
    source=Source(kind="derived", reference="closest: Goujaud et al., PEPit (arXiv 2201.04040)"),
    assumptions=(SMOOTH, BOUNDED_BELOW, FRESH_RANDOMNESS),
    expected_status=Status.CONSISTENT,
    check=check,
    extra=solver.EXTRA,
)
