"""Dominance: alarms only above the bound, no decision without power, and constants that are looked into."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from amss_min.testing import Guarantee, Status
from simulations.experiments import Cell
from simulations.methods import METHODS
from simulations.noise import Gaussian
from simulations.objectives import FunctionObjective, IsotropicQuadratic, MatrixFactorisation
from theory.assumptions import BOUNDED_BELOW, SMOOTH, Assumption
from theory.curvature import GLOBAL
from theory.dominance import ALPHA, LEAST_REFUTED, Dominance, standing
from theory.inference import log_evidence
from theory.measurement import Array, Measurement, Run

CELL = Cell(
    experiment="dominance",
    objective=IsotropicQuadratic(n=2),
    noise=Gaussian(2, total=1.0),
    method=METHODS["sgd"],
    keep=1.0,
    start=1.0,
    stepsize=0.1,
    checkpoints=(1, 2),
    replicates=2,
)
RUN = CELL.run()


def planted(values: Array) -> Run:
    """A run whose averages are these, (R, C)."""
    return replace(RUN, average=values, checkpoints=tuple(range(1, values.shape[1] + 1)), replay={"seed": 0})


def against(bound: float, *assumptions: Assumption) -> Dominance:
    return Dominance(
        quantity="mean over {T} steps",
        values=lambda run: run.average,
        bound=lambda run: np.full(len(run.checkpoints), bound),
        assumptions=assumptions,
    )


def draws(mean: float, replicates: int = 512) -> Array:
    return mean * np.random.default_rng(3).exponential(size=(replicates, 2))


def test_a_mean_below_the_bound_is_consistent_and_shows_its_ratio() -> None:
    values = draws(0.8)
    (found,) = against(1.0).check(Measurement(runs=[planted(values)]))
    assert (found.status, found.guarantee) == (Status.CONSISTENT, Guarantee.BOUNDED)
    assert found.details["tightness"] == pytest.approx(values.mean(0).tolist())
    assert max(found.details["tightness"]) < max(found.details["upper limit over bound"]) < 1.3
    assert LEAST_REFUTED < max(found.details["refuted part of the bound"]) < 0.8
    assert f"mean at most {values.mean(0).max():.2f} and upper limit" in found.scope
    assert found.witness is None


def test_a_mean_above_the_bound_is_refuted_at_the_first_such_checkpoint_with_a_witness() -> None:
    values = draws(1.0)
    values[:, 1] *= 3
    (found,) = against(1.0).check(Measurement(runs=[planted(values)]))
    assert found.status is Status.REFUTED
    assert found.witness == {"seed": 0, "horizon": 2, "log_e_value": log_evidence(values[:, 1], 1.0)}
    assert "over 2 steps" in found.what


def test_the_error_is_split_over_all_runs_and_checkpoints() -> None:
    single, many = (against(1.0).check(Measurement(runs=[planted(draws(0.8))] * count))[0] for count in (1, 8))
    assert f"{-np.log(ALPHA / 2):.1f}" in single.tolerance_source
    assert f"{-np.log(ALPHA / 16):.1f}" in many.tolerance_source
    assert "8 runs" in many.scope and "1 run " in single.scope


def test_data_that_could_not_have_refuted_a_quarter_of_the_bound_decide_nothing() -> None:
    assert against(4.0).check(Measurement(runs=[planted(draws(0.8))]))[0].status is Status.INCONCLUSIVE
    few = against(1.0).check(Measurement(runs=[planted(draws(0.8, 16))]))[0]
    assert few.status is Status.INCONCLUSIVE
    assert few.details["upper limit over bound"] is None and "upper limit" not in few.scope


def test_an_overflow_is_refuted() -> None:
    values = draws(0.1)
    values[5, 1] = np.inf
    assert against(1.0).check(Measurement(runs=[planted(values)]))[0].status is Status.REFUTED


def test_values_whose_squares_overflow_are_refuted() -> None:
    assert against(1.0).check(Measurement(runs=[planted(draws(1e200))]))[0].status is Status.REFUTED


def test_a_constant_that_is_contradicted_stops_the_check_unless_it_is_trusted() -> None:
    class Steeper(IsotropicQuadratic):
        L = 0.5  # type: ignore[assignment]

    run = replace(planted(draws(0.8)), objective=Steeper(n=2))
    with pytest.raises(ValueError, match="fails on isotropic quadratic"):
        against(1.0, SMOOTH).check(Measurement(runs=[run]))
    (found,) = against(1.0, SMOOTH).check(Measurement(runs=[run]), trusting=True)
    assert found.status is Status.CONSISTENT


def test_constants_that_hold_on_a_ball_only_are_refused() -> None:
    assert math_ball().radius < float("inf")
    with pytest.raises(ValueError, match="whole space"):
        standing(math_ball(), (GLOBAL,))


def math_ball() -> MatrixFactorisation:
    return MatrixFactorisation()


def stranger(L: float, f_star: float) -> FunctionObjective:
    return FunctionObjective(lambda w: w.square().sum(-1), d=2, L=L, f_star=f_star)


def test_without_a_certificate_the_scope_says_what_it_is_conditional_on() -> None:
    assert standing(IsotropicQuadratic(), (SMOOTH, BOUNDED_BELOW)) == ""
    run = replace(planted(draws(0.8)), objective=stranger(2.0, 0.0))
    (found,) = against(1.0, SMOOTH).check(Measurement(runs=[run]))
    assert found.status is Status.CONSISTENT
    assert "; conditional on L = 2: not contradicted by " in found.scope
    assert "f_star = 0: not contradicted by " in found.scope


@pytest.mark.parametrize(("L", "f_star"), [(1.9, 0.0), (2.0, 0.1)])
def test_a_strangers_wrong_constant_is_named(L: float, f_star: float) -> None:
    with pytest.raises(ValueError, match="is contradicted"):
        standing(stranger(L, f_star), ())


def test_a_value_that_is_not_a_number_counts_as_infinite() -> None:
    values = draws(0.1)
    values[0, 0] = torch.nan
    assert against(1.0).check(Measurement(runs=[planted(values)]))[0].status is Status.REFUTED
