"""What is kept of a run: exact gradients and iterates at a few checkpoints, replicate by replicate."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True, eq=False)
class Trace:
    """R replicates at C checkpoints t_1 < ... < t_C of a run; all float64, on the CPU.

    squared_gradient (R, C): |grad F(w_t)|^2, of the exact gradient.
    average (R, C): (1/t) sum_{s<t} |grad F(w_s)|^2.
    weighted (R, C): sum_{s<t} a_s |grad F(w_s)|^2 / sum_{s<t} a_s, for the run's weights a (1 unless given).
    value (R, C): F(w_t).
    iterate (R, C, d): w_t. average_iterate (R, C, d): (1/t) sum_{s<t} w_s. Both (R, C, 0) where paths were not kept.
    """

    checkpoints: tuple[int, ...]
    squared_gradient: Tensor
    average: Tensor
    weighted: Tensor
    value: Tensor
    iterate: Tensor
    average_iterate: Tensor

    def replicates(self, wanted: slice) -> "Trace":
        """These replicates alone."""
        kept = {f.name: getattr(self, f.name)[wanted] for f in fields(self) if f.name != "checkpoints"}
        return Trace(checkpoints=self.checkpoints, **kept)

    def quantiles(self, levels: Sequence[float]) -> Tensor:
        """Quantiles of |grad F(w_t)|^2 over the replicates: (levels, C)."""
        return self.squared_gradient.quantile(torch.tensor(levels, dtype=torch.float64), dim=0)


def joined(traces: Sequence[Trace]) -> Trace:
    """The replicates of several traces of the same checkpoints, one after another."""
    names = [f.name for f in fields(Trace) if f.name != "checkpoints"]
    parts = {name: torch.cat([getattr(trace, name) for trace in traces]) for name in names}
    return Trace(checkpoints=traces[0].checkpoints, **parts)


class Recorder:
    """Collects a `Trace` while a run goes on; every sum runs over time alone, never over replicates."""

    def __init__(self, checkpoints: Sequence[int], w: Tensor, *, paths: bool = True) -> None:
        """Checkpoints are increasing step numbers, at least 1 (ValueError otherwise); w (R, d) gives shape and type.

        paths: keep iterates too.
        """
        self.checkpoints = tuple(checkpoints)
        if not self.checkpoints or list(self.checkpoints) != sorted({t for t in self.checkpoints if t >= 1}):
            raise ValueError(f"checkpoints must be increasing step numbers from 1 on, found {self.checkpoints}")
        self._kept: list[tuple[Tensor, ...]] = []
        self._energy, self._weighted = (torch.zeros_like(w[:, 0], dtype=torch.float64) for _ in range(2))
        self._paths = paths
        self._sum = torch.zeros_like(w) if paths else w[:, :0].clone()

    def add(self, w: Tensor, gradient: Tensor, weight: Tensor | float | None) -> None:
        """Take in w_t (R, d) with its exact gradient, for t = 0, 1, 2, ...; weight: a_t, None for 1 throughout."""
        energy = squared_norm(gradient)
        self._energy += energy
        if weight is not None:
            self._weighted += weight * energy
        if self._paths:
            self._sum += w

    def keep(self, t: int, w: Tensor, gradient: Tensor, value: Tensor, total: float | None) -> None:
        """Keep checkpoint t: what `add` has taken in for all steps before it, and w_t; total: sum_{s<t} a_s."""
        average = self._energy / t
        weighted = average if total is None else self._weighted / total
        kept = (squared_norm(gradient), average, weighted, value, w if self._paths else self._sum, self._sum / t)
        self._kept.append(tuple(part.detach().to("cpu", torch.float64, copy=True) for part in kept))

    def trace(self) -> Trace:
        """The trace of a finished run."""
        names = ("squared_gradient", "average", "weighted", "value", "iterate", "average_iterate")
        parts = {
            name: torch.stack(list(part), 1) for name, part in zip(names, zip(*self._kept, strict=True), strict=True)
        }
        return Trace(checkpoints=self.checkpoints, **parts)


def squared_norm(x: Tensor) -> Tensor:
    """The sum of squares over the last axis; float64 in float64, and accumulated by the library otherwise.

    In float32 it is the square of a norm, which reads x once, where vecdot writes the products first.
    """
    single = x.dtype == torch.float32
    norm: Tensor = torch.linalg.vector_norm(x, dim=-1).square() if single else torch.linalg.vecdot(x, x)
    return norm


def log_spaced(last: int, per_doubling: int = 1) -> tuple[int, ...]:
    """Checkpoints from 1 to `last`, evenly spaced in the logarithm, both ends included.

    >>> log_spaced(20)
    (1, 2, 4, 8, 16, 20)

    Raises ValueError for last < 1 or per_doubling < 1.
    """
    if last < 1 or per_doubling < 1:
        raise ValueError(f"log_spaced needs last >= 1 and per_doubling >= 1, found {last} and {per_doubling}")
    points, i = {last}, 0
    while (point := round(2 ** (i / per_doubling))) < last:
        points.add(point)
        i += 1
    return tuple(sorted(points))
