"""A search for points that contradict the constants of an objective: its L, and its lower bound f_star.

A search refutes and proves nothing: "not contradicted by N points" is all that it says for a constant. A refutation
comes with the points that show it, and is not made of rounding (see `_roughness`).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

_SCALES = tuple(10.0 ** (k / 2) for k in range(-8, 7))  # of random points, 1e-4 to 1e3, where there is no radius
_SCANNED = 34  # random points a scale
_ROUNDS = 40  # of moving and recombining the steepest pairs
_NODES = 33  # points of a segment at which roughness is measured
_CAUTION = 8.0  # how many times the measured roughness is granted
_LARGEST = 2.0**500  # numbers from here on count as not finite: their squares overflow, and with them every quotient
_SLACK = 2.0**-30  # relative excess below which L counts as stated to rounding


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a search found out about one constant.

    constant: "L" or "f_star". stated: its value. found: the largest |grad F(x) - grad F(y)| / |x - y|, or the smallest
    F. error: what rounding may have moved `found`, in its units. points: how many points F or its gradient was taken
    at. at: the points (x, y), or (x,), that show `found`. nonfinite: points at which F or its gradient was not finite;
    they count neither way.
    """

    constant: str
    stated: float
    found: float
    error: float
    refuted: bool
    points: int
    nonfinite: int
    at: tuple[tuple[float, ...], ...]

    @property
    def ratio(self) -> float:
        """found / stated; for L at most 1 where it is right. Not a number where stated is 0."""
        return self.found / self.stated if self.stated else math.nan

    def sentence(self) -> str:
        """The outcome in words."""
        apart = "" if not self.nonfinite else f" ({self.nonfinite} more were not finite)"
        if not self.refuted:
            return f"{self.constant} = {self.stated:.6g} is not contradicted by {self.points} points{apart}"
        seen = "|grad F(x) - grad F(y)| / |x - y|" if self.constant == "L" else "F(x)"
        return f"{self.constant} = {self.stated:.6g} is contradicted: {seen} = {self.found:.9g} +- {self.error:.1e}"


