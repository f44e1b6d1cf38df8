"""What the released AMSS+ code does, its departures from the described method included."""

from amss_min import AMSS, AMSSPlus, Released
from simulations.multimodal.methods.mask_options import KeepOptions
from simulations.multimodal.methods.masked import Masked
from simulations.multimodal.tasks import CLASSIFICATION


class ReleasedCode(Masked):
    """`amss_min.Released`: weight 1/(q_j + 1/n), head unmasked, ratios of a pair swapped, released label entropy.

    The swap is of a pair and the entropy of classes: with another number of modalities ratios are not swapped, and for
    another target the information is as described.
    """

    summary = "the released AMSS+ code with its departures"
    source = "njustkmg/TPAMI-AMSS, commit 3161ecc"
    Options = KeepOptions

    def build(self) -> AMSS:
        """AMSS+ as released."""
        released = Released(
            swapped_ratio=len(self.net.modalities) == 2,
            released_entropy=self.setup.task.name == CLASSIFICATION,
        )
        keep = self.setup.options.keep_rule()
        return AMSSPlus(self.net.parts(), keep=keep, generator=self.setup.generator, released=released)
