"""Assumptions as objects: a claim refuses to be tested where its hypotheses fail."""

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from theory.falsification import Finding, refute_lower_bound, refute_smoothness


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


def _not_contradicted_smooth(objective: Any) -> bool:
    """Whether L is a number that no pair of points of a search contradicts (theory.falsification).

    A search can refute an understated L and proves nothing: the proof stands in the objective's docstring.
    """
    return 0 < objective.L < math.inf and (
        not hasattr(objective, "gradient") or not _refuted(refute_smoothness, objective)
    )


def _not_contradicted_below(objective: Any) -> bool:
    """Whether f_star is a number and a search finds no point below it by more than rounding."""
    if objective.f_star is None or not math.isfinite(objective.f_star):
        return False
    return not hasattr(objective, "gradient") or not _refuted(refute_lower_bound, objective)


def _refuted(search: Callable[[Any], Finding], objective: Any) -> bool:
    """Cost: about 0.1 s for 20 coordinates, once for every objective that can be a key."""
    return _remembered(search, objective) if isinstance(objective, Hashable) else search(objective).refuted


@lru_cache(1024)
def _remembered(search: Callable[[Any], Finding], objective: Any) -> bool:
    return search(objective).refuted


POSITIVE_INCLUSION = Assumption("positive inclusion", r"$\pi_j > 0$ wherever $g_j \neq 0$")
UNIFORM_WORDS = Assumption("uniform words", "random words are uniform on the integers below $2^{62}$")
FRESH_RANDOMNESS = Assumption("fresh randomness", "every step draws its mask with new randomness, given the gradient")
SMOOTH = Assumption("smoothness", r"$F$ is $L$-smooth", _not_contradicted_smooth)
BOUNDED_BELOW = Assumption("bounded below", r"$F \geq F^*$", _not_contradicted_below)
BOUNDED_VARIANCE = Assumption(
    "bounded variance", r"$E[g \mid w] = \nabla F(w)$ and $E\|g - \nabla F(w)\|^2 \leq \sigma^2$"
)