def refute_smoothness(objective: Any, seed: int = 0) -> Finding:
    """Look for x, y in the objective's ball with |grad F(x) - grad F(y)| > L |x - y|.

    Random pairs at scales from 1e-4 to 1e3 (or fractions of the radius), low points of F among them; the power method
    on differences of gradients turns y - x to the steepest direction; then the best pairs are moved and recombined at
    random, keeping what is steeper. Pairs are at least 2^-16 of their size apart, so rounding stays far below L.

    objective: value, gradient, units and L; radius where it has one. seed: of the search; same seed, same outcome.
    Cost: about 6e4 gradients in some 700 calls; a second or less for d = 20 and a function of a few operations.

    >>> from types import SimpleNamespace
    >>> square = {"value": lambda w: w.square().sum(-1), "gradient": lambda w: 2 * w}
    >>> finding = refute_smoothness(SimpleNamespace(units=(2,), L=1.5, f_star=0.0, **square))
    >>> finding.refuted, round(finding.found, 6)
    (True, 2.0)
    """
    look = _Look(objective, seed)
    starts = _starts(look)
    near, _ = _descended(look, starts[look.value(starts).argsort()[:8]], 80)
    low, _ = _descended(look, torch.cat([_exchanged(look, near), starts[:: _SCANNED // 2]]), 40)
    x = torch.cat([starts, low, low + 0.1 * look.normal(*low.shape) * _size(low)])
    h = _size(x) * 2.0 ** -look.integers(2, 11, len(x), 1)
    x, v, h, q = _turned(look, x, _unit(look.normal(*x.shape)), h, 4)
    best = q.topk(min(12, len(q))).indices
    x, v, h, q = x[best], v[best], h[best], q[best]
    for _ in range(_ROUNDS):
        moved, widths = _mutants(look, x, h)
        tried, at = moved.flatten(0, 1), torch.arange(len(x)).repeat_interleave(moved.shape[1])
        rows = _turned(look, tried, v[at], widths.flatten(0, 1), 1)
        x, v, h, q = (torch.cat(pair) for pair in zip((x, v, h, q), rows, strict=True))
        keep = _distinct_best(q, torch.cat([torch.arange(len(x) - len(at)), at]), 12)
        x, v, h, q = x[keep], v[keep], h[keep], q[keep]
    x, v, h, q = _turned(look, x, v, h, 6)
    best = q.topk(4).indices
    return _judged_smooth(look, x[best], v[best], h[best])


def refute_lower_bound(objective: Any, seed: int = 0) -> Finding:
    """Look for a point of the objective's ball with F < f_star.

    Descent with adaptive steps from random points at many scales, exchange of coordinates between what it reached,
    search along single coordinates and along rays, and descent again.

    Arguments, outcome and cost as for `refute_smoothness`.

    >>> from types import SimpleNamespace
    >>> square = {"value": lambda w: w.square().sum(-1), "gradient": lambda w: 2 * w}
    >>> refute_lower_bound(SimpleNamespace(units=(2,), L=2.0, f_star=0.1, **square)).refuted
    True
    """
    look = _Look(objective, seed)
    starts = _starts(look)
    near, _ = _descended(look, starts[look.value(starts).argsort()[:8]], 100)
    w = torch.cat([near, _descended(look, starts[:: _SCANNED // 2], 80)[0]])
    for _ in range(3):
        w = _exchanged(look, w)
        w = _along_coordinates(look, w[:3])
        w, F = _descended(look, torch.cat([w, *(w * 2.0**k for k in (-1, 1, 3))]), 60)
    return _judged_below(look, w[F.argsort()[:3]])


class _Look:
    """An objective under search: batches of finite numbers inside the ball, counted; and the random numbers."""

    def __init__(self, objective: Any, seed: int) -> None:
        self._objective = objective
        self._generator = torch.Generator().manual_seed(seed)
        self.d, self.L = sum(objective.units), float(objective.L)
        self.radius = float(getattr(objective, "radius", math.inf))
        self.f_star = -math.inf if objective.f_star is None else float(objective.f_star)
        self.points = self.nonfinite = 0

    def normal(self, *shape: int) -> Tensor:
        numbers: Tensor = torch.randn(*shape, dtype=torch.float64, generator=self._generator)
        return numbers

    def integers(self, low: int, high: int, *shape: int) -> Tensor:
        return torch.randint(low, high, shape, generator=self._generator).double()

    def inside(self, w: Tensor) -> Tensor:
        """The nearest points of the ball, a little inside of its boundary."""
        if math.isinf(self.radius):
            return w
        limit = self.radius * (1 - 2.0**-40)
        scaled: Tensor = w * (limit / torch.linalg.vector_norm(w, dim=-1, keepdim=True).clamp_min(limit))
        return scaled

    def value(self, w: Tensor) -> Tensor:
        """F, infinite where it is not a finite number."""
        F = self._objective.value(w).detach()
        finite = F.abs() < _LARGEST
        self._count(finite)
        return torch.where(finite, F, math.inf)

    def gradient(self, w: Tensor) -> Tensor:
        """The gradient, a row of nan where it is not finite."""
        g = self._objective.gradient(w).detach()
        finite = (g.abs() < _LARGEST).all(-1)
        self._count(finite)
        return torch.where(finite.unsqueeze(-1), g, math.nan)

    def _count(self, finite: Tensor) -> None:
        self.points += int(finite.sum())
        self.nonfinite += int((~finite).sum())


def _starts(look: _Look) -> Tensor:
    """Random points of every scale, some with equal coordinates, and the origin."""
    scales = _SCALES if math.isinf(look.radius) else tuple(look.radius * 2.0**-k for k in range(12))
    rows = [look.normal(_SCANNED, look.d) for _ in scales]
    for row in rows:
        row[::4] = look.normal(*row[::4].shape[:1], 1)
    if not math.isinf(look.radius):
        rows = [_unit(row) for row in rows]
    points = torch.cat([scale * row for scale, row in zip(scales, rows, strict=True)])
    return look.inside(torch.cat([points, torch.zeros(1, look.d, dtype=torch.float64)]))


def _turned(look: _Look, x: Tensor, v: Tensor, h: Tensor, rounds: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Power method on v -> grad F(x + h v) - grad F(x - h v); the centre x, v, h and the quotient of the best round."""
    x = look.inside(x)
    h = torch.maximum(h, 2.0**-16 * _size(x))
    best_v, best = v, torch.full((len(x),), -math.inf, dtype=torch.float64)
    for _ in range(rounds + 1):
        high, low = look.inside(x + h * v), look.inside(x - h * v)
        change = look.gradient(torch.cat([high, low]))
        change = change[: len(x)] - change[len(x) :]
        apart = torch.linalg.vector_norm(high - low, dim=-1)
        quotient = torch.linalg.vector_norm(change, dim=-1) / apart
        better = quotient.nan_to_num(nan=-math.inf) > best
        best, best_v = torch.where(better, quotient, best), torch.where(better.unsqueeze(-1), v, best_v)
        v = torch.where(change.isfinite().all(-1, keepdim=True), _unit(change), v)
    return x, best_v, h, best


def _mutants(look: _Look, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
    """Changed copies of every row, (rows, 18, d), and their half distances."""
    rows, d = x.shape
    count = 18
    step = look.normal(rows, count, d) * _size(x).unsqueeze(1) * 4.0 ** -look.integers(0, 7, rows, count, 1)
    few = look.integers(0, d, rows, count, d) < 1 + look.integers(0, 3, 1, count, 1)
    step[:, : count // 2] = torch.where(few[:, : count // 2], step[:, : count // 2], 0.0)
    moved = x.unsqueeze(1) + step
    partner = x[look.integers(0, rows, rows, 3).long()]
    moved[:, -3:] = torch.where(look.normal(rows, 3, d) > 0, x.unsqueeze(1), partner)
    moved[:, -4] = x * 2.0 ** look.normal(rows, 1)
    moved[:, -5] = torch.where(look.integers(0, 2, rows, d) > 0, x, -x)
    return moved, h.unsqueeze(1) * 4.0 ** -look.integers(-1, 2, rows, count, 1)


def _distinct_best(score: Tensor, family: Tensor, count: int) -> Tensor:
    """The best rows, at most count // 3 of one family, so that one good row does not drive out all others."""
    kept: list[int] = []
    sizes: dict[int, int] = {}
    for row in score.argsort(descending=True).tolist():
        kin = int(family[row])
        if sizes.get(kin, 0) < count // 3:
            sizes[kin] = sizes.get(kin, 0) + 1
            kept.append(row)
        if len(kept) == count:
            break
    return torch.tensor(kept)


def _judged_smooth(look: _Look, x: Tensor, v: Tensor, h: Tensor) -> Finding:
    """The pair that contradicts L most clearly, or comes nearest to it, once rounding is granted.

    To the measured roughness comes the bound of a computation without cancellation, a linear map of norm L included,
    whose entries are sums of d products: (8 d^1.5 + 64) 2^-53 (|grad F| + L |w|), at both ends.
    """
    half = (h * v).unsqueeze(1) * 4.0 ** torch.arange(-2, 12, dtype=torch.float64).unsqueeze(-1)
    centre = x.unsqueeze(1).expand_as(half)
    a, b = look.inside((centre - half).flatten(0, 1)), look.inside((centre + half).flatten(0, 1))
    g, error = _along(look.gradient, a, b)
    apart = torch.linalg.vector_norm(b - a, dim=-1)
    steep = torch.linalg.vector_norm(g[:, -1] - g[:, 0], dim=-1) / apart
    ends = torch.linalg.vector_norm(g[:, [0, -1]], dim=-1).sum(-1)
    length = torch.linalg.vector_norm(a, dim=-1) + torch.linalg.vector_norm(b, dim=-1)
    error = (error + (8 * look.d**1.5 + 64) * 2.0**-53 * (ends + look.L * length)) / apart
    excess = (steep - error - look.L * (1 + _SLACK)).nan_to_num(nan=-math.inf)
    shown = int(excess.argmax())
    return Finding(
        constant="L",
        stated=look.L,
        found=float(steep[shown]),
        error=float(error[shown]),
        refuted=bool(excess[shown] > 0),
        points=look.points,
        nonfinite=look.nonfinite,
        at=(tuple(a[shown].tolist()), tuple(b[shown].tolist())),
    )


def _judged_below(look: _Look, w: Tensor) -> Finding:
    """The point that contradicts f_star most clearly, or comes nearest to it, once rounding is granted.

    The points are also taken with large coordinates cut, and nearer to the origin: F may hardly rise, and its rounding
    is smaller there. To the roughness along short segments comes (8 d^1.5 + 64) 2^-53 (|F| + |f_star| + L |w|^2), as
    for gradients; f_star may be rounded.
    """
    nearer = [w.clamp(-(4.0**k), 4.0**k) for k in range(-4, 20)] + [w * 4.0**-k for k in range(1, 32)]
    w = torch.cat([w, *nearer])
    F = look.value(w)
    aside = _unit(look.normal(*w.shape)) * _size(w)
    rough = torch.zeros_like(F)
    for width in (2.0**-12, 2.0**-20, 2.0**-30):
        ends = look.inside(w - width * aside), look.inside(w + width * aside)
        _, seen = _along(lambda at: look.value(at).unsqueeze(-1), *ends)
        rough = torch.maximum(rough, seen)
    error = rough + (8 * look.d**1.5 + 64) * 2.0**-53 * (F.abs() + abs(look.f_star) + look.L * w.square().sum(-1))
    excess = (look.f_star - F - error).nan_to_num(nan=-math.inf)
    shown = int(excess.argmax())
    return Finding(
        constant="f_star",
        stated=look.f_star,
        found=float(F[shown]),
        error=float(error[shown]),
        refuted=bool(excess[shown] > 0),
        points=look.points,
        nonfinite=look.nonfinite,
        at=(tuple(w[shown].tolist()),),
    )


def _along(f: Callable[[Tensor], Tensor], a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """f at 33 points of each segment, (rows, 33, m), and what is granted to its rounding, (rows,).

    Rounding makes f rough, also where it stems from intermediate results far larger than f: values jump from point to
    point, or stand still and then jump. A smooth f is nearly a cubic on a short segment. So the distance from the best
    cubic, largest over the points, measures rounding, or exceeds it. 8 times that is granted.
    """
    t = torch.linspace(-1, 1, _NODES, dtype=torch.float64).unsqueeze(-1)
    points = (a + b).unsqueeze(1) / 2 + t * (b - a).unsqueeze(1) / 2
    points[:, 0], points[:, -1] = a, b
    found = f(points.flatten(0, 1)).unflatten(0, (len(a), _NODES))
    basis = torch.linalg.qr(torch.cat([t**k for k in range(4)], -1)).Q
    rest = found - found[:, :1]
    rest = rest - basis @ (basis.T @ rest)
    return found, _CAUTION * torch.linalg.vector_norm(rest, dim=-1).amax(-1)


def _descended(look: _Look, w: Tensor, steps: int) -> tuple[Tensor, Tensor]:
    """Gradient descent, every row with its own step: the secant estimate where F fell, a quarter where it did not."""
    w = look.inside(w)
    F, g = look.value(w), look.gradient(w).nan_to_num(nan=0.0)
    rate = torch.full_like(F, 1 / look.L)
    for _ in range(steps):
        moved = look.inside(w - rate.unsqueeze(-1) * g)
        reached = look.value(moved)
        lower = reached < F
        slope = look.gradient(moved).nan_to_num(nan=0.0)
        s, y = moved - w, slope - g
        secant = s.square().sum(-1) / (s * y).sum(-1)
        longer = torch.where((secant > 0) & secant.isfinite(), secant.clamp(max=10 * rate, min=0.1 * rate), 2 * rate)
        rate = torch.where(lower, longer, rate / 4)
        w = torch.where(lower.unsqueeze(-1), moved, w)
        g, F = torch.where(lower.unsqueeze(-1), slope, g), torch.where(lower, reached, F)
    return w, F


def _exchanged(look: _Look, w: Tensor) -> Tensor:
    """The best rows after mixing coordinates at random, several times."""
    F = look.value(w)
    for _ in range(8):
        parents = look.integers(0, len(w), 48, look.d).long()
        children = look.inside(w.gather(0, parents))
        w, F = torch.cat([w, children]), torch.cat([F, look.value(children)])
        best = F.argsort()[:12]
        w, F = w[best], F[best]
    return w


def _along_coordinates(look: _Look, w: Tensor) -> Tensor:
    """Best change of one coordinate after the other (64 of them at most), offsets of every scale to both sides."""
    scales = torch.tensor(_SCALES if math.isinf(look.radius) else [look.radius * 2.0**-k for k in range(12)])
    offsets = torch.cat([torch.zeros(1), scales, -scales]).double()
    order = torch.arange(look.d) if look.d <= 64 else look.normal(look.d).argsort()[:64]
    for j in order.tolist():
        tried = w.unsqueeze(1).repeat(1, len(offsets), 1)
        tried[..., j] += offsets
        tried = look.inside(tried)
        best = look.value(tried.flatten(0, 1)).reshape(len(w), -1).argmin(1)
        w = tried[torch.arange(len(w)), best]
    return w


def _size(w: Tensor) -> Tensor:
    """Largest coordinate in absolute value, at least 1e-4, (..., 1)."""
    return w.abs().amax(-1, keepdim=True).clamp_min(_SCALES[0])


def _unit(v: Tensor) -> Tensor:
    length = torch.linalg.vector_norm(v, dim=-1, keepdim=True)
    return torch.where(length > 0, v / length, 1 / math.sqrt(v.shape[-1]))
