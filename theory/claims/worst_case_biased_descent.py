r"""Descent with a biased gradient: the exact worst case, relative and absolute bias together.

Setting
-------
F is L-smooth with F >= F*, w_{t+1} = w_t - (grad F(w_t) + b_t) / L, |b_t|^2 <= m |grad F(w_t)|^2 + zeta^2, 0 <= m < 1.

Claim
-----
For every T, with equality for F = L |w|^2 / 2, with S = (1 - m^T) / (1 - m) and Delta = F(w_0) - F*,

    (1/T) sum_{t<T} |grad F(w_t)|^2 <= (2 L Delta / T) S + (zeta^2 / (1 - m)) (1 - S / T).

At zeta = 0 this is (2 L Delta / (T (1 - m))) (1 - m^T), at m = 0 it is 2 L Delta / T + zeta^2 (T - 1) / T; for large T
the floor is zeta^2 / (1 - m). The bound of Ajalloeian and Stich at eta = 1/L,
(2 L Delta / T + zeta^2) / (1 - m), is larger, and its floor is right.

Proof, for L = 1. Write g_t = grad F(w_t), a_t = |g_t|^2, delta_t = F(w_t) - F*. Smoothness gives

    delta_{t+1} <= delta_t - <g_t, g_t + b_t> + |g_t + b_t|^2 / 2 = delta_t - a_t / 2 + |b_t|^2 / 2
                <= delta_t - ((1 - m) / 2) a_t + zeta^2 / 2,   and a_t <= 2 delta_t.

With h = 1 - m, the multipliers lambda_t = (2 / h) (1 - m^(T-1-t)) of the first and m^(T-1-t) of the second give
sum a_t <= (2 / h) (1 - m^T) delta_0 + (zeta^2 / 2) sum_t lambda_t, and sum_t lambda_t = (2 / h) (T - S).
Equality: on F = |w|^2 / 2, w_{t+1} = -b_t, so with the largest bias a_{t+1} = m a_t + zeta^2 and a_0 = 2 Delta.

Assumptions
-----------
Smoothness and boundedness on the whole space; no noise beside the bias.

How it is checked
-----------------
For m in {0, 1/4, 1/2}, zeta^2 in {0, 1/10} and T up to 5: the multipliers of the proof, in rationals and with no slack,
and the recursion on the quadratic. A solver looks at the two pure cases in worst-case-solved-relative-bias and
worst-case-solved-absolute-bias.

What would refute it
--------------------
Another multiplier, another constant in the transient or in the floor.

Source
------
Derived above; the model of the bias is that of Ajalloeian and Stich 2020 (arXiv 2008.00051).
"""

import itertools
from fractions import Fraction

from amss_min.testing import Evidence, Status
from theory.assumptions import BOUNDED_BELOW, SMOOTH, Assumption
from theory.comparison import Comparison, equality
from theory.sources import Source
from theory.verdict import Claim, Kind
from theory.worst_case import attained, closed_forms, multipliers, problems
from theory.worst_case.evidence import proved

RELATIVE = (Fraction(0), Fraction(1, 4), Fraction(1, 2))
ABSOLUTE = (Fraction(0), Fraction(1, 10))
LONGEST = 5

BOUNDED_BIAS = Assumption("bounded bias", r"$\|b\|^2 \leq m \|\nabla F\|^2 + \zeta^2$ with $m < 1$")


def check() -> list[Evidence]:
    """Certificates for every pair of biases, and the quadratic that reaches them."""
    cells = list(itertools.product(range(1, LONGEST + 1), RELATIVE, ABSOLUTE))
    reach = f"m up to {max(RELATIVE)}, zeta^2 up to {max(ABSOLUTE)}, T <= {LONGEST}"
    scope = f"{reach}; for all by the proof in the claim's file"
    return [
        proved([(problems.biased_descent(*cell), multipliers.biased_descent(*cell)) for cell in cells], scope),
        equality(
            (
                Comparison(
                    expected=closed_forms.biased_average(*cell),
                    measured=attained.biased_on_half_square(*cell),
                    witness={"T": cell[0], "m": str(cell[1]), "zeta^2": str(cell[2])},
                )
                for cell in cells
            ),
            what="the average on F = |w|^2 / 2 with the largest bias, against the bound",
            scope=scope,
        ),
    ]


CLAIM = Claim(
    id="worst-case-biased-descent",
    statement=r"With $\|b\|^2 \leq m \|\nabla F\|^2 + \zeta^2$, $m < 1$, $\eta = 1/L$ and $S = \frac{1 - m^T}{1 - m}$, "
    r"$\frac1T \sum_{t<T} \|\nabla F(w_t)\|^2 \leq \frac{2L\Delta}{T} S + \frac{\zeta^2}{1-m} (1 - \frac{S}{T})$, "
    r"$\Delta = F(w_0) - F^*$, and an isotropic quadratic attains it.",
    kind=Kind.INEQUALITY,
    source=Source(kind="derived", reference="closest: Ajalloeian and Stich 2020 (arXiv 2008.00051)"),
    assumptions=(SMOOTH, BOUNDED_BELOW, BOUNDED_BIAS),
    expected_status=Status.HOLDS,
    check=check,
)
