"""Where a number that is not finite came from, in one line."""

from dataclasses import asdict, dataclass

import torch

from simulations.multimodal.model import FusionNet, Output


@dataclass(frozen=True)
class Finding:
    """The first number of a run that is not finite.

    step: 1-based, the optimiser step in progress. what: loss, gradient or weight.
    tensor: the tensor it was seen in. modality: to which it belongs, several joined by a comma.
    """

    method: str
    seed: int
    step: int
    what: str
    tensor: str
    modality: str

    def __str__(self) -> str:
        return (
            f"method {self.method}, seed {self.seed}: {self.what} must be finite, found otherwise at step {self.step} "
            f"in tensor {self.tensor} of modality {self.modality}; the run was stopped"
        )

    def as_json(self) -> dict[str, object]:
        """The fields, and the line as it was printed."""
        return {**asdict(self), "line": str(self)}


class NonFiniteError(ArithmeticError):
    """Training met a number that is not finite."""

    def __init__(self, what: str, tensor: str, modality: str) -> None:
        super().__init__(f"{what} must be finite, found otherwise in {tensor} of modality {modality}")
        self.what, self.tensor, self.modality = what, tensor, modality


def check_loss(net: FusionNet, output: Output, loss: torch.Tensor) -> None:
    """Raise NonFiniteError if the loss is not finite, naming the first features or logits at fault.

    Where all features and uni-modal logits are finite and only the loss overflows, the modality with the largest
    uni-modal logit is named.
    """
    if torch.isfinite(loss):
        return
    with torch.no_grad():
        single = net.unimodal(output.features)
    for name, features in output.features.items():
        if not torch.isfinite(features).all():
            raise NonFiniteError("loss", f"features of {name}", name)
        if not torch.isfinite(single[name]).all():
            raise NonFiniteError("loss", f"logits of {name}", name)
    largest = max(single, key=lambda name: float(single[name].abs().max()))
    raise NonFiniteError("loss", f"logits of {largest}", largest)


def check_tensors(net: FusionNet, what: str) -> None:
    """Raise NonFiniteError for the first parameter whose gradient (what="gradient") or weight is not finite.

    One largest-entry norm over everything decides whether to look closer.
    """
    held = {name: value.grad if what == "gradient" else value.detach() for name, value in net.named_parameters()}
    tensors = {name: tensor for name, tensor in held.items() if tensor is not None}
    if torch.isfinite(torch.nn.utils.get_total_norm(tensors.values(), norm_type=torch.inf)):
        return
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise NonFiniteError(what, name, _modality(net, name, tensor))


def _modality(net: FusionNet, name: str, tensor: torch.Tensor) -> str:
    if name.startswith("encoders."):
        return name.split(".")[1]
    # Columns of a shared head belong to the modality that they read.
    owners = [
        modality
        for modality, parts in net.fusion.own().items()
        for part in parts
        if getattr(part, "parameter", part) is net.get_parameter(name) and not _finite_part(part, tensor)
    ]
    return ", ".join(owners or net.modalities)


def _finite_part(part: object, tensor: torch.Tensor) -> bool:
    view = getattr(part, "view", None)
    return bool(torch.isfinite(view(tensor) if view else tensor).all())
