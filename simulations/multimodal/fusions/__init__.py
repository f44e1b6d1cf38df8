"""Fusions by name: features of all modalities in, joint logits out."""

from collections.abc import Mapping

from simulations.multimodal.fusions.base import Fusion
from simulations.multimodal.fusions.concatenation import Concatenation
from simulations.multimodal.fusions.film import FiLM
from simulations.multimodal.fusions.gated import Gated
from simulations.multimodal.fusions.sum import Sum
from simulations.multimodal.fusions.transformer import Transformer

FUSIONS: Mapping[str, type[Fusion]] = {fusion.name: fusion for fusion in (Concatenation, Sum, FiLM, Gated, Transformer)}
