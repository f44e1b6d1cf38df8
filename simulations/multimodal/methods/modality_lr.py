"""Modality-specific learning rates."""

from typing import Annotated, Any

from pydantic import Field
from torch import nn

from amss_min.modalities import Units
from amss_min.testing.loading import BadInput
from simulations.multimodal.methods.base import Method, Options, Setup
from simulations.multimodal.model import FusionNet
from simulations.multimodal.names import close_names


class RateOptions(Options):
    """factors: modality -> what multiplies its learning rate, 1 where it is not named; at least one is needed."""

    factors: dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]] = Field(default_factory=dict)


class ModalityRates(Method):
    """Joint training with the learning rate of modality m times a factor of its own.

    It holds for the encoder and whatever parameters of the fusion belong to m alone; a shared head, split by columns
    or not, keeps the plain rate. Schedules multiply all rates alike.
    """

    summary = "joint training, the learning rate of each modality times a factor"
    source = "MSLR: Yao and Mihalcea, Findings of ACL 2022; rates as options, not searched for"
    Options = RateOptions

    def __init__(self, net: FusionNet, setup: Setup) -> None:
        super().__init__(net, setup)
        factors = setup.options.factors
        if not factors:
            raise BadInput("modality-lr needs `factors`, modality -> number, found none: it would be joint training")
        for name in factors:
            if name not in net.modalities:
                raise BadInput(f"modality-lr: no modality {name!r}; did you mean {close_names(name, net.modalities)}?")

    def parameter_groups(self, lr: float) -> list[dict[str, Any]]:
        """One group for each modality, lr times its factor, and one for the rest."""
        groups, taken = [], set()
        for name, parts in self.net.parts().items():
            own: dict[int, nn.Parameter] = {}
            for part in parts:
                if isinstance(part, nn.Module):
                    own.update((id(parameter), parameter) for parameter in part.parameters())
                elif not isinstance(part, Units):
                    own[id(part)] = part
            taken |= set(own)
            groups.append({"params": list(own.values()), "lr": lr * self.setup.options.factors.get(name, 1.0)})
        rest = [parameter for parameter in self.net.parameters() if id(parameter) not in taken]
        return [group for group in [*groups, {"params": rest, "lr": lr}] if group["params"]]
