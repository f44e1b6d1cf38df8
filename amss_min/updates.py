"""Masks that act after the optimizer: on its update, or by leaving weights as they were."""

from collections.abc import Iterable, Iterator
from typing import Literal, get_args

import torch
from torch import Tensor

from amss_min.plan import Batch, Block
from amss_min.released import Released
from amss_min.weightings import Indicator, Weighting

Masks = Literal["gradient", "update", "freeze"]
"""What the mask acts on; see docs/masks.md."""


def checked_masks(masks: Masks, weighting: Weighting, released: Released | None, *, unbiased: bool) -> Masks:
    """What the mask acts on; unbiased: whether E[m] = 1 is promised (AMSS+).

    Raises ValueError for another word, for the released code's departures anywhere but on the gradient, and for a
    freeze with weights other than 0 and 1.
    """
    if masks not in get_args(Masks):
        raise ValueError(f"masks must be one of {', '.join(map(repr, get_args(Masks)))}, found masks={masks!r}")
    if released is not None and masks != "gradient":
        raise ValueError(f"the released code masks the gradient, found released with masks={masks!r}")
    if masks == "freeze" and unbiased:
        raise ValueError(
            "AMSSPlus must be unbiased, found masks='freeze', which moves the drawn units by the plain update and the "
            "others not at all: use AMSS, or masks='update'"
        )
    if masks == "freeze" and not isinstance(weighting, Indicator):
        raise ValueError(
            f"masks='freeze' moves a unit by the plain update or not at all, found {weighting}: use Indicator(), or "
            "masks='update'"
        )
    return masks


class Copies:
    """The masked parameters as they were before a step, by which its update u = w_after - w_before is masked.

    Memory: one copy of every parameter of the blocks, from before the step until after it, and temporary tensors of
    the size of one parameter. Half-precision parameters are subtracted and masked in float32 and rounded once.
    """

    def __init__(self, blocks: Iterable[Block]) -> None:
        parameters = {id(block.units.parameter): block.units.parameter for block in blocks}
        self._before = {key: parameter.detach().clone() for key, parameter in parameters.items()}

    def norms(self, batch: Batch) -> Tensor:
        """Norms |u_j| of the updates of all units (draws, n), in float32 or better."""
        norms = []
        for block in batch.blocks:
            before, after = self._sides(block)
            norms.append(block.units.norms(after - before))
        return torch.cat(norms)

    def mask(self, drawn: Iterable[tuple[Batch, Tensor]]) -> None:
        """w <- w_before + m (w_after - w_before), in place; m (draws, n) for every batch. It uses the copies up.

        With m = 1 the weight stays the one after the step, bit for bit, and with m = 0 it is the one before it, but for
        the sign of a zero. Infinite weights may become NaN.
        """
        for block, m in _blocks(drawn):
            before, after = (block.units.view(side) for side in self._sides(block))
            # lerp meets both ends without rounding.
            _weights(block).copy_(before.lerp_(after, m.to(after.dtype)))

    def restore(self, drawn: Iterable[tuple[Batch, Tensor]]) -> None:
        """w <- w_before where m = 0, bit for bit; the others stay as they are. It uses the copies up."""
        for block, m in _blocks(drawn):
            before = block.units.view(self._before[id(block.units.parameter)])
            after = _weights(block)
            after.copy_(torch.where(m == 0, before, after, out=before))

    def _sides(self, block: Block) -> tuple[Tensor, Tensor]:
        after = block.units.parameter.detach()
        dtype = torch.promote_types(after.dtype, torch.float32)
        return self._before[id(block.units.parameter)].to(dtype), after.to(dtype)


def _blocks(drawn: Iterable[tuple[Batch, Tensor]]) -> Iterator[tuple[Block, Tensor]]:
    """Every block with its multipliers, in a shape that broadcasts against the view of its units."""
    for batch, multipliers in drawn:
        for block, part in zip(batch.blocks, multipliers.split(batch.draws), strict=True):
            yield block, block.units.aligned(part)


def _weights(block: Block) -> Tensor:
    return block.units.view(block.units.parameter.detach())
