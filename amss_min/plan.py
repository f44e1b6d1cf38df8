"""Which tensors a step masks, and which of them are drawn together."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

import torch
from torch import Tensor, nn

from amss_min.distributed import is_sharded
from amss_min.modalities import Part, Units, named_units, own_parameters, parts_of


@dataclass(frozen=True, eq=False)
class Block:
    """The units of one parameter in one modality."""

    name: str
    modality: str
    index: int  # of the modality
    units: Units

    @property
    def is_head(self) -> bool:
        """Whether these are a modality's own columns of a shared head."""
        return self.units.kind == "columns"

    @property
    def active(self) -> bool:
        """Whether the parameter is trained and has a gradient."""
        return self.units.parameter.requires_grad and self.units.parameter.grad is not None

    @property
    def gradient(self) -> Tensor:
        """The gradient of an active block; TypeError where it is sparse."""
        gradient = self.units.parameter.grad
        assert gradient is not None
        if gradient.layout is not torch.strided:
            raise TypeError(f"a masked gradient must be dense, found {gradient.layout} in {self.name!r}")
        return gradient


def blocks_of(modalities: Mapping[str, Part | Iterable[Part]] | nn.ModuleDict) -> list[Block]:
    """All blocks in order. ValueError for no modalities, or a parameter in two of them.

    Disjoint columns of a shared head may belong to different modalities.
    """
    if not isinstance(modalities, Mapping | nn.ModuleDict):
        raise TypeError(f"modalities must map names to modules, parameters or units, found {type(modalities).__name__}")
    if not modalities:
        raise ValueError("modalities must name at least one modality, found none")
    listed = {modality: parts_of(parts) for modality, parts in modalities.items()}
    blocks = [
        Block(name, modality, index, units)
        for index, (modality, parts) in enumerate(listed.items())
        for name, units in named_units(modality, parts)
    ]
    seen: dict[int, list[Block]] = {}
    for block in blocks:
        for other in seen.setdefault(id(block.units.parameter), []):
            if not (block.is_head and other.is_head and _disjoint(block.units, other.units)):
                raise ValueError(
                    f"a parameter belongs to one modality and is masked once, found the same one as {other.name!r} "
                    f"and {block.name!r}"
                )
        seen[id(block.units.parameter)].append(block)
    _refuse_shared(listed)
    return blocks


def _refuse_shared(modalities: Mapping[str, Sequence[Part]]) -> None:
    """ValueError for a parameter that two modalities share, be it one without units; a shared head is split."""
    owners: dict[int, str] = {}
    for modality, parts in modalities.items():
        for name, parameter in own_parameters(parts):
            owner = owners.setdefault(id(parameter), modality)
            if owner != modality:
                raise ValueError(
                    f"a parameter belongs to one modality, found {name!r} of {modality!r} in {owner!r} as well"
                )


