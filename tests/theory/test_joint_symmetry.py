"""The field under jointly symmetric noise against the sum over all values of the noise."""

import itertools
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from theory import joint_symmetry

RATIONALS = st.fractions(Fraction(-3), Fraction(3), max_denominator=16)
SMALL = st.fractions(Fraction(1, 16), Fraction(1, 2), max_denominator=16)
N = 4


def noises(small: Fraction) -> list[tuple[Fraction, ...]]:
    rows = [tuple(Fraction(1) if j == place else small for j in range(N)) for place in range(N)]
    return [tuple(sign * x for x in row) for row, sign in itertools.product(rows, (1, -1))]


@given(RATIONALS, SMALL)
def test_the_drift_is_that_of_every_unit(t: Fraction, small: Fraction) -> None:
    values = [[t + x for x in noise] for noise in noises(small)]
    for unit in range(N):
        h = sum((g[unit] ** 3 / sum(x * x for x in g) for g in values), Fraction(0)) / len(values)
        assert h == joint_symmetry.drift(t, N, small)


@pytest.mark.parametrize("t", [Fraction(0), Fraction(1, 8), Fraction(-3, 4), Fraction(5)])
@pytest.mark.parametrize("small", [Fraction(1, 8), Fraction(1, 2)])
def test_the_eigenvalues_are_those_of_the_jacobian(t: Fraction, small: Fraction) -> None:
    xi = torch.tensor([[float(x) for x in noise] for noise in noises(small)], dtype=torch.float64)

    def field(w: torch.Tensor) -> torch.Tensor:
        g = w + xi
        return (g**3 / g.square().sum(-1, keepdim=True)).mean(0)

    at = torch.full((N,), float(t), dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(field, at)
    along, across = (float(f(t, N, small)) for f in (joint_symmetry.along, joint_symmetry.across))
    expected = torch.full((N, N), (along - across) / N, dtype=torch.float64) + across * torch.eye(N).double()
    # Inputs are exact and |entries| <= 3; a few hundred operations of 2^-53 each.
    assert (jacobian - expected).abs().max() <= 2.0**-42


def test_the_bracket_changes_sign_and_is_narrow() -> None:
    low, high = joint_symmetry.root(Fraction(1, 8), Fraction(1, 4))
    assert joint_symmetry.drift(low) < 0 <= joint_symmetry.drift(high)
    assert 0 < high - low <= Fraction(1, 2**40)


def test_an_interval_without_a_sign_change_is_refused() -> None:
    with pytest.raises(ValueError, match="change from negative to positive"):
        joint_symmetry.root(Fraction(1, 4), Fraction(1, 2))
