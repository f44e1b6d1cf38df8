"""Raw files of known data sets, a format a file, each planned into a prepared folder."""

from collections.abc import Mapping

from simulations.multimodal.data.formats import crema_d, image_text, kinetics_sounds, rgb_flow_depth
from simulations.multimodal.data.formats.base import BrokenInput, Format

FORMATS: Mapping[str, Format] = {
    "crema-d": crema_d.FORMAT,
    "kinetics-sounds": kinetics_sounds.FORMAT,
    "image-text": image_text.FORMAT,
    "rgb-flow-depth": rgb_flow_depth.FORMAT,
}

__all__ = ["FORMATS", "BrokenInput", "Format"]
