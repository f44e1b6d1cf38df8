"""Assumptions as objects: a claim refuses to be tested where its hypotheses fail."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Assumption:
    """A named hypothesis.

    statement: the hypothesis in words, with mathematics between dollar signs.
    check: maps the objective (or instance) to whether the hypothesis holds there; None for a hypothesis
    that concerns no objective (such as fresh randomness in every step).
    """

    name: str
    statement: str
    check: Callable[[Any], bool] | None = None

    def holds_on(self, objective: Any) -> bool:
        """Whether the hypothesis holds on this objective (True where it does not concern one)."""
        return True if self.check is None else bool(self.check(objective))


POSITIVE_INCLUSION = Assumption("positive inclusion", r"$\pi_j > 0$ wherever $g_j \neq 0$")
FRESH_RANDOMNESS = Assumption("fresh randomness", "every step draws its mask with new randomness, given the gradient")
SMOOTH = Assumption("smoothness", r"$F$ is $L$-smooth", lambda objective: objective.L > 0)
BOUNDED_BELOW = Assumption("bounded below", r"$F \geq F^*$", lambda objective: objective.f_star is not None)
BOUNDED_VARIANCE = Assumption(
    "bounded variance", r"$E[g \mid w] = \nabla F(w)$ and $E\|g - \nabla F(w)\|^2 \leq \sigma^2$"
)
