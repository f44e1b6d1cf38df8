"""Experiments, one a file: the runs that an empirical claim is put to the test with.

| experiment | claim | runs |
|---|---|---|
| nonconvex-bound | nonconvex-bound | two methods, two noises, three stepsizes up to the limit; one tight case |
| quadratic-oracle | quadratic-oracle | uniform masks on isotropic quadratics, four pairs of stepsize and curvature |
| skewed-noise-wrong-point | skewed-noise-wrong-point | AMSS, AMSS+, SGD and a Gaussian control, three stepsizes |
| amss-diverges | amss-diverges | AMSS and AMSS+ on interpolating least squares, two stepsizes |
"""

from simulations.experiments.amss_diverges import AMSS_DIVERGES
from simulations.experiments.base import Cell, Experiment, Level
from simulations.experiments.nonconvex_bound import NONCONVEX_BOUND
from simulations.experiments.quadratic_oracle import QUADRATIC_ORACLE
from simulations.experiments.skewed_noise_wrong_point import SKEWED_NOISE_WRONG_POINT

ALL = (NONCONVEX_BOUND, QUADRATIC_ORACLE, SKEWED_NOISE_WRONG_POINT, AMSS_DIVERGES)
"""Every experiment."""

__all__ = [
    "ALL",
    "AMSS_DIVERGES",
    "NONCONVEX_BOUND",
    "QUADRATIC_ORACLE",
    "SKEWED_NOISE_WRONG_POINT",
    "Cell",
    "Experiment",
    "Level",
]
