"""Several ranks that train one model: equal masks on all of them, pooled observations, sharded gradients.

Masks are equal because everything they are computed from is: gradients after the all-reduce, observations summed over
the ranks in the order of ranks, and one generator state. Only broadcast and all_reduce are called, which every backend
has on every device; nothing waits for the device after the first step.
"""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal, TypeGuard

import torch
from torch import Tensor, distributed

from amss_min.observation import Observation

if TYPE_CHECKING:
    from torch.distributed.tensor import DTensor

    from amss_min.modalities import Units
    from amss_min.plan import Block

Group = distributed.ProcessGroup | Literal[False] | None
"""The ranks that mask alike: a process group, None for all of them, False where every rank trains on its own."""


class Ranks:
    """The ranks of a group, if there are several; otherwise it does nothing.

    Whether torch.distributed is initialised is asked at every step, so that a masked step may be made before that.
    """

    def __init__(self, group: Group) -> None:
        if not (group is None or group is False or isinstance(group, distributed.ProcessGroup)):
            raise TypeError(f"process_group must be a ProcessGroup, None or False, found {type(group).__name__}")
        self._group = group
        self._agreed = False

    @property
    def several(self) -> bool:
        """Whether masks must be equal to those of another rank."""
        if self._group is False or not (distributed.is_available() and distributed.is_initialized()):
            return False
        return distributed.get_world_size(self._group) > 1

    def forget(self) -> None:
        """Agree again at the next step: a generator's state was loaded."""
        self._agreed = False

    def agree(self, generator: torch.Generator, device: torch.device) -> None:
        """Give every rank the generator state of the group's first rank, once; device: one that the backend takes.

        Ranks that are seeded differently (torch.manual_seed(seed + rank)) would draw different masks.
        """
        if self._agreed or not self.several:
            return
        assert self._group is not False
        state = generator.get_state().to(device)
        distributed.broadcast(state, group=self._group, group_src=0)
        generator.set_state(state.cpu())
        self._agreed = True

    def pooled(self, observation: Observation) -> Observation:
        """What all ranks observed, equal on all of them bit for bit; every rank must have observed the same kind.

        The sums travel as one matrix with a row for every rank, in which a rank fills its own: adding zeros rounds
        nothing, and all ranks fold the rows in the same order.
        """
        if not self.several:
            return observation
        assert self._group is not False
        with torch.inference_mode(False), torch.no_grad():  # what is pooled is kept beyond the step
            parts = vars(observation)
            own = torch.cat([value.reshape(-1) for value in parts.values()])
            rows = own.new_zeros(distributed.get_world_size(self._group), len(own))
            rows[distributed.get_rank(self._group)] = own
            distributed.all_reduce(rows, group=self._group)
            first, *others = [_like(observation, row) for row in rows]
            for other in others:
                first = first + other
        return first


def _like(observation: Observation, row: Tensor) -> Observation:
    parts = vars(observation)
    pieces = row.split([value.numel() for value in parts.values()])
    shaped = {name: piece.reshape(parts[name].shape) for name, piece in zip(parts, pieces, strict=True)}
    return type(observation)(**shaped)


def is_sharded(tensor: Tensor) -> "TypeGuard[DTensor]":
    """Whether this is a DTensor, as the gradients of fully_shard are; torch.distributed.tensor is not imported."""
    module = sys.modules.get("torch.distributed.tensor")
    return module is not None and isinstance(tensor, module.DTensor)


def refuse_sharded(blocks: "Iterable[Block]", masks: str) -> None:
    """TypeError for a sharded parameter where masks are not of the gradient, or one that is not cut in plain shards."""
    for block in blocks:
        parameter = block.units.parameter
        if not is_sharded(parameter):
            continue
        found = f"found {block.name!r} as a DTensor with placements {parameter.placements}"
        if masks != "gradient":
            raise TypeError(f"masks={masks!r} needs whole parameters, {found}: only gradients are masked in shards")
        if {type(placement).__name__ for placement in parameter.placements} - {"Shard", "Replicate"}:
            raise TypeError(f"a sharded parameter must be placed by Shard and Replicate, {found}: rows would be mixed")


def sharded_norms(units: "Units", gradient: "DTensor") -> Tensor:
    """Norms of all units of a sharded gradient, (draws, n), equal on all ranks.

    Every rank reduces its shard over the dimensions that neither units, draws nor shards of rows need; what is left,
    one number a row or a weight of a split head, is gathered, and the norms are norms of those.
    """
    dtype = torch.promote_types(gradient.dtype, torch.float32)
    inner = [dim for dim in range(gradient.ndim) if dim not in _kept(units)]
    left = torch.linalg.vector_norm(gradient, dim=inner, keepdim=True, dtype=dtype) if inner else gradient
    return units.norms(left.full_tensor())


def scale_sharded(units: "Units", gradient: "DTensor", multipliers: Tensor) -> None:
    """Multiply every unit in place, each rank its own shard: multipliers (draws, n), equal on all ranks."""
    from torch.distributed.tensor import DTensor, Replicate, Shard

    kept = _kept(units)
    shape = [size if dim in kept else 1 for dim, size in enumerate(gradient.shape)]
    factors = torch.ones(shape, dtype=multipliers.dtype, device=multipliers.device)
    units.scale(factors, multipliers)
    mesh, whole = gradient.device_mesh, Replicate()
    placements = [place if isinstance(place, Shard) and place.dim in kept else whole for place in gradient.placements]
    shared = DTensor.from_local(factors, mesh, [whole] * mesh.ndim, run_check=False)
    gradient.to_local().mul_(shared.redistribute(mesh, placements).to_local())


def _kept(units: "Units") -> set[int]:
    """The dimensions of the parameter along which units and draws lie, and that of the rows."""
    along = units.axis if units.split is None else units.split[0]
    return {0, along} if units.row_axis is None else {0, along, units.row_axis}
