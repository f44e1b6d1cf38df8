"""Sampling designs, one a file, under their survey-sampling names.

| design | size | inclusion probabilities |
|---|---|---|
| TopK | fixed | 0 or 1 |
| SimpleRandom | fixed | k / n |
| Poisson | varies | water-filled sizes, exact |
| Systematic | fixed | water-filled sizes, exact for every order |
| Successive | fixed | not proportional to size: rational for small n, by quadrature beyond |
"""

from amss_min.designs.base import Design, Draw
from amss_min.designs.poisson import Poisson
from amss_min.designs.simple_random import SimpleRandom
from amss_min.designs.successive import Successive
from amss_min.designs.systematic import Systematic
from amss_min.designs.top_k import TopK

__all__ = ["Design", "Draw", "Poisson", "SimpleRandom", "Successive", "Systematic", "TopK"]
