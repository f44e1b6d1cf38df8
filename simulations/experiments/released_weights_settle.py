"""The released AMSS+ weights on two units with skewed noise, from the optimum."""

from simulations.experiments.base import Cell, Experiment
from simulations.methods import METHODS
from simulations.noise import TwoPoint
from simulations.objectives import IsotropicQuadratic
from theory import released_settling
from theory.claims import released_weights_settle
from theory.released_field import root

_LENGTH = 12.0  # steps times stepsize, against a rate of about one half


def _cell(stepsize: float, replicates: int) -> Cell:
    steps = round(_LENGTH / stepsize)
    return Cell(
        experiment="released-weights-settle",
        objective=IsotropicQuadratic(n=2),
        noise=TwoPoint((0.1, 0.5), (1.0, 1.0)),
        method=METHODS["released"],
        keep=0.5,
        start=0.0,
        stepsize=stepsize,
        checkpoints=(steps // 4, steps // 2, steps),
        replicates=replicates,
    )


RELEASED_WEIGHTS_SETTLE = Experiment(
    name="released-weights-settle",
    claim="released-weights-settle",
    summary="where the released AMSS+ weights settle under skewed noise",
    quick=(_cell(0.01, 512),),
    cells=(_cell(0.01, 1024), _cell(0.004, 1024)),
    deep=(_cell(0.01, 4096), _cell(0.004, 2048), _cell(0.001, 1024)),
    theory=lambda run: {
        "place": float(root(released_weights_settle.P)[0]),
        "floor": released_settling.least_energy(0.0, released_weights_settle.P),
    },
)
