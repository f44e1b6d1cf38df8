"""The designs and instances that linear and quadratic forms of the masked gradient are tried on."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from amss_min.designs import Design, TopK
from amss_min.importance import SquaredGradient
from amss_min.weightings import HorvitzThompson
from theory.comparison import Comparison
from theory.instances import Instance, random_instances
from theory.linear_forms import Matrix, absolute, form_error, quadratic_form_mean
from theory.moments import Number, Outcome
from theory.readings import exact, readings
from theory.trials import DESIGNS

_ANY = tuple(design for design in DESIGNS if not isinstance(design, TopK))


@dataclass(frozen=True)
class LinearTrial:
    """One design on one instance: all outcomes (every order counts alike), and production's joint inclusion.

    coefficients: a of the linear form a^T C. form: a symmetric H of the quadratic form.
    """

    instance: Instance
    design: Design
    outcomes: Sequence[Outcome]
    joint: Matrix
    coefficients: Sequence[Fraction]
    form: Matrix

    @property
    def gradient(self) -> Sequence[Fraction]:
        """g."""
        return self.instance.gradient

    @cached_property
    def scaled(self) -> list[Fraction]:
        """a_j g_j: the linear form is sum_j a_j g_j M_j."""
        return [a * g for a, g in zip(self.coefficients, self.gradient, strict=True)]

    def scale(self, form: Matrix) -> Fraction:
        """E[|C|^T |H| |C|]: the size of the terms of E[C^T H C]."""
        return quadratic_form_mean(self.joint, absolute(form), [abs(value) for value in self.gradient])

    @property
    def error(self) -> Fraction:
        """How far rounding may move E[C^T H C], relative to its scale."""
        return form_error(self.design, self.instance.n)

    def case(self, form: Matrix, difference: Number, error: Fraction) -> Comparison:
        """A difference that should be none, relative to the scale of this form, within a relative error."""
        size = self.scale(form)
        return Comparison(expected=Fraction(0), measured=difference / size, tolerance=error, witness=self.witness)

    @property
    def witness(self) -> dict[str, Any]:
        """The inputs in JSON types."""
        return {
            **self.instance.inputs,
            "design": repr(self.design),
            "coefficients": [int(a) for a in self.coefficients],
            "form": [[int(value) for value in row] for row in self.form],
        }


def linear_trials(seed: int, *, designs: Sequence[Design] = _ANY) -> list[LinearTrial]:
    """Four random instances of three or four units in all orders, for every design that can draw every unit."""
    rng = random.Random(seed)
    found = []
    for instance in random_instances(seed, 4, fewest_units=3, most_units=4):
        sizes = SquaredGradient(mix=0.5)(instance.norms)
        a = [Fraction(rng.choice((-3, -2, -1, 1, 2, 3))) for _ in range(instance.n)]
        half = [[Fraction(rng.randint(-4, 4)) for _ in range(instance.n)] for _ in range(instance.n)]
        form = [
            [one + other for one, other in zip(*rows, strict=True)]
            for rows in zip(half, _transposed(half), strict=True)
        ]
        for design in designs:
            read = readings(design, HorvitzThompson(), sizes, instance.k)
            outcomes = [(p / len(read), multipliers) for reading in read for p, multipliers in reading.outcomes]
            joint = [_finite(exact(row)) for row in design.joint_inclusion(sizes, instance.k)]
            found.append(LinearTrial(instance, design, outcomes, joint, a, form))
    return found


def scope(found: Sequence[LinearTrial]) -> str:
    """How far the trials reach, in words."""
    instances = len({trial.instance.name for trial in found})
    designs = len({repr(trial.design) for trial in found})
    return f"{instances} instances, n <= 4, all orders, {designs} designs; proof in the claim's file"


def _transposed(rows: Sequence[Sequence[Fraction]]) -> list[list[Fraction]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _finite(row: Sequence[Fraction | float]) -> list[Fraction]:
    return [Fraction(value) for value in row]
