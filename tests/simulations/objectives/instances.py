"""One of every objective, of small size, in its default and in an unbalanced form."""

from simulations.experiments import objective_constants
from simulations.objectives import (
    BlockCosine,
    FiniteSum,
    GemanMcClure,
    HardChain,
    InterpolatingLeastSquares,
    IsotropicQuadratic,
    LogisticNonconvex,
    MatrixFactorisation,
    Objective,
    PhaseRetrieval,
    PLSine,
    Quadratic,
    SmoothRastrigin,
    TeacherStudent,
    Welsch,
)

DEFAULTS = objective_constants.OBJECTIVES
UNBALANCED: tuple[Objective, ...] = (
    IsotropicQuadratic(curvature=3.0, n=2, modalities=3),
    Quadratic((1e4, 1.0, 1e-3)),
    BlockCosine(n=3, kappa=(4.0, 0.1), amplitude=2.0, frequency=1.5, coupling=1.0, center=-1.0),
    PLSine(n=2, scales=(0.1, 3.0)),
    SmoothRastrigin(n=3, curvature=(5.0, 0.1), amplitude=0.5, frequency=3.0),
    LogisticNonconvex(samples=9, units=(1, 5), scales=(3.0, 0.1), penalty=1.0, seed=1),
    Welsch(samples=7, units=(3, 2), scales=(0.2, 4.0), seed=2, cutoff=0.5),
    GemanMcClure(samples=5, units=(4, 4), scales=(5.0, 0.2), seed=3),
    TeacherStudent(samples=11, features=(2, 3), hidden=3, scales=(0.3, 2.0), seed=4),
    HardChain(length=5, smoothness=30.0, scale=0.5),
    MatrixFactorisation(rows=2, columns=3, singular=(3.0,), imbalance=2.0, reach=1.1, seed=5),
    PhaseRetrieval(samples=9, units=(1, 3), scales=(2.0, 0.3), reach=3.0, seed=6),
    InterpolatingLeastSquares(first=(-3.0, 2.0, 2.0), ridge=0.5),
)
OBJECTIVES = DEFAULTS + UNBALANCED
SUMS: tuple[FiniteSum, ...] = tuple(objective for objective in OBJECTIVES if isinstance(objective, FiniteSum))


def label(objective: Objective) -> str:
    """Class, and which of the two forms."""
    return f"{type(objective).__name__}-{'default' if objective in DEFAULTS else 'unbalanced'}"
