"""Objectives with constants that are derived, one a file; blocks of coordinates are modalities.

| objective | what for |
|---|---|
| IsotropicQuadratic | the exact oracle: E |grad F(w_t)|^2 is known in closed form for every t |
| Quadratic | any spectrum: convex and strongly convex rates |
| BlockCosine | two coupled modalities, non-convex in one of them: the main test bed |
| PLSine | non-convex, and Polyak-Lojasiewicz with a proved constant |
| SmoothRastrigin | many local minima; not Polyak-Lojasiewicz |
| LogisticNonconvex | finite sum; classification with a bounded penalty; f_star is a bound |
| Welsch | finite sum; robust regression with exponentially flat tails |
| GemanMcClure | finite sum; robust regression with polynomially flat tails |
| TeacherStudent | finite sum; two small networks, one a modality |
| HardChain | the lower bound: coordinates can be discovered only one after the other |
| MatrixFactorisation | smooth on a ball only; strict saddles |
| PhaseRetrieval | finite sum; smooth on a ball only: where "L is known" fails |
| InterpolatingLeastSquares | finite sum; strongly convex, and AMSS diverges on it |
| FunctionObjective | a stranger's torch function with constants as stated |
"""

from simulations.objectives.base import FiniteSum, Objective, ordered_sum
from simulations.objectives.block_cosine import BlockCosine
from simulations.objectives.function import FunctionObjective
from simulations.objectives.geman_mcclure import GemanMcClure
from simulations.objectives.hard_chain import HardChain
from simulations.objectives.interpolating_least_squares import InterpolatingLeastSquares
from simulations.objectives.isotropic_quadratic import IsotropicQuadratic
from simulations.objectives.logistic_nonconvex import LogisticNonconvex
from simulations.objectives.matrix_factorisation import MatrixFactorisation
from simulations.objectives.phase_retrieval import PhaseRetrieval
from simulations.objectives.pl_sine import PLSine
from simulations.objectives.quadratic import Quadratic
from simulations.objectives.smooth_rastrigin import SmoothRastrigin
from simulations.objectives.teacher_student import TeacherStudent
from simulations.objectives.welsch import Welsch

__all__ = [
    "BlockCosine",
    "FiniteSum",
    "FunctionObjective",
    "GemanMcClure",
    "HardChain",
    "InterpolatingLeastSquares",
    "IsotropicQuadratic",
    "LogisticNonconvex",
    "MatrixFactorisation",
    "Objective",
    "PLSine",
    "PhaseRetrieval",
    "Quadratic",
    "SmoothRastrigin",
    "TeacherStudent",
    "Welsch",
    "ordered_sum",
]
