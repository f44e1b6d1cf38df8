"""A replicate is the same bit for bit whatever the batch, and it is the recursion it claims to be."""

from dataclasses import fields
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

from amss_min.designs import Systematic, TopK
from amss_min.importance import GradientNorm
from amss_min.weightings import HorvitzThompson, Indicator
from simulations.engine import simulate
from simulations.methods import METHODS, Method
from simulations.noise import Gaussian, ModalityDropout, Multiplicative, Noise, PerModality, Student, TwoPoint, skewed
from simulations.objectives import BlockCosine, IsotropicQuadratic, Objective
from simulations.optimisers import Adam, Descent, Momentum, Optimiser
from simulations.seeding import seed
from simulations.stepsizes import Constant, InverseSquareRoot, InverseTime, Stepsize
from simulations.streams import Stream
from simulations.trace import Trace, joined

ORDERED = Method("ordered", GradientNorm(0.1), Systematic(random_order=False), HorvitzThompson())
LARGEST = Method("largest", GradientNorm(), TopK(), Indicator())
LAGGED = Method("lagged", METHODS["amss"].importance, METHODS["amss"].design, METHODS["amss"].weighting, lagged=True)
METHOD = {**METHODS, "ordered": ORDERED, "lagged": LAGGED, "largest": LARGEST}
CASES: tuple[tuple[Objective, Noise, float, Optimiser, Stepsize], ...] = (
    (BlockCosine(n=7), skewed(14, total=2.0), 0.3, Descent(), Constant(0.05)),
    (IsotropicQuadratic(n=2), TwoPoint((0.1, 0.5), (1.0, 1.0)), 0.5, Momentum(), InverseTime(1.0, 20.0)),
    (BlockCosine(n=16), Gaussian(32), 0.5, Momentum(mask_after=True, averaged=False), InverseSquareRoot(0.05)),
    (BlockCosine(n=3), Student(6), 0.5, Adam(), Constant(0.05)),
    (BlockCosine(n=3), Multiplicative(6), 0.5, Adam(mask_after=True), Constant(0.05)),
    (BlockCosine(n=3), PerModality((3, 3), (1.0, 4.0)), 0.5, Descent(), Constant(0.05)),
    (BlockCosine(n=3), ModalityDropout((3, 3), (0.5, 1.0)), 0.5, Descent(), Constant(0.05)),
)
STEPS, WHOLE = 24, 520
NAMES = [field.name for field in fields(Trace) if field.name != "checkpoints"]


def run(case: int, method: str, replicates: range, **more: object) -> Trace:
    objective, noise, keep, optimiser, stepsize = CASES[case]
    options = {"stepsize": stepsize, "checkpoints": (1, 10, STEPS), "keep": keep, "root": 3, "optimiser": optimiser}
    start = np.linspace(-1, 1.5, objective.d).tolist()
    everything = {**options, **more}
    return simulate(objective, noise, METHOD[method], start=start, replicates=replicates, **everything)  # type: ignore[arg-type]


def same(one: Trace, other: Trace) -> bool:
    return all(torch.equal(getattr(one, name), getattr(other, name)) for name in NAMES)


@pytest.mark.parametrize("method", METHOD)
@pytest.mark.parametrize("case", range(len(CASES)))
def test_a_replicate_does_not_depend_on_its_batch(case: int, method: str) -> None:
    whole = run(case, method, range(WHOLE))
    cuts = (0, 1, 200, 256, 258, 300, WHOLE)
    parts = [run(case, method, range(first, last)) for first, last in pairwise(cuts)]
    assert same(joined(parts), whole)


@pytest.mark.parametrize("method", ["sgd", "ordered"])
def test_a_replicate_in_float32_does_not_depend_on_its_batch(method: str) -> None:
    whole = run(0, method, range(1100), dtype=torch.float32)
    parts = [run(0, method, range(first, last), dtype=torch.float32) for first, last in pairwise((0, 3, 1024, 1100))]
    assert same(joined(parts), whole)


def test_replicates_that_do_not_fit_into_the_cache_go_one_group_after_another() -> None:
    objective, method = IsotropicQuadratic(n=600), METHOD["amss+"]
    options = {"start": [1.0] * 600, "stepsize": 0.1, "checkpoints": (1, 2), "keep": 0.1}
    whole = simulate(objective, Gaussian(600), method, replicates=range(200, 600), **options)  # type: ignore[arg-type]
    part = simulate(objective, Gaussian(600), method, replicates=range(500, 520), **options)  # type: ignore[arg-type]
    assert whole.average.shape == (400, 2)
    assert torch.equal(whole.iterate[300:320], part.iterate)


def test_without_paths_the_rest_is_the_same() -> None:
    whole, bare = run(0, "amss+", range(5)), run(0, "amss+", range(5), paths=False)
    assert torch.equal(whole.average, bare.average) and torch.equal(whole.value, bare.value)
    assert bare.iterate.shape == bare.average_iterate.shape == (5, 3, 0)


def test_other_seeds_and_axes_give_other_runs() -> None:
    whole = run(1, "amss+", range(5))
    assert not same(run(1, "amss+", range(5), root=4), whole)
    assert not same(run(1, "amss+", range(5), axes={"experiment": "other"}), whole)


def test_methods_share_their_noise() -> None:
    everything = {"keep": 1.0}
    assert same(run(0, "uniform-ht", range(5), **everything), run(0, "sgd", range(5)))


