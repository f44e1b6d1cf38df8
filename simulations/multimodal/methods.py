"""The methods by name: what each does to the gradient between `backward()` and `step()`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amss_min import AMSS, AMSSPlus, MutualInformationRate, SimpleRandom, split_head
from amss_min.modalities import Part

if TYPE_CHECKING:
    import torch

    from simulations.multimodal.model import FusionNet
    from simulations.multimodal.settings import Settings


@dataclass(frozen=True)
class Method:
    """A named treatment of the gradient.

    summary: one line for tables. build: from network, settings and the generator of the masks to the object that
    masks; None leaves the gradient alone.
    """

    summary: str
    build: Callable[[FusionNet, Settings, torch.Generator], AMSS | None]


def _modalities(net: FusionNet, settings: Settings) -> dict[str, list[Part]]:
    """Each modality's encoder together with its own columns of the head."""
    own = split_head(net.head, {name: settings.features for name in net.encoders})
    return {name: [encoder, own[name]] for name, encoder in net.encoders.items()}


def _rate(settings: Settings) -> MutualInformationRate:
    return MutualInformationRate(temperature=settings.tau, floor=settings.floor, ceiling=settings.ceiling)


def _joint(net: FusionNet, settings: Settings, generator: torch.Generator) -> None:
    return None


def _uniform(net: FusionNet, settings: Settings, generator: torch.Generator) -> AMSS:
    keep = settings.uniform_keep
    return AMSS(_modalities(net, settings), keep=keep, design=SimpleRandom(), generator=generator)


def _amss(net: FusionNet, settings: Settings, generator: torch.Generator) -> AMSS:
    return AMSS(_modalities(net, settings), keep=_rate(settings), generator=generator)


def _amss_plus(net: FusionNet, settings: Settings, generator: torch.Generator) -> AMSS:
    return AMSSPlus(_modalities(net, settings), keep=_rate(settings), generator=generator)


METHODS: Mapping[str, Method] = {
    "joint": Method("plain joint training, every gradient whole", _joint),
    "uniform": Method("0/1 mask, units drawn uniformly, fixed keep fraction", _uniform),
    "amss": Method("0/1 mask by squared gradient, keep by information rate", _amss),
    "amss+": Method("unbiased mask by mixed squared gradient, keep by information rate", _amss_plus),
}
