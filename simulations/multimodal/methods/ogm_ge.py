"""OGM with generalisation enhancement: Gaussian noise beside the modulation."""

import torch
from torch import Tensor

from simulations.multimodal.methods.ogm import Modulation


class EnhancedModulation(Modulation):
    """OGM-GE: k_m g + h on every encoder, h independent Gaussian with mean 0 and the deviation of the gradient.

    The deviation is that of the entries of g, tensor by tensor, before modulation; a tensor with one entry has none,
    and gets no noise. Noise is added to every encoder, whether it is slowed or not, as long as modulation lasts.
    """

    summary = "OGM, and Gaussian noise as large as the gradient on every encoder"
    source = "OGM-GE: Peng et al., CVPR 2022, arXiv 2203.15332"

    def modulated(self, gradient: Tensor, factor: Tensor) -> Tensor:
        """k_m g + h."""
        if gradient.numel() < 2:
            return gradient * factor
        chance = self.setup.generator
        noise = torch.randn(gradient.shape, generator=chance, device=chance.device, dtype=gradient.dtype)
        return gradient * factor + gradient.std() * noise.to(gradient.device)
