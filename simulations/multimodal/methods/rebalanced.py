"""AMSS+ for a rebalanced gradient: unbiased for c_m g instead of g, with c_m by significance."""

from torch import Tensor, nn

from amss_min.modalities import Part, Units
from simulations.multimodal.methods.amss_plus import UnbiasedSubnetworks
from simulations.multimodal.model import Output


class Rebalanced(UnbiasedSubnetworks):
    """E[m .* c_m g | g] = c_m g with c_m = rho_m / mean of rho, rho the keep fractions of the step.

    An unbiased mask hides significance from the expected step; here it acts on purpose, and apart from the variance:
    the gradient of everything that belongs to modality m alone, masked or not, is multiplied by c_m, then masked
    without bias. The c_m average to 1 over the modalities; fixed equal fractions give c_m = 1, which is AMSS+.
    """

    summary = "AMSS+ unbiased for c_m g, c_m the keep fraction over its mean"
    source = "this project"

    def backward(self, output: Output, target: Tensor) -> Tensor:
        """Gradients of the joint loss, those of modality m times c_m."""
        loss = super().backward(output, target)
        for c, parts in zip(self.factors(), self.net.parts().values(), strict=True):
            for gradient in own_gradients(parts):
                gradient.mul_(c)
        return loss

    def factors(self) -> Tensor:
        """c_m in the order of the modalities, (M,) float64, from the batch observed last."""
        rho: Tensor = self.masks.keep_fractions().to(self.setup.device)
        return rho / rho.mean()


def own_gradients(parts: list[Part]) -> list[Tensor]:
    """The gradients of these parts, each parameter once; of a shared head the columns that are named."""
    found: dict[tuple[int, int | None], Tensor] = {}
    for part in parts:
        if isinstance(part, Units):
            gradient, start = part.parameter.grad, part.start
            if gradient is not None:
                found[id(part.parameter), start] = gradient if start is None else part.view(gradient)
            continue
        for parameter in part.parameters() if isinstance(part, nn.Module) else [part]:
            if parameter.grad is not None:
                found[id(parameter), None] = parameter.grad
    return list(found.values())
