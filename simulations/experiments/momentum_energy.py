"""Averaged momentum on the isotropic quadratic, with the mask before the average, after it, or none."""

from simulations.experiments.base import Cell, Experiment
from simulations.methods import METHODS
from simulations.noise import Gaussian
from simulations.objectives import IsotropicQuadratic
from simulations.optimisers import Momentum
from theory.claims import momentum_energy

_N = 8
_PLACES = (("sgd", False), ("uniform-ht", False), ("uniform-ht", True))


def _cells(replicates: int) -> tuple[Cell, ...]:
    return tuple(
        Cell(
            experiment="momentum-energy",
            objective=IsotropicQuadratic(n=_N),
            noise=Gaussian(_N, total=1.0),
            method=METHODS[name],
            keep=0.25,
            start=0.0,
            stepsize=0.02,
            checkpoints=(25, 100, 400),
            replicates=replicates,
            optimiser=Momentum(beta=0.9, mask_after=after),
        )
        for name, after in _PLACES
    )


MOMENTUM_ENERGY = Experiment(
    name="momentum-energy",
    claim="momentum-energy",
    summary="masked momentum against the exact recursion of second moments",
    quick=_cells(4096),
    cells=_cells(16384),
    theory=lambda run: {"energy": momentum_energy.predicted(run)},
)
