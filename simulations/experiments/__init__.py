"""Experiments, one a file: the runs that an empirical claim is put to the test with.

| experiment | claim | runs |
|---|---|---|
| nonconvex-bound | nonconvex-bound | two methods, two noises, three stepsizes up to the limit; one tight case |
| quadratic-oracle | quadratic-oracle | uniform masks on isotropic quadratics, four pairs of stepsize and curvature |
| skewed-noise-wrong-point | skewed-noise-wrong-point | AMSS, AMSS+, SGD and a Gaussian control, three stepsizes |
| smoothness-constant, lower-bound-of-objective | the same | every objective, for searches against its L and F* |
| amss-diverges | amss-diverges | AMSS and AMSS+ on interpolating least squares, two stepsizes |
| abc-bound | abc-bound | single terms, multiplicative noise, dropout and the progress oracle; weighted average |
| full-gradient-bound | full-gradient-bound | AMSS with exact gradients, successive and systematic, up to 1.5 / L |
| self-importance-bound | self-importance-bound | AMSS with mixed sizes under skewed noise |
| pl-self-importance-bound | pl-self-importance-bound | the same, in value |
| biased-bound | biased-bound | uniform 0/1 masks and AMSS with mixed sizes, two objectives, two stepsizes |
| biased-abc-bound | biased-abc-bound | 0/1 masks of single terms and under skewed noise, with forgetting weights |
| past-importance-no-floor | past-importance-no-floor | AMSS with lagged importance, pure and mixed, beside its own |
| pl-linear-bound | pl-linear-bound | constant steps on functions with mu > 0, from where these are flattest |
| pl-decreasing-bound | pl-decreasing-bound | steps of order 1 / t on the same functions |
| nonconvex-decreasing-bound | nonconvex-decreasing-bound | steps eta_0 / sqrt(t + 1), the average with these weights |
| strongly-convex-bound | strongly-convex-bound | distances to the minimiser, one case of equality |
| joint-symmetry-settles | joint-symmetry-settles | AMSS from its wrong point and from the optimum |
| convex-bound | convex-bound | average iterates on convex functions, from directions of small curvature |
| released-weights-settle | released-weights-settle | the released AMSS+ weights on two units with skewed noise |
| tuned-step | tuned-step | independent runs at six horizons, each with its own step; three objectives |
| momentum-energy | momentum-energy | averaged momentum, mask before, after and none |
| momentum-mean-runs | momentum-mean-runs | averaged momentum on two quadratics, unbiased and 0/1 masks |
| adam-blind-runs | adam-blind-runs | 0/1 and Horvitz-Thompson masks of the same draws, Adam and descent |
"""

from simulations.experiments.abc_bound import ABC_BOUND
from simulations.experiments.adam_blind_runs import ADAM_BLIND_RUNS
from simulations.experiments.amss_diverges import AMSS_DIVERGES
from simulations.experiments.base import Cell, Experiment, Level
from simulations.experiments.biased_abc_bound import BIASED_ABC_BOUND
from simulations.experiments.biased_bound import BIASED_BOUND
from simulations.experiments.convex_bound import CONVEX_BOUND
from simulations.experiments.full_gradient_bound import FULL_GRADIENT_BOUND
from simulations.experiments.joint_symmetry_settles import JOINT_SYMMETRY_SETTLES
from simulations.experiments.momentum_energy import MOMENTUM_ENERGY
from simulations.experiments.momentum_mean_runs import MOMENTUM_MEAN_RUNS
from simulations.experiments.nonconvex_bound import NONCONVEX_BOUND
from simulations.experiments.nonconvex_decreasing_bound import NONCONVEX_DECREASING_BOUND
from simulations.experiments.objective_constants import LOWER_BOUND_OF_OBJECTIVE, SMOOTHNESS_CONSTANT
from simulations.experiments.past_importance_no_floor import PAST_IMPORTANCE_NO_FLOOR
from simulations.experiments.pl_decreasing_bound import PL_DECREASING_BOUND
from simulations.experiments.pl_linear_bound import PL_LINEAR_BOUND
from simulations.experiments.pl_self_importance_bound import PL_SELF_IMPORTANCE_BOUND
from simulations.experiments.quadratic_oracle import QUADRATIC_ORACLE
from simulations.experiments.released_weights_settle import RELEASED_WEIGHTS_SETTLE
from simulations.experiments.self_importance_bound import SELF_IMPORTANCE_BOUND
from simulations.experiments.skewed_noise_wrong_point import SKEWED_NOISE_WRONG_POINT
from simulations.experiments.strongly_convex_bound import STRONGLY_CONVEX_BOUND
from simulations.experiments.tuned_step import TUNED_STEP

ALL = (
    NONCONVEX_BOUND,
    QUADRATIC_ORACLE,
    SKEWED_NOISE_WRONG_POINT,
    AMSS_DIVERGES,
    SMOOTHNESS_CONSTANT,
    LOWER_BOUND_OF_OBJECTIVE,
    ABC_BOUND,
    FULL_GRADIENT_BOUND,
    SELF_IMPORTANCE_BOUND,
    PL_SELF_IMPORTANCE_BOUND,
    BIASED_BOUND,
    BIASED_ABC_BOUND,
    PAST_IMPORTANCE_NO_FLOOR,
    PL_LINEAR_BOUND,
    PL_DECREASING_BOUND,
    NONCONVEX_DECREASING_BOUND,
    STRONGLY_CONVEX_BOUND,
    JOINT_SYMMETRY_SETTLES,
    CONVEX_BOUND,
    RELEASED_WEIGHTS_SETTLE,
    TUNED_STEP,
    MOMENTUM_ENERGY,
    MOMENTUM_MEAN_RUNS,
    ADAM_BLIND_RUNS,
)
"""Every experiment."""

__all__ = [
    "ABC_BOUND",
    "ADAM_BLIND_RUNS",
    "ALL",
    "AMSS_DIVERGES",
    "BIASED_ABC_BOUND",
    "BIASED_BOUND",
    "CONVEX_BOUND",
    "FULL_GRADIENT_BOUND",
    "JOINT_SYMMETRY_SETTLES",
    "LOWER_BOUND_OF_OBJECTIVE",
    "MOMENTUM_ENERGY",
    "MOMENTUM_MEAN_RUNS",
    "NONCONVEX_BOUND",
    "NONCONVEX_DECREASING_BOUND",
    "PAST_IMPORTANCE_NO_FLOOR",
    "PL_DECREASING_BOUND",
    "PL_LINEAR_BOUND",
    "PL_SELF_IMPORTANCE_BOUND",
    "QUADRATIC_ORACLE",
    "RELEASED_WEIGHTS_SETTLE",
    "SELF_IMPORTANCE_BOUND",
    "SKEWED_NOISE_WRONG_POINT",
    "SMOOTHNESS_CONSTANT",
    "STRONGLY_CONVEX_BOUND",
    "TUNED_STEP",
    "Cell",
    "Experiment",
    "Level",
]
