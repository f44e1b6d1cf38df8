"""AMSS under noise that is symmetric only jointly, from its wrong point and from the optimum."""

from simulations.experiments.base import Cell, Experiment
from simulations.methods import METHODS
from simulations.noise import Gaussian, Noise
from simulations.noise.one_large import OneLarge
from simulations.objectives import IsotropicQuadratic
from theory.claims import joint_symmetry_settles
from theory.joint_symmetry import UNITS
from theory.measurement import Array, Run

_NOISE = OneLarge(UNITS)
_PLACE = joint_symmetry_settles.SETTLING.place


def _cell(stepsize: float, start: float, time: float, noise: Noise = _NOISE) -> Cell:
    steps = round(time / stepsize)
    return Cell(
        experiment="joint-symmetry-settles",
        objective=IsotropicQuadratic(n=UNITS),
        noise=noise,
        method=METHODS["amss"],
        keep=1 / UNITS,
        start=start,
        stepsize=stepsize,
        checkpoints=(steps // 2, steps),
        replicates=256,
    )


def _theory(run: Run) -> dict[str, Array | float]:
    if run.start.any() and not run.noise.name.startswith("Gaussian"):
        return {"energy": joint_symmetry_settles.predicted(run)}
    return {"ceiling": joint_symmetry_settles.ceiling(run)}


_REPELLED = _cell(0.2, 0.0, 200.0)  # the optimum repels at rate .03
_CONTROL = _cell(0.1, _PLACE, 100.0, Gaussian(UNITS, total=2.0))

JOINT_SYMMETRY_SETTLES = Experiment(
    name="joint-symmetry-settles",
    claim="joint-symmetry-settles",
    summary="where AMSS settles under jointly symmetric noise",
    quick=(_cell(0.1, _PLACE, 120.0), _cell(0.2, 0.0, 120.0)),
    cells=(_cell(0.1, _PLACE, 150.0), _cell(0.05, _PLACE, 150.0), _REPELLED, _CONTROL),
    deep=(_cell(0.1, _PLACE, 200.0), _cell(0.05, _PLACE, 200.0), _cell(0.02, _PLACE, 200.0), _REPELLED, _CONTROL),
    theory=_theory,
)
