"""Objectives with constants that are derived, one a file; blocks of coordinates are modalities.

| objective | what for |
|---|---|
| IsotropicQuadratic | the exact oracle: E |grad F(w_t)|^2 is known in closed form for every t |
| BlockCosine | two coupled modalities, non-convex in one of them: the main test bed |
"""

from simulations.objectives.base import Objective, ordered_sum
from simulations.objectives.block_cosine import BlockCosine
from simulations.objectives.isotropic_quadratic import IsotropicQuadratic

__all__ = ["BlockCosine", "IsotropicQuadratic", "Objective", "ordered_sum"]
