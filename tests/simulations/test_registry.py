"""Names of parts: every class has one, every name can be made, and mistakes are answered in one line."""

from typing import Any

import pytest

from amss_min.testing.loading import BadInput
from simulations import registry
from simulations.audit import UnknownName
from simulations.methods import METHODS
from simulations.objectives import IsotropicQuadratic, Objective

NEEDED: dict[str, dict[str, Any]] = {
    "quadratic": {"spectrum": [1.0, 2.0]},
    "modality-dropout": {"present": [0.5]},
    "per-modality": {"totals": [1.0]},
    "progress-oracle": {"p": 0.5},
    "two-point": {"probabilities": [0.5] * 4, "scales": [1.0] * 4},
    "inverse-square-root": {"start": 0.1},
    "inverse-time": {"scale": 1.0, "shift": 2.0},
    "constant": {"eta": 0.1},
}
"""Parameters without a default, by name."""


def spec(name: str) -> dict[str, Any]:
    return {"name": name, **NEEDED.get(name, {})}


def test_names_are_those_of_the_files() -> None:
    assert {"block-cosine", "geman-mcclure", "pl-sine", "interpolating-least-squares"} <= set(registry.OBJECTIVES)
    assert {"gaussian", "skewed", "finite-sum", "progress-oracle"} <= set(registry.NOISES)
    assert set(registry.OPTIMISERS) == {"descent", "momentum", "adam"}
    assert set(registry.STEPSIZES) == {"constant", "inverse-square-root", "inverse-time"}
    assert {"systematic", "pivotal", "top-k", "conditional-poisson"} <= set(registry.DESIGNS)
    assert set(registry.WEIGHTINGS) == {"horvitz-thompson", "indicator", "rank-conditioned", "shifted-inverse"}
    assert set(registry.IMPORTANCES) == {"squared-gradient", "gradient-norm"}


@pytest.mark.parametrize("name", registry.OBJECTIVES)
def test_every_objective_can_be_made(name: str) -> None:
    assert isinstance(registry.objective(spec(name)), Objective)


@pytest.mark.parametrize("name", registry.NOISES)
def test_every_noise_fits_its_objective(name: str) -> None:
    fitting = {"finite-sum": "interpolating-least-squares", "progress-oracle": "hard-chain"}
    objective = registry.objective(fitting[name]) if name in fitting else IsotropicQuadratic(n=4)
    found = registry.noise_on(spec(name), objective)
    found.refuse(objective)
    assert found.d == objective.d


@pytest.mark.parametrize("name", registry.STEPSIZES)
def test_every_stepsize_can_be_made(name: str) -> None:
    assert registry.stepsize(spec(name)).first > 0


@pytest.mark.parametrize("name", METHODS)
def test_a_method_by_its_name_is_the_method(name: str) -> None:
    assert registry.method(name) is not None
    assert registry.method(name) == METHODS[name]


@pytest.mark.parametrize("design", registry.DESIGNS)
def test_a_method_takes_every_design(design: str) -> None:
    found = registry.method({"name": "amss", "design": design, "importance": "uniform"})
    assert type(found.design) is registry.DESIGNS[design].make
    assert found.importance is None
    assert found.weighting == METHODS["amss"].weighting
    assert found.name == f"amss, design={design}, importance=uniform"


def test_parameters_reach_their_part() -> None:
    found = registry.method({"name": "amss+", "importance": {"name": "gradient-norm", "mix": 0.25}, "lagged": True})
    assert found.importance is not None
    assert (found.importance.mix, found.lagged) == (0.25, True)
    assert registry.objective({"name": "block-cosine", "n": 3, "kappa": [1, 2]}).units == (3, 3)


def test_several_close_names_are_offered() -> None:
    with pytest.raises(UnknownName) as caught:
        registry.method("amss-")
    assert str(caught.value) == "no method 'amss-'; did you mean 'amss', 'amss+'?"


@pytest.mark.parametrize(
    ("make", "given", "told"),
    [
        (registry.objective, "block-cosin", "no objective 'block-cosin'; did you mean 'block-cosine'?"),
        (registry.objective, {"name": "block-cosine", "kapa": 1}, "called 'kapa'; did you mean 'kappa'?"),
        (registry.objective, {"name": "block-cosine", "n": "x"}, "objective 'block-cosine': n: .* found 'x'"),
        (registry.objective, {"name": "block-cosine", "n": 0}, "must have a coordinate, found n=0"),
        (registry.objective, "quadratic", "objective 'quadratic' needs spectrum, found none"),
        (registry.objective, {"n": 3}, "must be a name or a table with a name"),
        (registry.optimiser, {"name": "momentum", "beta": 2}, "beta must be in"),
        (registry.stepsize, {"name": "constat", "eta": 1}, "did you mean 'constant'"),
        (registry.method, {"name": "amss", "design": "pivotall"}, "no design 'pivotall'; did you mean 'pivotal'?"),
        (registry.method, {"name": "amss", "desing": "pivotal"}, "did you mean 'design'?"),
        (registry.method, {"name": "sgd", "design": "pivotal"}, "a design and a weighting go together"),
        (registry.method, {"name": "amss", "lagged": 1}, "lagged must be true or false"),
    ],
)
def test_mistakes_are_one_line(make: Any, given: Any, told: str) -> None:
    with pytest.raises((BadInput, UnknownName), match=told) as caught:
        make(given)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("finite-sum", "needs a finite sum"),
        ({"name": "gaussian", "dimension": 3}, "dimension follows from the objective"),
        ("gausian", "did you mean 'gaussian'"),
        ({"name": "gaussian", "total": -1}, "total >= 0"),
    ],
)
def test_a_noise_that_does_not_fit_is_refused(given: Any, told: str) -> None:
    with pytest.raises((BadInput, UnknownName), match=told):
        registry.noise_on(given, IsotropicQuadratic(n=4))