def numbers_of(case: int, method: str, replicate: int) -> tuple[Tensor, Tensor]:
    """Noise and words of one replicate below 256, made step by step as the engine lays them out."""
    objective, noise, _, _, _ = CASES[case]
    slots = METHOD[method].slots(objective.units)
    at_once = max(1, 2**16 // (256 * max(noise.width, slots)))
    streams = {
        purpose: Stream(seed(3, purpose=purpose, block=0), torch.device("cpu"), torch.float64)
        for purpose in ("noise", "mask")
    }
    xi = [noise.numbers(streams["noise"], at_once, 256) for _ in range(-(-STEPS // at_once))]
    bits = [streams["mask"].words(at_once, 256, slots) for _ in range(-(-STEPS // at_once))]
    return torch.cat(xi)[:, replicate], torch.cat(bits)[:, replicate]


@pytest.mark.parametrize("method", ["sgd", "amss", "amss+"])
def test_it_is_the_recursion_written_out(method: str) -> None:
    objective = CASES[1][0]
    estimator, replicate = METHOD[method], 11
    trace = run(1, method, range(replicate, replicate + 1), optimiser=Descent(), stepsize=0.05)
    xi, bits = numbers_of(1, method, replicate)
    w = torch.tensor([-1.0, 1.5], dtype=torch.float64)
    energies, path = [], []
    for t in range(STEPS + 1):
        exact = objective.gradient(w)
        energies.append(float(exact[0] ** 2 + exact[1] ** 2))
        path.append(w)
        if t < STEPS:
            w = w - 0.05 * estimator.estimate(exact + xi[t], objective.units, (1,), bits[t])
    for i, t in enumerate(trace.checkpoints):
        # The library may fuse w - eta u into one rounding instead of two, 1 u a step on numbers of at most 16; sums of
        # at most 24 terms follow.
        assert float(trace.squared_gradient[0, i]) == pytest.approx(energies[t], rel=2.0**-44, abs=2.0**-44)
        assert torch.allclose(trace.iterate[0, i], path[t], rtol=2.0**-44, atol=2.0**-44)
        assert float(trace.average[0, i]) == pytest.approx(sum(energies[:t]) / t, rel=2.0**-44)
        assert float(trace.value[0, i]) == pytest.approx(float(objective.value(path[t])), rel=2.0**-44, abs=2.0**-44)


def test_the_stepsizes_and_weights_are_those_of_their_step() -> None:
    objective, noise = IsotropicQuadratic(n=1), Gaussian(1, total=0.0)
    weights = torch.tensor([4.0, 2.0, 1.0], dtype=torch.float64)
    trace = simulate(
        objective,
        noise,
        METHODS["sgd"],
        start=[1.0],
        stepsize=InverseTime(1.0, 2.0),
        weights=weights,
        checkpoints=(1, 2, 3),
        replicates=range(1),
    )
    path = [1.0, 0.5, 0.5 * (1 - 1 / 3), 0.5 * (1 - 1 / 3) * 0.75]
    # Three products of rounded factors.
    assert trace.iterate[0, :, 0].tolist() == pytest.approx(path[1:], rel=2.0**-49)
    weighted = [
        sum(w * x * x for w, x in zip([4, 2, 1][:t], path, strict=False)) / sum([4, 2, 1][:t]) for t in (1, 2, 3)
    ]
    assert trace.weighted[0].tolist() == pytest.approx(weighted, rel=2.0**-48)


def test_what_does_not_fit_is_refused() -> None:
    options = {"stepsize": 0.1, "checkpoints": (1,), "replicates": range(1)}
    for start, d in (([0.0], 2), ([0.0, 0.0], 3)):
        with pytest.raises(ValueError, match=r"must have"):
            simulate(IsotropicQuadratic(n=2), Gaussian(d), METHODS["sgd"], start=start, **options)  # type: ignore[arg-type]
    for replicates in (range(0), range(0, 4, 2), range(-1, 2)):
        with pytest.raises(ValueError, match="without gaps"):
            simulate(
                IsotropicQuadratic(n=1),
                Gaussian(1),
                METHODS["sgd"],
                start=[0.0],
                **{**options, "replicates": replicates},
            )  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="weights must be one a step"):
        simulate(IsotropicQuadratic(n=1), Gaussian(1), METHODS["sgd"], start=[0.0], weights=torch.ones(2), **options)  # type: ignore[arg-type]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("method", METHOD)
@pytest.mark.parametrize("case", range(len(CASES)))
def test_without_noise_a_gpu_agrees(case: int, method: str) -> None:
    """With everything kept and no noise there is nothing random: the same trajectory up to rounding."""
    objective = CASES[case][0]
    options = {"noise": Gaussian(objective.d, total=0.0), "keep": 1.0}
    here, there = (run_on(case, method, device, **options) for device in ("cpu", "cuda"))
    assert torch.allclose(here.iterate, there.iterate, rtol=2.0**-36, atol=2.0**-36)
    assert torch.allclose(here.average, there.average, rtol=2.0**-36, atol=2.0**-36)


def run_on(case: int, method: str, device: str, *, noise: Noise, keep: float) -> Trace:
    objective, _, _, optimiser, stepsize = CASES[case]
    start = np.linspace(-1, 1.5, objective.d).tolist()
    return simulate(
        objective,
        noise,
        METHOD[method],
        start=start,
        replicates=range(8),
        keep=keep,
        optimiser=optimiser,
        stepsize=stepsize,
        checkpoints=(1, 10, STEPS),
        device=device,
    )
