"""A modality and its units: which slices of which parameters are kept or masked together."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from amss_min.distributed import is_sharded, scale_sharded, sharded_norms


@dataclass(frozen=True, eq=False)
class Units:
    """The units of one parameter: its gradient seen as `draws` independent draws among `n` units each.

    parameter: the masked parameter. kind: how its units were made, for messages.
    start, stop: the columns (dimension 1) covered, or None for the whole tensor.
    split: (dimension, sizes) by which a dimension is split first, or None.
    axis: the dimension of units, after splitting; row_axis: the dimension of independent draws, or None.
    """

    parameter: Tensor
    kind: str
    axis: int = 0
    row_axis: int | None = None
    start: int | None = None
    stop: int | None = None
    split: tuple[int, tuple[int, ...]] | None = None

    def view(self, tensor: Tensor) -> Tensor:
        """The part of a tensor shaped like the parameter that these units cover; never a copy."""
        if tensor.ndim == 0:
            return tensor.unsqueeze(0)
        if self.start is not None and self.stop is not None:
            return tensor.narrow(1, self.start, self.stop - self.start)
        return tensor if self.split is None else tensor.unflatten(*self.split)

    @property
    def whole(self) -> bool:
        """Whether the view of a tensor is the tensor itself."""
        return self.parameter.ndim > 0 and self.start is None and self.split is None

    @cached_property
    def _shape(self) -> torch.Size:
        return self.view(torch.empty(self.parameter.shape, device="meta")).shape

    @cached_property
    def n(self) -> int:
        """Units in each draw."""
        return self._shape[self.axis]

    @cached_property
    def draws(self) -> int:
        """Independent draws."""
        return 1 if self.row_axis is None else self._shape[self.row_axis]

    @cached_property
    def _inner(self) -> list[int]:
        return [dim for dim in range(len(self._shape)) if dim not in (self.axis, self.row_axis)]

    @cached_property
    def _last_inner(self) -> tuple[list[int], list[int]]:
        """The inner dimensions behind all others, and those before; all of them and none where none are behind."""
        behind = [dim for dim in self._inner if dim > max(self.axis, -1 if self.row_axis is None else self.row_axis)]
        return (behind, [dim for dim in self._inner if dim not in behind]) if behind else (self._inner, [])

    @cached_property
    def broadcast(self) -> list[int]:
        """The shape of multipliers that broadcasts against the view."""
        return [1 if dim in self._inner else size for dim, size in enumerate(self._shape)]

    def norms(self, gradient: Tensor) -> Tensor:
        """Euclidean norm of every unit, (draws, n), in float32 or better."""
        if is_sharded(gradient):
            return sharded_norms(self, gradient)
        view = self.view(gradient)
        dtype = torch.promote_types(view.dtype, torch.float32)
        if not self._inner:
            return view.abs().to(dtype).reshape(-1, self.n)
        # Dimensions that lie together in memory are reduced first: all at once takes six times as long on a CPU.
        last, others = self._last_inner
        norms: Tensor = torch.linalg.vector_norm(view, dim=last, keepdim=True, dtype=dtype)
        if others:
            norms = torch.linalg.vector_norm(norms, dim=others)
        return norms.reshape(-1, self.n)

    @cached_property
    def measure(self) -> Callable[[Tensor], Tensor]:
        """`norms` as a function of the gradient, flat (draws n,): one operation for rows of a whole tensor."""
        inner, dtype = self._inner, torch.promote_types(self.parameter.dtype, torch.float32)
        rows = self.axis == 0 and self.row_axis is None and self.start is None and self.split is None and inner
        if not rows or is_sharded(self.parameter):
            return lambda gradient: self.norms(gradient).reshape(-1)

        def norms_of_rows(gradient: Tensor) -> Tensor:
            if gradient.dtype is not dtype:
                return self.norms(gradient).reshape(-1)
            norms: Tensor = torch.linalg.vector_norm(gradient, dim=inner)
            return norms

        return norms_of_rows

    def aligned(self, multipliers: Tensor, blocks: int | None = None) -> Tensor:
        """Multipliers (draws, n) in a shape that broadcasts against the view.

        blocks: those of as many units like these, (blocks * draws, n), which are stacked.
        """
        return multipliers.reshape(self.broadcast if blocks is None else [blocks, *self.broadcast])

    def scale(self, gradient: Tensor, multipliers: Tensor) -> None:
        """Multiply every unit in place: multipliers (draws, n)."""
        if is_sharded(gradient):
            scale_sharded(self, gradient, multipliers)
        else:
            self.view(gradient).mul_(self.aligned(multipliers))


def rows(parameter: Tensor) -> Units:
    """One unit for every slice along dimension 0: output filters, output rows, entries of a vector.

    A 0-d parameter is a single unit.
    """
    return Units(_checked(parameter), "rows")


def weights(parameter: Tensor) -> Units:
    """One unit for every single weight of a matrix, drawn row by row; ValueError unless 2-d.

    A draw takes some hundred bytes of working memory for every weight.
    """
    _checked(parameter, matrix="weights")
    return Units(parameter, "weights", axis=1, row_axis=0)


def columns(parameter: Tensor, start: int, stop: int) -> Units:
    """Single weights of columns start to stop (excluded), drawn row by row: a modality's part of a shared head.

    Raises ValueError unless the parameter is a matrix and 0 <= start < stop <= its width.
    """
    width = _checked(parameter, matrix="columns").shape[1]
    if not 0 <= start < stop <= width:
        raise ValueError(f"columns must satisfy 0 <= start < stop <= {width}, found start={start}, stop={stop}")
    return Units(parameter, "columns", axis=1, row_axis=0, start=start, stop=stop)


def heads(parameter: Tensor, num_heads: int, axis: int = 0, *, packed: bool = False) -> Units:
    """One unit for every attention head of a projection matrix.

    axis=0: blocks of output rows (query, key or value projection). axis=1: blocks of input columns (output
    projection). packed: the rows are those of Q, K and V one after the other, as in the in_proj_weight of
    nn.MultiheadAttention; the rows of all three that belong to one head are one unit.
    Raises ValueError unless the dimension is divisible by num_heads (by 3 num_heads where packed).
    """
    _checked(parameter, matrix="heads")
    if axis not in (0, 1) or (packed and axis):
        raise ValueError(f"axis must be 0 (rows) or 1 (columns, not packed), found axis={axis}, packed={packed}")
    size = parameter.shape[axis]
    width, rest = divmod(size, 3) if packed else (size, 0)
    if num_heads < 1 or width % num_heads or rest:
        raise ValueError(f"heads must divide the projection, found {size} features for num_heads={num_heads}")
    sizes = (3, num_heads, width // num_heads) if packed else (num_heads, width // num_heads)
    return Units(parameter, "heads", axis=1 if packed else axis, split=(axis, sizes))


def split_head(head: nn.Linear, widths: Mapping[str, int]) -> dict[str, Units]:
    """Each modality's own columns of a linear head on concatenated features, in the order of `widths`.

    Raises ValueError unless the widths add up to head.in_features; TypeError for another kind of head.

    >>> split_head(nn.Linear(48, 7), {"audio": 32, "video": 16})["video"].n
    16
    """
    if not isinstance(head, nn.Linear):
        raise TypeError(f"split_head takes an nn.Linear, found {type(head).__name__}")
    if sum(widths.values()) != head.in_features:
        raise ValueError(f"widths must add up to in_features={head.in_features}, found {dict(widths)}")
    blocks, start = {}, 0
    for name, width in widths.items():
        blocks[name] = columns(head.weight, start, start + width)
        start += width
    return blocks


Part = nn.Module | nn.Parameter | Units


def parts_of(parts: Part | Iterable[Part]) -> list[Part]:
    """The parts as a list: a single one, or those of an iterable such as parameters()."""
    return [parts] if isinstance(parts, nn.Module | nn.Parameter | Units) else list(parts)


def named_units(modality: str, parts: Sequence[Part]) -> list[tuple[str, Units]]:
    """The units of a modality with their names. Units given explicitly replace those found in a module.

    In a module: convolutions by output filter (a transposed one with groups: by place within its group),
    nn.Linear by output row, nn.MultiheadAttention by head. Everything else (normalisation, embeddings, biases)
    keeps its full gradient; name it explicitly to mask it.
    Raises ValueError for a modality without units, TypeError for a part of another type.
    """
    explicit: list[tuple[str, Units]] = []
    found: list[tuple[str, Units]] = []
    for index, part in enumerate(parts):
        if isinstance(part, nn.Module):
            found += _units_of_module(part)
        elif isinstance(part, nn.Parameter | Units):
            units = part if isinstance(part, Units) else rows(part)
            explicit.append((f"{units.kind}[{index}] of shape {tuple(units.parameter.shape)}", units))
        else:
            raise TypeError(f"modality {modality!r} takes modules, parameters and units, found {type(part).__name__}")
    chosen = {id(units.parameter) for _, units in explicit}
    # A parameter tied inside the modality is met twice and masked once.
    once: dict[int, tuple[str, Units]] = {}
    for name, units in found:
        if id(units.parameter) not in chosen:
            once.setdefault(id(units.parameter), (name, units))
    named = [(f"{modality}: {name}", units) for name, units in [*explicit, *once.values()]]
    if not named:
        raise ValueError(f"modality {modality!r} must have at least one unit to mask, found none in {list(parts)!r}")
    return named


def own_parameters(parts: Sequence[Part]) -> list[tuple[str, Tensor]]:
    """All parameters of the parts, with and without units, except a head of which only columns are named."""
    own: list[tuple[str, Tensor]] = []
    for part in parts:
        if isinstance(part, nn.Module):
            own += part.named_parameters()
        elif isinstance(part, nn.Parameter):
            own.append(("parameter", part))
        elif part.kind != "columns":
            own.append((part.kind, part.parameter))
    return own


def _units_of_module(module: nn.Module) -> list[tuple[str, Units]]:
    found = []
    for prefix, child in module.named_modules():
        for name, parameter in child.named_parameters(prefix, recurse=False):
            units = _units_of_parameter(child, name.rpartition(".")[2], parameter)
            if units is not None:
                found.append((name, units))
        if isinstance(child, nn.MultiheadAttention):
            found.append(
                (f"{prefix}.out_proj.weight".lstrip("."), heads(child.out_proj.weight, child.num_heads, axis=1))
            )
    # The output projection of attention is a linear layer too: its heads were found first.
    return found


def _units_of_parameter(module: nn.Module, name: str, parameter: Tensor) -> Units | None:
    if isinstance(module, nn.MultiheadAttention) and name.endswith("proj_weight"):
        return heads(parameter, module.num_heads, packed=name == "in_proj_weight")
    if name != "weight":
        return None
    if isinstance(module, nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d):
        return Units(parameter, "filters", axis=1)
    if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.Linear):
        return rows(parameter)
    return None


def _checked(parameter: Tensor, matrix: str | None = None) -> Tensor:
    if matrix and parameter.ndim != 2:
        raise ValueError(f"{matrix} takes a matrix, found shape {tuple(parameter.shape)}")
    if not parameter.is_floating_point():
        raise TypeError(f"units need a real floating parameter, found {parameter.dtype}")
    return parameter
