"""Seeds are hashes of named axes; streams cut into chunks are the same streams."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.seeding import seed, stream, words

AXES = st.dictionaries(st.text(max_size=4), st.integers() | st.text(max_size=4), max_size=3)


@given(st.integers(), AXES)
def test_a_seed_has_63_bits_and_depends_on_names_not_order(root: int, axes: dict[str, int | str]) -> None:
    found = seed(root, **axes)
    assert 0 <= found < 2**63
    assert found == seed(root, **dict(reversed(axes.items())))


@given(st.integers(), AXES, AXES)
def test_different_axes_get_different_seeds(root: int, one: dict[str, int | str], other: dict[str, int | str]) -> None:
    # Two of the few thousand pairs drawn here collide with probability below 1e-15.
    assert (seed(root, **one) == seed(root, **other)) == (one == other)


def test_a_seed_is_the_same_for_ever() -> None:
    assert seed(0, experiment="a", purpose="noise", replicate=3) == 7304560474567662196


def test_a_float_is_refused() -> None:
    with pytest.raises(TypeError, match=r"integer or text, found stepsize=0\.1"):
        seed(0, stepsize=0.1)  # type: ignore[arg-type]


def test_purposes_and_replicates_have_streams_of_their_own() -> None:
    points = product(("noise", "mask"), range(20))
    first = {float(stream(7, purpose=purpose, replicate=r).random()) for purpose, r in points}
    assert len(first) == 40  # 53-bit numbers: a coincidence has probability below 1e-12


@given(st.lists(st.integers(1, 7), min_size=1, max_size=5))
def test_words_in_chunks_are_the_same_words(lengths: list[int]) -> None:
    whole, cut = stream(1, purpose="mask"), stream(1, purpose="mask")
    parts = np.concatenate([words(cut, length, 3) for length in lengths])
    assert np.array_equal(parts, words(whole, sum(lengths), 3))


def test_words_have_62_bits() -> None:
    drawn = words(stream(2), 4096)
    assert drawn.dtype == np.int64
    assert drawn.min() >= 0
    assert drawn.max() < 2**62
    # Each bit is 1 in about half of them: |count - 2048| <= 32 * 6.5 misses with probability below 2 exp(-42) a bit.
    for bit in range(62):
        assert abs(int(((drawn >> bit) & 1).sum()) - 2048) <= 208
