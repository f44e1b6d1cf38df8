"""The ordered sum is a sum, in an order that the batch does not change."""

import math

import torch
from hypothesis import given
from hypothesis import strategies as st

from simulations.objectives import ordered_sum


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20))
def test_it_is_the_sum(values: list[float]) -> None:
    found = float(ordered_sum(torch.tensor(values, dtype=torch.float64)))
    # At most log2(20) + 4 < 10 additions lie on a path, each off by 2^-53 of the total size.
    assert abs(found - math.fsum(values)) <= 10 * 2.0**-53 * math.fsum(map(abs, values))


@given(st.integers(1, 33))
def test_rows_do_not_depend_on_the_batch(n: int) -> None:
    rows = torch.randn(64, n, dtype=torch.float64, generator=torch.Generator().manual_seed(n)).exp()
    whole = ordered_sum(rows)
    for size in (1, 3, 8):
        assert torch.equal(torch.cat([ordered_sum(part) for part in rows.split(size)]), whole)


def test_the_argument_is_left_as_it_is() -> None:
    rows = torch.arange(15, dtype=torch.float64).reshape(3, 5)
    ordered_sum(rows)
    assert torch.equal(rows, torch.arange(15, dtype=torch.float64).reshape(3, 5))
