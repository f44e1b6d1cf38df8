"""Dominance first and the slope last; a plateau, a wrong constant or shared random numbers do not pass."""

from dataclasses import dataclass, replace

import numpy as np

from amss_min.testing import Evidence, Guarantee, Status
from simulations.experiments import TUNED_STEP, Cell
from simulations.noise import Gaussian
from simulations.objectives import IsotropicQuadratic
from theory import oracles
from theory.bounds import tuned_bound, tuned_stepsize
from theory.claims.tuned_step import CLAIM, EXPONENT
from theory.measurement import Array, Measurement, Run

TIGHT = [cell for cell in TUNED_STEP.cells if isinstance(cell.objective, IsotropicQuadratic)][:3]


def evidence(*runs: Run) -> list[Evidence]:
    return list(CLAIM.verify(Measurement(runs=runs)).evidence)


def runs() -> list[Run]:
    return [cell.run() for cell in TIGHT]


def exact(gap: float, sigma2: float) -> tuple[Array, float]:
    """R_T over its bound, and the slope over the horizons of the experiment, for L = 1, f = 4 and uniform masks."""
    horizons = np.array(sorted({cell.checkpoints[-1] for cell in TUNED_STEP.cells}), dtype=np.float64)
    constants = {"L": 1.0, "factor": 4.0, "sigma2": sigma2}
    steps = tuned_stepsize(horizons, gap=gap, **constants)
    means = np.array(
        [
            oracles.average_energy(np.array([t]), start=2 * gap, stepsize=float(eta), **constants)[0]
            for t, eta in zip(horizons, steps, strict=True)
        ]
    )
    slope = float(np.polyfit(np.log(horizons), np.log(means), 1)[0])
    return means / tuned_bound(horizons, gap=gap, **constants), slope


def test_the_slope_of_the_quadratic_is_known_and_steeper_than_the_bounds() -> None:
    ratio, slope = exact(gap=8.0, sigma2=4.0)  # the start and the noise of the experiment
    cell = TIGHT[0]
    assert cell.start == 1.0 and cell.objective.d == 16 and cell.noise.sigma2 == 4.0
    assert f"{slope:.3f}" == "-0.558" and slope < EXPONENT
    assert (ratio < 1).all()


def test_a_slope_above_the_exponent_is_no_contradiction_of_the_bound() -> None:
    ratio, slope = exact(gap=2.0, sigma2=16.0)
    assert f"{slope:.3f}" == "-0.479"
    assert (ratio < 1).all()


def test_production_is_consistent_with_it() -> None:
    found = evidence(*runs())
    assert [item.status for item in found] == [Status.CONSISTENT] * 4
    assert [item.guarantee for item in found] == [Guarantee.BOUNDED] * 3 + [Guarantee.ASYMPTOTIC]
    assert "no exponent" in found[-1].scope


def test_a_plateau_below_the_bound_refutes_the_slope_alone() -> None:
    rng = np.random.default_rng(0)
    flat = [replace(run, average=0.5 + rng.random((256, 2)) / 8) for run in runs()]
    found = evidence(*flat)
    assert found[-1].status is Status.REFUTED and found[-1].witness is not None
    assert Status.REFUTED not in {item.status for item in found[:3]}


@dataclass(frozen=True)
class Understated(Gaussian):
    """Says a sixteenth of its second moment."""

    @property
    def sigma2(self) -> float:
        return self.total / 16


def test_an_understated_noise_refutes_the_bound() -> None:
    tuned = tuned_stepsize(np.array([64.0]), L=1.0, gap=8.0, factor=4.0, sigma2=4.0)
    cell = replace(TIGHT[0], noise=Understated(16, total=64.0), stepsize=float(tuned[0]))
    assert evidence(cell.run())[0].status is Status.INCONCLUSIVE  # one horizon has no slope
    both = [replace(one, noise=Understated(16, total=64.0)).run() for one in TIGHT]
    assert Status.REFUTED in {item.status for item in evidence(*both)[:3]}


def refusal(*found: Run) -> str:
    (item,) = evidence(*found)
    assert item.status is Status.INCONCLUSIVE
    return str(item.measured)


def test_a_step_that_is_not_tuned_is_refused() -> None:
    assert "the stepsize tuned to T = 64" in refusal(replace(TIGHT[0], stepsize=TIGHT[1].stepsize).run())


def test_horizons_that_share_random_numbers_are_refused() -> None:
    shared = [Cell.run(cell) for cell in TIGHT]
    assert "paired" in refusal(*shared)
    assert all(run.replay["command"] == "python -m simulations run tuned-step --seed 0" for run in runs()[:1])
