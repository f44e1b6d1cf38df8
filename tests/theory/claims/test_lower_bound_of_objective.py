"""The stated lower bounds withstand the search, and a wrong one does not: then no bound is tested with it either."""

from dataclasses import dataclass, replace

from amss_min.testing import Status
from simulations.experiments.objective_constants import LOWER_BOUND_OF_OBJECTIVE
from simulations.methods import METHODS
from simulations.noise import Gaussian
from simulations.objectives import IsotropicQuadratic
from theory.claims import lower_bound_of_objective, nonconvex_bound
from theory.measurement import Measurement

START = LOWER_BOUND_OF_OBJECTIVE.cells[0]


@dataclass(frozen=True)
class Overstated(IsotropicQuadratic):
    """A lower bound above the minimum."""

    @property
    def f_star(self) -> float:
        return 0.001


def test_the_bounds_of_two_objectives_are_not_contradicted() -> None:
    runs = [cell.run() for cell in LOWER_BOUND_OF_OBJECTIVE.cells[:2]]
    verdict = lower_bound_of_objective.CLAIM.verify(Measurement(runs=runs))
    assert verdict.status is Status.CONSISTENT and len(verdict.evidence) == 2
    assert all("not contradicted by" in item.scope for item in verdict.evidence)


def test_an_overstated_one_is_refuted_with_its_point() -> None:
    run = replace(LOWER_BOUND_OF_OBJECTIVE.cells[0], objective=Overstated()).run()
    verdict = lower_bound_of_objective.CLAIM.verify(Measurement(runs=[run]))
    assert verdict.status is Status.REFUTED and verdict.witness is not None
    (point,) = verdict.witness["points"]
    assert 0.5 * sum(x * x for x in point) < 0.001


def test_what_depends_on_it_is_left_undecided() -> None:
    objective = Overstated(n=8, modalities=2)
    cell = replace(START, objective=objective, noise=Gaussian(16), method=METHODS["uniform-ht"], replicates=256)
    verdict = nonconvex_bound.CLAIM.verify(Measurement(runs=[cell.run()]))
    assert verdict.status is Status.INCONCLUSIVE
    assert "the claim does not apply" in str(verdict.evidence[0].measured)
