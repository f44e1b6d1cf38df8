r"""Descent on the largest block alone: a worst-case bound, where it is attained and where it is not.

Setting
-------
F is L-smooth with F >= F*, n blocks, exact gradients. A step moves the block with the largest gradient (any, at a tie)
by -1/L times its gradient: top-1 selection without weights.

Claim
-----
For every T and n, with Delta = F(w_0) - F*,

    (1/T) sum_{t<T} |grad F(w_t)|^2 <= (2 n L Delta / T) (1 - (1 - 1/n)^T) < 2 n L Delta / T.

It is attained for T <= 2, by F = L |w|^2 / 2 from equal coordinates. For n = 2 it is not attained at T = 3 and T = 4:
there the average is at most 1.035877 L Delta and 0.786842 L Delta, where the formula gives 7/6 and 15/16.

Proof, for L = 1. The largest of n blocks has at least 1/n of the energy a_t = |grad F(w_t)|^2, so smoothness gives
delta_{t+1} <= delta_t - a_t / (2 n), and a_t <= 2 delta_t, delta_t = F(w_t) - F*: the recursion of
worst-case-masked-descent with h = 1/n. On the quadratic a_0 = n, a_1 = n - 1 and Delta = n / 2, which is equality for
T <= 2. The values at T = 3 and T = 4 are certified: a solver's multipliers for every course of the two blocks,
rounded to rationals, prove a bound 1e-6 above the solver's value (theory.worst_case.rounded).

Assumptions
-----------
Smoothness and boundedness on the whole space; exact gradients; blocks orthogonal.

How it is checked
-----------------
In rationals: the multipliers of the proof for every course of the blocks (up to their names), n = 2 with T up to 4 and
n = 3 with T up to 3; the quadratic; the recorded multipliers for every course of two blocks at T = 3 and T = 4, whose
largest bound is compared with the formula.

What would refute it
--------------------
Another multiplier or constant; a recorded certificate with an objection; a course without one.

Source
------
Derived above; for T = 1 and 2 the value was seen by solving the performance estimation problem, as in PEPit
(arXiv 2201.04040).
"""

from fractions import Fraction

from amss_min.testing import Evidence, Status
from theory.assumptions import BOUNDED_BELOW, SMOOTH
from theory.comparison import Comparison, dominance, equality
from theory.sources import Source
from theory.verdict import Claim, Kind
from theory.worst_case import attained, closed_forms, multipliers, problems
from theory.worst_case.evidence import proved
from theory.worst_case.rounded import recorded

LONGEST = {2: 4, 3: 3}
"""The longest T, by the number of blocks."""

CERTIFIED = {3: Fraction("1.035877"), 4: Fraction("0.786842")}
"""Bounds for two blocks at T = 3 and T = 4, below the formula."""


def check() -> list[Evidence]:
    """Certificates of the formula, the quadratic that reaches it, and the smaller bounds beyond T = 2."""
    sizes = [(steps, n) for n, longest in LONGEST.items() for steps in range(1, longest + 1)]
    cells = [(steps, n, course) for steps, n in sizes for course in problems.courses(steps, n)]
    known = recorded()
    smaller = [(steps, course) for steps in CERTIFIED for course in problems.courses(steps, 2)]
    return [
        proved(
            [(problems.top_one(*cell), multipliers.top_one(*cell)) for cell in cells],
            "n = 2 with T <= 4, n = 3 with T <= 3, every course; for all by the proof in the claim's file",
        ),
        equality(
            (
                Comparison(
                    expected=closed_forms.top_one_average(steps, n),
                    measured=attained.top_one_on_half_square(steps, n),
                    witness={"T": steps, "n": n},
                )
                for steps in (1, 2)
                for n in range(2, 9)
            ),
            what="the average on F = |w|^2 / 2, against the bound",
            scope="T <= 2, n <= 8",
        ),
        proved(
            [(problems.top_one(steps, 2, course), known[course]) for steps, course in smaller],
            "n = 2, T = 3 and T = 4, every course, multipliers recorded",
        ),
        dominance(
            (
                Comparison(
                    expected=min(CERTIFIED[steps], closed_forms.top_one_average(steps, 2)),
                    measured=known[course].bound,
                    witness={"T": steps, "course": list(course)},
                )
                for steps, course in smaller
            ),
            what="the certified bound of every course, against the smaller of the claim's number and the formula",
            scope="n = 2, T = 3 and T = 4",
        ),
    ]


CLAIM = Claim(
    id="worst-case-top-one",
    statement=r"Moving the largest of $n$ blocks alone, with exact gradients and $\eta = 1/L$, "
    r"$\frac1T \sum_{t<T} \|\nabla F(w_t)\|^2 \leq \frac{2nL\Delta}{T} (1 - (1 - 1/n)^T)$, $\Delta = F(w_0) - F^*$; "
    r"it is attained for $T \leq 2$, and for $n = 2$ it is at most $1.035877 L\Delta$ at $T = 3$ and "
    r"$0.786842 L\Delta$ at $T = 4$.",
    kind=Kind.INEQUALITY,
    source=Source(kind="derived", reference="closest: Goujaud et al., PEPit (arXiv 2201.04040)"),
    assumptions=(SMOOTH, BOUNDED_BELOW),
    expected_status=Status.HOLDS,
    check=check,
)
