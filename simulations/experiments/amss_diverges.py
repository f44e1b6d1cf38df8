"""AMSS and AMSS+ on interpolating least squares, at two stepsizes."""

from simulations.experiments.base import Cell, Experiment
from simulations.methods import METHODS
from simulations.noise import SampledTerms
from simulations.objectives import InterpolatingLeastSquares
from theory.claims import amss_diverges

_TIME = 0.5  # steps times stepsize: AMSS grows by a factor of e, far from overflow
_RELAXED = 0.1  # the direction relaxes at rate 50 or more


def _cell(name: str, stepsize: float, replicates: int) -> Cell:
    return Cell(
        experiment="amss-diverges",
        objective=InterpolatingLeastSquares(),
        noise=SampledTerms(3, 3),
        method=METHODS[name],
        keep=1 / 3,
        start=1.0,
        stepsize=stepsize,
        checkpoints=(round(_RELAXED / stepsize), round(_TIME / stepsize)),
        replicates=replicates,
    )


def _cells(replicates: int, *stepsizes: float) -> tuple[Cell, ...]:
    return tuple(_cell(name, stepsize, replicates) for name in ("amss", "amss+") for stepsize in stepsizes)


AMSS_DIVERGES = Experiment(
    name="amss-diverges",
    claim="amss-diverges",
    summary="growth of AMSS and contraction of AMSS+ where all terms share a minimiser",
    quick=_cells(1024, 4e-4),
    cells=_cells(2048, 4e-4, 2e-4),
    deep=_cells(16384, 4e-4, 2e-4, 1e-4),
    theory=lambda run: {"exponent": amss_diverges.predicted(run)},
)
