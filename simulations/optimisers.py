"""Optimisers, batched over replicates: where in the update the mask stands is part of each.

Every optimiser maps the stochastic gradient g_t to the update u_t of w_{t+1} = w_t - eta_t u_t, with a mask M that may
stand before or after its averages. State is a tuple of tensors of the shape of w.

| optimiser | mask before | mask after |
|---|---|---|
| Descent | u = M * g | the same |
| Momentum (averaged) | v' = beta v + (1 - beta) M * g, u = v' | v' = beta v + (1 - beta) g, u = M * v' |
| Momentum (heavy ball) | v' = beta v + M * g, u = v' | v' = beta v + g, u = M * v' |
| Adam | m, s from M * g, u = m^ / (sqrt(s^) + eps) | m, s from g, u = M * (m^ / (sqrt(s^) + eps)) |

The importance of a mask comes from the vector that it multiplies, unless the method says otherwise.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

Mask = Callable[[Tensor], Tensor]
"""x -> M * x, with the mask of this step."""

State = tuple[Tensor, ...]


class Optimiser(ABC):
    """A map from stochastic gradients to updates."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The optimiser with its parameters, as shown in tables."""

    def begin(self, w: Tensor) -> State:
        """The state before the first step."""
        return ()

    def factors(self, steps: int) -> Sequence[Tensor]:
        """What depends on the number of the step alone: one float64 tensor (steps,) for each such factor."""
        return ()

    @abstractmethod
    def update(
        self, gradient: Tensor, mask: Mask, state: State, factors: Sequence[Tensor] | Sequence[float]
    ) -> tuple[Tensor, State]:
        """The update and the next state; factors are those of this step."""


@dataclass(frozen=True)
class Descent(Optimiser):
    """u = M * g."""

    @property
    def name(self) -> str:
        """SGD."""
        return "SGD"

    def update(
        self, gradient: Tensor, mask: Mask, state: State, factors: Sequence[Tensor] | Sequence[float]
    ) -> tuple[Tensor, State]:
        """The masked gradient."""
        return mask(gradient), state


@dataclass(frozen=True)
class Momentum(Optimiser):
    """Momentum from v_0 = 0; see the table of the module.

    beta in [0, 1). mask_after: mask the average instead of the gradient. averaged: v' = beta v + (1 - beta) x; without
    it v' = beta v + x, which is the heavy ball of Polyak 1964 and takes a stepsize (1 - beta) times as large.

    Raises ValueError for another beta.
    """

    beta: float = 0.9
    mask_after: bool = False
    averaged: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.beta < 1:
            raise ValueError(f"beta must be in [0, 1), found beta={self.beta}")

    @property
    def name(self) -> str:
        """Kind, beta and place of the mask."""
        kind = "averaged momentum" if self.averaged else "heavy ball"
        return f"{kind}, beta={self.beta:g}, mask {'after' if self.mask_after else 'before'}"

    def begin(self, w: Tensor) -> State:
        """v_0 = 0."""
        return (torch.zeros_like(w),)

    def update(
        self, gradient: Tensor, mask: Mask, state: State, factors: Sequence[Tensor] | Sequence[float]
    ) -> tuple[Tensor, State]:
        """One step of the average."""
        entering = gradient if self.mask_after else mask(gradient)
        average = self.beta * state[0] + ((1 - self.beta) * entering if self.averaged else entering)
        return (mask(average) if self.mask_after else average), (average,)


@dataclass(frozen=True)
class Adam(Optimiser):
    """Adam with bias correction (Kingma and Ba 2015); see the table of the module.

    With epsilon = 0 a coordinate whose second moment is still 0 does not move. Raises ValueError for a beta outside
    [0, 1) or a negative epsilon.
    """

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    mask_after: bool = False

    def __post_init__(self) -> None:
        if not (0 <= self.beta1 < 1 and 0 <= self.beta2 < 1 and self.epsilon >= 0):
            raise ValueError(f"betas must be in [0, 1) and epsilon >= 0, found {self}")

    @property
    def name(self) -> str:
        """Betas and place of the mask."""
        return f"Adam, betas=({self.beta1:g}, {self.beta2:g}), mask {'after' if self.mask_after else 'before'}"

    def begin(self, w: Tensor) -> State:
        """m_0 = s_0 = 0."""
        return (torch.zeros_like(w), torch.zeros_like(w))

    def factors(self, steps: int) -> Sequence[Tensor]:
        """1 / (1 - beta1^t) and 1 / (1 - beta2^t), t from 1."""
        t = torch.arange(1, steps + 1, dtype=torch.float64)
        return [1 / (1 - beta**t) for beta in (self.beta1, self.beta2)]

    def update(
        self, gradient: Tensor, mask: Mask, state: State, factors: Sequence[Tensor] | Sequence[float]
    ) -> tuple[Tensor, State]:
        """One step of both averages."""
        entering = gradient if self.mask_after else mask(gradient)
        first = self.beta1 * state[0] + (1 - self.beta1) * entering
        second = self.beta2 * state[1] + (1 - self.beta2) * entering.square()
        root = (second * factors[1]).sqrt() + self.epsilon
        step = torch.where(root > 0, first * factors[0] / root, torch.zeros_like(root))
        return (mask(step) if self.mask_after else step), (first, second)
