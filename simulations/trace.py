"""What is kept of a run: exact gradients and iterates at a few checkpoints, replicate by replicate."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from simulations.objectives import ordered_sum


@dataclass(frozen=True, kw_only=True, eq=False)
class Trace:
    """R replicates at C checkpoints t_1 < ... < t_C of a run; all float64, on the CPU.

    squared_gradient (R, C): |grad F(w_t)|^2, of the exact gradient.
    average (R, C): (1/t) sum_{s<t} |grad F(w_s)|^2.
    iterate (R, C, d): w_t. average_iterate (R, C, d): (1/t) sum_{s<t} w_s.
    """

    checkpoints: tuple[int, ...]
    squared_gradient: Tensor
    average: Tensor
    iterate: Tensor
    average_iterate: Tensor


class Recorder:
    """Collects a `Trace` while a run goes on; every sum runs over time alone, never over replicates."""

    def __init__(self, checkpoints: Sequence[int]) -> None:
        """Checkpoints are increasing step numbers, at least 1. Raises ValueError otherwise."""
        self.checkpoints = tuple(checkpoints)
        if not self.checkpoints or list(self.checkpoints) != sorted({t for t in self.checkpoints if t >= 1}):
            raise ValueError(f"checkpoints must be increasing step numbers from 1 on, found {self.checkpoints}")
        self._kept: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []
        self._energy: Tensor | None = None
        self._sum: Tensor | None = None

    def see(self, t: int, w: Tensor, gradient: Tensor) -> None:
        """Take in the iterate w_t (R, d) and its exact gradient; called once for every t = 0, 1, 2, ..."""
        energy = ordered_sum(gradient.square())
        if self._energy is None or self._sum is None:
            self._energy, self._sum = torch.zeros_like(energy), torch.zeros_like(w)
        if t in self.checkpoints:
            kept = (energy, self._energy / t, w, self._sum / t)
            self._kept.append(tuple(part.cpu() for part in kept))  # type: ignore[arg-type]
        self._energy += energy
        self._sum += w

    def trace(self) -> Trace:
        """The trace of a finished run."""
        energy, average, iterate, mean = (torch.stack(list(parts), 1) for parts in zip(*self._kept, strict=True))
        return Trace(
            checkpoints=self.checkpoints,
            squared_gradient=energy,
            average=average,
            iterate=iterate,
            average_iterate=mean,
        )


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
