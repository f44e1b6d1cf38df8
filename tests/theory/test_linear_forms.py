"""Quadratic forms against their law written out, and production's joint inclusion within its stated error."""

from fractions import Fraction

import pytest
import torch

from amss_min.designs import Design
from amss_min.weightings import Indicator
from theory import moments
from theory.enumeration import poisson_law, successive_law
from theory.linear_forms import absolute, joint_error, outer, quadratic_form_mean, realised_quadratic_form
from theory.linear_trials import linear_trials
from theory.readings import exact, readings
from theory.trials import DESIGNS

GRADIENT = [Fraction(3), Fraction(-1), Fraction(2)]
FORM = [[Fraction(2), Fraction(1), Fraction(-3)], [Fraction(1), Fraction(0), Fraction(5)], [-3, 5, Fraction(1)]]
PI = [Fraction(1, 2), Fraction(1, 3), Fraction(3, 4)]


@pytest.mark.parametrize("law", [poisson_law(PI), successive_law(PI, 2)], ids=["poisson", "successive"])
def test_both_ways_to_the_mean_of_a_form_agree(law: dict[tuple[bool, ...], Fraction]) -> None:
    pi = moments.inclusion(law)
    outcomes = moments.weighted(law, lambda mask: [b / p for b, p in zip(mask, pi, strict=True)])
    expected = quadratic_form_mean(moments.joint_inclusion(law), FORM, GRADIENT)
    assert realised_quadratic_form(outcomes, FORM, GRADIENT) == expected
    a = [Fraction(1), Fraction(-2), Fraction(1, 3)]
    square = quadratic_form_mean(moments.joint_inclusion(law), outer(a), GRADIENT)
    mean = sum((one * g for one, g in zip(a, GRADIENT, strict=True)), Fraction(0))
    scaled = [one * g for one, g in zip(a, GRADIENT, strict=True)]
    assert square - mean**2 == moments.horvitz_thompson_variance(moments.joint_inclusion(law), scaled)


def test_absolute_values() -> None:
    assert absolute(FORM)[0] == [2, 1, 3]


@pytest.mark.parametrize("design", [design for design in DESIGNS], ids=repr)
def test_joint_inclusion_is_within_its_error(design: Design) -> None:
    sizes = torch.tensor([1.0, 3.0, 2.0, 5.0], dtype=torch.float64)
    read = readings(design, Indicator(), sizes, 2)
    laws = [moments.joint_inclusion(reading.law) for reading in read]
    stated = [exact(row) for row in design.joint_inclusion(sizes, 2)]
    for i in range(4):
        for j in range(4):
            mean = sum((law[i][j] for law in laws), Fraction(0)) / len(laws)
            assert abs(stated[i][j] - mean) <= joint_error(design, 4) * mean


def test_the_trials_cover_every_design_that_draws_every_unit() -> None:
    found = linear_trials(1)
    assert len({repr(trial.design) for trial in found}) == len(DESIGNS) - 1
    assert all(trial.form[i][j] == trial.form[j][i] for trial in found for i in range(3) for j in range(3))
