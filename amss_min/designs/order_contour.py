"""The integrands of order sampling's inclusion probabilities: coefficients of a generating function at many times.

[z^s] is the trapezoid rule on a circle |z| = r. At the radius that tilts the mean of N, the number of ranks below t,
to about k, all terms are of the order of the result, so that relative errors stay small where a probability is small.
With M angles the rule adds the coefficients s + M, s - M, s + 2 M, ..., which Bernstein's inequality bounds; M >= n
adds none. Angles at which |G| is below exp(-40) G(r) are left out. At large n that leaves fewer than 20 angles.
For the integrals and the symbols see `order_quadrature`.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from amss_min.designs.order_ranks import Ranks

_CUT = 50.0  # shares of the result below exp(-50) are left out
_TAIL = 40.0  # and shares of one coefficient below exp(-40)
_STEEPEST = 700.0  # of the logarithm of a radius: nearly all that float64 holds, since rates may be that far apart
_MOST_STEPS = 64
_BLOCK = 2**22  # entries of a matrix (times, units) that is worked on at once
_CHUNK = 2**15  # entries of a complex matrix (points, units) that is worked on at once


@dataclass(frozen=True)
class Terms:
    """Some points of the double sum over times and angles: (points, n) and (points, 1), complex.

    lifted: F_j / g_j; late: f_j / g_j; whole: H; factor: what is common to all units.
    """

    lifted: Tensor
    late: Tensor
    whole: Tensor
    factor: Tensor


class Race:
    """n ranks and a count k, in units of time in which about k - 1/2 ranks are expected below 1.

    units: how many units the integrals single out, 1 or 2. With one, a unit that is likely to be drawn (`likely`) has
    1 - pi_j for its integral, with 1 - F_j in place of F_j, and is accurate in that. For the others all results are
    relative to `middle`, F_j at x = 0, which pi_j is of the order of: no product underflows, however small a rate is.
    """

    def __init__(self, ranks: Ranks, k: int, units: int) -> None:
        self.k, self.units = k, units
        self.ranks = ranks.scaled(math.exp(_centre(ranks, k)))
        early, late, density = self.ranks.at(ranks.rates.new_zeros(1))
        self.likely = (early.squeeze(0) > 0.5) & (units == 1)
        self.middle = early.squeeze(0).masked_fill(self.likely, 1.0)
        # The standard deviation of N over its growth with x: about that of log tau.
        self.width = float((early * late).sum().sqrt() / density.sum())
        self.window = self._end(-1.0, self.ranks.low), self._end(1.0, self.ranks.high)

    def __repr__(self) -> str:
        return f"{self.ranks.n} units at k={self.k}"

    def mesh(self, level: int) -> tuple[Tensor, Tensor, float]:
        """Nodes, weights, and the share of the previous level that is kept."""
        return self.ranks.mesh(*self.window, self.width, level)

    def restored(self, value: Tensor) -> Tensor:
        """What is relative to the middle, made absolute."""
        return value * (self.middle if self.units == 1 else self.middle * self.middle.unsqueeze(-1))

    def terms(self, nodes: Tensor, weights: Tensor) -> Iterator[Terms]:
        """All terms of the double sum over these nodes and their angles."""
        rows = max(1, _BLOCK // self.ranks.n)
        for some, shares in zip(nodes.split(rows), weights.split(rows), strict=True):
            yield from self._block(some, shares)

    def _block(self, nodes: Tensor, weights: Tensor) -> Iterator[Terms]:
        early, late, density = self.ranks.at(nodes)
        tilt = _tilted(early, late, self.k)
        kept = ~self._negligible(early, tilt)
        if not bool(kept.any()):
            return
        early, late, density, tilt = early[kept], late[kept], density[kept], tilt.at(kept)
        chance, lifted = early * tilt.lift, torch.where(self.likely, late, early / self.middle) * tilt.lift
        late = density * tilt.lift * (-tilt.log_radius).exp().unsqueeze(-1)
        node, angle, share = _angles(tilt, self.ranks.n)
        phase = torch.polar(share * (weights[kept] * tilt.bound.exp())[node], -angle * (self.k - self.units))
        turn = torch.complex(-2 * (angle / 2).sin().square(), angle.sin())  # exp(i angle) - 1
        for here in torch.arange(len(node), device=node.device).split(max(1, _CHUNK // self.ranks.n)):
            factors = torch.addcmul(torch.ones_like(turn[:1]), chance[node[here]], turn[here].unsqueeze(-1))
            inverse = factors.reciprocal()
            ringing = late[node[here]] * inverse
            yield Terms(
                lifted=lifted[node[here]] * inverse,
                late=ringing,
                whole=ringing.sum(-1, keepdim=True),
                factor=phase[here].unsqueeze(-1) * _product(factors),
            )

    def _negligible(self, early: Tensor, tilt: "_Tilt") -> Tensor:
        """Where F_j P(tau > t), for t > 1, or F_j P(tau < t) is negligible, whichever units are singled out.

        Both are at most F_j lift_j G(r) r^-k, for r <= 1 and for r >= 1, and P(tau < t) itself is at most G(r) r^-k.
        """
        grown = (early / self.middle * tilt.lift).topk(self.units, -1).values.log().sum(-1).clamp_min(0)
        return tilt.bound + grown < -_CUT

    def _end(self, side: float, limit: float) -> float:
        """Where the integrand has become negligible on this side of 0, probed at doubling distances."""
        steps = 4 * self.width * 2.0 ** torch.arange(60, dtype=torch.float64, device=self.middle.device)
        probes = side * torch.cat([steps[steps < side * limit], steps.new_tensor([side * limit])])
        for some in probes.split(max(1, _BLOCK // self.ranks.n)):
            early, late, _ = self.ranks.at(some)
            found = self._negligible(early, _tilted(early, late, self.k)).nonzero()
            if len(found):
                return float(some[int(found[0])])
        return float(probes[-1])


@dataclass(frozen=True)
class _Tilt:
    """Radii r (m,), at m times, and what they do to the ranks below each time.

    lift (m, n): r / (1 - F_j + F_j r), so that F_j lift_j is the tilted F_j; bound: log(G(r) r^-k), which bounds
    log P(N >= k) where r > 1 and log P(N <= k) where r < 1; excess: mean - k, and variance, of the tilted N.
    """

    log_radius: Tensor
    lift: Tensor
    bound: Tensor
    excess: Tensor
    variance: Tensor

    def at(self, kept: Tensor) -> "_Tilt":
        """The tilt at some of the times."""
        return _Tilt(self.log_radius[kept], self.lift[kept], self.bound[kept], self.excess[kept], self.variance[kept])


def _tilted(early: Tensor, late: Tensor, k: int) -> _Tilt:
    """Radii at which the tilted mean is about k - 1/2: Newton steps, kept inside a shrinking bracket."""
    log_radius = early.new_zeros(len(early))
    lowest, highest = log_radius - _STEEPEST, log_radius + _STEEPEST
    for left in reversed(range(_MOST_STEPS)):
        lift = (late * (-log_radius).exp().unsqueeze(-1) + early).reciprocal()
        chance = early * lift
        excess = chance.sum(-1) - k
        variance = (chance * (1 - chance)).sum(-1)
        if left == 0 or bool((((excess + 0.5).abs() < 0.25) | (highest - lowest < 0.5)).all()):
            break  # every radius is right, and these are good enough
        below = excess < -0.5
        lowest, highest = torch.where(below, log_radius, lowest), torch.where(below, highest, log_radius)
        newton = log_radius - (excess + 0.5) / variance
        inside = (newton > lowest) & (newton < highest)
        log_radius = torch.where(inside, newton, (lowest + highest) / 2)
    # log G(r) - k log r, where the logarithms of ranks surely below t and those of r cancel unit by unit.
    grown, likely = log_radius.unsqueeze(-1), early > late
    logs = torch.where(likely, torch.log1p(late * torch.expm1(-grown)), torch.log1p(early * torch.expm1(grown)))
    return _Tilt(log_radius, lift, logs.sum(-1) + (likely.sum(-1) - k) * log_radius, excess, variance)


def _angles(tilt: _Tilt, n: int) -> tuple[Tensor, Tensor, Tensor]:
    """Node, angle and share of every point of the rules on the circles (half of each: the rest is conjugate)."""
    deviation = _TAIL / 3 + (_TAIL**2 / 9 + 2 * _TAIL * tilt.variance).sqrt()
    count = (deviation + tilt.excess.abs() + 4).ceil().clamp_max(n).unsqueeze(-1)
    count = 2 * (count / 2).floor() + 1  # odd: at the angle pi a factor may vanish
    number = torch.arange(int(count.max()) // 2 + 1, dtype=torch.float64, device=count.device)
    angle = 2 * math.pi * number / count
    # |G| <= G(r) exp(-variance (1 - cos angle)); up to three units are taken out, of at most 1/4 each.
    damped = (tilt.variance - 0.75).clamp_min(0).unsqueeze(-1) * (1 - angle.cos())
    node, index = ((2 * number < count) & (damped <= _TAIL)).nonzero(as_tuple=True)
    return node, angle[node, index], torch.where(index == 0, 1.0, 2.0) / count[node, 0]


def _product(factors: Tensor) -> Tensor:
    """Product over the last axis, kept, in pairs."""
    while (n := factors.shape[-1]) > 1:
        pairs = factors[:, : n // 2] * factors[:, n // 2 : n // 2 * 2]
        if n % 2:
            pairs[:, 0] *= factors[:, -1]
        factors = pairs
    return factors


def _centre(ranks: Ranks, k: int) -> float:
    """x at which about k - 1/2 ranks are expected below exp(x)."""
    low, high = ranks.low, ranks.high
    for _ in range(12):
        x = torch.linspace(low, high, 5, dtype=torch.float64, device=ranks.rates.device)
        below = int((ranks.at(x)[0].sum(-1) < k - 0.5).sum())
        low, high = float(x[max(below - 1, 0)]), float(x[min(below, 4)])
    return (low + high) / 2
