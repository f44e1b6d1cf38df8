"""The order of random words, by one sort of values."""

import pytest
import torch

from amss_min.designs.base import WORD
from amss_min.sorting import ascending, order


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 64, 65, 1000])
def test_words_are_ordered_by_all_bits_but_the_highest(n: int) -> None:
    words = torch.randint(WORD, (4, n), generator=torch.Generator().manual_seed(n))
    words[1] = words[1] % 2 ** (63 - (n - 1).bit_length())  # these are ordered in full
    places = order(words)
    seen = words % 2 ** (63 - (n - 1).bit_length())
    assert torch.equal(places, seen.argsort(dim=-1, stable=True))
    assert torch.equal(words[1].gather(-1, places[1]), words[1].sort().values)


def test_words_that_tie_keep_their_order() -> None:
    words = torch.tensor([[5, 2, 5, 0, 2], [0, 0, 0, 0, 0]])
    assert order(words).tolist() == [[3, 1, 4, 0, 2], [0, 1, 2, 3, 4]]


def test_values_are_sorted_and_kept() -> None:
    values = torch.tensor([[3.0, -1.0, 2.0]])
    assert ascending(values).tolist() == [[-1.0, 2.0, 3.0]]
    assert values.tolist() == [[3.0, -1.0, 2.0]]
