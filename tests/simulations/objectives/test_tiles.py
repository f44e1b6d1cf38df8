"""Products with constant matrices: the right numbers, the same for a row whatever rows stand beside it."""

import numpy as np
import pytest
import torch

from simulations.objectives import tiles
from simulations.objectives.tiles import Constant, product


def numbers(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)).exp()


@pytest.mark.parametrize("d", [1, 2, 5, 16, 33])
@pytest.mark.parametrize("N", [1, 7, 64])
def test_rows_do_not_depend_on_the_batch_or_their_place_in_it(d: int, N: int) -> None:
    w, matrix = numbers(100, d), numbers(d, N, seed=1)
    whole = product(w, matrix)
    for size in (1, 3, 64, 100):
        assert torch.equal(torch.cat([product(part, matrix) for part in w.split(size)]), whole)
    order = torch.randperm(100, generator=torch.Generator().manual_seed(2))
    assert torch.equal(product(w[order], matrix), whole[order])


def test_tiles_bound_the_memory_and_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    w, matrix = numbers(100, 6), numbers(6, 5, seed=1)
    whole = product(w, matrix)
    for held in (1, 70, 3000):
        monkeypatch.setattr(tiles, "_NUMBERS", held)
        assert torch.equal(product(w, matrix), whole)


def test_it_is_the_product() -> None:
    w, matrix = numbers(4, 3, 11), numbers(11, 6, seed=1)
    expected = np.asarray(w) @ np.asarray(matrix)
    # All terms are positive: both sides round at most 11 times, relative to the result.
    assert bool((np.abs(product(w, matrix).numpy() - expected) <= 22 * 2.0**-53 * expected).all())


def test_empty_batches_and_single_points() -> None:
    matrix = numbers(3, 4)
    assert product(torch.zeros(0, 3, dtype=torch.float64), matrix).shape == (0, 4)
    assert product(torch.zeros(3, dtype=torch.float64), matrix).shape == (4,)


def test_a_constant_is_made_once_for_each_dtype() -> None:
    constant = Constant(np.eye(2))
    single, double = torch.zeros(1, dtype=torch.float32), torch.zeros(1, dtype=torch.float64)
    assert constant.like(single).dtype == torch.float32
    assert constant.like(double) is constant.like(double)


def test_a_constant_made_under_inference_mode_serves_autograd() -> None:
    constant = Constant(np.eye(2))
    with torch.inference_mode():
        constant.like(torch.zeros(1, dtype=torch.float64))
    w = torch.ones(1, 2, dtype=torch.float64, requires_grad=True)
    product(w, constant.like(w)).sum().backward()
    assert torch.equal(w.grad, torch.ones(1, 2, dtype=torch.float64))
