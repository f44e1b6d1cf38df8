"""The law of one tensor's mask given the gradient: exact inclusion probabilities and moments of the multipliers."""

from dataclasses import dataclass

import torch
from torch import Tensor

from amss_min import AMSS, AMSSPlus, Indicator, Released, ShiftedInverse, SimpleRandom
from amss_min.designs import Draw
from amss_min.designs.base import prepared
from amss_min.plan import Batch, Block
from amss_min.significance import MutualInformationRate


class Unreachable(Exception):
    """The law has no exact form within reach; the message says why."""


@dataclass(frozen=True)
class Moments:
    """Float64 (draws, n); units whose gradient is zero are left whole, so that all three are 1.

    inclusion: pi_u. mean: E[m_u | g]. square: E[m_u^2 | g], or None where it has no closed form.
    """

    inclusion: Tensor
    mean: Tensor
    square: Tensor | None


def moments(masks: AMSS, block: Block, norms: Tensor, keep: Tensor) -> Moments:
    """The moments for unit norms (draws, n) float64 and keep fractions (M,).

    Raises Unreachable for norms that are not finite (such a gradient is left whole), inclusion probabilities that are
    out of reach, or a biased weighting other than Indicator and ShiftedInverse.
    """
    if not norms.isfinite().all():
        raise Unreachable("the gradient of a minibatch is not finite")
    masked, ones = norms > 0, torch.ones_like(norms)
    if _left_whole(masks, block):
        return Moments(ones, ones, ones)
    sizes, k = masks.importance(norms), Batch([block]).counts(keep)
    q, _, count = prepared(sizes, k)
    try:
        pi = masks.design.inclusion(sizes, k)
    except (ArithmeticError, NotImplementedError, ValueError) as error:
        raise Unreachable(f"{masks.design} has no inclusion probabilities within reach: {error}") from error
    weighting = masks.weighting
    certain = Draw(drawn=q > 0, q=q, k=count, design=masks.design, pi=pi)
    square = weighting.second_moment(certain)
    if _by_index(masks, block):
        indices = torch.arange(norms.shape[-1], dtype=norms.dtype, device=norms.device)
        weight = (1 / (indices + 1.0 / norms.shape[-1])).expand_as(norms)
        mean, square = pi * weight, pi * weight.square()
    elif weighting.unbiased:
        mean = ones
    elif isinstance(weighting, Indicator | ShiftedInverse):
        mean = pi * weighting(certain)  # the weight of a unit does not depend on the others that are drawn
    else:
        raise Unreachable(f"the mean of the weights of {weighting} is not known")
    values = [None if value is None else torch.where(masked, value, 1.0) for value in (pi, mean, square)]
    assert values[0] is not None and values[1] is not None
    return Moments(values[0], values[1], values[2])


def is_unbiased(masks: AMSS, block: Block) -> bool:
    """Whether E[m g | g] = g in this tensor."""
    return _left_whole(masks, block) or (masks.weighting.unbiased and not _by_index(masks, block))


def is_zero_one(masks: AMSS, block: Block) -> bool:
    """Whether all multipliers in this tensor are 0 or 1."""
    return _left_whole(masks, block) or (isinstance(masks.weighting, Indicator) and not _by_index(masks, block))


def ignores_size(masks: AMSS) -> bool:
    """Whether the law depends on the gradient only through which units have one."""
    return not isinstance(masks.keep, MutualInformationRate) and (
        isinstance(masks.design, SimpleRandom) or masks.importance.mix == 1
    )


def _released(masks: AMSS, block: Block) -> Released | None:
    return masks.released if block.is_head else None


def _left_whole(masks: AMSS, block: Block) -> bool:
    released = _released(masks, block)
    return released is not None and released.head_unmasked


def _by_index(masks: AMSS, block: Block) -> bool:
    released = _released(masks, block)
    return released is not None and not released.head_unmasked and released.index_weight and isinstance(masks, AMSSPlus)
