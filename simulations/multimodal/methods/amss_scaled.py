"""AMSS with its stepsize scaled by k/2 in every layer: the scale of the released AMSS+ weight."""

from simulations.multimodal.methods.mask_options import MaskOptions
from simulations.multimodal.methods.masked import Masked


class ScaledOptions(MaskOptions):
    """As AMSS, the mask times k/2."""

    weighting: str = "half-count"


class ScaledMask(Masked):
    """The mask of AMSS times k/2, k the units drawn in the tensor (in a head: in the row)."""

    summary = "AMSS, its stepsize times k/2 in every layer"
    source = "this project: AMSS at the scale of the released AMSS+"
    Options = ScaledOptions
