"""Masked methods: the gradient of every modality reduced to a sampled subnetwork."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from pydantic import BaseModel
from torch import Tensor

from amss_min import AMSS
from amss_min.modalities import Part, Units, named_units
from amss_min.testing.loading import BadInput
from simulations.multimodal.methods.base import Method, Setup
from simulations.multimodal.methods.mask_options import MaskOptions
from simulations.multimodal.model import FusionNet, Output


class Masked(Method):
    """Masks on what belongs to one modality alone (`net.parts()`); whatever is shared keeps its whole gradient.

    The keep fractions come from the uni-modal logits of the fusion, not from further parameters. Masks act in the step
    of the optimiser, before momentum and weight decay.
    """

    Options: ClassVar[type[BaseModel]] = MaskOptions
    kind: ClassVar[type[AMSS]] = AMSS

    def __init__(self, net: FusionNet, setup: Setup) -> None:
        super().__init__(net, setup)
        try:
            self.masks = self.build()
        except ValueError as error:
            raise BadInput(f"masks: {error}") from error

    def build(self) -> AMSS:
        """The masks, by the options."""
        options: MaskOptions = self.setup.options
        parts = self.net.parts()
        if options.granularity == "weights":
            parts = {name: single_weights(name, own) for name, own in parts.items()}
        return self.kind(parts, keep=options.keep_rule(), generator=self.setup.generator, **options.parts())

    def attach(self, optimizer: torch.optim.Optimizer) -> None:
        """Mask in every step of this optimiser."""
        self.masks.attach(optimizer)

    def backward(self, output: Output, target: Tensor) -> Tensor:
        """Gradients of the joint loss, and a note of the batch for the keep fractions."""
        loss = super().backward(output, target)
        with torch.no_grad():
            features = {name: z.detach() for name, z in output.features.items()}
            self.masks.observe(logits=self.net.unimodal(features), features=features, target=target)
        return loss

    @property
    def keep(self) -> Mapping[str, float] | None:
        """Keep fraction of each modality in the last step; None before the first."""
        return None if self.masks.report is None else self.masks.report.keep

    def state_dict(self) -> dict[str, Any]:
        """The generator, and what was observed."""
        return {**super().state_dict(), "masks": self.masks.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up generator and observations."""
        super().load_state_dict(state)
        self.masks.load_state_dict(state["masks"])


def single_weights(modality: str, parts: list[Part]) -> list[Part]:
    """The same parameters with finer units: single weights of a matrix, drawn row by row.

    In a convolution a unit is the kernel of one output and one input channel. Vectors are left as they are.
    """
    fine: list[Part] = [
        Units(units.parameter, "weights", axis=1, row_axis=0)
        for _, units in named_units(modality, parts)
        if units.parameter.ndim > 1 and units.kind != "columns"
    ]
    return [*parts, *fine]
