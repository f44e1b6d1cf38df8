r"""Sampling by squared gradient buys nothing over uniform sampling, unless the cap at 1 is reached.

Setting
-------
Units drawn with pi_j = min(1, c g_j^2), sum k, and Horvitz-Thompson weights: the importance of AMSS made unbiased.

Claim
-----
If no pi_j reaches 1, E|C(g)|^2 = n_plus |g|^2 / k, the value of uniform sampling among the n_plus units with a
gradient. With a set A of m capped units and the others U, it is E_A + (n_plus - m)/(k - m) E_U, where E are
energies; it never exceeds the uniform value.

Assumptions
-----------
None beyond k <= n_plus.

How it is checked
-----------------
Proof. Uncapped, g_j^2 / pi_j = |g|^2 / k for each of the n_plus units. Capped, the units of U share k - m by
energy, which gives the second form; less than uniform by (n_plus - k)/k (E_A - m/(k - m) E_U), and every capped unit
has at least 1/(k - m) of the energy of U (else it would not reach 1), so the bracket is not negative.

Production: sizes by `SquaredGradient`, realised inclusion probabilities of `Systematic`. Their second moment is
an exact rational; it is compared with the closed form for the exact energies. The cap is decided on the exact
water-filling. In rationals alone both forms hold without tolerance. Instances with a pi_j below 2^-30 are left
out, since the grid of 2^-40 does not resolve those.

Tolerance: every realised pi_j is within 1.01 n 2^-40 of exact water-filling (`theory.rounding.grid`), which moves
g_j^2 / pi_j by at most g_j^2 1.01 n 2^-40 / (pi_j pi_exact_j).

What would refute it
--------------------
Sizes by another power of the gradient, which differ from uniform without a cap; water-filling that does not
share out what the capped units leave.

Source
------
Derived here; the optimum, pi proportional to |g_j|, is Wangni et al., NeurIPS 2018 (arXiv 1710.09854).
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from amss_min.designs import Systematic
from amss_min.importance import SquaredGradient
from amss_min.testing import Evidence, Status
from theory import moments, rounding
from theory.comparison import Comparison, dominance, equality
from theory.instances import Instance, instances
from theory.readings import grid_inclusion
from theory.sources import Source
from theory.verdict import Claim, Kind
from theory.water_filling import square_sizes, water_filled


def check() -> list[Evidence]:
    """The value where nothing is capped, the value where something is, and never worse than uniform."""
    found = [case for case in instances(1710, 90, most_units=8) if case.k < case.positive and _resolved(case)]
    uncapped = [case for case in found if not _capped(case)]
    capped = [case for case in found if _capped(case)]
    proof = "pi_j at least 2^-30; proof in the claim's file"
    return [
        equality(
            (_against(case, _uniform(case)) for case in uncapped),
            what="E|C(g)|^2 with nothing capped, against n_plus |g|^2 / k",
            tolerance_source=rounding.GRID_SOURCE,
            scope=f"{len(uncapped)} instances without a cap, n <= 8; {proof}",
        ),
        equality(
            (_against(case, _closed_form(case)) for case in capped),
            what="E|C(g)|^2 with m units capped, against E_A + (n_plus - m)/(k - m) E_U",
            tolerance_source=rounding.GRID_SOURCE,
            scope=f"{len(capped)} instances with a cap, n <= 8; {proof}",
        ),
        dominance(
            (_against(case, _uniform(case)) for case in uncapped + capped),
            what="E|C(g)|^2, never above the uniform value",
            tolerance_source=rounding.GRID_SOURCE,
            scope=f"{len(uncapped) + len(capped)} instances, n <= 8; {proof}",
        ),
        equality(
            _rational(uncapped + capped),
            what="both closed forms under exact water-filling",
            scope=f"{len(uncapped) + len(capped)} instances in rationals; {proof}",
        ),
    ]


def _against(case: Instance, expected: Fraction) -> Comparison:
    pi = grid_inclusion(Systematic(), SquaredGradient()(case.norms), case.k)
    return Comparison(
        expected=expected,
        measured=moments.horvitz_thompson_second_moment(pi, case.gradient),
        tolerance=rounding.inverse_moment(case.gradient, pi, _exact(case)),
        witness={**case.inputs, "inclusion": [str(value) for value in pi]},
    )


def _rational(cases: Sequence[Instance]) -> Iterator[Comparison]:
    for case in cases:
        value = moments.horvitz_thompson_second_moment(_exact(case), case.gradient)
        expected = _closed_form(case) if _capped(case) else _uniform(case)
        yield Comparison(expected=expected, measured=value, witness=case.inputs)


def _exact(case: Instance) -> list[Fraction]:
    return water_filled(square_sizes(case.gradient), case.k)


def _resolved(case: Instance) -> bool:
    """Whether the grid of 2^-40 resolves every inclusion probability to a thousandth."""
    return min(pi for pi in _exact(case) if pi > 0) >= Fraction(1, 2**30)


def _capped(case: Instance) -> list[int]:
    return [unit for unit, pi in enumerate(_exact(case)) if pi == 1]


def _energy(case: Instance, units: Sequence[int] | None = None) -> Fraction:
    chosen = range(case.n) if units is None else units
    return sum((case.gradient[unit] ** 2 for unit in chosen), Fraction(0))


def _uniform(case: Instance) -> Fraction:
    return _energy(case) * case.positive / case.k


def _closed_form(case: Instance) -> Fraction:
    capped = _capped(case)
    rest = _energy(case) - _energy(case, capped)
    return _energy(case, capped) + rest * (case.positive - len(capped)) / (case.k - len(capped))


CLAIM = Claim(
    id="square-importance-equals-uniform",
    statement=r"With $\pi_j \propto g_j^2$ and no $\pi_j$ capped at 1, $E\|M \odot g\|^2 = n_+ \|g\|^2 / k$: the same "
    r"as uniform sampling. With $m$ capped units it is $E_A + \frac{n_+ - m}{k - m} E_U$, which is never worse.",
    kind=Kind.IDENTITY,
    source=Source(kind="derived", reference="closest: Wangni et al., NeurIPS 2018 (arXiv 1710.09854)"),
    assumptions=(),
    expected_status=Status.HOLDS,
    check=check,
)