class Batch:
    """Blocks with the same number of units, which are drawn together: `draws` rows of n units."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        self.blocks = tuple(blocks)
        self.n = blocks[0].units.n
        self.draws = [block.units.draws for block in blocks]
        index = [block.index for block, draws in zip(blocks, self.draws, strict=True) for _ in range(draws)]
        self._modality = torch.tensor(index, device=blocks[0].units.parameter.device)
        self.sharded = any(is_sharded(block.units.parameter) for block in blocks)
        # Neighbours whose multipliers get the same dtype and shape do so together.
        runs = groupby(blocks, lambda block: (_factor_type(block), block.units.broadcast))
        self._runs = [list(run) for _, run in runs]
        self._run_draws = [sum(block.units.draws for block in run) for run in self._runs]
        # Every object that a step looks at was driven out of the cache by the step before: it looks at these only.
        self._parameters = [block.units.parameter for block in blocks]
        self._measures = [block.units.measure for block in blocks]
        self._whole = [block.units.whole for block in blocks]

    def gradients(self) -> list[Tensor]:
        """The gradient of every block; TypeError where one is sparse."""
        found = [parameter.grad for parameter in self._parameters]
        dense = [gradient for gradient in found if gradient is not None and gradient.layout is torch.strided]
        return dense if len(dense) == len(found) else [block.gradient for block in self.blocks]

    def views(self) -> list[Tensor]:
        """Of the gradient of every block the part that its units cover."""
        gradients = zip(self.gradients(), self._whole, self.blocks, strict=True)
        return [gradient if whole else block.units.view(gradient) for gradient, whole, block in gradients]

    def norms(self) -> Tensor:
        """Norms of all units (draws, n), in float32 or better."""
        measured = zip(self._measures, self.gradients(), strict=True)
        return torch.cat([measure(gradient) for measure, gradient in measured]).reshape(-1, self.n)

    def factors(self, multipliers: Tensor) -> list[Tensor]:
        """Multipliers (draws, n) float64 as one tensor a block, in a shape that broadcasts against its view.

        The tensors are the same in every step, overwritten: making a hundred views takes longer than filling them.
        """
        buffers, factors = self._buffers
        for buffer, part in zip(buffers, multipliers.split(self._run_draws), strict=True):
            buffer.copy_(part)
        return factors

    @cached_property
    def _buffers(self) -> tuple[list[Tensor], list[Tensor]]:
        """For every run a tensor (draws, n), and the views of all blocks on them."""
        buffers = [
            torch.empty((draws, self.n), dtype=_factor_type(run[0]), device=self._modality.device)
            for run, draws in zip(self._runs, self._run_draws, strict=True)
        ]
        runs = zip(buffers, self._runs, strict=True)
        return buffers, [view for buffer, run in runs for view in run[0].units.aligned(buffer, len(run)).unbind()]

    def counts(self, rho: Tensor) -> Tensor:
        """k = ceil(rho n) for every draw, int64 (draws,); rho (M,) float64.

        The guard 1e-6 keeps 0.07 * 100 = 7.000000000000001 from giving 8.
        """
        share = rho.to(self._modality.device)[self._modality]
        return (share * self.n - 1e-6).ceil().to(torch.int64).clamp(1, self.n)


def batches(blocks: Iterable[Block]) -> list[Batch]:
    """Blocks by number of units and device, fewest units first."""
    groups: dict[tuple[int, str], list[Block]] = {}
    for block in blocks:
        groups.setdefault((block.units.n, str(block.units.parameter.device)), []).append(block)
    return [Batch(groups[key]) for key in sorted(groups)]


def scale(masked: Sequence[tuple[Batch, Tensor]]) -> None:
    """Multiply the gradients of all units in place: multipliers (draws, n) float64 for every batch.

    Half-precision gradients are multiplied in float32 and rounded once.
    """
    views: list[Tensor] = []
    factors: list[Tensor] = []
    for batch, multipliers in masked:
        found = batch.factors(multipliers)
        if batch.sharded:
            for block, factor in zip(batch.blocks, found, strict=True):
                block.units.scale(block.gradient, factor.reshape(-1, batch.n))
        else:
            views += batch.views()
            factors += found
    # The sweep comes last, since it clears the cache of all that is small. Backwards: the gradients that were measured
    # last may still be there.
    if views:
        torch._foreach_mul_(views[::-1], factors[::-1])


def close_names(what: str, found: Iterable[str], expected: Sequence[str]) -> None:
    """ValueError unless `found` are the names expected, offering the close ones."""
    found = list(found)
    for name in found:
        if name not in expected:
            close = difflib.get_close_matches(name, expected, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise ValueError(f"{what} names modalities {list(expected)}, found {name!r}{hint}")
    missing = [name for name in expected if name not in found]
    if missing:
        raise ValueError(f"{what} needs every modality, found none for {missing}")


def _factor_type(block: Block) -> torch.dtype:
    return torch.promote_types(block.units.parameter.dtype, torch.float32)


def _disjoint(one: Units, other: Units) -> bool:
    if one.start is None or one.stop is None or other.start is None or other.stop is None:
        return False
    return one.stop <= other.start or other.stop <= one.start
