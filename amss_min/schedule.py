"""Which steps are masked, which of them draw anew, and where every optimizer stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any

import torch
from torch import Tensor

from amss_min.plan import Batch, Block
from amss_min.report import Report


@dataclass(frozen=True)
class Schedule:
    """Steps start, start + 1, ..., end - 1 are masked; a mask is drawn in every `every`-th of them and reused between.

    Steps are counted from 0, for every attached optimizer on its own; a step that a GradScaler leaves out is not
    counted, unless the optimizer is fused (which is stepped all the same). Before `start` (warm-up) and from `end` on,
    a step is that of the plain optimizer, bit for bit, draws no random number and needs no `observe`.

    every: reused are the drawn units and their weights, as they were computed at the draw; nothing is measured,
    and nothing observed is used. A reused mask is not fresh: the weights of the network have already moved along it,
    so that E[m * g] = g holds at the draws alone (claim reused-mask-biased). AMSSPlus refuses every > 1.
    A new mask is drawn early where other tensors have gradients than at the draw.

    The counts are Python numbers: a captured CUDA graph replays the kind of step that it captured.
    Raises ValueError unless every >= 1, start >= 0 and end is None or above start; TypeError for anything but integers.

    >>> schedule = Schedule(every=2, start=1, end=5)
    >>> [step for step in range(7) if schedule.masks(step)], [step for step in range(7) if schedule.draws(step)]
    ([1, 2, 3, 4], [1, 3])
    """

    every: int = 1
    start: int = 0
    end: int | None = None

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not (isinstance(value, Integral) and not isinstance(value, bool)) and (name, value) != ("end", None):
                raise TypeError(f"{name} must be a whole number of steps, found {name}={value!r}")
        if self.every < 1:
            raise ValueError(f"every must be at least 1 step, found every={self.every}")
        if self.start < 0 or (self.end is not None and self.end <= self.start):
            raise ValueError(f"a schedule must satisfy 0 <= start < end, found start={self.start}, end={self.end}")

    @classmethod
    def in_epochs(
        cls, steps_per_epoch: int, *, start: float = 0, end: float | None = None, every: int = 1
    ) -> "Schedule":
        """The schedule with start and end in epochs, rounded to steps; every stays in steps.

        steps_per_epoch: steps of the optimizer, len(loader) without gradient accumulation.
        Raises as the class does, ValueError for steps_per_epoch below 1 too.

        >>> Schedule.in_epochs(40, start=0.5, end=10)
        Schedule(every=1, start=20, end=400)
        """
        if not isinstance(steps_per_epoch, Integral) or isinstance(steps_per_epoch, bool):
            raise TypeError(f"steps_per_epoch must be a whole number, found {steps_per_epoch!r}")
        if steps_per_epoch < 1:
            raise ValueError(f"steps_per_epoch must be at least 1, found {steps_per_epoch}")
        for name, value in (("start", start), ("end", end)):
            if value is not None and (not isinstance(value, Real) or isinstance(value, bool)):
                raise TypeError(f"{name} must be a number of epochs, found {name}={value!r}")
        return cls(every, round(start * steps_per_epoch), None if end is None else round(end * steps_per_epoch))

    def masks(self, step: int) -> bool:
        """Whether this step is masked."""
        return self.start <= step and (self.end is None or step < self.end)

    def draws(self, step: int) -> bool:
        """Whether this step is masked by a mask of its own."""
        return self.masks(step) and (step - self.start) % self.every == 0


def checked_schedule(schedule: Schedule | None, *, unbiased: bool) -> Schedule:
    """The schedule, by default that of every step; unbiased: whether E[m * g | g] = g is promised (AMSS+).

    Raises TypeError for anything else, ValueError for reused masks where an unbiased step is promised.
    """
    if schedule is None:
        return Schedule()
    if not isinstance(schedule, Schedule):
        raise TypeError(f"schedule must be a Schedule, found {schedule!r}")
    if unbiased and schedule.every > 1:
        raise ValueError(
            f"AMSSPlus must be unbiased, found every={schedule.every}: a reused mask is not independent of the weights "
            "that it has moved. Use AMSS with design=Systematic(), weighting=HorvitzThompson(), or every=1"
        )
    return schedule


@dataclass
class Progress:
    """Where one optimizer stands: its steps so far, and the mask that it may reuse.

    places: of the blocks of the last draw, among all blocks. multipliers: those of the draw, a tensor (draws, n)
    float64 for every batch, in the order of amss_min.plan.batches. rho: its keep fractions. report: its report.
    """

    steps: int = 0
    places: tuple[int, ...] = ()
    multipliers: list[Tensor] = field(default_factory=list)
    rho: Tensor | None = None
    report: Report | None = None

    def due(self, schedule: Schedule, places: tuple[int, ...]) -> bool:
        """Whether a masked step of the blocks at these places needs a mask of its own."""
        return schedule.draws(self.steps) or self.places != places

    def keep(self, places: tuple[int, ...], multipliers: list[Tensor], rho: Tensor, report: Report) -> None:
        """Take note of a draw that may be reused."""
        self.places, self.multipliers, self.rho, self.report = places, multipliers, rho, report

    def recalled(self, plan: Sequence[Batch], modalities: tuple[str, ...]) -> tuple[list[Tensor], Report]:
        """The kept multipliers for the batches of this plan, and the report of their draw.

        After a checkpoint the report lists no tensors. An empty plan is a step that is not masked.
        """
        if not plan or self.rho is None:
            return [], Report(modalities, torch.ones(len(modalities), dtype=torch.float64), [], as_released=False)
        if self.report is None:
            self.report = Report(modalities, self.rho, [], as_released=False)
        devices = [batch.blocks[0].units.parameter.device for batch in plan]
        return [kept.to(device) for kept, device in zip(self.multipliers, devices, strict=True)], self.report

    def state(self) -> dict[str, Any]:
        """What a checkpoint holds of it; copies, so that they are ordinary tensors."""
        return {
            "steps": self.steps,
            "places": list(self.places),
            "multipliers": [tensor.clone() for tensor in self.multipliers],
            "rho": None if self.rho is None else self.rho.clone(),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any], blocks: Sequence[Block]) -> "Progress":
        """Resume from `state`; ValueError where the kept mask is not one of these blocks'."""
        made = cls(state["steps"], tuple(state["places"]), list(state["multipliers"]), state["rho"])
        if max(made.places, default=-1) >= len(blocks):
            raise ValueError(f"the state must be of these {len(blocks)} tensors, found one of {max(made.places) + 1}")
        wanted = sum(blocks[place].units.draws * blocks[place].units.n for place in made.places)
        found = sum(tensor.numel() for tensor in made.multipliers)
        if wanted != found:
            raise ValueError(f"the state must be of these units, found a mask of {found} units, not {wanted}")
        return made
