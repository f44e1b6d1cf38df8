"""Training methods by name: what each does to the gradient between `backward()` and `step()`.

A method of your own is a class in a file, named as FILE.py:CLASS wherever a method is named: a subclass of `Method`.
"""

import inspect
from collections.abc import Mapping

from amss_min.testing.python_file import BadInput, object_of
from simulations.multimodal.methods.agm import AdaptiveModulation
from simulations.multimodal.methods.amss import MaskedSubnetworks
from simulations.multimodal.methods.amss_plus import UnbiasedSubnetworks
from simulations.multimodal.methods.amss_scaled import ScaledMask
from simulations.multimodal.methods.base import Look, Method, Options, Setup
from simulations.multimodal.methods.gradient_blending import GradientBlending
from simulations.multimodal.methods.joint import Joint
from simulations.multimodal.methods.mmpareto import ParetoIntegration
from simulations.multimodal.methods.modality_lr import ModalityRates
from simulations.multimodal.methods.ogm import Modulation
from simulations.multimodal.methods.ogm_ge import EnhancedModulation
from simulations.multimodal.methods.rebalanced import Rebalanced
from simulations.multimodal.methods.released import ReleasedCode
from simulations.multimodal.methods.released_scaled import ReleasedScaled
from simulations.multimodal.methods.uniform import Uniform
from simulations.multimodal.methods.uniform_plus import UniformPlus
from simulations.multimodal.methods.unimodal import Unimodal
from simulations.multimodal.names import close_names

METHODS: Mapping[str, type[Method]] = {
    "joint": Joint,
    "unimodal": Unimodal,
    "uniform": Uniform,
    "uniform+": UniformPlus,
    "amss": MaskedSubnetworks,
    "amss+": UnbiasedSubnetworks,
    "amss+rebalanced": Rebalanced,
    "amss-scaled": ScaledMask,
    "released": ReleasedCode,
    "released-scaled": ReleasedScaled,
    "ogm": Modulation,
    "ogm-ge": EnhancedModulation,
    "agm": AdaptiveModulation,
    "modality-lr": ModalityRates,
    "gradient-blending": GradientBlending,
    "mmpareto": ParetoIntegration,
}


def find_method(text: str) -> type[Method]:
    """The method of this name, or the class of FILE.py:CLASS; raises BadInput in one line for anything else.

    >>> find_method("ogm-ge").summary
    'OGM, and Gaussian noise as large as the gradient on every encoder'
    """
    if text in METHODS:
        return METHODS[text]
    if ":" not in text and not text.endswith(".py"):
        raise BadInput(f"no method {text!r}; did you mean {close_names(text, METHODS)}?")
    found, name, _ = object_of(text, "method")
    if not inspect.isclass(found) or not issubclass(found, Method):
        what = "another class" if inspect.isclass(found) else type(found).__name__
        raise BadInput(f"method: {name} in {text.rpartition(':')[0]} must be a subclass of Method, found {what}")
    return found


__all__ = ["METHODS", "Look", "Method", "Options", "Setup", "find_method"]
