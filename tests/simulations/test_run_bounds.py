"""The bound that is printed beside a run is the one whose hypotheses the run fulfils, or there is a reason."""

from typing import Any

import numpy as np
import pytest

from simulations.experiments import Cell
from simulations.methods import METHODS
from simulations.noise import Gaussian, ModalityDropout, Multiplicative, SampledTerms
from simulations.objectives import InterpolatingLeastSquares, IsotropicQuadratic, PhaseRetrieval
from simulations.optimisers import Momentum
from simulations.registry import method
from simulations.run_bounds import bound_of, tightness
from simulations.stepsizes import InverseSquareRoot
from theory.bounds import nonconvex_bound
from theory.measurement import Run

QUADRATIC = IsotropicQuadratic(n=4)


def run(**changes: Any) -> Run:
    settings: dict[str, Any] = {
        "experiment": "bounds",
        "objective": QUADRATIC,
        "noise": Gaussian(4, total=1.0),
        "method": METHODS["uniform-ht"],
        "keep": 0.5,
        "start": 1.0,
        "stepsize": 0.25,
        "checkpoints": (1, 4),
        "replicates": 2,
    }
    return Cell(**{**settings, **changes}).run()


def test_additive_noise_has_the_sharp_bound_up_to_twice_the_usual_limit() -> None:
    found = bound_of(run())
    usual = nonconvex_bound(np.array([1.0, 4.0]), L=1.0, gap=2.0, stepsize=0.25, factor=2.0, sigma2=1.0)
    assert found.name == "sharp_bound"
    assert found.curve is not None
    assert (found.curve <= usual).all()
    assert bound_of(run(stepsize=0.9)).name == "sharp_bound"
    assert "the stepsize must be in" in bound_of(run(stepsize=1.0)).reason


@pytest.mark.parametrize("noise", [Multiplicative(4, strength=0.5), ModalityDropout((4,), (0.5,))])
def test_noise_that_grows_with_the_gradient_has_the_abc_bound(noise: Any) -> None:
    found = bound_of(run(noise=noise))
    assert found.name == "abc_bound"
    assert found.curve is not None


def test_a_run_at_its_bound_is_tight() -> None:
    # One step from equal coordinates: the average is |grad F(w_0)|^2 = 2 L gap, which is the bound without noise.
    exact = run(noise=Gaussian(4, total=0.0), method=METHODS["amss"], stepsize=1.0, checkpoints=(1,))
    found = bound_of(exact)
    assert found.name == "full_gradient_bound"
    assert tightness(exact, found) == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"method": METHODS["amss"]}, "for exact gradients"),
        ({"method": METHODS["released"]}, "no bound on E"),
        ({"method": method({"name": "amss+", "lagged": True})}, "importance from the masked gradient"),
        ({"optimiser": Momentum()}, "one of plain descent"),
        ({"stepsize": InverseSquareRoot(0.1)}, "constant stepsize"),
        (
            {"objective": InterpolatingLeastSquares(), "noise": SampledTerms(3, 3), "stepsize": 0.001},
            "only a weighted average",
        ),
        ({"objective": PhaseRetrieval(), "noise": Gaussian(8), "stepsize": 0.001}, "on a ball only"),
    ],
)
def test_without_its_hypotheses_there_is_no_bound(changes: dict[str, Any], told: str) -> None:
    done = run(**changes)
    found = bound_of(done)
    assert found.curve is None
    assert told in found.reason
    assert np.isnan(tightness(done, found))
