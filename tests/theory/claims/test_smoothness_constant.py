"""The stated L withstands the search, and a wrong one does not: then no bound is tested with it either."""

from dataclasses import dataclass, replace

import pytest

from amss_min.testing import Status
from simulations.experiments.objective_constants import SMOOTHNESS_CONSTANT
from simulations.methods import METHODS
from simulations.noise import Gaussian
from simulations.objectives import IsotropicQuadratic
from theory.claims import nonconvex_bound, smoothness_constant
from theory.measurement import Measurement, Run
from theory.verdict import Verdict

START = SMOOTHNESS_CONSTANT.cells[0]


@dataclass(frozen=True)
class Understated(IsotropicQuadratic):
    """L four times too small."""

    @property
    def L(self) -> float:
        return self.curvature / 4


def runs(*objectives: IsotropicQuadratic) -> Measurement:
    first = SMOOTHNESS_CONSTANT.cells[0]
    return Measurement(runs=[replace(first, objective=objective).run() for objective in objectives])


def test_the_constants_of_two_objectives_are_not_contradicted() -> None:
    verdict = smoothness_constant.CLAIM.verify(Measurement(runs=[cell.run() for cell in SMOOTHNESS_CONSTANT.cells[:2]]))
    assert verdict.status is Status.CONSISTENT and len(verdict.evidence) == 2
    assert all("not contradicted by" in item.scope for item in verdict.evidence)


def test_every_kind_of_objective_is_among_them() -> None:
    from simulations import objectives

    kinds = {value for value in vars(objectives).values() if isinstance(value, type)}
    shown = {type(cell.objective) for cell in SMOOTHNESS_CONSTANT.cells}
    abstract = {objectives.Objective, objectives.FiniteSum, objectives.FunctionObjective}
    assert shown == {kind for kind in kinds if issubclass(kind, objectives.Objective)} - abstract


def test_an_understated_smoothness_is_refuted_with_its_points() -> None:
    verdict = smoothness_constant.CLAIM.verify(runs(IsotropicQuadratic(), Understated()))
    assert verdict.status is Status.REFUTED
    assert verdict.witness is not None
    x, y = verdict.witness["points"]
    # The gradient is the identity: |grad F(x) - grad F(y)| = |x - y|, four times what L = 1/4 allows.
    assert max(abs(a - b) for a, b in zip(x, y, strict=True)) > 0
    (refuted,) = [item for item in verdict.evidence if item.status is Status.REFUTED]
    assert refuted.measured == pytest.approx(1.0, rel=1e-6) and refuted.expected == 0.25


def dependant(objective: IsotropicQuadratic) -> Verdict:
    cell = replace(START, objective=objective, noise=Gaussian(16), method=METHODS["uniform-ht"], replicates=256)
    run: Run = cell.run()
    return nonconvex_bound.CLAIM.verify(Measurement(runs=[run]))


def test_what_depends_on_a_refuted_constant_is_left_undecided() -> None:
    verdict = dependant(Understated(n=8, modalities=2))
    assert verdict.status is Status.INCONCLUSIVE
    assert "the claim does not apply" in str(verdict.evidence[0].measured)
