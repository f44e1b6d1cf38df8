"""The second-moment factor 1 + omega of a method on an objective, for choosing stepsizes."""

from simulations.methods import Method, counts
from simulations.objectives import Objective
from theory.bounds import second_moment_factor


def factor(objective: Objective, method: Method, keep: float) -> float:
    """The largest over the modalities, as theory.bounds.run_factor has it for a run.

    >>> from simulations.methods import METHODS
    >>> from simulations.objectives import IsotropicQuadratic
    >>> factor(IsotropicQuadratic(n=8), METHODS["uniform-ht"], 0.25)
    4.0
    """
    drawn = counts(objective.units, keep)
    return max(second_moment_factor(method, n, k) for n, k in zip(objective.units, drawn, strict=True))
