"""Closed forms against their recursions, in rationals."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory import oracles

RATIONALS = st.fractions(Fraction(1, 10), Fraction(4), max_denominator=20)


@given(RATIONALS, RATIONALS, st.fractions(Fraction(1, 20), Fraction(19, 10), max_denominator=20), RATIONALS, RATIONALS)
def test_closed_forms_solve_the_recursion(
    L: Fraction, factor: Fraction, x: Fraction, start: Fraction, sigma2: Fraction
) -> None:
    factor = factor + 1
    stepsize = x / (L * factor)
    rho = 1 - 2 * stepsize * L + stepsize**2 * L**2 * factor
    a, total = start, Fraction(0)
    constants = {
        "L": float(L),
        "stepsize": float(stepsize),
        "factor": float(factor),
        "sigma2": float(sigma2),
        "start": float(start),
    }
    for t in range(13):
        # rho^t and the quotient by 1 - rho >= 1/200 lose a few hundred roundings of 2^-53 at most.
        assert float(oracles.energy(np.array(t), **constants)) == pytest.approx(float(a), rel=2.0**-42)
        if t:
            average = float(oracles.average_energy(np.array(t), **constants))
            assert average == pytest.approx(float(total / t), rel=2.0**-40)
        total += a
        a = rho * a + L**2 * stepsize**2 * factor * sigma2


@pytest.mark.parametrize(("x", "expected"), [(0.16, 0.0870), (0.4, 0.25), (0.8, 0.6667)])
def test_limits_that_are_known(x: float, expected: float) -> None:
    # Half a unit of the last printed place.
    assert oracles.settled(L=1.0, stepsize=x / 4, factor=4.0, sigma2=1.0) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize("x", [0.0, 2.0, -1.0])
def test_nothing_settles_outside_the_range(x: float) -> None:
    with pytest.raises(ValueError, match=r"settles only for 0 < eta L \(1 \+ omega\) < 2"):
        oracles.energy(np.array(1), start=1.0, L=1.0, stepsize=x / 4, factor=4.0, sigma2=1.0)
