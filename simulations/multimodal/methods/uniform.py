"""A uniform mask: AMSS without importance and without significance."""

from typing import Literal

from simulations.multimodal.methods.mask_options import Fraction, MaskOptions
from simulations.multimodal.methods.masked import Masked


class UniformOptions(MaskOptions):
    """Units drawn with equal probability, the same fixed fraction of every modality."""

    keep: Literal["adaptive"] | Fraction | dict[str, Fraction] = 0.5
    design: str = "simple-random"
    importance: str = "uniform"


class Uniform(Masked):
    """0/1 mask on k = ceil(rho n) of the n units, every set of k equally likely, rho fixed."""

    summary = "0/1 mask, units drawn uniformly, fixed keep fraction"
    source = "the motivating study of AMSS: Yang et al., TPAMI 2025, arXiv 2404.08347"
    Options = UniformOptions
