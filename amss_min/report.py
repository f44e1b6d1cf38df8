"""What one masked step did; computed only when it is read, so that the step itself never synchronises."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from amss_min.bundles import Bundle
from amss_min.designs import Draw
from amss_min.plan import Block
from amss_min.weightings import Weighting


@dataclass(frozen=True, eq=False)
class Group:
    """All draws of one bundle in one step: tensors (draws, n), padding included."""

    bundle: Bundle
    norms: Tensor
    draw: Draw
    finite: Tensor  # (draws,)
    kept: Tensor  # units of positive size whose gradient is not multiplied by 0
    weighting: Weighting

    @cached_property
    def masked(self) -> Tensor:
        """Units that took part in a draw."""
        return self.norms > 0

    @cached_property
    def moment(self) -> Tensor | None:
        """E[M_j^2] of every unit, 1 for those that took no part; expensive for successive sampling."""
        moment = self.weighting.second_moment(self.draw)
        return None if moment is None else torch.where(self.masked, moment, 1.0)


class TensorReport:
    """One masked tensor.

    name, modality; n: units in each draw; drawn: the mean number of units with a gradient that were kept;
    fraction: drawn / n; finite: False where a gradient held NaN or inf and was left as it is.
    """

    def __init__(self, block: Block, group: Group, rows: slice, *, as_released: bool) -> None:
        self.name = block.name
        self.modality = block.modality
        self.n = block.units.n
        kept = group.kept[rows] & group.masked[rows]
        self.drawn = float(kept.sum()) / block.units.draws
        self.finite = bool(group.finite[rows].all())
        self._group = group
        self._rows = rows
        self._as_released = as_released

    @property
    def fraction(self) -> float:
        """The realised k / n."""
        return self.drawn / self.n

    @cached_property
    def second_moment(self) -> float | None:
        """E|C(g)|^2 / |g|^2 over the draw, given g: 1 for a gradient left as it is.

        None where it has no closed form (RankConditioned) or the head is treated as released. Successive
        sampling computes its inclusion probabilities here, at a cost of O(n^2) a node of the quadrature.
        """
        moment = None if self._as_released else self._group.moment
        if moment is None:
            return None
        # Relative to the largest norm, so that small gradients do not underflow.
        norms = self._group.norms[self._rows]
        share = (norms / norms.amax().clamp_min(torch.finfo(norms.dtype).tiny)).square()
        total = float(share.sum())
        return float((share * moment[self._rows]).sum()) / total if total > 0 else 1.0

    def __repr__(self) -> str:
        return f"TensorReport({self.name!r}, n={self.n}, drawn={self.drawn}, finite={self.finite})"


class Report:
    """Keep fractions, realised counts, second moments and non-finite gradients of one step.

    Reading it waits for the device. `keep` is the fraction asked for; small tensors cannot meet it, so each
    tensor states the fraction that it realised.
    """

    def __init__(self, modalities: tuple[str, ...], keep: Tensor, groups: list[Group], *, as_released: bool) -> None:
        self._modalities = modalities
        self._keep = keep
        self._groups = groups
        self._as_released = as_released

    @property
    def keep(self) -> dict[str, float]:
        """The keep fraction rho of every modality."""
        return dict(zip(self._modalities, self._keep.tolist(), strict=True))

    @cached_property
    def tensors(self) -> list[TensorReport]:
        """One entry for every masked tensor."""
        return [
            TensorReport(block, group, rows, as_released=self._as_released and block.is_head)
            for block, group, rows in self._blocks()
        ]

    @cached_property
    def nonfinite(self) -> list[str]:
        """Names of the tensors whose gradient held NaN or inf (or overflows in its norm), and was left as it is."""
        return [block.name for block, group, rows in self._blocks() if not bool(group.finite[rows].all())]

    @property
    def omega(self) -> float:
        """The largest second moment over the tensors, less 1.

        Raises ValueError for a biased weighting, whose second moment bounds no step, and where it has no closed
        form.
        """
        for group in self._groups:
            if not group.weighting.unbiased:
                raise ValueError(f"omega belongs to an unbiased mask, found {group.weighting}")
        moments = [entry.second_moment for entry in self.tensors]
        if any(moment is None for moment in moments):
            raise ValueError("omega needs second moments in closed form, found a weighting that has none")
        return max((moment for moment in moments if moment is not None), default=1.0) - 1.0

    def suggested_lr(self, lr: float) -> float:
        """lr / (1 + omega): the step that the convergence bound for unbiased masks allows."""
        return lr / (1.0 + self.omega)

    def _blocks(self) -> Iterator[tuple[Block, Group, slice]]:
        for group in self._groups:
            row = 0
            for batch in group.bundle.batches:
                for block, draws in zip(batch.blocks, batch.draws, strict=True):
                    yield block, group, slice(row, row + draws)
                    row += draws
