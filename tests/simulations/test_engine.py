"""A replicate is the same bit for bit whatever the batch and the chunk, and it is the recursion it claims to be."""

from dataclasses import fields

import numpy as np
import pytest
import torch

from simulations.engine import simulate
from simulations.methods import METHODS
from simulations.noise import Gaussian, Noise, TwoPoint, skewed
from simulations.objectives import BlockCosine, IsotropicQuadratic, Objective
from simulations.seeding import stream, words
from simulations.trace import Trace

CASES: tuple[tuple[Objective, Noise, float], ...] = (
    (BlockCosine(n=7), skewed(14, total=2.0), 0.3),
    (IsotropicQuadratic(n=2), TwoPoint((0.1, 0.5), (1.0, 1.0)), 0.5),
    (BlockCosine(n=16), Gaussian(32), 0.5),
)
STEPS, WHOLE = 24, 64


def run(case: int, method: str, replicates: range, chunk: int | None = None, **more: object) -> Trace:
    objective, noise, keep = CASES[case]
    options = {"stepsize": 0.05, "checkpoints": (1, 10, STEPS), "keep": keep, "root": 3, "chunk": chunk, **more}
    start = np.linspace(-1, 1.5, objective.d).tolist()
    return simulate(objective, noise, METHODS[method], start=start, replicates=replicates, **options)  # type: ignore[arg-type]


def same(one: Trace, other: Trace) -> bool:
    names = [field.name for field in fields(Trace) if field.name != "checkpoints"]
    return all(torch.equal(getattr(one, name), getattr(other, name)) for name in names)


def joined(parts: list[Trace]) -> Trace:
    names = [field.name for field in fields(Trace) if field.name != "checkpoints"]
    return Trace(checkpoints=parts[0].checkpoints, **{n: torch.cat([getattr(p, n) for p in parts]) for n in names})


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("case", range(len(CASES)))
def test_a_replicate_does_not_depend_on_its_batch(case: int, method: str) -> None:
    whole = run(case, method, range(WHOLE))
    for size in (1, 3, 8):
        ranges = [range(first, min(first + size, WHOLE)) for first in range(0, WHOLE if size > 1 else 12, size)]
        parts = joined([run(case, method, part) for part in ranges])
        end = ranges[-1].stop
        assert same(
            parts,
            Trace(
                checkpoints=whole.checkpoints,
                **{
                    field.name: getattr(whole, field.name)[:end]
                    for field in fields(Trace)
                    if field.name != "checkpoints"
                },
            ),
        )


@pytest.mark.parametrize("method", METHODS)
def test_the_chunk_changes_nothing(method: str) -> None:
    whole = run(0, method, range(5))
    for chunk in (1, 7, STEPS + 1):
        assert same(run(0, method, range(5), chunk), whole)


def test_other_seeds_and_axes_give_other_runs() -> None:
    whole = run(1, "amss+", range(5))
    assert not same(run(1, "amss+", range(5), root=4), whole)
    assert not same(run(1, "amss+", range(5), axes={"experiment": "other"}), whole)


def test_methods_share_their_noise() -> None:
    everything = {"keep": 1.0}
    assert same(run(0, "uniform-ht", range(5), **everything), run(0, "sgd", range(5)))


@pytest.mark.parametrize("method", ["sgd", "amss", "amss+"])
def test_it_is_the_recursion_written_out(method: str) -> None:
    objective, noise, keep = CASES[1]
    estimator, replicate, stepsize = METHODS[method], 11, 0.05
    trace = run(1, method, range(replicate, replicate + 1))
    xi = noise.sample(stream(3, purpose="noise", replicate=replicate), STEPS)
    bits = words(stream(3, purpose="mask", replicate=replicate), STEPS, estimator.slots(objective.units))
    w = torch.tensor([-1.0, 1.5], dtype=torch.float64)
    energies, path = [], []
    for t in range(STEPS + 1):
        exact = objective.gradient(w)
        energies.append(float(exact[0] ** 2 + exact[1] ** 2))
        path.append(w)
        if t < STEPS:
            gradient = exact + torch.from_numpy(xi[t])
            w = w - stepsize * estimator.estimate(gradient, objective.units, (1,), torch.from_numpy(bits[t]))
    for i, t in enumerate(trace.checkpoints):
        assert float(trace.squared_gradient[0, i]) == energies[t]
        assert torch.equal(trace.iterate[0, i], path[t])
        # A running sum of t <= 24 terms >= 0, and a quotient: t + 1 roundings.
        assert float(trace.average[0, i]) == pytest.approx(sum(energies[:t]) / t, rel=2 * (t + 1) * 2.0**-53)
    assert keep == 0.5


def test_dimensions_that_do_not_fit_are_refused() -> None:
    for start, d in (([0.0], 2), ([0.0, 0.0], 3)):
        with pytest.raises(ValueError, match="must agree on d"):
            simulate(
                IsotropicQuadratic(n=2),
                Gaussian(d),
                METHODS["sgd"],
                start=start,
                stepsize=0.1,
                checkpoints=(1,),
                replicates=range(1),
            )


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("method", METHODS)
def test_a_gpu_runs_it_too(method: str) -> None:
    here, there = run(0, method, range(8)), run(0, method, range(8), device="cuda")
    # One step: random words and draws are the same, values differ by the roundings of sin and of two sums.
    assert torch.allclose(here.iterate[:, 0], there.iterate[:, 0], rtol=2.0**-40, atol=2.0**-40)
