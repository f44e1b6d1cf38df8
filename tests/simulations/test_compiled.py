"""The compiled kernel draws normal numbers and descends as the closed form says."""

import numpy as np
import pytest
import torch
from scipy import stats

from simulations import compiled
from theory import oracles
from theory.inference import t_interval

pytestmark = pytest.mark.skipif(not compiled.available(), reason="needs a C compiler")
ALPHA = 1e-10


def test_its_noise_is_standard_normal() -> None:
    # One step of size 1 from 0 with everything kept ends at minus the noise.
    w, _ = compiled.descend(
        replicates=1000, d=200, k=200, steps=1, stepsize=1.0, seed=1, start=0.0, dtype=torch.float64
    )
    noise = w.ravel().numpy()
    assert stats.kstest(noise, stats.norm.cdf).pvalue > ALPHA
    tail = int((np.abs(noise) > 3.5).sum())  # beyond the ziggurat's base
    assert stats.binomtest(tail, len(noise), 2 * stats.norm.sf(3.5)).pvalue > ALPHA
    assert abs(np.corrcoef(noise[:-1], noise[1:])[0, 1]) < 6.5 / np.sqrt(len(noise))  # 6.5 standard errors: 1e-10


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_its_averages_are_those_of_the_closed_form(dtype: torch.dtype) -> None:
    d, k, steps, stepsize = 12, 3, 64, 0.05
    _, average = compiled.descend(
        replicates=8192, d=d, k=k, steps=steps, stepsize=stepsize, seed=2, start=0.5, dtype=dtype
    )
    constants = {"start": d * 0.25, "L": 1.0, "stepsize": stepsize, "factor": d / k, "sigma2": float(d)}
    expected = float(oracles.average_energy(np.array([float(steps)]), **constants)[0])
    found = t_interval(average.numpy(), ALPHA)
    # In float32 every step rounds w and g: a relative 2^-20 at the most here, far below the interval.
    assert abs(found.mean - expected) <= found.half + 2.0**-20 * expected


def test_it_leaves_the_arithmetic_of_the_process_alone() -> None:
    compiled.descend(replicates=1, d=1, k=1, steps=1, stepsize=0.1, seed=0, start=1.0, dtype=torch.float32)
    small = 2.0**-1060
    assert small * 0.5 == 2.0**-1061  # a subnormal number, which some compiler options turn to 0 for good
    assert float(torch.tensor([small], dtype=torch.float64) * 0.5) == 2.0**-1061


def test_replicates_have_streams_of_their_own_and_seeds_repeat() -> None:
    def run(seed: int) -> torch.Tensor:
        return compiled.descend(
            replicates=50, d=4, k=2, steps=3, stepsize=0.1, seed=seed, start=1.0, dtype=torch.float64
        )[0]

    assert torch.equal(run(1), run(1)) and not torch.equal(run(1), run(2))
    assert len({tuple(row) for row in run(1).tolist()}) == 50
