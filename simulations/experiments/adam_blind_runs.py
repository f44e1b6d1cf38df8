"""Pairs of runs with the 0/1 mask and the Horvitz-Thompson mask, under Adam and under plain descent."""

from simulations.experiments.base import Cell, Experiment
from simulations.experiments.biased_methods import PLAIN_MASK
from simulations.methods import METHODS
from simulations.noise import Gaussian
from simulations.objectives import BlockCosine
from simulations.optimisers import Adam, Descent, Optimiser

_COSINE = BlockCosine()
_OPTIMISERS: tuple[Optimiser, ...] = (
    Adam(epsilon=0.0),
    Adam(beta1=0.5, beta2=0.9, epsilon=0.0),
    Adam(epsilon=0.0, mask_after=True),
    Descent(),
)

ADAM_BLIND_RUNS = Experiment(
    name="adam-blind-runs",
    claim="adam-blind-runs",
    summary="Adam under two constant weights of the same draws",
    cells=tuple(
        Cell(
            experiment="adam-blind-runs",
            objective=_COSINE,
            noise=Gaussian(_COSINE.d, total=4.0),
            method=method,
            keep=(0.25, 0.5),
            start=2.0,
            stepsize=0.02,
            checkpoints=(1, 10, 100, 300),
            replicates=256,
            optimiser=optimiser,
        )
        for optimiser in _OPTIMISERS
        for method in (PLAIN_MASK, METHODS["uniform-ht"])
    ),
    theory=lambda run: {"start": run.start_energy},
)
