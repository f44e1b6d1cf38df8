"""The laws of order sampling over subsets, from its definition: P(S) = P(max over S of R < min over the rest of R).

A second implementation, which shares no formula with the quadrature of amss_min: with F_j the distribution function
of rank R_j, the largest rank of S has the distribution function prod_{j in S} F_j, so

    P(S) = int (prod_{j in S} F_j)'(t) prod_{i not in S} (1 - F_i(t)) dt.

Sequential Poisson sampling has F_j(t) = min(1, l_j t): a piecewise polynomial, integrated in rationals. Pareto
sampling has F_j(t) = t o_j / (1 + t o_j), o_j = l_j / (1 - l_j): a rational function, integrated adaptively by scipy,
which says how far off it may be. Successive sampling, F_j(t) = 1 - exp(-q_j t), is `enumeration.successive_law`.

Targets l are inclusion probabilities with a whole sum k. A unit with l = 1 is always drawn, one with l = 0 never.
Source: Rosen, Journal of Statistical Planning and Inference 62, 1997; Ohlsson, Journal of Official Statistics 14, 1998.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import TypeVar

from scipy.integrate import quad

from theory.enumeration import Law, Mask

MOST_UNITS = 8
"""A law over subsets is worked out for this many units at most."""

_TAIL = 45.0
_Probability = TypeVar("_Probability")
_Polynomial = list[Fraction]  # coefficients, the constant first


def sequential_poisson_law(target: Sequence[Fraction]) -> Law:
    """Sequential Poisson sampling with ranks R_j = U_j / l_j, exactly; l with a whole sum, at most 8 units.

    Raises ValueError for more units, for l outside [0, 1] and for another sum. Cost: 2^n products of n polynomials on
    n pieces.

    >>> law = sequential_poisson_law([Fraction(1, 4), Fraction(3, 4)])
    >>> law[(True, False)]
    Fraction(1, 6)
    """
    return _completed(target, _sequential_poisson_probability)


def pareto_law(target: Sequence[Fraction]) -> tuple[dict[Mask, float], float]:
    """Pareto sampling with ranks R_j = (U_j / (1 - U_j)) / o_j, in float64; and a bound on the error of any entry.

    The bound is scipy's estimate for its adaptive Gauss-Kronrod rule, the largest over subsets, and the roundings of
    the integrand: n factors and a sum of n terms, with six roundings in each, 2^-53 each. Raises ValueError as
    `sequential_poisson_law`.
    """
    errors = [0.0]

    def probability(drawn: Sequence[Fraction], left: Sequence[Fraction]) -> float:
        value, error = _pareto_probability(drawn, left)
        errors.append(error)
        return value

    return _completed(target, probability), max(errors) + 12 * len(target) * 2.0**-53


def _completed(
    target: Sequence[Fraction], probability: Callable[[Sequence[Fraction], Sequence[Fraction]], _Probability]
) -> dict[Mask, _Probability]:
    """The law from the probability that these units, of targets strictly between 0 and 1, come before those."""
    if len(target) > MOST_UNITS:
        raise ValueError(f"laws over subsets are worked out up to n = {MOST_UNITS}, found n = {len(target)}")
    if any(not 0 <= chance <= 1 for chance in target) or sum(target).denominator != 1:
        raise ValueError(f"targets must lie in [0, 1] and have a whole sum, found {[str(chance) for chance in target]}")
    certain = {unit for unit, chance in enumerate(target) if chance == 1}
    undecided = [unit for unit, chance in enumerate(target) if 0 < chance < 1]
    law = {}
    for chosen in itertools.combinations(undecided, int(sum(target)) - len(certain)):
        left = [target[unit] for unit in undecided if unit not in chosen]
        mask = tuple(unit in certain or unit in chosen for unit in range(len(target)))
        law[mask] = probability([target[unit] for unit in chosen], left)
    return law


def _sequential_poisson_probability(drawn: Sequence[Fraction], left: Sequence[Fraction]) -> Fraction:
    if not drawn:
        return Fraction(1)
    total = Fraction(0)
    for start, stop in itertools.pairwise([Fraction(0), *sorted({1 / chance for chance in (*drawn, *left)})]):
        largest = _product([Fraction(0), chance] if chance * stop <= 1 else [Fraction(1)] for chance in drawn)
        late = _product([Fraction(1), -chance] if chance * stop <= 1 else [Fraction(0)] for chance in left)
        density = [power * value for power, value in enumerate(largest)][1:]
        primitive = [Fraction(0), *(value / (power + 1) for power, value in enumerate(_product([density, late])))]
        total += _value(primitive, stop) - _value(primitive, start)
    return total


def _product(factors: Iterable[_Polynomial]) -> _Polynomial:
    made = [Fraction(1)]
    for factor in factors:
        longer = [Fraction(0)] * max(len(made) + len(factor) - 1, 0)
        for (i, one), (j, other) in itertools.product(enumerate(made), enumerate(factor)):
            longer[i + j] += one * other
        made = longer
    return made


def _value(polynomial: _Polynomial, at: Fraction) -> Fraction:
    return sum((value * at**power for power, value in enumerate(polynomial)), Fraction(0))


def _pareto_probability(drawn: Sequence[Fraction], left: Sequence[Fraction]) -> tuple[float, float]:
    """In x = log t: F_j = 1 / (1 + exp(-x - log o_j)), whose poles lie at a distance of pi from the real line."""
    if not drawn:
        return 1.0, 0.0
    early = [_log_odds(chance) for chance in drawn]
    late = [_log_odds(chance) for chance in left]

    def density(x: float) -> float:
        # F' = F (1 - F)
        slope = sum(_logistic(-x - shift) for shift in early)
        before = math.prod(_logistic(x + shift) for shift in early)
        return before * slope * math.prod(_logistic(-x - shift) for shift in late)

    start, stop = -max(early + late) - _TAIL, -min(early + late) + _TAIL
    pieces = math.ceil((stop - start) / 4)
    ends = [start + (stop - start) * piece / pieces for piece in range(pieces + 1)]
    parts = [quad(density, *piece, epsabs=1e-15, epsrel=1e-13) for piece in itertools.pairwise(ends)]
    # Before the start the ranks of `drawn` cannot all lie, after the stop not one of `left`, but for exp(-45) each.
    beyond = (1 + len(left)) * math.exp(-_TAIL)
    return math.fsum(value for value, _ in parts), math.fsum(error for _, error in parts) + beyond


def _log_odds(chance: Fraction) -> float:
    return math.log(chance / (1 - chance))


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x))
