"""Batches of different numbers of units that are drawn together: short rows are padded with units of size zero.

A unit of size zero is never drawn and takes part in nothing, so the law of the others stays what it is. A draw consists
of some 70 small operations, whatever the number of tensors: for small tensors their number is what a step costs.
"""

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor

from amss_min.designs import Design, Successive, Systematic
from amss_min.importance import GradientNorm, Importance, SquaredGradient
from amss_min.plan import Batch, Block, batches
from amss_min.weightings import HorvitzThompson, Weighting

MOST_PADDING = 2**13
"""On a CPU a draw of its own takes about 0.3 ms, and a unit more in another 15 to 30 ns (two ResNet-18 and -50)."""

_MOST_PLANS = 16


def may_be_padded(importance: Importance, design: Design, weighting: Weighting) -> bool:
    """Whether all three give the units the same law beside others of size zero, and padding costs no more than a sort.

    Somebody's own class, or a subclass, may look at the number of units, as ShiftedInverse does.
    """
    if type(importance) not in (SquaredGradient, GradientNorm) or type(design) not in (Systematic, Successive):
        return False
    integrates = isinstance(design, Successive) and isinstance(weighting, HorvitzThompson)  # over every unit
    return vars(type(weighting)).get("ignores_padding", False) and not integrates


class Bundle:
    """Batches that are drawn together: `draws` rows of n units, where n is that of the largest batch."""

    def __init__(self, batches: Sequence[Batch]) -> None:
        self.batches = tuple(batches)
        self.n = max(batch.n for batch in batches)
        self._draws = [sum(batch.draws) for batch in batches]
        self.draws = sum(self._draws)
        units = [batch.n for batch, draws in zip(batches, self._draws, strict=True) for _ in range(draws)]
        self.units = torch.tensor(units, device=batches[0].blocks[0].units.parameter.device)
        """The number of units of every draw without padding, int64 (draws,)."""
        self._counted: tuple[Tensor, Tensor] | None = None

    def padded(self, norms: Sequence[Tensor]) -> Tensor:
        """Norms of every batch (its draws, its n) as one tensor (draws, n), float64, 0 where nothing is."""
        if len(norms) == 1:
            return norms[0].double()
        whole = norms[0].new_zeros((self.draws, self.n), dtype=torch.float64)
        for part, own in zip(self.split(whole), norms, strict=True):
            part.copy_(own)
        return whole

    def split(self, whole: Tensor) -> Iterator[Tensor]:
        """For every batch its own part (its draws, its n) of a tensor (draws, n)."""
        for part, batch in zip(whole.split(self._draws), self.batches, strict=True):
            yield part if batch.n == self.n else part[:, : batch.n]

    def counts(self, rho: Tensor) -> Tensor:
        """k of every draw, int64 (draws,), by Batch.counts; fractions that stay the same tensor are counted once."""
        if self._counted is None or self._counted[0] is not rho:
            self._counted = rho, torch.cat([batch.counts(rho) for batch in self.batches])
        return self._counted[1]


def bundled(blocks: Iterable[Block], *, padded: bool) -> list[Bundle]:
    """The batches of these blocks in bundles, fewest units first: a bundle each, unless they may be padded.

    A bundle takes in the next batch of the same device, if that pads all of its rows by at most MOST_PADDING units.
    """
    bundles: list[list[Batch]] = []
    for batch in batches(blocks):
        last = bundles[-1] if bundles else []
        rows = sum(sum(one.draws) for one in last)
        if padded and last and rows * (batch.n - last[-1].n) <= MOST_PADDING and _device(batch) == _device(last[-1]):
            last.append(batch)
        else:
            bundles.append([batch])
    return [Bundle(bundle) for bundle in bundles]


class Plans:
    """The bundles of the tensors that a step masks, remembered: one plan for every set of tensors met."""

    def __init__(self, blocks: Sequence[Block], *, padded: bool) -> None:
        self._blocks = blocks
        self._padded = padded
        self.parameters = [block.units.parameter for block in blocks]
        self._plans: dict[tuple[int, ...], list[Bundle]] = {}

    def held(self, parameters: Iterable[Tensor]) -> list[int]:
        """Where the blocks of these parameters stand among all of them."""
        held = {id(parameter) for parameter in parameters}
        return [place for place, parameter in enumerate(self.parameters) if id(parameter) in held]

    def active(self, places: Iterable[int]) -> tuple[int, ...]:
        """The places of blocks whose parameter is trained and has a gradient."""
        own = self.parameters
        return tuple(place for place in places if own[place].grad is not None and own[place].requires_grad)

    def __call__(self, places: tuple[int, ...]) -> list[Bundle]:
        """The bundles of the blocks at these places."""
        if places not in self._plans:
            if len(self._plans) == _MOST_PLANS:  # gradients that come and go at random would pile up
                self._plans.clear()
            self._plans[places] = bundled((self._blocks[place] for place in places), padded=self._padded)
        return self._plans[places]


def _device(batch: Batch) -> torch.device:
    return batch.blocks[0].units.parameter.device
