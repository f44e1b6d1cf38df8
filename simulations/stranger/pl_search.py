"""A search for points that contradict a stated Polyak-Lojasiewicz constant."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from simulations.objectives import Objective

_ROUNDING = 2.0**-30  # relative; values and gradients round by far less
_STEPS = 150


@dataclass(frozen=True)
class PLFinding:
    """The least |grad F|^2 / (2 (F - f_star)) that was found, over `points` points, and where.

    refuted: that point contradicts mu by more than rounding, 2^-30 of |grad F|^2 / 2 + mu (|F| + |f_star|).
    """

    stated: float
    found: float
    refuted: bool
    points: int
    at: tuple[float, ...]

    def sentence(self) -> str:
        """The outcome in words."""
        if not self.refuted:
            return f"mu = {self.stated:.6g} is not contradicted by {self.points} points"
        return f"mu = {self.stated:.6g} is contradicted: |grad F(x)|^2 / (2 (F(x) - f_star)) = {self.found:.9g}"


def refute_pl(objective: Objective, seed: int = 0) -> PLFinding:
    """Look for x in the objective's ball with |grad F(x)|^2 / 2 < mu (F(x) - f_star).

    Random points at scales from 1e-3 to 1e3 (or fractions of the radius), some along one coordinate, go down F, where
    they may end in a local minimum, and down |grad F|^2, where they end in any stationary point; the lowest point is
    then left along every coordinate and along random rays.

    objective: with mu. Raises ValueError for one without. Cost: about 1e5 gradients; a second for d = 20.
    """
    if objective.mu is None:
        raise ValueError(f"a search for contradictions needs a stated mu, found none for {objective.name}")
    generator = torch.Generator().manual_seed(seed)
    d, bounded = objective.d, math.isfinite(objective.radius)
    scales = [objective.radius * 2.0**-k for k in range(12)] if bounded else [10.0 ** (k / 2) for k in range(-6, 7)]
    rows = torch.randn(len(scales), 16, d, dtype=torch.float64, generator=generator)
    rows[:, ::4] *= torch.nn.functional.one_hot(torch.arange(len(scales)) % d, d).unsqueeze(1)
    if bounded:
        rows = rows / torch.linalg.vector_norm(rows, dim=-1, keepdim=True).clamp_min(2.0**-30)
    starts = (rows * torch.tensor(scales, dtype=torch.float64)[:, None, None]).flatten(0, 1)
    look = _Look(objective)
    down = starts
    for _ in range(_STEPS):
        down = look.at(down)[0]
        down = down - look.gradient / objective.L
    flat = starts
    for _ in range(_STEPS):
        flat, gradient = look.at(flat)
        # grad (|grad F|^2 / 2) = H grad F, by a forward difference of gradients.
        h = 2.0**-20 * (1 + flat.abs().amax(-1, keepdim=True)) / (1e-300 + gradient.abs().amax(-1, keepdim=True))
        h = h.clamp_max(2.0**60)
        change = look.at(flat + h * gradient)[1] - gradient
        flat = flat - (change / h).nan_to_num(0.0, 0.0, 0.0) / objective.L**2
    look.at(flat)
    low = look.at(down)[0][look.value.nan_to_num(math.inf).argmin()]
    directions = torch.cat([torch.eye(d, dtype=torch.float64), -torch.eye(d, dtype=torch.float64), rows[:, 1]])
    for scale in scales:
        for factor in (0.3, 0.5, 0.8, 1.0):
            look.at(low + factor * scale * directions)
    return look.finding()


class _Look:
    """Points visited, and the one that comes nearest to a contradiction."""

    def __init__(self, objective: Objective) -> None:
        assert objective.mu is not None  # refute_pl saw to it
        self._objective, self._mu = objective, objective.mu
        self._points, self._excess, self._found = 0, -math.inf, math.inf
        self._at: Tensor = torch.zeros(objective.d, dtype=torch.float64)

    def at(self, w: Tensor) -> tuple[Tensor, Tensor]:
        """Visit these points, moved into the ball; returns them with their gradients, 0 where not finite."""
        if math.isfinite(self._objective.radius):
            length = torch.linalg.vector_norm(w, dim=-1, keepdim=True)
            w = w * (self._objective.radius * (1 - 2.0**-40) / length.clamp_min(self._objective.radius))
        self.value, gradient = self._objective.value(w), self._objective.gradient(w)
        energy, f_star = gradient.square().sum(-1) / 2, self._objective.f_star
        gap = self.value - f_star
        noise = _ROUNDING * (energy + self._mu * (self.value.abs() + abs(f_star)))
        excess = (self._mu * gap - energy - noise).nan_to_num(-math.inf, -math.inf, -math.inf)
        sure = excess.isfinite()
        self._points += int(sure.sum())
        # Among contradictions the clearest relative to the gap, where rounding matters least.
        quotient = torch.where((gap > 0) & sure, energy / gap, math.inf)
        quotient = torch.where((excess > 0) | (self._excess <= 0), quotient, math.inf)
        best = int(quotient.argmin())
        if (float(excess[best]) > 0, -float(quotient[best])) > (self._excess > 0, -self._found):
            self._excess, self._found, self._at = float(excess[best]), float(quotient[best]), w[best].clone()
        self.gradient = gradient.nan_to_num(0.0, 0.0, 0.0)
        return w, self.gradient

    def finding(self) -> PLFinding:
        """What came of it."""
        return PLFinding(self._mu, self._found, self._excess > 0, self._points, tuple(self._at.tolist()))
