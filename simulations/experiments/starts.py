"""Starts from which most of the gap is run down in few steps, to six decimals."""

import torch
from torch import Tensor

from simulations.objectives import Objective


def steepest(objective: Objective, distance: float) -> tuple[float, ...]:
    """The point at this distance from the minimiser in the direction of the largest curvature there.

    Power method on differences of gradients; a start need not be exact. Raises ValueError without a minimiser.

    >>> from simulations.objectives import Quadratic
    >>> steepest(Quadratic((1.0, 4.0)), 2.0)
    (0.0, 2.0)
    """
    if objective.minimiser is None:
        raise ValueError(f"the steepest direction is one at the minimiser, found none for {objective.name}")
    centre = torch.tensor(objective.minimiser, dtype=torch.float64)
    direction = torch.ones_like(centre)
    for _ in range(64):
        direction = 1e-4 * direction / direction.norm()
        direction = objective.gradient(centre + direction) - objective.gradient(centre - direction)
    return _rounded(centre + distance * direction / direction.norm())


def uphill(objective: Objective, distance: float) -> tuple[float, ...]:
    """The point at this distance from the origin in the direction of the gradient there.

    >>> from simulations.objectives import Quadratic
    >>> uphill(Quadratic((1.0, 1.0), center=-1.0), 2.0)
    (1.414214, 1.414214)
    """
    direction = objective.gradient(torch.zeros(objective.d, dtype=torch.float64))
    return _rounded(distance * direction / direction.norm())


def _rounded(w: Tensor) -> tuple[float, ...]:
    return tuple(round(x, 6) + 0.0 for x in w.tolist())
