"""Assumptions as objects: a claim refuses to be tested where its hypotheses fail."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch


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


_POINTS = 64
_APART = 0.125


def _not_contradicted_smooth(objective: Any) -> bool:
    """Whether no pair of points of a fixed search contradicts L: |grad F(x) - grad F(y)| <= L |x - y|.

    A search can refute an understated L and proves nothing: the proof stands in the objective's docstring. Gradients
    round by 2^-52 of their size, which the distance 1/8 enlarges to 2^-49: 2^-30 L covers gradients up to 2^19 L.
    """
    if not 0 < objective.L < math.inf:
        return False
    points = _points(objective)
    if points is None:
        return True
    apart = points.unsqueeze(-2) + _APART * torch.eye(points.shape[-1], dtype=points.dtype)
    change = torch.linalg.vector_norm(objective.gradient(apart) - objective.gradient(points).unsqueeze(-2), dim=-1)
    return bool((change <= objective.L * _APART * (1 + 2.0**-30)).all())


def _not_contradicted_below(objective: Any) -> bool:
    """Whether f_star is a number and no point of a fixed search lies below it (by more than rounding, 2^-30)."""
    if objective.f_star is None or not math.isfinite(objective.f_star):
        return False
    points = _points(objective)
    if points is None:
        return True
    value = objective.value(points)
    return bool((value >= objective.f_star - 2.0**-30 * (1 + value.abs())).all())


def _points(objective: Any) -> torch.Tensor | None:
    """Points of the search, the same for every call; None for an object that has constants but no gradient."""
    if not hasattr(objective, "gradient"):
        return None
    generator = torch.Generator().manual_seed(0)
    return 3 * torch.randn(_POINTS, sum(objective.units), dtype=torch.float64, generator=generator)


POSITIVE_INCLUSION = Assumption("positive inclusion", r"$\pi_j > 0$ wherever $g_j \neq 0$")
UNIFORM_WORDS = Assumption("uniform words", "random words are uniform on the integers below $2^{62}$")
FRESH_RANDOMNESS = Assumption("fresh randomness", "every step draws its mask with new randomness, given the gradient")
SMOOTH = Assumption("smoothness", r"$F$ is $L$-smooth", _not_contradicted_smooth)
BOUNDED_BELOW = Assumption("bounded below", r"$F \geq F^*$", _not_contradicted_below)
BOUNDED_VARIANCE = Assumption(
    "bounded variance", r"$E[g \mid w] = \nabla F(w)$ and $E\|g - \nabla F(w)\|^2 \leq \sigma^2$"
)
