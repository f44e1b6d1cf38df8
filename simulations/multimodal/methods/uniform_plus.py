"""A uniform mask with inverse inclusion probabilities: unbiased, without importance and significance."""

from typing import ClassVar

from amss_min import AMSSPlus
from simulations.multimodal.methods.masked import Masked
from simulations.multimodal.methods.uniform import UniformOptions


class UniformPlusOptions(UniformOptions):
    """As uniform, weighted by n/k."""

    unbiased: ClassVar[bool] = True

    weighting: str = "horvitz-thompson"


class UniformPlus(Masked):
    """The uniform mask times n/k: E[m .* g | g] = g."""

    summary = "unbiased mask n/k, units drawn uniformly, fixed keep fraction"
    source = "this project: the uniform mask made unbiased"
    Options = UniformPlusOptions
    kind = AMSSPlus
