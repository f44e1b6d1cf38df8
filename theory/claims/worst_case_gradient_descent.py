r"""Gradient descent on smooth functions that need not be convex: the exact worst case, three criteria.

Setting
-------
F is L-smooth with F >= F*, w_{t+1} = w_t - grad F(w_t) / L. Write g_t = grad F(w_t).

Claim
-----
For every N >= 1 and T >= 1, with equality for some F,

    (a) min_{t<=N} |g_t|^2         <= 4 L (F(w_0) - F(w_N)) / (3 N),
    (b) min_{t<=N} |g_t|^2         <= 4 L (F(w_0) - F*) / (3 N + 2),
    (c) (1/T) sum_{t<T} |g_t|^2    <= 2 L (F(w_0) - F*) / T.

Proof, for L = 1 (theory.worst_case.closed_forms says how the rest follows). The inequality smooth(t, t+1) of
theory.worst_case.problems with d = w_t - w_{t+1} = g_t reads

    F(w_t) - F(w_{t+1}) >= <g_t + g_{t+1}, g_t> / 2 - |g_t|^2 / 4 + |g_t - g_{t+1}|^2 / 4
                        =  |g_t|^2 / 2 + |g_{t+1}|^2 / 4.

Summed over t < N it gives F(w_0) - F(w_N) >= (3 N / 4) min |g_t|^2, which is (a); F(w_N) - F* >= |g_N|^2 / 2 adds 1/2
to 3 N / 4, which is (b). Leaving out |g_{t+1}|^2 / 4, summed over t < T - 1, and |g_{T-1}|^2 / 2 <= F(w_{T-1}) - F*
give (c).
Equality in (a) and (b): theory.worst_case.attained.sawtooth, whose derivative is 1 at every iterate. Equality in (c):
F = L |w|^2 / 2, which one step solves.

Assumptions
-----------
Smoothness and boundedness, on the whole space; exact gradients.

How it is checked
-----------------
For N, T up to 6: the multipliers of this proof against all interpolation inequalities of the trajectory, in
rationals, with no slack (theory.certificates); and the criterion on the functions named, run in rationals. A solver
looks at the same problems in worst-case-solved-gradient-descent.

What would refute it
--------------------
A multiplier or a constant that differs, a function that exceeds the bound or does not reach it.

Source
------
Derived above. (b) is known: Abbaszadehpeivasti, de Klerk and Zamani, Optimization Letters 2021 (arXiv 2104.05468).
"""

from fractions import Fraction

from amss_min.testing import Evidence, Status
from theory.assumptions import BOUNDED_BELOW, SMOOTH
from theory.comparison import Comparison, dominance, equality
from theory.sources import Source
from theory.verdict import Claim, Kind
from theory.worst_case import attained, closed_forms, multipliers, problems
from theory.worst_case.evidence import proved

LONGEST = 6
PLAIN = [(Fraction(1), [Fraction(1)])]
"""The law of the one mask that keeps everything."""


def check() -> list[Evidence]:
    """Certificates of the three criteria, and the functions that reach them."""
    horizons = range(1, LONGEST + 1)
    cases = [
        (problems.gradient_descent(n, drop=drop), multipliers.gradient_descent(n, drop=drop))
        for n in horizons
        for drop in (True, False)
    ]
    cases += [
        (problems.masked_descent(n, PLAIN, Fraction(1)), multipliers.masked_descent(n, 1, 1, 1)) for n in horizons
    ]
    scope = f"N, T <= {LONGEST}; for every N and T by the proof in the claim's file"
    return [
        proved(cases, scope),
        equality(
            (case for n in horizons for case in _reached(n)),
            what="the criterion on the worst function, against the bound",
            scope=scope,
        ),
        dominance(
            (
                Comparison(expected=Fraction(1), measured=attained.sawtooth(n).smoothness, witness={"N": n})
                for n in horizons
            ),
            what="smoothness of the sawtooth function, against 1",
            scope=scope,
        ),
    ]


def _reached(n: int) -> list[Comparison]:
    return [
        Comparison(
            expected=closed_forms.smallest_from_drop(n),
            measured=attained.smallest_on_sawtooth(n, drop=True),
            witness={"criterion": "smallest, from F(w_0) - F(w_N)", "N": n},
        ),
        Comparison(
            expected=closed_forms.smallest_from_gap(n),
            measured=attained.smallest_on_sawtooth(n, drop=False),
            witness={"criterion": "smallest, from F(w_0) - F*", "N": n},
        ),
        Comparison(
            expected=closed_forms.masked_average(n, 1, 1),
            measured=attained.masked_on_half_square(n, PLAIN, Fraction(1)),
            witness={"criterion": "average", "T": n},
        ),
    ]


CLAIM = Claim(
    id="worst-case-gradient-descent",
    statement=r"Gradient descent with $\eta = 1/L$ on an $L$-smooth $F \geq F^*$: $\min_{t \leq N} \|\nabla F(w_t)\|^2 "
    r"\leq \frac{4L}{3N} (F(w_0) - F(w_N))$ and $\leq \frac{4L}{3N+2} (F(w_0) - F^*)$, and $\frac1T \sum_{t<T} "
    r"\|\nabla F(w_t)\|^2 \leq \frac{2L}{T} (F(w_0) - F^*)$; each is attained.",
    kind=Kind.INEQUALITY,
    source=Source(kind="derived", reference="closest: Abbaszadehpeivasti, de Klerk and Zamani 2021 (arXiv 2104.05468)"),
    assumptions=(SMOOTH, BOUNDED_BELOW),
    expected_status=Status.HOLDS,
    check=check,
)
