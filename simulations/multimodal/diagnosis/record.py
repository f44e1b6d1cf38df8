"""The record of one checkpoint."""

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from amss_min import AMSS
from amss_min.plan import Block
from simulations.multimodal.diagnosis import estimates
from simulations.multimodal.diagnosis.floor import (
    FULL_GRADIENT,
    INDEPENDENT,
    SELF_IMPORTANCE,
    UNBIASED,
    floor,
    step,
)
from simulations.multimodal.diagnosis.gradients import Gradients, Loss, Part, Partition, as_found
from simulations.multimodal.diagnosis.measurement import Measured, measured, named, together
from simulations.multimodal.diagnosis.moments import ignores_size, is_unbiased, is_zero_one

if TYPE_CHECKING:
    from simulations.multimodal.model import FusionNet


def diagnose(
    net: "FusionNet",
    masks: AMSS,
    part: Part,
    task: Loss,
    batch: int,
    *,
    lr: float,
    generator: torch.Generator,
    minibatches: int | None = None,
) -> dict[str, Any]:
    """What these masks do to the gradients of this network now; the layout is in `simulations.multimodal.diagnosis`.

    part: the train rows. task: loss(logits, target), a mean over rows. batch: rows of a minibatch, as in training.
    lr: the step that the unmasked gradient takes. generator: draws the order of the rows, nothing else.
    minibatches: how many to measure at most; all rows take part in the full gradient anyway.

    Weights, gradients in .grad, modes, buffers, the optimizer, and everything in the masks are left as they were found.
    The full gradient and minibatches are those of the plain loss, before clipping or scaling.

    Raises ValueError for fewer than 3 complete minibatches (unless one holds all rows). Cost: three times forward and
    backward over the rows, and the inclusion probabilities of every tensor for each minibatch (successive sampling of
    n >= 9 units: a quadrature for every draw); memory: gradients in float64, three times, and about eight numbers for
    each unit and minibatch.
    """
    partition = Partition(len(part), batch, most=minibatches, generator=generator)
    with as_found(net):
        found, reasons, keep = measured(masks, Gradients(net, masks, part, task), partition)
    entry = _Entries(masks, lr, partition)
    tensors: dict[str, Any] = {}
    blocks = named(masks)
    for name, block in blocks.items():
        about = {"modality": block.modality, "n": block.units.n}
        if name in found:
            tensors[name] = {**about, **entry.of([block], found[name])}
        else:
            tensors[name] = {**about, "reason": reasons[name]}
    if found:
        network = entry.of([blocks[name] for name in found], together(list(found.values())))
    else:
        network = {"reason": "nothing can be told of any tensor"}
    return {
        "lr": lr,
        "batch": partition.batch,
        "rows": partition.rows,
        "minibatches": len(partition.minibatches),
        "exact": partition.exact,
        "masks": {
            "kind": type(masks).__name__,
            "design": repr(masks.design),
            "importance": repr(masks.importance),
            "weighting": repr(masks.weighting),
        },
        "keep": {name: _range(keep[:, index]) for index, name in enumerate(masks.modalities)},
        "tensors": tensors,
        "network": network,
    }


class _Entries:
    def __init__(self, masks: AMSS, lr: float, partition: Partition) -> None:
        self._masks, self._lr, self._exact = masks, lr, partition.exact
        self._full = partition.batch == partition.rows

    def of(self, blocks: list[Block], units: Measured) -> dict[str, Any]:
        exact, masks = self._exact, self._masks
        unbiased = all(is_unbiased(masks, block) for block in blocks)
        case = self._case(unbiased, units)
        c = estimates.covariance(units, exact=exact)
        least = c.kept.amin(-1)
        noise = units.noise.sum(-1)
        zero_one = all(is_zero_one(masks, block) for block in blocks)
        return {
            "units": units.noise.shape[-1],
            "gradient_squared": estimates.number(units.gradient.sum()),
            "noise_variance": estimates.mean(noise, exact=exact),
            "noise_skewness": estimates.skewness(units, exact=exact),
            "omega": self._omega(units.omega),
            "left_out": estimates.left_out(units, exact=exact),
            "multiplier": "inclusion of a unit" if unbiased else "mean of the mask",
            "bias": {
                "squared": estimates.jackknifed(c.squared.sum(-1), c.squared_without.sum(-1), exact=exact),
                "sample_squared": estimates.number(c.sample.sum()),
                "sampling_part": estimates.number((c.sample - c.squared).sum()),
                "limit": estimates.number(noise.mean() / 4),
            },
            "kept": {
                "least": estimates.jackknifed(least, c.kept_without.amin(-1), exact=exact),
                "mean": estimates.number(c.kept.mean()),
            },
            "decomposition": estimates.decomposition(units),
            "descent": estimates.descent(units, exact=exact),
            "floor": floor(case, c, exact=exact),
            "step": step(case, self._lr, zero_one=zero_one, omega=units.omega, least_kept=least),
        }

    def _case(self, unbiased: bool, units: Measured) -> str:
        if unbiased:
            return UNBIASED
        if self._full:
            return FULL_GRADIENT
        constant = bool((units.multiplier == units.multiplier[0]).all())
        certain = bool((units.multiplier == 1).all())
        return INDEPENDENT if certain or (constant and ignores_size(self._masks)) else SELF_IMPORTANCE

    def _omega(self, omega: Tensor | None) -> dict[str, Any]:
        if omega is None:
            return {"mean": None, "largest": None, "reason": "E[m^2] has no closed form for this weighting"}
        return {"mean": estimates.mean(omega, exact=self._exact), "largest": estimates.number(omega.max())}


def _range(values: Tensor) -> dict[str, float]:
    return {"mean": float(values.mean()), "least": float(values.min()), "largest": float(values.max())}
