"""AMSS+: the masked gradient made unbiased."""

from typing import ClassVar

from amss_min import AMSSPlus
from simulations.multimodal.methods.mask_options import MaskOptions
from simulations.multimodal.methods.masked import Masked


class PlusOptions(MaskOptions):
    """Sizes mixed half with uniform, systematic sampling, inverse inclusion probabilities."""

    unbiased: ClassVar[bool] = True

    design: str = "systematic"
    weighting: str = "horvitz-thompson"
    mix: float = 0.5


class UnbiasedSubnetworks(Masked):
    """AMSS with E[m .* g | g] = g, whatever the keep fractions."""

    summary = "unbiased mask by mixed squared gradient, keep by information rate"
    source = "AMSS+: Yang et al., TPAMI 2025, arXiv 2404.08347; design and weights of this project"
    Options = PlusOptions
    kind = AMSSPlus
