"""What one masked step did; computed only when it is read, so that the step itself never synchronises."""

from dataclasses import dataclass

import torch
from torch import Tensor

from amss_min.designs import Draw
from amss_min.plan import Batch
from amss_min.weightings import Weighting


@dataclass(frozen=True)
class TensorReport:
    """One masked tensor: n units in each draw, the mean count drawn, and E|C(g)|^2 / |g|^2.

    second_moment is None where the weighting has no closed form, and 1 for a gradient left as it is.
    finite is False where a gradient held NaN or inf and was left as it is.
    """

    name: str
    modality: str
    n: int
    drawn: float
    second_moment: float | None
    finite: bool

    @property
    def fraction(self) -> float:
        """The realised k / n."""
        return self.drawn / self.n


@dataclass(frozen=True, eq=False)
class Group:
    """All draws of one step among the same number of units, batched: tensors (draws, n)."""

    batch: Batch
    norms: Tensor
    draw: Draw
    finite: Tensor
    masked: Tensor  # units that took part in a draw
    multipliers: Tensor


class Report:
    """Keep fractions, realised counts, second moments and non-finite gradients of one step.

    Reading it waits for the device. `keep` is the fraction asked for; small tensors cannot meet it, so each
    tensor states the fraction that it realised.
    """

    def __init__(self, modalities: tuple[str, ...], keep: Tensor, weighting: Weighting, groups: list[Group]) -> None:
        self._modalities = modalities
        self._keep = keep
        self._weighting = weighting
        self._groups = groups
        self._tensors: list[TensorReport] | None = None

    @property
    def keep(self) -> dict[str, float]:
        """The keep fraction rho of every modality."""
        return dict(zip(self._modalities, self._keep.tolist(), strict=True))

    @property
    def tensors(self) -> list[TensorReport]:
        """One entry for every masked tensor."""
        if self._tensors is None:
            self._tensors = [entry for group in self._groups for entry in self._entries(group)]
        return self._tensors

    @property
    def nonfinite(self) -> list[str]:
        """Names of the tensors whose gradient held NaN or inf, and was left as it is."""
        return [entry.name for entry in self.tensors if not entry.finite]

    @property
    def omega(self) -> float:
        """The largest second moment over the tensors, less 1; ValueError where it has no closed form."""
        moments = [entry.second_moment for entry in self.tensors]
        if any(moment is None for moment in moments):
            raise ValueError(f"omega needs second moments, and {self._weighting} has none in closed form")
        return max((moment for moment in moments if moment is not None), default=1.0) - 1.0

    def suggested_lr(self, lr: float) -> float:
        """lr / (1 + omega): the step that the convergence bound for unbiased masks allows."""
        return lr / (1.0 + self.omega)

    def _entries(self, group: Group) -> list[TensorReport]:
        energy = group.norms.square()
        moment = self._weighting.second_moment(group.draw)
        entries, row = [], 0
        for block, count in zip(group.batch.blocks, group.batch.draws, strict=True):
            part = slice(row, row + count)
            row += count
            second_moment = None
            if moment is not None:
                # Relative to the largest, so that small gradients do not underflow.
                share = energy[part] / energy[part].amax().clamp_min(torch.finfo(energy.dtype).tiny)
                spread = torch.where(group.masked[part], moment[part], 1.0)
                total = float(share.sum())
                second_moment = float((share * spread).sum()) / total if total > 0 else 1.0
            entries.append(
                TensorReport(
                    name=block.name,
                    modality=block.modality,
                    n=energy.shape[-1],
                    drawn=float(group.draw.drawn[part].sum()) / count,
                    second_moment=second_moment,
                    finite=bool(group.finite[part].all()),
                )
            )
        return entries
