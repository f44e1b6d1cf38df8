"""Faults of estimators: what a check must find, and within how many draws.

A biased estimator states where its fault shows first: in the mean of a unit of inclusion probability pi, which is off
by delta of itself (for other laws, the pi of a mask of the same variance). A bet on it gains pi delta^2 / (2 (1 - pi))
nats a draw, the Kullback-Leibler divergence of the two Bernoulli laws to second order, and at most a quarter, since it
stakes no more than half of its range; where the unit is never drawn the range is UNSEEN, and it gains 1/2 in UNSEEN.
What it must gain is log(1/alpha), and the logarithm of the number of bets that share the capital. The check gets twice
the draws for that, as many for every other family where only one shows the fault, two rounds for every family, since a
draw beyond a cap costs one, and a third of all these for the burn-in.
"""

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from amss_min.testing.betting import STAKES
from amss_min.testing.families import gradients
from amss_min.testing.functionals import Functionals
from amss_min.testing.reach import UNSEEN

ALPHA = 1e-12
ROUND = 500
"""Draws that a check takes from a family before it weighs them, at the start."""

FAMILIES = gradients(12, 3, seed=0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Fault:
    """A biased estimator.

    made: the estimator, or a class whose instance it is. pi, delta: see the module; pi = 0 for a unit that is never
    drawn. gradient: what it is tried on, None for all families. family: the only one that shows it, "" for all.
    where: how the functional that must be named begins, "" where several see the fault alike.
    """

    made: Callable[..., object]
    pi: float
    delta: float
    gradient: Tensor | None = None
    family: str = ""
    where: str = ""

    def __str__(self) -> str:
        return self.made.__name__

    @property
    def estimate(self) -> Callable[..., Tensor]:
        """The estimator, without a past."""
        return fresh(self.made)

    @property
    def gradients(self) -> dict[str, Tensor]:
        """What it is tried on."""
        return FAMILIES if self.gradient is None else {"given": self.gradient}

    @property
    def draws(self) -> int:
        """Within how many draws it must be refuted."""
        families = len(self.gradients)
        places = sum(len(Functionals.of(gradient).names) for gradient in self.gradients.values())
        # two directions; half of the capital for what families share; half of alpha for the first caps
        needed = nats(places * 2 * 2 * 2) / self._gain()
        return math.ceil((2 * needed * (families if self.family else 1) + 2 * ROUND * families) * 4 / 3)

    def _gain(self) -> float:
        if self.pi == 0:
            return 0.5 / UNSEEN
        return min(self.pi * self.delta**2 / (2 * (1 - self.pi)), 0.25) if self.pi < 1 else 0.25


@dataclass(frozen=True, kw_only=True, eq=False)
class Breach:
    """An estimator that breaks the contract.

    made: the estimator, or a class whose instance it is. rule: how the rule that must be named begins. families: the
    only ones that show it, () where all may. needed: draws that show it on one family, 0 where the contract does
    without any. declared: what is said of the estimator.
    """

    made: Callable[..., object]
    rule: str
    families: tuple[str, ...] = ()
    needed: float = 0.0
    declared: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.made.__name__

    @property
    def estimate(self) -> Callable[..., Tensor]:
        """The estimator, without a past."""
        return fresh(self.made)

    @property
    def draws(self) -> int:
        """Within how many draws it must be found."""
        return math.ceil((2 * self.needed + 2 * ROUND) * len(FAMILIES) * 4 / 3) if self.needed else 0


def fresh(made: Callable[..., object]) -> Callable[..., Tensor]:
    """The function, or an instance of the class."""
    estimate = made() if inspect.isclass(made) else made
    assert callable(estimate)
    return estimate


def nats(shares: int) -> float:
    """What a bet must gain where so many share the capital, with all their stakes: log(1/alpha) more than its share."""
    return math.log(1 / ALPHA) + math.log(shares * len(STAKES))
