"""The noise has its stated mean, second moment and joint symmetry, on every one of its values."""

import pytest
import torch

from simulations.noise.one_large import OneLarge
from simulations.objectives import IsotropicQuadratic
from simulations.streams import Blocks


def all_values(noise: OneLarge) -> torch.Tensor:
    numbers = torch.arange(2 * noise.d).unsqueeze(-1)
    zero = torch.zeros(2 * noise.d, noise.d, dtype=torch.float64)
    return noise.gradient(IsotropicQuadratic(n=noise.d), zero, zero, numbers)


def test_every_value_once_with_mean_zero_and_the_stated_energy() -> None:
    noise = OneLarge(5, small=0.25)
    xi = all_values(noise)
    assert torch.equal(xi.sum(0), torch.zeros(5, dtype=torch.float64))
    assert xi.square().sum(1).tolist() == [noise.sigma2] * 10 == [1.25] * 10
    rows = {tuple(row) for row in xi.tolist()}
    assert len(rows) == 10 and {tuple(-x for x in row) for row in rows} == rows


def test_numbers_cover_all_values_and_keep_their_block() -> None:
    noise = OneLarge(3)
    blocks = Blocks(range(256), 256)
    (stream,) = blocks.streams(0, {}, torch.device("cpu"), torch.float64, purpose="noise")
    numbers = noise.numbers(stream, 4, 256)
    assert numbers.shape == (4, 256, noise.width)
    assert set(numbers.flatten().tolist()) == set(range(6))


@pytest.mark.parametrize(("d", "small"), [(0, 0.1), (3, 1.0), (3, -0.1)])
def test_it_refuses_other_parameters(d: int, small: float) -> None:
    with pytest.raises(ValueError, match="noise needs a coordinate"):
        OneLarge(d, small)
