"""The released weight divided by its mean: the released AMSS+ at the scale of an unbiased mask."""

from simulations.multimodal.methods.mask_options import MaskOptions
from simulations.multimodal.methods.masked import Masked


class ReleasedScaledOptions(MaskOptions):
    """As AMSS, the mask times the released weight over its mean."""

    weighting: str = "unit-mean-shifted-inverse"


class ReleasedScaled(Masked):
    """Successive sampling with the released weight 1/(q_j + 1/n), scaled to mean 1 over the units of each draw.

    Only the weight is the released one: heads are masked, and entropies and ratios are as described.
    """

    summary = "the released AMSS+ weight divided by its mean over the units"
    source = "this project: njustkmg/TPAMI-AMSS, commit 3161ecc, at matched scale"
    Options = ReleasedScaledOptions
