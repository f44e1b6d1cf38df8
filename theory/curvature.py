"""Hypotheses beyond smoothness, as objects: how far constants reach, curvature, and noise that grows with the gap.

A search over fixed points can refute a stated constant and proves nothing: the proof stands in the objective's
docstring. Slack covers rounding of values and gradients, 2^-30 relative.
"""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from theory.assumptions import Assumption
from theory.measurement import Array

_POINTS = 64
_ROUNDING = 2.0**-30


def _global(objective: Any) -> bool:
    return bool(getattr(objective, "radius", math.inf) == math.inf)


def _polyak_lojasiewicz(objective: Any) -> bool:
    """Whether mu is stated, at most L, and |grad F|^2 / 2 >= mu (F - f_star) on points of many sizes."""
    mu = getattr(objective, "mu", None)
    if mu is None or not 0 < mu <= objective.L:
        return False
    w = _points(objective)
    energy, gap = objective.gradient(w).square().sum(-1) / 2, objective.value(w) - objective.f_star
    return bool((energy >= mu * gap - _ROUNDING * (energy + mu * objective.value(w).abs())).all())


def _convex(objective: Any) -> bool:
    """Whether a convexity m >= 0 is stated and <grad F(x) - grad F(y), x - y> >= m |x - y|^2 on pairs of points."""
    m = getattr(objective, "convexity", None)
    if m is None or not 0 <= m <= objective.L:
        return False
    x = _points(objective)
    y = x.roll(1, 0)
    g, h = objective.gradient(x), objective.gradient(y)
    apart = x - y
    inner, square = ((g - h) * apart).sum(-1), apart.square().sum(-1)
    size = (g.abs() + h.abs()).mul(apart.abs()).sum(-1)
    return bool((inner >= m * square - _ROUNDING * (size + m * square)).all())


def _strongly_convex(objective: Any) -> bool:
    return _convex(objective) and bool(objective.convexity > 0)


def _minimised(objective: Any) -> bool:
    """Whether a minimiser is stated, F = f_star there and the gradient vanishes, up to rounding of its coordinates."""
    point = getattr(objective, "minimiser", None)
    if point is None:
        return False
    w = torch.tensor(point, dtype=torch.float64)
    near = _ROUNDING * objective.L * (1 + float(w.norm()))
    flat = float(objective.gradient(w).norm()) <= near
    return flat and bool(abs(float(objective.value(w)) - objective.f_star) <= near * (1 + float(w.norm())))


def _points(objective: Any) -> Tensor:
    """Points of sizes from 1e-3 to 1e2, and a line of points with equal coordinates, around the minimiser if known.

    On a sum of functions of one coordinate random points average what a line shows.
    """
    d = sum(objective.units)
    generator = torch.Generator().manual_seed(0)
    centre = torch.tensor(getattr(objective, "minimiser", None) or (0.0,) * d, dtype=torch.float64)
    sizes = torch.logspace(-3, 2, 6, dtype=torch.float64).repeat_interleave(_POINTS).unsqueeze(-1)
    random = sizes * torch.randn(len(sizes), d, dtype=torch.float64, generator=generator)
    line = torch.linspace(-8, 8, 257, dtype=torch.float64).unsqueeze(-1).expand(-1, d)
    return centre + torch.cat([random, line])


def stated_mu(objective: Any) -> float:
    """The objective's Polyak-Lojasiewicz constant; ValueError where it states none."""
    if getattr(objective, "mu", None) is None:
        raise ValueError(f"the bound needs a Polyak-Lojasiewicz constant mu, found none for {objective.name}")
    return float(objective.mu)


def stated_convexity(objective: Any) -> float:
    """The objective's constant of strong convexity, 0 for convex; ValueError where it is not known to be convex."""
    if getattr(objective, "convexity", None) is None:
        raise ValueError(f"the bound needs a convex objective, found {objective.name}")
    return float(objective.convexity)


def squared_distance(objective: Any, w: Array) -> Array:
    """|w - w*|^2 over the last axis of an array, from the objective's minimiser; ValueError where it states none."""
    if getattr(objective, "minimiser", None) is None:
        raise ValueError(f"the bound needs a minimiser, found none for {objective.name}")
    found: Array = np.square(w - np.array(objective.minimiser)).sum(-1)
    return found


GLOBAL = Assumption("everywhere", r"$L$ and $F^*$ hold on the whole space", _global)
POLYAK_LOJASIEWICZ = Assumption(
    "Polyak-Lojasiewicz", r"$\frac{1}{2} \|\nabla F\|^2 \geq \mu (F - F^*)$ with $0 < \mu \leq L$", _polyak_lojasiewicz
)
CONVEX = Assumption("convexity", r"$F$ is convex", _convex)
STRONGLY_CONVEX = Assumption("strong convexity", r"$F$ is $m$-strongly convex with $m > 0$", _strongly_convex)
EXPECTED_SMOOTHNESS = Assumption(
    "expected smoothness",
    r"$E[g \mid w] = \nabla F(w)$ and $E[\|g\|^2 \mid w] \leq 2 A (F(w) - F^*) + B \|\nabla F(w)\|^2 + C$",
)
MINIMISED = Assumption("minimiser", r"$F(w^*) = F^*$ for a known $w^*$", _minimised)
