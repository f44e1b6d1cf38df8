"""All objectives, for the searches that try to contradict their constants; a step each, since a run carries one."""

from simulations.experiments.base import Cell, Experiment
from simulations.methods import METHODS
from simulations.noise import Gaussian
from simulations.objectives import (
    BlockCosine,
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

OBJECTIVES: tuple[Objective, ...] = (
    IsotropicQuadratic(),
    Quadratic((4.0, 1.0, 0.25, 0.0), sizes=(1, 3), center=0.5),
    BlockCosine(),
    PLSine(),
    SmoothRastrigin(),
    LogisticNonconvex(),
    Welsch(),
    GemanMcClure(),
    TeacherStudent(),
    HardChain(),
    MatrixFactorisation(),
    PhaseRetrieval(),
    InterpolatingLeastSquares(),
)
"""One of every kind."""


def _experiment(claim: str, summary: str) -> Experiment:
    return Experiment(
        name=claim,
        claim=claim,
        summary=summary,
        cells=tuple(
            Cell(
                experiment=claim,
                objective=objective,
                noise=Gaussian(objective.d, total=0.0),
                method=METHODS["sgd"],
                keep=1.0,
                start=0.1,
                stepsize=0.1 / objective.L,
                checkpoints=(1, 2),
                replicates=256,
            )
            for objective in OBJECTIVES
        ),
        theory=lambda run: {"L": run.objective.L, "f_star": run.objective.f_star},
    )


SMOOTHNESS_CONSTANT = _experiment("smoothness-constant", "a search for points that contradict L, on every objective")
LOWER_BOUND_OF_OBJECTIVE = _experiment("lower-bound-of-objective", "a search for points below F*, on every objective")
