"""Edits of the source, by the claims that they must refute."""

from tests.teeth import bias, dynamics, sampling, worst_case
from tests.teeth.base import Tooth

TEETH: tuple[Tooth, ...] = (*sampling.TEETH, *bias.TEETH, *worst_case.TEETH, *dynamics.TEETH)
"""All of them. New teeth go to the file of their subject."""

__all__ = ["TEETH", "Tooth"]
