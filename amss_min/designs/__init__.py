"""Sampling designs, one a file, under their survey-sampling names.

| design | size | inclusion probabilities | joint inclusion |
|---|---|---|---|
| TopK | fixed | 0 or 1 | products |
| SimpleRandom | fixed | k / n | closed form |
| Poisson | varies | water-filled sizes | products |
| Systematic | fixed | water-filled sizes, in every order | exact; random order up to n = 6 |
| Pivotal | fixed | water-filled sizes, in every order | exact; random order up to n = 6 |
| Sampford | fixed | water-filled sizes | exact |
| ConditionalPoisson | fixed | water-filled sizes, after solving for weights | exact |
| Successive | fixed | not proportional to size: rational for small n, by quadrature beyond | as inclusion |
| Pareto | fixed | about the water-filled sizes; the realised ones by quadrature | quadrature |
| SequentialPoisson | fixed | about the water-filled sizes; the realised ones by quadrature | quadrature |

Water-filled sizes are rounded to multiples of 2^-40 (`fixed_point`), the same for all designs that take them.
`calibrated` gives the sizes whose successive sampling has given inclusion probabilities.
"""

from amss_min.designs.base import Design, Draw
from amss_min.designs.calibration import calibrated
from amss_min.designs.conditional_poisson import ConditionalPoisson
from amss_min.designs.pareto import Pareto
from amss_min.designs.pivotal import Pivotal
from amss_min.designs.poisson import Poisson
from amss_min.designs.sampford import Sampford
from amss_min.designs.sequential_poisson import SequentialPoisson
from amss_min.designs.simple_random import SimpleRandom
from amss_min.designs.successive import Successive
from amss_min.designs.systematic import Systematic
from amss_min.designs.top_k import TopK

__all__ = [
    "ConditionalPoisson",
    "Design",
    "Draw",
    "Pareto",
    "Pivotal",
    "Poisson",
    "Sampford",
    "SequentialPoisson",
    "SimpleRandom",
    "Successive",
    "Systematic",
    "TopK",
    "calibrated",
]
